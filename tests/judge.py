"""Judges what the programs under test wrote, with onnx, ONNX Runtime, safetensors and PyTorch.

Reads a JSON list of jobs (`Job` in src/judge.rs), prints a line for each that is good; ends with 1 after the first list in
which one is not, having told all of them.
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
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


def judge_torchvision(path):
    tensors = load_file(path)
    alexnet(num_classes=len(tensors["classifier.6.bias"])).load_state_dict(tensors, strict=True)
    return "loaded"


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
