#!/usr/bin/env python3
"""Makes `odd.json`, a network in which every layer has the constants that published networks don't, its weights and
PyTorch's answers (`odd.safetensors`). PyTorch 2.15; the two norms, whose even windows PyTorch lacks, are NumPy's.

    python make.py
"""

import json
import pathlib

import numpy
import safetensors.numpy
import torch

HERE = pathlib.Path(__file__).parent
torch.manual_seed(1957)
torch.set_num_threads(1)

LAYERS = [
    dict(name="conv1", op="Conv2d", out=8, kernel=[5, 3], stride=[2, 1], pads=[1, 0, 2, 3], groups=1),
    dict(name="norm1", op="LocalResponseNorm", size=4, alpha=0.9, beta=0.6, k=1.5, groups=2),
    dict(name="pool1", op="MaxPool2d", kernel=[3, 4], stride=[2, 3], pads=[1, 0, 0, 1], rounding="ceil"),
    dict(name="cnorm1", op="SpatialResponseNorm", size=4, alpha=0.8, beta=0.75, k=1.0),
    dict(name="bn1", op="BatchNorm2d", eps=0.01),
    dict(name="relu1", op="Relu"),
    dict(name="avgpool", op="AdaptiveAvgPool2d", output=[3, 5]),
    dict(name="conv2", op="Conv2d", out=4, kernel=[2, 2], groups=4),
    dict(name="global", op="AdaptiveAvgPool2d", output=[1, 2]),
    dict(name="flatten", op="Flatten"),
    dict(name="fc1", op="Linear", out=7),
    dict(name="bn2", op="BatchNorm2d", eps=0.002),
    dict(name="drop1", op="Dropout", p=0.25),
]
NETWORK = dict(
    name="odd",
    input=dict(channels=3, height=29, width=23),
    preprocessing=dict(channel_order="rgb", range="0..1", mean={"per-channel": [0.5] * 3}, std=[0.25] * 3,
                       resize={"short-side": dict(size=32, interpolation="bilinear")}),
    layers=LAYERS,
)


def window_sums(squares, axis, before, after):
    """Sums over `before` positions before each and `after` behind it; outside is zero."""
    padding = [(0, 0)] * squares.ndim
    padding[axis] = (before, after)
    padded = numpy.pad(squares, padding)
    size = squares.shape[axis]
    return sum(padded.take(range(i, i + size), axis=axis) for i in range(before + after + 1))


def local_response_norm(x, size, alpha, beta, k, groups):
    """ONNX's window: (size - 1) // 2 channels before and size // 2 behind, within the group."""
    out = []
    for part in numpy.split(x.astype(numpy.float64), groups, axis=1):
        sums = window_sums(part**2, 1, (size - 1) // 2, size // 2)
        out.append(part / (k + alpha / size * sums) ** beta)
    return numpy.concatenate(out, axis=1)


def spatial_response_norm(x, size, alpha, beta, k):
    """cuda-convnet's window: it starts size // 2 pixels before its own."""
    x = x.astype(numpy.float64)
    sums = window_sums(window_sums(x**2, 2, size // 2, (size - 1) // 2), 3, size // 2, (size - 1) // 2)
    return x / (k + alpha / size**2 * sums) ** beta


weights = {
    "conv1.weight": torch.randn(8, 3, 5, 3) * 0.3, "conv1.bias": torch.randn(8),
    "bn1.weight": torch.rand(8) + 0.5, "bn1.bias": torch.randn(8),
    "bn1.running_mean": torch.randn(8) * 0.1, "bn1.running_var": torch.rand(8) + 0.5,
    "conv2.weight": torch.randn(4, 2, 2, 2), "conv2.bias": torch.randn(4),
    "fc1.weight": torch.randn(7, 8), "fc1.bias": torch.randn(7),
    "bn2.weight": torch.rand(7) + 0.5, "bn2.bias": torch.randn(7),
    "bn2.running_mean": torch.randn(7), "bn2.running_var": torch.rand(7) + 0.5,
}
w = weights
x = torch.randn(2, 3, 29, 23)
values = {"input": x}


def step(name, value):
    values[name] = value if isinstance(value, torch.Tensor) else torch.from_numpy(value.astype(numpy.float32))
    return values[name]


F = torch.nn.functional
x = step("conv1", F.conv2d(F.pad(x, (0, 3, 1, 2)), w["conv1.weight"], w["conv1.bias"], stride=(2, 1)))
x = step("norm1", local_response_norm(x.numpy(), 4, 0.9, 0.6, 1.5, 2))
# [1, 0, 0, 1] around 14x24: rows 15 -> ceil((15 - 3) / 2) + 1 = 7, columns 25 -> ceil((25 - 4) / 3) + 1 = 8.
assert x.shape[2:] == (14, 24), x.shape
x = step("pool1", F.max_pool2d(F.pad(x, (0, 1, 1, 0), value=-numpy.inf), (3, 4), (2, 3), ceil_mode=True))
x = step("cnorm1", spatial_response_norm(x.numpy(), 4, 0.8, 0.75, 1.0))
x = step("bn1", F.batch_norm(x, w["bn1.running_mean"], w["bn1.running_var"], w["bn1.weight"], w["bn1.bias"], eps=0.01))
x = step("relu1", F.relu(x))
x = step("avgpool", F.adaptive_avg_pool2d(x, (3, 5)))
x = step("conv2", F.conv2d(x, w["conv2.weight"], w["conv2.bias"], groups=4))
x = step("global", F.adaptive_avg_pool2d(x, (1, 2)))
x = step("flatten", x.flatten(1))
x = step("fc1", F.linear(x, w["fc1.weight"], w["fc1.bias"]))
x = step("bn2", F.batch_norm(x, w["bn2.running_mean"], w["bn2.running_var"], w["bn2.weight"], w["bn2.bias"], eps=0.002))
step("drop1", x)

(HERE / "odd.json").write_text(json.dumps(NETWORK, indent=1) + "\n")
tensors = {f"weights/{k}": v for k, v in weights.items()} | {f"values/{k}": v for k, v in values.items()}
safetensors.numpy.save_file({k: numpy.ascontiguousarray(v.numpy()) for k, v in sorted(tensors.items())}, HERE / "odd.safetensors")
