"""Judges what the programs under test wrote, with onnx, ONNX Runtime, safetensors and PyTorch.

Reads a JSON list of jobs (`Job` in src/judge.rs), prints a line for each that is good; ends with 1 after the first list in
which one is not, having told all of them.
"""

import functools
import json
import shutil
import sys
import unittest
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import onnxruntime.backend
import torch
from onnx.backend.test.case.test_case import TestCase
from onnx.backend.test.runner import Runner
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torchvision.models import alexnet

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
torch.set_num_threads(2)


def golden_of(path):
    """(output name, expected values, input) of a golden."""
    with safe_open(path, "pt") as file:
        source = file.metadata()["input"]
        inside = [folder / source for folder in (FIXTURES, Path(path).parent) if (folder / source).exists()]
        name = "logits" if "logits" in file.keys() else "pool5"
        return name, file.get_tensor(name).numpy(), load_file(inside[0])["input"].numpy()


def judge_onnx(path, golden, tolerance):
    onnx.checker.check_model(path, full_check=True)
    onnx.shape_inference.infer_shapes_path(path, path + ".inferred", check_type=True, strict_mode=True, data_prop=True)
    Path(path + ".inferred").unlink()
    if golden is None:
        return "checked"
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    name, expected, x = golden_of(golden)
    (output,) = session.get_outputs()
    if output.name == "probabilities":
        name, expected = "probabilities", torch.softmax(torch.from_numpy(expected), 1).numpy()
    assert output.name == name, f"its output is called {output.name}"
    (given,) = session.get_inputs()
    kind = {"tensor(float)": np.float32, "tensor(float16)": np.float16}[given.type]
    (values,) = session.run(None, {given.name: x.astype(kind)})
    assert values.shape == expected.shape, f"{values.shape} for {expected.shape}"
    error = np.abs(values.astype(np.float64) - expected).max() / np.abs(expected).max()
    assert error <= tolerance, f"ONNX Runtime's {name} are off by {error:.2e} of the largest, {tolerance:.0e} allowed"
    return f"off by {error:.1e}"


def judge_safetensors(path, reference):
    tensors = load_file(path)
    if reference is not None:
        if reference.endswith(".safetensors"):
            expected = load_file(reference)
        else:
            expected = torch.load(reference, weights_only=True)
        assert set(tensors) == set(expected), f"names {sorted(tensors)} for {sorted(expected)}"
        for name, tensor in expected.items():
            assert torch.equal(tensors[name], tensor), f"{name} differs"
    return f"{len(tensors)} tensors"


def judge_quantised(path, reference):
    from onnx.reference import ReferenceEvaluator
    from onnxruntime.quantization import quant_utils

    model = onnx.load(path)
    stored = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    floats = {name: tensor.numpy() for name, tensor in load_file(reference).items()}
    ends = [np.array(end, np.int8) for end in (-127, 127)]
    count = 0
    for node in model.graph.node:
        if node.op_type != "DequantizeLinear" or stored.get(node.input[0], np.zeros(0)).dtype != np.int8:
            continue
        values, scales, zeros = (stored[name] for name in node.input)
        weight = floats[node.input[0]]
        assert not zeros.any(), f"{node.input[0]}: zero points"
        for channel, scale in zip(weight, scales):
            _, expected = quant_utils.compute_scale_zp(channel.min(), channel.max(), *ends, symmetric=True)
            assert scale == np.float32(expected), f"{node.input[0]}: a step of {scale}, not {expected}"
        quantize = onnx.helper.make_node("QuantizeLinear", ["x", "s", "z"], ["y"], axis=0)
        (expected,) = ReferenceEvaluator(quantize).run(None, {"x": weight, "s": scales, "z": zeros})
        assert np.array_equal(values, expected), f"{node.input[0]}: {(values != expected).sum()} integers"
        count += 1
    assert count >= 8, f"{count} parameters of int8"
    return f"{count} parameters"


def judge_quantise_static(path, output, golden):
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Reader(CalibrationDataReader):
        def __init__(self, x):
            self.batches = iter([{"input": row[None]} for row in x])

        def get_next(self):
            return next(self.batches, None)

    quantize_static(
        path,
        output,
        Reader(golden_of(golden)[2]),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )
    return "made"


def judge_torchvision(path):
    tensors = load_file(path)
    alexnet(num_classes=len(tensors["classifier.6.bias"])).load_state_dict(tensors, strict=True)
    return "loaded"


def weight(model):
    """The initializer of a reduced graph that has more than one axis."""
    (found,) = [t for t in model.graph.initializer if len(t.dims) > 1]
    return found


def rescaled(model, factor, where=...):
    tensor = weight(model)
    values = onnx.numpy_helper.to_array(tensor).copy()
    values[where] *= factor
    tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))


def attribute(model, name, value):
    (node,) = model.graph.node
    (found,) = [a for a in node.attribute if a.name == name]
    found.f = value


def without_pool(model, right):
    """The norm alone, in the place of a pool and a norm."""
    pool, norm = model.graph.node
    assert (pool.op_type, norm.op_type) == ("MaxPool", "LRN")
    norm.input[0] = pool.input[0]
    model.graph.node.remove(pool)
    model.graph.output[0].type.CopyFrom(model.graph.input[0].type)


def colours_turned(model, right):
    """The filters of conv1 whose channels were reversed: those of the right graph, wherever the kept ones are there."""
    tensor = weight(model)
    kept = onnx.numpy_helper.to_array(tensor)
    (conv1,) = [t for t in right.graph.initializer if t.name == "conv1.weight"]
    filters = onnx.numpy_helper.to_array(conv1)
    count = kept.shape[1]
    places = [
        (o, c)
        for o in range(filters.shape[0])
        for c in range(3 - count + 1)
        if np.array_equal(filters[o : o + 1, ::-1][:, c : c + count], kept)
    ]
    ((o, c),) = places
    tensor.CopyFrom(onnx.numpy_helper.from_array(filters[o : o + 1, c : c + count].copy(), tensor.name))


# What was done to the graphs of fixtures/make/mutants.py, undone in their reduced forms.
MENDS = {
    "one-weight": lambda model, right: rescaled(model, 1 / np.float32(1.01), (0, 0, 0, 1)),
    "one-tensor": lambda model, right: rescaled(model, 1 / np.float32(1.01)),
    "alpha-not-divided": lambda model, right: attribute(model, "alpha", 1e-4),
    "k-of-2": lambda model, right: attribute(model, "bias", 1.0),
    "pool-before-norm": without_pool,
    "reversed-channels": colours_turned,
}


def backend_test(folder, allowed):
    """What onnx's runner says of a folder of backend tests on ONNX Runtime: nothing, or why it fails."""
    case = TestCase("test_reduced", "reduced", None, str(folder), None, None, "node", rtol=0, atol=allowed)
    runner = Runner(onnxruntime.backend, "reduced")
    runner._add_model_test(case, "Reduced")
    suite = unittest.TestLoader().loadTestsFromTestCase(runner.test_cases["OnnxBackendReducedModelTest"])
    result = unittest.TestResult()
    suite.run(result)
    assert result.testsRun > len(result.skipped), "onnx's runner ran nothing"
    return [text for _, text in result.failures + result.errors]


def judge_reduced(path, right, difference, allowed, mend):
    folder = Path(path)
    model = onnx.load(folder / "model.onnx")
    onnx.checker.check_model(model, full_check=True)
    read = lambda name: onnx.numpy_helper.to_array(onnx.load_tensor(folder / f"test_data_set_0/{name}_0.pb"))
    session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {session.get_inputs()[0].name: read("input")})
    expected = read("output")
    if difference is None:
        assert found.shape != expected.shape, f"{found.shape} is what is expected"
    else:
        apart = np.abs(found.astype(np.float64) - expected).max()
        assert abs(apart - difference) <= 0.01 * difference + allowed, f"off by {apart:.3e}, not {difference:.3e}"
    assert backend_test(folder, allowed), "onnx's runner finds nothing wrong with it"

    mended = folder / "mended"
    shutil.copytree(folder / "test_data_set_0", mended / "test_data_set_0")
    MENDS[mend](model, onnx.load(right))
    onnx.save(model, mended / "model.onnx")
    faults = backend_test(mended, allowed)
    assert not faults, f"the right graph fails too: {faults}"
    return "fails, and passes when mended"


def judge_record_logits(path, graph):
    tensors = load_file(path)
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    (tensors["logits"],) = map(torch.from_numpy, session.run(None, {"input": tensors["input"].numpy()}))
    save_file(tensors, path)
    return "recorded"


def outputs_of_noise(graph):
    """What ONNX Runtime gives, node by node: what it fuses it may add in another order."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    given = session.get_inputs()[0]
    shape = [size if isinstance(size, int) else 2 for size in given.shape]
    noise = np.random.default_rng(2012).standard_normal(shape).astype(np.float32)
    return [session.run(None, {given.name: noise * gain})[0] for gain in (1, 50)]


outputs_of_reference = functools.cache(outputs_of_noise)


def judge_same_function(path, reference, same):
    try:
        found = outputs_of_noise(path)
    except Exception as error:
        assert not same, error
        return "does not run"
    pairs = zip(found, outputs_of_reference(reference))
    equal = all(a.shape == b.shape and a.tobytes() == b.tobytes() for a, b in pairs)
    assert equal == same, "the outputs are equal" if equal else "the outputs differ"
    return "equal" if equal else "differs"


def judge_make_torchvision(path, golden):
    torch.manual_seed(0)
    model = alexnet().eval()
    torch.save(model.state_dict(), path)
    x = torch.randn(2, 3, 224, 224)
    with torch.no_grad():
        save_file({"logits": model(x)}, golden, {"input": "input.safetensors"})
    save_file({"input": x}, Path(golden).parent / "input.safetensors")
    return "made"


def main():
    good = True
    for job in json.load(sys.stdin):
        kind = job.pop("judge")
        try:
            print(kind, job["path"], globals()[f"judge_{kind}"](**job))
        except Exception as error:
            good = False
            print(kind, job["path"], "FAILED:", f"{type(error).__name__}: {error}".replace("\n", " "))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
