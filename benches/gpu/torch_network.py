"""A network as a PyTorch module, from the description that bench-gpu prints."""
import torch
from torch import nn


class GroupedNorm(nn.Module):
    """Local response normalisation within groups of channels."""

    def __init__(self, layer):
        super().__init__()
        self.groups = layer["groups"]
        self.norm = nn.LocalResponseNorm(layer["size"], layer["alpha"], layer["beta"], layer["k"])

    def forward(self, x):
        n, c, h, w = x.shape
        if self.groups == 1:
            return self.norm(x)
        return self.norm(x.reshape(n * self.groups, c // self.groups, h, w)).reshape(n, c, h, w)


def sides(pads):
    top, left, bottom, right = pads
    return left, right, top, bottom


def build(description):
    """The module in evaluation, with weights from a seed, in f32 on the CPU."""
    torch.manual_seed(1)
    network = description["network"]
    size = network["input"]
    x = torch.zeros(1, size["channels"], size["height"], size["width"])
    modules = []
    for layer in network["layers"]:
        pads = layer.get("pads", [0] * 4)
        match layer["op"]:
            case "Conv2d":
                even = pads[0] == pads[2] and pads[1] == pads[3]
                made = [] if even else [nn.ZeroPad2d(sides(pads))]
                made.append(nn.Conv2d(x.shape[1], layer["out"], layer["kernel"], layer["stride"],
                                      pads[:2] if even else 0, groups=layer["groups"]))
            case "Relu":
                made = [nn.ReLU(inplace=True)]
            case "LocalResponseNorm":
                made = [GroupedNorm(layer)]
            case "MaxPool2d":
                if any(pads):
                    raise ValueError("no padded pool is measured")
                made = [nn.MaxPool2d(layer["kernel"], layer["stride"], ceil_mode=layer.get("rounding") == "ceil")]
            case "AdaptiveAvgPool2d":
                made = [nn.AdaptiveAvgPool2d(layer["output"])]
            case "Flatten":
                made = [nn.Flatten()]
            case "Linear":
                made = [nn.Linear(x.shape[1], layer["out"])]
            case "Dropout" | "Softmax":
                made = []
            case other:
                raise ValueError(f"no layer {other}")
        for module in made:
            x = module(x)
        modules += made
    return nn.Sequential(*modules).eval(), (size["channels"], size["height"], size["width"])
