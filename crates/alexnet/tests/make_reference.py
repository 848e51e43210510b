"""Writes reference/layers.safetensors: layers with inputs, outputs and gradients, as PyTorch and ONNX compute them.

    pip install torch onnx onnxruntime safetensors numpy
    python make_reference.py

Every case is a layer in the JSON of `alexnet-spec`, with tensors `<case>.x`, `<case>.y`, and where a gradient was taken
`<case>.dy`, `<case>.dx`; parameters are `<case>.weight` and so on, their gradients `<case>.dweight`. All are float64, with
values of x, dy and the parameters that f32 holds exactly. The header's `cases` lists name, judge and layer.
"""

import json
import pathlib

import numpy as np
import onnx
import onnxruntime
import torch
import torch.nn.functional as F
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator
from safetensors.numpy import save_file

torch.set_num_threads(1)
random = np.random.default_rng(2012)
tensors, cases = {}, []


def normal(*shape, scale=1.0):
    """Normal values that f32 holds exactly."""
    return (random.standard_normal(shape) * scale).astype(np.float32).astype(np.float64)


def put(name, value):
    tensors[name] = np.ascontiguousarray(value, dtype=np.float64)


def torch_case(name, layer, x, compute, **parameters):
    """A case whose output and gradients are PyTorch's, in float64."""
    x = torch.tensor(x, requires_grad=True)
    parameters = {key: torch.tensor(value, requires_grad=not key.startswith("running")) for key, value in parameters.items()}
    y = compute(x, **parameters)
    dy = torch.tensor(normal(*y.shape))
    y.backward(dy)
    put(f"{name}.x", x.detach())
    put(f"{name}.y", y.detach())
    put(f"{name}.dy", dy)
    put(f"{name}.dx", x.grad)
    for key, value in parameters.items():
        put(f"{name}.{key}", value.detach())
        if value.grad is not None:
            put(f"{name}.d{key}", value.grad)
    cases.append({"name": name, "judge": f"torch {torch.__version__}", "layer": layer})


def onnx_case(name, layer, x, judge, op, **attributes):
    """A case whose output is ONNX's: the reference evaluator's (float64) or ONNX Runtime's (float32)."""
    kind = {"reference": TensorProto.DOUBLE, "runtime": TensorProto.FLOAT}[judge]
    graph = helper.make_graph(
        [helper.make_node(op, ["x"], ["y"], **attributes)],
        name,
        [helper.make_tensor_value_info("x", kind, x.shape)],
        [helper.make_tensor_value_info("y", kind, None)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    if judge == "reference":
        (y,) = ReferenceEvaluator(model).run(None, {"x": x})
        label = f"onnx {onnx.__version__}"
    else:
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        (y,) = session.run(None, {"x": x.astype(np.float32)})
        label = f"onnxruntime {onnxruntime.__version__}"
    put(f"{name}.x", x)
    put(f"{name}.y", y)
    cases.append({"name": name, "judge": label, "layer": layer})


def local_response_norm(x, size, alpha, beta, k, groups):
    """Per group. PyTorch's even windows lie one channel lower than ONNX's: the channels are turned round for them."""
    parts = []
    for part in x.chunk(groups, dim=1):
        turn = (lambda t: t.flip(1)) if size % 2 == 0 else (lambda t: t)
        parts.append(turn(F.local_response_norm(turn(part), size, alpha, beta, k)))
    return torch.cat(parts, dim=1)


def spatial_response_norm(x, size, alpha, beta, k):
    """Windows start size // 2 before their pixel; the average pool divides by size squared, padding included."""
    n, c, h, w = x.shape
    mean = F.avg_pool2d(x * x, size, stride=1, padding=size // 2, count_include_pad=True)[:, :, :h, :w]
    return x / (k + alpha * mean) ** beta


def max_pool(x, kernel, stride, pads, rounding):
    top, left, bottom, right = pads
    if top == bottom and left == right and 2 * top <= kernel[0] and 2 * left <= kernel[1]:
        return F.max_pool2d(x, kernel, stride, (top, left), ceil_mode=rounding == "ceil")
    assert rounding == "floor", "PyTorch has no rounded-up pool with uneven padding"
    return F.max_pool2d(F.pad(x, (left, right, top, bottom), value=float("-inf")), kernel, stride)


# Norm across channels: odd and even windows, one channel, wider than the channels, groups, other powers.
for index, (channels, size, alpha, beta, k, groups) in enumerate([
    (8, 5, 1e-4, 0.75, 1.0, 1),
    (8, 5, 5e-4, 0.75, 2.0, 2),
    (12, 3, 2.0, 0.75, 1.0, 3),
    (8, 4, 2.0, 0.75, 1.0, 1),
    (8, 2, 3.0, 0.5, 1.5, 2),
    (6, 1, 2.0, 0.75, 1.0, 1),
    (4, 11, 4.0, 0.75, 1.0, 1),
    (6, 10, 4.0, 0.9, 2.0, 2),
    (5, 9, 4.0, 1.0, 1.0, 1),
    (7, 5, 1.0, -0.5, 1.0, 1),
]):
    layer = {"op": "LocalResponseNorm", "size": size, "alpha": alpha, "beta": beta, "k": k, "groups": groups}
    constants = {key: value for key, value in layer.items() if key != "op"}
    x = normal(2, channels, 3, 5, scale=2.0)
    torch_case(f"norm{index}", layer, x, lambda x: local_response_norm(x, **constants))
    if groups == 1:
        # onnx's evaluator takes the batch's size for the number of channels: they have to be equal.
        x = normal(channels, channels, 2, 1, scale=2.0)
        attributes = dict(size=size, alpha=alpha, beta=beta, bias=k)
        onnx_case(f"norm{index}-onnx", layer, x, "reference", "LRN", **attributes)
        if size % 2 == 1 and beta > 0:  # all that ONNX Runtime takes
            onnx_case(f"norm{index}-ort", layer, x, "runtime", "LRN", **attributes)

# Norm within a map.
for index, (height, width, size, alpha, beta, k) in enumerate([
    (7, 9, 5, 1e-3, 0.75, 1.0),
    (6, 5, 3, 2.0, 0.75, 1.0),
    (6, 5, 4, 2.0, 0.75, 1.0),
    (5, 6, 2, 2.0, 0.5, 2.0),
    (4, 3, 9, 9.0, 0.75, 1.0),
    (4, 3, 8, 9.0, 1.0, 1.0),
    (3, 3, 1, 2.0, 0.75, 1.0),
]):
    layer = {"op": "SpatialResponseNorm", "size": size, "alpha": alpha, "beta": beta, "k": k}
    x = normal(2, 3, height, width, scale=2.0)
    torch_case(f"spatial{index}", layer, x, lambda x: spatial_response_norm(x, size, alpha, beta, k))

# Pools: overlapping, rounded up with and without a partial window, padding on each side alone, even windows.
for index, (height, width, kernel, stride, pads, rounding) in enumerate([
    (13, 13, (3, 3), (2, 2), (0, 0, 0, 0), "floor"),
    (13, 13, (3, 3), (2, 2), (0, 0, 0, 0), "ceil"),
    (12, 14, (3, 3), (2, 2), (0, 0, 0, 0), "ceil"),
    (12, 14, (3, 3), (2, 2), (0, 0, 0, 0), "floor"),
    (8, 9, (3, 3), (2, 2), (1, 1, 1, 1), "ceil"),
    (8, 9, (2, 4), (2, 3), (1, 2, 1, 2), "floor"),
    (8, 9, (2, 4), (2, 3), (1, 2, 1, 2), "ceil"),
    (7, 7, (2, 2), (2, 2), (0, 0, 0, 0), "ceil"),
    (7, 8, (3, 3), (2, 2), (1, 0, 0, 0), "floor"),
    (7, 8, (3, 3), (2, 2), (0, 1, 0, 0), "floor"),
    (7, 8, (3, 3), (2, 2), (0, 0, 1, 0), "floor"),
    (7, 8, (3, 3), (2, 2), (0, 0, 0, 1), "floor"),
    (7, 8, (4, 4), (3, 3), (0, 0, 3, 2), "floor"),
    (6, 5, (1, 3), (4, 1), (0, 0, 0, 0), "ceil"),
    (5, 5, (2, 2), (3, 3), (1, 1, 1, 1), "ceil"),
]):
    layer = {"op": "MaxPool2d", "kernel": kernel, "stride": stride, "pads": pads, "rounding": rounding}
    x = normal(2, 3, height, width)
    torch_case(f"pool{index}", layer, x, lambda x: max_pool(x, kernel, stride, pads, rounding))
    attributes = dict(kernel_shape=kernel, strides=stride, pads=pads, ceil_mode=int(rounding == "ceil"))
    onnx_case(f"pool{index}-ort", layer, x, "runtime", "MaxPool", **attributes)

# Rounded-up pools with uneven padding: ONNX Runtime alone.
for index, (height, width, kernel, stride, pads) in enumerate([
    (8, 9, (3, 3), (2, 2), (0, 0, 1, 1)),
    (8, 9, (3, 3), (2, 2), (1, 0, 0, 1)),
    (9, 8, (3, 2), (3, 3), (2, 1, 0, 0)),
]):
    layer = {"op": "MaxPool2d", "kernel": kernel, "stride": stride, "pads": pads, "rounding": "ceil"}
    attributes = dict(kernel_shape=kernel, strides=stride, pads=pads, ceil_mode=1)
    onnx_case(f"uneven{index}-ort", layer, normal(1, 2, height, width), "runtime", "MaxPool", **attributes)

# Equal values: the gradient goes to the first.
x = np.round(normal(1, 2, 7, 7))
layer = {"op": "MaxPool2d", "kernel": [3, 3], "stride": [2, 2], "pads": [0, 0, 0, 0], "rounding": "floor"}
torch_case("pool-ties", layer, x, lambda x: F.max_pool2d(x, 3, 2))

for index, (height, width, output) in enumerate([
    (6, 6, (6, 6)), (5, 5, (6, 6)), (13, 13, (6, 6)), (7, 12, (6, 5)), (1, 3, (6, 2)), (4, 4, (1, 1)),
]):
    layer = {"op": "AdaptiveAvgPool2d", "output": output}
    torch_case(f"average{index}", layer, normal(2, 3, height, width), lambda x: F.adaptive_avg_pool2d(x, output))

# Convolutions: even padding, padding on each side alone, cuda-convnet's rounded-up conv1, groups, unequal strides and
# kernels, sizes whose rest beyond the last window differs between rows and columns.
for index, (channels, out, height, width, kernel, stride, pads, groups) in enumerate([
    (3, 4, 15, 15, (11, 11), (4, 4), (2, 2, 2, 2), 1),
    (3, 4, 16, 16, (11, 11), (4, 4), (0, 0, 3, 3), 1),
    (4, 6, 7, 7, (5, 5), (1, 1), (2, 2, 2, 2), 2),
    (4, 6, 7, 9, (3, 3), (1, 1), (1, 0, 0, 0), 1),
    (4, 6, 7, 9, (3, 3), (1, 1), (0, 1, 0, 0), 2),
    (4, 6, 7, 9, (3, 3), (2, 2), (0, 0, 1, 0), 1),
    (4, 6, 7, 9, (3, 3), (2, 2), (0, 0, 0, 1), 2),
    (2, 2, 9, 10, (3, 2), (2, 2), (0, 0, 0, 0), 1),
    (2, 2, 9, 11, (3, 2), (2, 3), (1, 1, 1, 1), 1),
    (2, 2, 9, 11, (1, 5), (4, 2), (0, 2, 0, 2), 2),
    (2, 3, 6, 6, (1, 1), (1, 1), (0, 0, 0, 0), 1),
]):
    layer = {"op": "Conv2d", "out": out, "kernel": kernel, "stride": stride, "pads": pads, "groups": groups}
    top, left, bottom, right = pads
    torch_case(
        f"conv{index}",
        layer,
        normal(2, channels, height, width),
        lambda x, weight, bias: F.conv2d(F.pad(x, (left, right, top, bottom)), weight, bias, stride, groups=groups),
        weight=normal(out, channels // groups, *kernel),
        bias=normal(out),
    )

torch_case(
    "batch-norm",
    {"op": "BatchNorm2d", "eps": 1e-5},
    normal(2, 5, 3, 4),
    lambda x, weight, bias, running_mean, running_var: F.batch_norm(x, running_mean, running_var, weight, bias, eps=1e-5),
    weight=normal(5),
    bias=normal(5),
    running_mean=normal(5),
    running_var=np.abs(normal(5)) + [0.5, 1e-3, 1e-6, 2.0, 1.0],
)
torch_case("linear", {"op": "Linear", "out": 4}, normal(3, 7), F.linear, weight=normal(4, 7), bias=normal(4))
torch_case("relu", {"op": "Relu"}, normal(2, 3, 4, 5), F.relu)
torch_case("flatten", {"op": "Flatten"}, normal(2, 3, 4, 5), lambda x: torch.flatten(x, 1))
torch_case("softmax", {"op": "Softmax"}, normal(2, 9, scale=3.0), lambda x: torch.softmax(x, 1))
torch_case(
    "batch-norm-vector",
    {"op": "BatchNorm2d", "eps": 1e-3},
    normal(3, 5),
    lambda x, weight, bias, running_mean, running_var: torch.func.functional_call(
        torch.nn.BatchNorm1d(5, eps=1e-3).eval(),
        {"weight": weight, "bias": bias, "running_mean": running_mean, "running_var": running_var},
        (x,),
    ),
    weight=normal(5),
    bias=normal(5),
    running_mean=normal(5),
    running_var=np.abs(normal(5)) + [0.5, 1e-3, 1e-6, 2.0, 1.0],
)

save_file(
    tensors,
    pathlib.Path(__file__).parent / "reference" / "layers.safetensors",
    metadata={"cases": json.dumps(cases)},
)
print(len(cases), "cases")
