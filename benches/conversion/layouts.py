"""The same 244 MB in the layouts that checkpoints come in, with random weights: PyTorch's three, Caffe's, and the transposed
ones of TensorFlow and Keras in NumPy's and HDF5's containers.

    layouts.py DIR NAME...
"""
import pathlib
import struct
import sys

import h5py
import numpy as np
import torch
import torchvision

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "fixtures" / "make"))
import tar  # noqa: E402  PyTorch's layout of 2016, which nothing else writes any more

# Caffe's AlexNet: groups of 2 in conv2, conv4 and conv5.
KERNELS = {"conv1": (96, 3, 11, 11), "conv2": (256, 48, 5, 5), "conv3": (384, 256, 3, 3), "conv4": (384, 192, 3, 3), "conv5": (256, 192, 3, 3)}
MATRICES = {"fc6": (4096, 9216), "fc7": (4096, 4096), "fc8": (1000, 4096)}


def bvlc():
    draw = np.random.default_rng(5)
    for name, shape in (KERNELS | MATRICES).items():
        weight = draw.standard_normal(shape, np.float32) / np.float32(np.prod(shape[1:])) ** np.float32(0.5)
        yield name, weight, draw.standard_normal(shape[0], np.float32) / np.float32(10)


def transposed():
    """HWIO kernels and [in, out] matrices, the rows of fc6 in the order height, width, channel."""
    for name, weight, bias in bvlc():
        if weight.ndim == 4:
            weight = weight.transpose(2, 3, 1, 0)
        elif name == "fc6":
            weight = weight.reshape(4096, 256, 6, 6).transpose(2, 3, 1, 0).reshape(9216, 4096)
        else:
            weight = weight.T
        yield name, np.ascontiguousarray(weight), bias


def field(number, payload):
    """A length-delimited field of protobuf."""
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def varint(value):
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def caffemodel(path):
    """A NetParameter (caffe.proto) of layers with a name, a type and blobs."""
    with open(path, "wb") as file:
        file.write(field(1, b"AlexNet"))
        for name, weight, bias in bvlc():
            layer = field(1, name.encode()) + field(2, b"Convolution" if weight.ndim == 4 else b"InnerProduct")
            for array in (weight, bias):
                shape = field(1, b"".join(map(varint, array.shape)))
                layer += field(7, field(7, shape) + field(5, array.tobytes()))
            file.write(field(100, layer))


def hdf5(path):
    with h5py.File(path, "w") as file:
        for name, weight, bias in transposed():
            file[f"{name}/weights"], file[f"{name}/biases"] = weight, bias


def torchvisions():
    torch.manual_seed(0)
    return torchvision.models.alexnet(weights=None).state_dict()


def npy(path):
    np.save(path, {name: {"weights": weight, "biases": bias} for name, weight, bias in transposed()}, allow_pickle=True)


def npz(path):
    np.savez(path, **{f"{name}/{role}": array for name, *arrays in transposed() for role, array in zip(("weights", "biases"), arrays)})


WRITERS = {
    "zip.pth": lambda path: torch.save(torchvisions(), path),
    "legacy.pth": lambda path: torch.save(torchvisions(), path, _use_new_zipfile_serialization=False),
    "tar.pth": lambda path: tar.save(dict(torchvisions()), path),
    "bvlc.caffemodel": caffemodel,
    "bvlc.npy": npy,
    "bvlc.npz": npz,
    "bvlc.h5": hdf5,
}

if __name__ == "__main__":
    for name in sys.argv[2:]:
        # NumPy adds an extension to names that have none of its own: the file's stays the last.
        partial = pathlib.Path(sys.argv[1]) / f"partial-{name}"
        WRITERS[name](partial)
        partial.rename(partial.with_name(name))
