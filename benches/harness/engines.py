"""Whom the comparison runs, by the name on the command line and in the tables."""
import dataclasses

from .setup import MODELS, REPOSITORY


@dataclasses.dataclass(frozen=True)
class Engine:
    """`program` is a program of ours or a function's name in peer.py, `file` the kind of file that it reads. Those of one
    `arithmetic` are held against one another."""

    program: str
    file: str
    arithmetic: str = "f32"
    options: tuple = ()

    @property
    def ours(self):
        return self.program == "bench-alexnet"


ENGINES = {
    "alexnet": Engine("bench-alexnet", "alexnet.safetensors"),
    "alexnet-fast": Engine("bench-alexnet", "alexnet.safetensors", "f32", ("--precision", "fast")),
    "onnxruntime": Engine("onnxruntime", "dynamo.onnx"),
    "onnxruntime-native": Engine("onnxruntime", "native.onnx"),
    "openvino": Engine("openvino", "dynamo.onnx"),
    "openvino-native": Engine("openvino", "native.onnx"),
    "torch-compile": Engine("torch_compile", "pth"),
    "pytorch": Engine("pytorch", "pth"),
    "tract": Engine("bench-tract", "native.onnx"),
    "rten": Engine("bench-rten", "native.onnx"),
    "alexnet-bf16": Engine("bench-alexnet", "alexnet.safetensors", "bf16", ("--precision", "bf16")),
    "openvino-bf16": Engine("openvino_bf16", "dynamo.onnx", "bf16"),
    "openvino-bf16-native": Engine("openvino_bf16", "native.onnx", "bf16"),
    "alexnet-int8": Engine("bench-alexnet", "alexnet.safetensors", "int8", ("--precision", "int8")),
    "alexnet-bf16-int8": Engine("bench-alexnet", "alexnet.safetensors", "int8", ("--precision", "bf16-int8")),
    "onnxruntime-int8": Engine("onnxruntime", "int8.onnx", "int8"),
}


def command(home, name, model, batch, threads):
    engine = ENGINES[name]
    if engine.program.startswith("bench-"):
        program = [home.programs / engine.program]
    else:
        program = [home.python, REPOSITORY / "benches/harness/peer.py", engine.program]
    job = [home.model(model, engine.file), "--input", home.images(model), "--expected", home.logits(model)]
    sizes = ["--size", MODELS[model], "--batch", batch, "--threads", threads]
    return [*program, *job, *sizes, *engine.options]
