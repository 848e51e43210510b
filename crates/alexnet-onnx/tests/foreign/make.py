#!/usr/bin/env python3
"""Makes graphs of AlexNet as other programs write them, narrow and on small images, and PyTorch's answers to them.

    python make.py

PyTorch's two exporters (TorchScript and dynamo), and the style of the ONNX zoo's `bvlcalexnet` in the opsets that it was
published in: Caffe2's names, initializers among the inputs, a batch of 1, dropout and softmax in the graph. Made with
torch 2.15, onnx 1.23.0, onnxscript as torch wants it.
"""

import io
import pathlib
import warnings

import numpy
import onnx
import safetensors.numpy
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

HERE = pathlib.Path(__file__).parent
warnings.filterwarnings("ignore")
torch.manual_seed(2012)
torch.set_num_threads(1)
goldens = {}


class Torchvision(nn.Module):
    """torchvision.models.alexnet with other widths."""

    def __init__(self):
        super().__init__()
        c = [4, 6, 8, 6, 6]
        self.features = nn.Sequential(
            nn.Conv2d(3, c[0], 11, stride=4, padding=2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2),
            nn.Conv2d(c[0], c[1], 5, padding=2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2),
            nn.Conv2d(c[1], c[2], 3, padding=1), nn.ReLU(inplace=True),
            nn.Conv2d(c[2], c[3], 3, padding=1), nn.ReLU(inplace=True),
            nn.Conv2d(c[3], c[4], 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2),
        )
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.classifier = nn.Sequential(
            nn.Dropout(), nn.Linear(c[4], 12), nn.ReLU(inplace=True), nn.Dropout(), nn.Linear(12, 10), nn.ReLU(inplace=True),
            nn.Linear(10, 5),
        )

    def forward(self, x):
        x = self.avgpool(self.features(x))
        return self.classifier(torch.flatten(x, 1))


class Caffe(nn.Module):
    """The layers of 2012 as ports to PyTorch have them: groups, response norms, pools rounded up, `view`."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 11, stride=4)
        self.conv2 = nn.Conv2d(6, 8, 5, padding=2, groups=2)
        self.norm = nn.LocalResponseNorm(5, alpha=0.5, beta=0.75, k=2.0)
        self.batch_norm = nn.BatchNorm2d(8)
        self.pool = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.padded = nn.MaxPool2d(3, 2, padding=1)
        self.fc = nn.Linear(8 * 4 * 4, 5)

    def forward(self, x):
        x = self.pool(self.norm(torch.relu(self.conv1(x))))
        x = self.padded(self.batch_norm(torch.relu(self.conv2(x))))
        return torch.softmax(self.fc(x.view(x.size(0), -1)), dim=1)


def settle(module):
    """Statistics and biases that aren't zero, so that each matters."""
    for m in module.modules():
        if isinstance(m, nn.BatchNorm2d):
            nn.init.normal_(m.running_mean)
            nn.init.uniform_(m.running_var, 0.5, 2.0)
            nn.init.normal_(m.bias)
    return module.eval()


def keep(name, model, x, y):
    model.doc_string = ""
    for node in model.graph.node:  # The dynamo exporter writes the folder of its source into every node.
        del node.metadata_props[:]
        node.doc_string = ""
    for value in [*model.graph.value_info, *model.graph.input, *model.graph.output, *model.graph.initializer]:
        del value.metadata_props[:]
    del model.graph.metadata_props[:]
    onnx.checker.check_model(model)
    onnx.save(model, HERE / f"{name}.onnx")
    goldens[f"{name.split('-')[0]}.x"] = x.numpy()
    goldens[f"{name}.y"] = y.detach().numpy()


def exported(name, module, size):
    x = torch.randn(2, 3, size, size)
    y = module(x)
    for opset in (9, 11, 13, 17):
        for dynamic in (False, True):
            file = io.BytesIO()
            axes = {"x": {0: "n"}, "y": {0: "n"}} if dynamic else None
            torch.onnx.export(module, (x,), file, opset_version=opset, dynamo=False, dynamic_axes=axes,
                              input_names=["x"], output_names=["y"])
            form = "dynamic" if dynamic else "fixed"
            keep(f"{name}-torchscript-{opset}-{form}", onnx.load_from_string(file.getvalue()), x, y)
    for opset in (18, 20):
        shapes = ({0: torch.export.Dim("n")},)
        program = torch.onnx.export(module, (x,), opset_version=opset, dynamo=True, dynamic_shapes=shapes, verbose=False)
        keep(f"{name}-dynamo-{opset}", program.model_proto, x, y)


def zoo(opset, ir):
    """bvlcalexnet as Caffe2's exporter wrote it, in small: opset 3 (IR 3), 6, 7, 8, 9 and 12."""
    torch.manual_seed(1)  # the same weights and input for each opset
    shape = dict(conv1=(6, 3, 11, 11), conv2=(8, 3, 5, 5), fc6=(12, 8 * 4 * 4), fc8=(5, 12))
    w = {}
    for layer, dims in shape.items():
        w[f"{layer}_w_0"] = torch.randn(dims) * (2.0 / numpy.prod(dims[1:])) ** 0.5
        w[f"{layer}_b_0"] = torch.randn(dims[0]) * 0.1
    old = opset < 7
    gemm = dict(transB=1, broadcast=1) if old else dict(transB=1)
    drop = dict(ratio=0.5, is_test=1) if old else dict(ratio=0.5) if opset < 12 else {}
    lrn = dict(size=5, alpha=0.5, beta=0.75, bias=1.0)
    pool = dict(kernel_shape=[3, 3], strides=[2, 2])
    ratio = ["ratio"] if opset >= 12 else []
    nodes = [
        ("Conv", ["data_0", "conv1_w_0", "conv1_b_0"], ["conv1_1"], dict(kernel_shape=[11, 11], strides=[4, 4], pads=[0] * 4)),
        ("Relu", ["conv1_1"], ["conv1_2"], {}),
        ("LRN", ["conv1_2"], ["norm1_1"], lrn),
        ("MaxPool", ["norm1_1"], ["pool1_1"], dict(pool, pads=[0] * 4)),
        ("Conv", ["pool1_1", "conv2_w_0", "conv2_b_0"], ["conv2_1"],
         dict(kernel_shape=[5, 5], strides=[1, 1], pads=[2] * 4, group=2)),
        ("Relu", ["conv2_1"], ["conv2_2"], {}),
        ("LRN", ["conv2_2"], ["norm2_1"], lrn),
        ("MaxPool", ["norm2_1"], ["pool5_1"], dict(pool, pads=[0, 0, 1, 1])),
        ("Reshape", ["pool5_1"], ["OC2_DUMMY_0"], dict(shape=[1, 128])) if opset < 5 else
        ("Reshape", ["pool5_1", "OC2_DUMMY_1"], ["OC2_DUMMY_0"], {}),
        ("Gemm", ["OC2_DUMMY_0", "fc6_w_0", "fc6_b_0"], ["fc6_1"], gemm),
        ("Relu", ["fc6_1"], ["fc6_2"], {}),
        ("Dropout", ["fc6_2", *ratio], ["fc6_3"] if opset >= 12 else ["fc6_3", "_fc6_mask_1"], drop),
        ("Gemm", ["fc6_3", "fc8_w_0", "fc8_b_0"], ["fc8_1"], gemm),
        ("Softmax", ["fc8_1"], ["prob_1"], {}),
    ]
    initializers = [numpy_helper.from_array(value.numpy(), name) for name, value in w.items()]
    if opset >= 5:
        initializers.append(numpy_helper.from_array(numpy.array([1, 128], dtype=numpy.int64), "OC2_DUMMY_1"))
    if ratio:
        initializers.append(numpy_helper.from_array(numpy.float32(0.5).reshape(()), "ratio"))
    # Caffe2 wrote floats as floats, later exporters as raw bytes.
    if opset < 7:
        initializers = [
            helper.make_tensor(i.name, i.data_type, i.dims, numpy_helper.to_array(i).flatten().tolist()) for i in initializers
        ]
    inputs = [helper.make_tensor_value_info("data_0", TensorProto.FLOAT, [1, 3, 79, 79])]
    inputs += [helper.make_tensor_value_info(i.name, i.data_type, i.dims) for i in initializers]
    graph = helper.make_graph(
        [helper.make_node(op, i, o, **a) for op, i, o, a in nodes], "bvlc_alexnet", inputs,
        [helper.make_tensor_value_info("prob_1", TensorProto.FLOAT, [1, 5])], initializers,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir)
    f = nn.functional
    x = torch.randn(1, 3, 79, 79)
    y = f.relu(f.conv2d(x, w["conv1_w_0"], w["conv1_b_0"], stride=4))
    y = f.max_pool2d(f.local_response_norm(y, 5, 0.5, 0.75, 1.0), 3, 2)
    y = f.relu(f.conv2d(y, w["conv2_w_0"], w["conv2_b_0"], padding=2, groups=2))
    y = f.local_response_norm(y, 5, 0.5, 0.75, 1.0)
    y = f.max_pool2d(f.pad(y, (0, 1, 0, 1), value=-numpy.inf), 3, 2).flatten(1)
    assert y.shape == (1, 128), y.shape
    y = f.linear(f.relu(f.linear(y, w["fc6_w_0"], w["fc6_b_0"])), w["fc8_w_0"], w["fc8_b_0"])
    keep(f"zoo-{opset}", model, x, f.softmax(y, 1))


exported("torchvision", settle(Torchvision()), 95)
exported("caffe", settle(Caffe()), 67)
for opset, ir in ((3, 3), (6, 3), (7, 3), (8, 3), (9, 3), (12, 7)):
    zoo(opset, ir)
safetensors.numpy.save_file(dict(sorted(goldens.items())), HERE / "goldens.safetensors")
print(f"{len(goldens) - 3} models")
