#!/usr/bin/env python3
"""Cuts graphs apart with onnx.utils.extract_model, and asks ONNX Runtime what the parts compute.

    python make.py

Writes `goldens.safetensors`: for each part its inputs and output, as ONNX Runtime has them, and in the header which model,
which values, and the nodes (by their first outputs) that `extract_model` keeps. Made with onnx 1.23.0 and onnxruntime 1.32.0.
"""

import json
import pathlib
import tempfile

import numpy
import onnx
import onnxruntime
import safetensors.numpy

HERE = pathlib.Path(__file__).parent
FIXTURES = HERE.parents[3] / "fixtures"
FOREIGN = "crates/alexnet-onnx/tests/foreign"
# The model, the values that the part is fed, the value that it gives.
CUTS = [
    (f"{FOREIGN}/torchvision-dynamo-18.onnx", ["relu"], "max_pool2d"),
    (f"{FOREIGN}/torchvision-dynamo-18.onnx", ["max_pool2d_2"], "linear"),
    (f"{FOREIGN}/torchvision-torchscript-13-dynamic.onnx", ["x"], "/features/features.2/MaxPool_output_0"),
    # A response norm with a branch and shapes that are computed, all of the part itself.
    (f"{FOREIGN}/caffe-torchscript-11-dynamic.onnx", ["/Relu_output_0"], "/norm/Div_output_0"),
    (f"{FOREIGN}/caffe-torchscript-17-fixed.onnx", ["/pool/MaxPool_output_0"], "/fc/Gemm_output_0"),
    (f"{FOREIGN}/caffe-dynamo-20.onnx", ["relu"], "div"),
    # Two values at once.
    (f"{FOREIGN}/caffe-dynamo-20.onnx", ["pow_1", "relu"], "max_pool2d"),
    # Initializers among the inputs.
    (f"{FOREIGN}/zoo-7.onnx", ["pool1_1"], "fc6_2"),
    # External data.
    ("fixtures/onnx/torchvision-external.onnx", ["relu_4"], "linear"),
    # Integers: weights that are dequantised in the graph.
    ("fixtures/onnx/int8-weights.onnx", ["relu1"], "conv2"),
    # Towers that part and meet again.
    ("fixtures/onnx/towers-split.onnx", ["pool1"], "relu2"),
]


def run(model, feeds, wanted):
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    return dict(zip(wanted, session.run(wanted, feeds)))


def images(value):
    """A batch of one for a graph's input."""
    dims = [d.dim_value or 1 for d in value.type.tensor_type.shape.dim]
    return numpy.random.default_rng(2012).normal(size=dims).astype(numpy.float32)


def main():
    tensors, header = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for number, (path, inputs, output) in enumerate(CUTS):
            model = onnx.shape_inference.infer_shapes(onnx.load(HERE.parents[3] / path))
            held = {tensor.name for tensor in model.graph.initializer}
            (given,) = [value for value in model.graph.input if value.name not in held]
            # Before IR version 4, initializers that are inputs too would stay inputs of the part.
            kept = [value for value in model.graph.input if value.name not in held]
            del model.graph.input[:]
            model.graph.input.extend(kept)
            model.ir_version = max(model.ir_version, 4)
            onnx.save(model, folder / "whole.onnx")
            extracted = folder / "part.onnx"
            onnx.utils.extract_model(folder / "whole.onnx", extracted, inputs, [output], check_model=False)

            taps = [name for name in [*inputs, output] if name != given.name]
            known = {value.name: value for value in model.graph.value_info}
            stated = {value.name for value in model.graph.output}
            model.graph.output.extend(known[name] for name in taps if name not in stated)
            onnx.save(model, folder / "tapped.onnx")
            x = images(given)
            whole = {given.name: x, **run(folder / "tapped.onnx", {given.name: x}, taps)}
            feeds = {name: whole[name] for name in inputs}
            (answer,) = run(extracted, feeds, [output]).values()
            numpy.testing.assert_allclose(answer, whole[output], rtol=1e-6, atol=1e-6)
            for at, name in enumerate(inputs):
                tensors[f"{number}.in{at}"] = feeds[name]
            tensors[f"{number}.out"] = answer
            nodes = [node.output[0] for node in onnx.load(extracted).graph.node]
            header[str(number)] = json.dumps([path, output, *inputs]), nodes
    flat = {key: " ".join([*json.loads(cut), "|", *nodes]) for key, (cut, nodes) in header.items()}
    safetensors.numpy.save_file(tensors, HERE / "goldens.safetensors", flat)


if __name__ == "__main__":
    main()
