"""Writes tensors.tsv: what PyTorch (or NumPy) reads from each file of fixtures/pytorch, as one line per tensor with the CRC-32
of its elements in row-major order. Run from here after the fixtures have changed; needs what fixtures/make needs.
"""

import pathlib
import pickle
import sys
import warnings
import zlib

import numpy
import torch

ROOT = pathlib.Path(__file__).parents[4]
sys.path.insert(0, str(ROOT / "fixtures" / "make"))
warnings.simplefilter("ignore")
# What isn't plain strided numbers with values is no line here: the reader lists it apart.
PLAIN = {torch.float64: "f64", torch.float32: "f32", torch.float16: "f16", torch.bfloat16: "bf16", torch.int64: "i64"}


def tensors(value, key=""):
    if isinstance(value, torch.nn.Module):
        yield from ((key, name, tensor) for name, tensor in value.state_dict().items())
    elif isinstance(value, (dict, list, tuple)):
        items = list(value.items() if isinstance(value, dict) else enumerate(value))
        for name, item in items:
            if isinstance(item, numpy.ndarray):
                item = torch.from_numpy(numpy.ascontiguousarray(item.astype(item.dtype.newbyteorder("="))))
            if isinstance(item, torch.Tensor) and item.layout == torch.strided and item.device.type != "meta" and item.dtype in PLAIN:
                yield key, str(name), item
            else:
                yield from tensors(item, f"{key}.{name}" if key else str(name))


def load(path):
    if path.suffix == ".pkl":
        return pickle.loads(path.read_bytes())
    if path.suffix == ".pt":
        return torch.jit.load(path)
    return torch.load(path, map_location="cpu", weights_only=False)


def lines():
    for path in sorted((ROOT / "fixtures" / "pytorch").iterdir()):
        for key, name, tensor in tensors(load(path)):
            data = tensor.detach().contiguous().clone()
            raw = bytes(data.untyped_storage())
            shape = "x".join(map(str, tensor.shape))
            yield "\t".join([path.name, key, name, PLAIN[tensor.dtype], shape, f"{zlib.crc32(raw):08x}"])


pathlib.Path(__file__).with_name("tensors.tsv").write_text("\n".join(lines()) + "\n")
