"""Writes the networks' files that are missing in a folder: checkpoints, graphs, images with their logits.

    files.py DIR        in the peers' virtual environment

`.dynamo.onnx` is PyTorch's export; `.native.onnx` is written by hand, with ONNX's own LRN where the exporter spells it out;
`.int8.onnx` is that with 8-bit fully connected weights, by ONNX Runtime's quantiser."""
import contextlib
import io
import os
import pathlib
import sys

import onnx
import torch
from networks import build
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import nn

SIZES = {"tv": 224, "paper": 227}


def main():
    folder = pathlib.Path(sys.argv[1])
    for part in ("models", "io"):
        (folder / part).mkdir(exist_ok=True)
    for name, size in SIZES.items():
        models = folder / "models"
        make(models / f"{name}.pth", lambda path: torch.save(build(name).state_dict(), path))
        make(models / f"{name}.legacy.pth", lambda path: torch.save(build(name).state_dict(), path, _use_new_zipfile_serialization=False))
        make(models / f"{name}.dynamo.onnx", lambda path: exported(name, size, path))
        make(models / f"{name}.native.onnx", lambda path: onnx.save(by_hand(name, size), path))
        make(models / f"{name}.int8.onnx", lambda path: quantised(models / f"{name}.native.onnx", path))
        make(folder / "io" / f"{name}_b32_in.bin", lambda path: images(size).numpy().tofile(path))
        make(folder / "io" / f"{name}_b32_out.bin", lambda path: build(name)(images(size)).numpy().tofile(path))


def make(path, write):
    """Whole or not at all: a file that is there is a file that is right."""
    if path.exists():
        return
    print(f"writing {path}", flush=True)
    unfinished = path.with_name("unfinished-" + path.name)
    write(unfinished)
    os.replace(unfinished, path)


def images(size):
    return torch.randn(32, 3, size, size, generator=torch.Generator().manual_seed(32))


def exported(name, size, path):
    batch = torch.export.Dim("batch", min=1, max=1024)
    with contextlib.redirect_stdout(io.StringIO()):
        torch.onnx.export(
            build(name), (images(size)[:2],), path, dynamo=True, input_names=["input"], output_names=["output"],
            dynamic_shapes=({0: batch},), external_data=False, verbose=False,
        )  # fmt: skip


def quantised(native, path):
    quantize_dynamic(native, path, op_types_to_quantize=["Gemm", "MatMul"], per_channel=True, weight_type=QuantType.QInt8)


def by_hand(name, size):
    """The graph that a person would write: one node for each layer."""
    network = build(name)
    nodes = []
    value = "input"

    def add(operator, *parameters, **attributes):
        nonlocal value
        output = f"value{len(nodes)}"
        nodes.append(helper.make_node(operator, [value, *parameters], [output], **attributes))
        value = output

    for path, layer in network.named_modules():
        parameters = [f"{path}.weight", f"{path}.bias"]
        match layer:
            case nn.Conv2d():
                pads = list(layer.padding) * 2
                add("Conv", *parameters, kernel_shape=list(layer.kernel_size), strides=list(layer.stride), pads=pads, group=layer.groups)
            case nn.ReLU():
                add("Relu")
            case nn.LocalResponseNorm():
                add("LRN", size=layer.size, alpha=layer.alpha, beta=layer.beta, bias=float(layer.k))
            case nn.MaxPool2d():
                add("MaxPool", kernel_shape=[3, 3], strides=[2, 2])
            case nn.Linear():
                if all(node.op_type != "Flatten" for node in nodes):
                    add("Flatten", axis=1)
                add("Gemm", *parameters, transB=1)
    nodes[-1].output[0] = "output"
    weights = [numpy_helper.from_array(tensor.numpy(), path) for path, tensor in network.state_dict().items()]
    graph = helper.make_graph(
        nodes, name,
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", 3, size, size])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["N", 1000])],
        weights,
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model


if __name__ == "__main__":
    main()
