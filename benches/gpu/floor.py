"""What the GPU itself allows: bytes and products a second as measured on it, and the time below which no pass can be."""
import time

import torch

from torch_network import build

BYTES = {"f32": 4, "tf32": 4, "f16": 2, "bf16": 2}


def seconds(work, rounds=20):
    for _ in range(3):
        work()
    best = float("inf")
    for _ in range(rounds):
        torch.cuda.synchronize()
        start = time.perf_counter()
        for _ in range(4):
            work()
        torch.cuda.synchronize()
        best = min(best, (time.perf_counter() - start) / 4)
    return best


def measure():
    """Bytes a second that a large copy reads and writes, and multiply-adds a second of large products."""
    x = torch.empty(1 << 30, dtype=torch.uint8, device="cuda")
    y = torch.empty_like(x)
    machine = {"gpu": torch.cuda.get_device_name(), "bytes_per_second": 2 * x.numel() / seconds(lambda: y.copy_(x)),
               "multiply_adds_per_second": {}}
    size = 8192
    for name in BYTES:
        dtype = {"f16": torch.float16, "bf16": torch.bfloat16}.get(name, torch.float32)
        torch.backends.cuda.matmul.allow_tf32 = name == "tf32"
        a, b, c = (torch.randn(size, size, device="cuda").to(dtype) for _ in range(3))
        took = seconds(lambda: torch.matmul(a, b, out=c), 5)
        machine["multiply_adds_per_second"][name] = size**3 / took
    return machine


def parameters(network):
    """Weights and biases of a network."""
    net, _ = build({"network": network})
    return sum(parameter.numel() for parameter in net.parameters())


def of(machine, description, batch, arithmetic):
    """Milliseconds: the longer of reading the weights once and of the multiply-adds of the whole batch."""
    count = description.setdefault("parameters", None) or parameters(description["network"])
    description["parameters"] = count
    memory = count * BYTES[arithmetic] / machine["bytes_per_second"]
    products = batch * description["multiply_adds"] / machine["multiply_adds_per_second"][arithmetic]
    return max(memory, products) * 1e3
