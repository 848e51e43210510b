"""PyTorch, torch.compile and ONNX Runtime as engines: a name, and a function that prepares a cell.

What it returns takes `latency` or `passes` and a number, and gives the seconds of as many forward passes with their input
already on the GPU, waited for one by one or at the end."""
import importlib.metadata
import time

import torch

from torch_network import build

DTYPES = {"f32": torch.float32, "tf32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}


def set_tf32(allowed):
    torch.backends.cudnn.allow_tf32 = allowed
    torch.backends.cuda.matmul.allow_tf32 = allowed
    torch.backends.cudnn.benchmark = True


def module(network, batch, arithmetic, channels_last):
    set_tf32(arithmetic == "tf32")
    net, shape = build(network)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    net = net.to("cuda", DTYPES[arithmetic], memory_format=layout)
    x = torch.randn(batch, *shape, device="cuda", dtype=DTYPES[arithmetic]).contiguous(memory_format=layout)
    return net, x


def timer(forward, arithmetic):
    def seconds(kind, count):
        # Each engine's switch, as engines take turns in one process.
        set_tf32(arithmetic == "tf32")
        torch.cuda.synchronize()
        start = time.perf_counter()
        for _ in range(count):
            forward()
            if kind == "latency":
                torch.cuda.synchronize()
        torch.cuda.synchronize()
        return time.perf_counter() - start

    seconds("passes", 5)
    return seconds


def eager(channels_last):
    def prepare(network, batch, arithmetic):
        net, x = module(network, batch, arithmetic, channels_last)

        def forward():
            with torch.inference_mode():
                return net(x)

        return timer(forward, arithmetic)

    return prepare


def compiled(network, batch, arithmetic):
    """With CUDA graphs, as we have them."""
    torch._dynamo.reset()
    net, x = module(network, batch, arithmetic, arithmetic in ("f16", "bf16"))
    fast = torch.compile(net, mode="reduce-overhead", dynamic=False)

    def forward():
        with torch.inference_mode():
            return fast(x)

    for _ in range(3):
        forward()
    return timer(forward, arithmetic)


def onnxruntime(network, batch, arithmetic):
    from onnx_network import session

    run = session(network, batch, arithmetic)
    return timer(run, arithmetic)


def engines():
    return [("PyTorch", eager(False)), ("PyTorch, channels last", eager(True)), ("ONNX Runtime", onnxruntime),
            ("torch.compile", compiled)]


def versions():
    found = {"torch": torch.__version__, "cudnn": torch.backends.cudnn.version(), "gpu": torch.cuda.get_device_name()}
    for package in ("onnx", "onnxruntime-gpu", "triton"):
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found
