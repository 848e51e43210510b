"""The two networks in PyTorch, with random weights that are the same everywhere."""
import torch
import torchvision
from torch import nn


class Paper(nn.Module):
    """Two groups, and response normalisation between ReLU and pool, as the Caffe release has it."""

    def __init__(self):
        super().__init__()

        def norm():
            return nn.LocalResponseNorm(5, 1e-4, 0.75, 1.0)

        self.features = nn.Sequential(
            nn.Conv2d(3, 96, 11, 4), nn.ReLU(), norm(), nn.MaxPool2d(3, 2),
            nn.Conv2d(96, 256, 5, padding=2, groups=2), nn.ReLU(), norm(), nn.MaxPool2d(3, 2),
            nn.Conv2d(256, 384, 3, padding=1), nn.ReLU(),
            nn.Conv2d(384, 384, 3, padding=1, groups=2), nn.ReLU(),
            nn.Conv2d(384, 256, 3, padding=1, groups=2), nn.ReLU(), nn.MaxPool2d(3, 2),
        )  # fmt: skip
        self.classifier = nn.Sequential(
            nn.Linear(9216, 4096), nn.ReLU(), nn.Dropout(),
            nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout(),
            nn.Linear(4096, 1000),
        )  # fmt: skip

    def forward(self, x):
        return self.classifier(torch.flatten(self.features(x), 1))


def build(name):
    torch.manual_seed(0)
    return evaluated(name)


def skeleton(name):
    """Without weights, for those of a checkpoint."""
    with torch.device("meta"):
        return evaluated(name)


def evaluated(name):
    network = torchvision.models.alexnet(weights=None) if name == "tv" else Paper()
    return network.eval().requires_grad_(False)
