#!/usr/bin/env python3
"""Holds ONNX files against programs that know nothing of this project.

    check_onnx.py FILE.onnx [--golden GOLDEN.safetensors] [--inputs DIR] [--atol X] [--no-runtime]
    check_onnx.py --matrix DIR FIXTURES

Each file goes through onnx.checker with full check and through strict shape inference with data propagation, whose
shapes must be those that the file states; ONNX Runtime must load it, and its outputs must be the golden's, within
|a - b| <= tolerance * max|golden|. With --matrix, the files of the example `export_matrix` are held against the goldens of
their networks. Prints one line for each file that fails and one with the count; exits 1 where any failed, 2 where there
was nothing to check.

Needs onnx, onnxruntime, numpy and safetensors.
"""

import argparse
import pathlib
import sys

import numpy
import onnx
import onnxruntime
import safetensors.numpy

# Relative to the largest logit, by the coarsest type of the initializers. f16 has 11 bits and AlexNet eight layers in a row;
# bf16 has 8 bits; int8 has 7 for the largest weight of a channel.
TOLERANCE = {
    onnx.TensorProto.INT8: 6e-2,
    onnx.TensorProto.BFLOAT16: 6e-2,
    onnx.TensorProto.FLOAT16: 1e-2,
    onnx.TensorProto.FLOAT: 2e-5,
}


def shapes(values):
    """Name -> (element type, dimensions) of value infos; a dimension is a number, a name or None."""
    found = {}
    for value in values:
        tensor = value.type.tensor_type
        dims = [d.dim_value if d.HasField("dim_value") else d.dim_param or None for d in tensor.shape.dim]
        found[value.name] = (tensor.elem_type, dims)
    return found


def check_structure(path):
    """The checker's and the shape inference's opinion, as a list of faults."""
    faults = []
    onnx.checker.check_model(str(path), full_check=True)
    model = onnx.load(path, load_external_data=False)
    graph = model.graph
    stated = shapes([*graph.value_info, *graph.output])
    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    del bare.graph.value_info[:]
    for output in bare.graph.output:
        output.type.tensor_type.ClearField("shape")
    inferred_model = onnx.shape_inference.infer_shapes(bare, check_type=True, strict_mode=True, data_prop=True)
    inferred = shapes([*inferred_model.graph.value_info, *inferred_model.graph.output])
    computed = [name for node in graph.node for name in node.output]
    for name in computed:
        if name not in stated:
            faults.append(f"states no shape for {name}")
        elif name not in inferred:
            faults.append(f"no shape can be inferred for {name}")
        else:
            (type_a, a), (type_b, b) = stated[name], inferred[name]
            # Inference gives unnamed dimensions after a Reshape to -1; what it knows must be what is stated.
            same = len(a) == len(b) and all(y is None or not isinstance(y, int) or x == y for x, y in zip(a, b))
            exact = all(isinstance(x, int) == isinstance(y, int) for x, y in zip(a, b))
            if type_a != type_b or not same or not exact:
                faults.append(f"states {type_a} {a} for {name}, inferred is {type_b} {b}")
    onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    return model, faults


def session(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def softmax(logits):
    e = numpy.exp(logits - logits.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def check_values(path, model, golden, atol=None):
    """What ONNX Runtime computes against the golden, as a list of faults."""
    faults = []
    run = session(path)
    element = model.graph.input[0].type.tensor_type.elem_type
    stored = {tensor.data_type for tensor in model.graph.initializer}
    tolerance = next(t for kind, t in TOLERANCE.items() if kind in stored) if atol is None else atol
    x = golden["input"]
    fixed = run.get_inputs()[0].shape[0]
    if isinstance(fixed, int):
        x = numpy.concatenate([x] * fixed)[:fixed]
    if element == onnx.TensorProto.FLOAT16:
        x = x.astype(numpy.float16)
    names = [output.name for output in run.get_outputs()]
    compared = 0
    for name, value in zip(names, run.run(names, {run.get_inputs()[0].name: x})):
        if name == "probabilities":
            expected = softmax(golden["logits"])
        elif name in golden:
            expected = golden[name]
        else:
            continue
        # Layers' goldens hold the first example alone.
        rows = min(len(value), len(expected))
        value, expected = value[:rows], expected[:rows]
        value = value.astype(numpy.float32)
        if value.shape != expected.shape:
            faults.append(f"{name}: shape {value.shape}, golden {expected.shape}")
            continue
        error = numpy.abs(value - expected).max() / max(numpy.abs(expected).max(), 1e-30)
        if not error <= tolerance:
            faults.append(f"{name}: relative error {error:.3g} above {tolerance:.3g}")
        compared += 1
    if compared == 0:
        faults.append(f"none of {names} is in the golden")
    return faults


def check(path, golden=None, atol=None, runtime=True):
    try:
        model, faults = check_structure(path)
        if runtime and golden is None:
            session(path)
        elif runtime:
            faults += check_values(path, model, golden, atol)
        return faults
    except Exception as error:  # whatever a judge says is the verdict
        return [f"{type(error).__name__}: {str(error).splitlines()[0][:300]}"]


def load_golden(fixtures, name):
    """A golden with its input, which it may share with others."""
    golden = safetensors.numpy.load_file(fixtures / "goldens" / f"{name}.safetensors")
    if "input" not in golden:
        with safetensors.safe_open(fixtures / "goldens" / f"{name}.safetensors", "numpy") as file:
            shared = file.metadata()["input"]
        golden["input"] = safetensors.numpy.load_file(fixtures / shared)["input"]
    return golden


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    parser.add_argument("--golden", type=pathlib.Path)
    parser.add_argument("--matrix", nargs=2, type=pathlib.Path, metavar=("DIR", "FIXTURES"))
    parser.add_argument("--atol", type=float)
    parser.add_argument("--no-runtime", action="store_true")
    arguments = parser.parse_args()
    jobs = []
    if arguments.matrix:
        folder, fixtures = arguments.matrix
        goldens = {}
        for path in sorted(folder.glob("*.onnx")):
            network = next(n for n in sorted(
                (g.stem for g in (fixtures / "networks").glob("*.safetensors")), key=len, reverse=True
            ) if path.name.startswith(n + "-"))
            if network not in goldens:
                goldens[network] = load_golden(fixtures, network)
            jobs.append((path, goldens[network]))
    golden = safetensors.numpy.load_file(arguments.golden) if arguments.golden else None
    jobs += [(path, golden) for path in arguments.files]
    failed = 0
    for path, golden in jobs:
        faults = check(path, golden, arguments.atol, not arguments.no_runtime)
        failed += bool(faults)
        for fault in faults:
            print(f"{path.name}: {fault}")
    print(f"{len(jobs)} files, {failed} failed")
    return 2 if not jobs else int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
