#!/usr/bin/env python3
"""Makes this folder's models of one or a few nodes, and ONNX Runtime's answers to them.

    python make.py

Each model takes one tensor `x`; `goldens.safetensors` has `<case>.x` and `<case>.y`, both f32 whatever the model's type.
Where ONNX Runtime has no kernel (even windows of LRN), onnx's reference evaluator answers instead; where neither reads
an opset that old, NumPy does, in this script. Made with onnx 1.23.0, onnxruntime 1.32.0, numpy 2.
"""

import pathlib

import numpy
import onnx
import onnx.reference
import onnxruntime
import safetensors.numpy
from onnx import TensorProto, helper, numpy_helper

HERE = pathlib.Path(__file__).parent
RNG = numpy.random.default_rng(2012)
IR = {9: 4, 10: 5, 11: 6, 12: 7, 13: 7, 14: 7, 15: 8, 16: 8, 17: 8, 18: 8, 19: 9, 20: 9, 21: 10, 22: 10}
ELEMENT = {"f32": TensorProto.FLOAT, "f16": TensorProto.FLOAT16}
goldens = {}


def noise(*shape, low=-2.0, high=2.0):
    return RNG.uniform(low, high, shape).astype(numpy.float32)


def ints(*values):
    return numpy.array(values, dtype=numpy.int64)


def case(name, opset, nodes, shape, constants=None, dtype="f32", expected=None, x=None):
    """One model: `nodes` are (operator, inputs, outputs, attributes); constants become initializers."""
    x = noise(*shape) if x is None else x
    narrow = numpy.float16 if dtype == "f16" else numpy.float32
    fit = lambda a: a.astype(narrow) if a.dtype == numpy.float32 else a
    nodes = [helper.make_node(op, i, o, name=f"{op.lower()}{n}", **a) for n, (op, i, o, a) in enumerate(nodes)]
    initializers = [numpy_helper.from_array(fit(value), key) for key, value in (constants or {}).items()]
    inputs = [helper.make_tensor_value_info("x", ELEMENT[dtype], ["N", *shape[1:]])]
    if opset < 9:  # IR version 3 has initializers among the inputs.
        inputs += [helper.make_tensor_value_info(i.name, i.data_type, i.dims) for i in initializers]
    outputs = [helper.make_tensor_value_info("y", ELEMENT[dtype], None)]
    graph = helper.make_graph(nodes, name, inputs, outputs, initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=IR.get(opset, 3))
    x = x.astype(narrow)
    if expected is None:
        try:
            options = onnxruntime.SessionOptions()
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
            options.log_severity_level = 4
            session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
            expected = session.run(["y"], {"x": x})[0]
        except Exception as error:
            print(f"{name}: onnx.reference, since ONNX Runtime says {str(error).splitlines()[0][:100]}")
            expected = onnx.reference.ReferenceEvaluator(model).run(["y"], {"x": x})[0]
    # The answer's number of axes belongs into the model.
    graph.output[0].CopyFrom(helper.make_tensor_value_info("y", ELEMENT[dtype], [None] * expected.ndim))
    model.graph.CopyFrom(graph)
    if opset >= 7:
        onnx.checker.check_model(model, full_check=True)
    onnx.save(model, HERE / f"{name}.onnx")
    goldens[f"{name}.x"] = x.astype(numpy.float32)
    goldens[f"{name}.y"] = numpy.ascontiguousarray(expected, dtype=numpy.float32)


def one(name, opset, op, shape, attributes=None, constants=None, **rest):
    """A model of one node that reads `x` and then the constants."""
    constants = constants or {}
    case(name, opset, [(op, ["x", *constants], ["y"], attributes or {})], shape, constants, **rest)


def convolutions():
    w, b = noise(6, 4, 3, 3), noise(6)
    shape = [2, 4, 9, 11]
    one("conv_plain", 11, "Conv", shape, {}, {"w": w})
    one("conv_bias", 9, "Conv", shape, dict(kernel_shape=[3, 3]), {"w": w, "b": b})
    one("conv_pads_all_different", 17, "Conv", shape, dict(pads=[0, 1, 2, 1]), {"w": w, "b": b})
    one("conv_pads_equal", 17, "Conv", shape, dict(pads=[1, 1, 1, 1], strides=[2, 2]), {"w": w, "b": b})
    one("conv_strides_differ", 17, "Conv", shape, dict(strides=[3, 2], pads=[1, 0, 0, 2]), {"w": w, "b": b})
    one("conv_same_upper", 17, "Conv", shape, dict(auto_pad="SAME_UPPER", strides=[2, 2]), {"w": noise(6, 4, 4, 2)})
    one("conv_same_lower", 17, "Conv", shape, dict(auto_pad="SAME_LOWER", strides=[2, 2]), {"w": noise(6, 4, 4, 2)})
    one("conv_valid", 17, "Conv", shape, dict(auto_pad="VALID"), {"w": w})
    one("conv_groups", 17, "Conv", shape, dict(group=2, pads=[2, 2, 2, 2]), {"w": noise(6, 2, 5, 5), "b": b})
    one("conv_dilated", 17, "Conv", shape, dict(dilations=[2, 2], pads=[2, 2, 2, 2]), {"w": w})
    one("conv_half", 17, "Conv", shape, dict(pads=[0, 0, 1, 1], strides=[2, 2]), {"w": w, "b": b}, dtype="f16")


def pools():
    shape = [2, 3, 8, 9]
    # Below zero, padding with zeros would win.
    below = noise(*shape, low=-3.0, high=-1.0)
    k = dict(kernel_shape=[3, 3], strides=[2, 2])
    one("maxpool_floor", 17, "MaxPool", shape, k)
    one("maxpool_stride_left_out", 8, "MaxPool", shape, dict(kernel_shape=[2, 3]))
    one("maxpool_pads", 17, "MaxPool", shape, dict(k, pads=[1, 1, 1, 1]), x=below)
    one("maxpool_pads_at_the_end", 9, "MaxPool", shape, dict(k, pads=[0, 0, 1, 1]), x=below)
    one("maxpool_ceil", 12, "MaxPool", shape, dict(k, ceil_mode=1), x=below)
    one("maxpool_ceil_and_pads", 22, "MaxPool", shape, dict(k, ceil_mode=1, pads=[1, 0, 0, 1]), x=below)
    one("maxpool_ceil_drops_a_window_of_padding", 22, "MaxPool", [1, 1, 4, 4],
        dict(kernel_shape=[2, 2], strides=[4, 4], pads=[1, 1, 1, 1], ceil_mode=1))
    one("maxpool_same_lower", 12, "MaxPool", shape, dict(k, auto_pad="SAME_LOWER"), x=below)
    one("maxpool_even", 12, "MaxPool", shape, dict(kernel_shape=[2, 4], strides=[1, 3], pads=[0, 2, 1, 1]), x=below)
    one("maxpool_half", 12, "MaxPool", shape, dict(k, pads=[1, 1, 1, 1]), x=below, dtype="f16")
    one("averagepool_full", 17, "AveragePool", shape, k)
    one("averagepool_pads_left_out", 17, "AveragePool", shape, dict(k, pads=[1, 1, 1, 1]))
    one("averagepool_pads_counted", 9, "AveragePool", shape, dict(k, pads=[1, 0, 1, 2], count_include_pad=1))
    one("averagepool_even_window", 17, "AveragePool", shape,
        dict(kernel_shape=[4, 4], strides=[1, 1], pads=[2, 2, 1, 1], count_include_pad=1))
    one("averagepool_strides_differ", 17, "AveragePool", shape,
        dict(kernel_shape=[3, 2], strides=[1, 2], pads=[1, 1, 1, 0]))
    one("averagepool_ceil", 19, "AveragePool", shape, dict(k, ceil_mode=1))
    one("averagepool_half", 17, "AveragePool", shape, dict(k, pads=[1, 1, 1, 1]), dtype="f16")
    one("averagepool_of_channels", 17, "AveragePool", [2, 1, 7, 3, 4],
        dict(kernel_shape=[5, 1, 1], strides=[1, 1, 1], pads=[2, 0, 0, 2, 0, 0], count_include_pad=1))
    one("global_average", 17, "GlobalAveragePool", shape)


def norms():
    for size in (1, 3, 5):
        one(f"lrn_{size}", 13, "LRN", [2, 7, 3, 4], dict(size=size, alpha=0.7, beta=0.75, bias=2.0))
    one("lrn_wider_than_the_channels", 9, "LRN", [1, 3, 2, 2], dict(size=9, alpha=0.7, beta=0.6))
    one("lrn_defaults", 9, "LRN", [1, 8, 2, 2], dict(size=5), x=noise(1, 8, 2, 2, low=-300, high=300))
    # Squares of these are beyond f16's largest number.
    one("lrn_half", 13, "LRN", [1, 8, 2, 2], dict(size=5, alpha=1e-4), x=noise(1, 8, 2, 2, low=-900, high=900), dtype="f16")
    # The window of 4 has one channel before its own and two after.
    x = noise(1, 6, 2, 2)
    squares = numpy.pad(x.astype(numpy.float64) ** 2, ((0, 0), (1, 2), (0, 0), (0, 0)))
    sums = sum(squares[:, i : i + 6] for i in range(4))
    one("lrn_even", 13, "LRN", [1, 6, 2, 2], dict(size=4, alpha=0.7, beta=0.75, bias=2.0), x=x,
        expected=x / (2.0 + 0.7 / 4 * sums) ** 0.75)
    parameters = dict(scale=noise(5), b=noise(5), mean=noise(5), var=noise(5, low=0.1, high=3.0))
    for opset in (7, 9, 14, 15):
        one(f"batchnorm_{opset}", opset, "BatchNormalization", [2, 5, 3, 3], dict(epsilon=1e-3), parameters)
    one("batchnorm_half", 15, "BatchNormalization", [2, 5, 3, 3], {}, parameters, dtype="f16")


def products():
    one("gemm_plain", 11, "Gemm", [3, 4], {}, {"b": noise(4, 5)})
    one("gemm_transposed", 9, "Gemm", [3, 4], dict(transB=1), {"b": noise(5, 4), "c": noise(5)})
    one("gemm_first_transposed", 13, "Gemm", [4, 3], dict(transA=1), {"b": noise(4, 5), "c": noise(3, 1)})
    one("gemm_scaled", 13, "Gemm", [3, 4], dict(alpha=0.5, beta=-2.0, transB=1), {"b": noise(5, 4), "c": noise(1, 5)})
    one("gemm_half", 13, "Gemm", [3, 4], dict(transB=1), {"b": noise(5, 4), "c": noise(5)}, dtype="f16")
    x, b, c = noise(3, 4), noise(4, 5), noise(5)
    one("gemm_broadcast_of_opset_6", 6, "Gemm", [3, 4], dict(broadcast=1), {"b": b, "c": c}, x=x, expected=x @ b + c)
    one("matmul", 13, "MatMul", [3, 4], {}, {"b": noise(4, 5)})
    one("matmul_batch", 13, "MatMul", [2, 3, 4, 5], {}, {"b": noise(5, 2)})
    case("matmul_from_the_left", 13, [("MatMul", ["a", "x"], ["y"], {})], [2, 3, 4, 5], {"a": noise(6, 4)})


def shapes():
    shape = [2, 3, 4, 5]
    for axis in (0, 1, 2, 4, -1):
        one(f"flatten_{axis}".replace("-", "minus_"), 13, "Flatten", shape, dict(axis=axis))
    one("reshape_open", 13, "Reshape", shape, {}, {"s": ints(0, -1)})
    one("reshape_fixed", 14, "Reshape", shape, dict(allowzero=1), {"s": ints(2, 12, 5)})
    x = noise(*shape)
    one("reshape_of_opset_1", 1, "Reshape", shape, dict(shape=[2, 60]), x=x, expected=x.reshape(2, 60))
    one("transpose", 13, "Transpose", shape, dict(perm=[0, 2, 3, 1]))
    one("transpose_reversed", 13, "Transpose", shape)
    one("squeeze_11", 11, "Squeeze", [2, 1, 3, 1], dict(axes=[1, -1]))
    one("squeeze_13", 13, "Squeeze", [2, 1, 3, 1], {}, {"a": ints(1)})
    one("squeeze_all", 13, "Squeeze", [2, 1, 3, 1])
    one("unsqueeze_11", 11, "Unsqueeze", [2, 3], dict(axes=[0, 3]))
    one("unsqueeze_13", 13, "Unsqueeze", [2, 3], {}, {"a": ints(-1, 1)})
    case("concat", 13, [("Relu", ["x"], ["r"], {}), ("Concat", ["x", "c", "r"], ["y"], dict(axis=1))], shape,
         {"c": noise(2, 1, 4, 5)})
    case("concat_last", 13, [("Concat", ["x", "x"], ["y"], dict(axis=-1))], shape)
    for name, opset, attributes, constants in [
        ("split_11", 11, dict(axis=1, split=[1, 2]), {}), ("split_13", 13, dict(axis=1), {"s": ints(1, 2)}),
        ("split_uneven", 18, dict(axis=3, num_outputs=2), {}),
    ]:
        case(name, opset, [("Split", ["x", *constants], ["a", "b"], attributes),
                           ("Concat", ["b", "a"], ["y"], dict(axis=attributes["axis"]))], shape, constants)
    one("slice_9", 9, "Slice", shape, dict(starts=[1, -3], ends=[9, 4], axes=[2, 3]))
    one("slice_13", 13, "Slice", shape, {}, {"s": ints(1), "e": ints(2**62), "a": ints(-1), "t": ints(2)})
    one("slice_backwards", 13, "Slice", shape, {}, {"s": ints(-1), "e": ints(-(2**62)), "a": ints(2), "t": ints(-2)})
    one("gather_channels", 13, "Gather", shape, dict(axis=1), {"i": ints(2, -2, 0, 2)})
    one("pad_9", 9, "Pad", shape, dict(pads=[0, 0, 1, 0, 0, 0, 2, 3], value=-1.5))
    one("pad_13", 13, "Pad", shape, {}, {"p": ints(0, 2, 0, 0, 0, 2, 0, 0), "v": numpy.float32(0.25).reshape(())})
    one("pad_zeros", 11, "Pad", shape, {}, {"p": ints(0, 0, 1, 1, 0, 0, 1, 1)})
    one("mean_13", 13, "ReduceMean", shape, dict(axes=[2, 3]))
    one("mean_18", 18, "ReduceMean", shape, dict(keepdims=0), {"a": ints(-1, 2)})


def exporters():
    """Idioms of exporters around the network itself."""
    shape = [2, 3, 4, 5]
    case("view_by_size", 13, [
        ("Shape", ["x"], ["s"], {}), ("Gather", ["s", "zero"], ["n"], dict(axis=0)),
        ("Unsqueeze", ["n", "axes"], ["n1"], {}), ("Concat", ["n1", "minus"], ["t"], dict(axis=0)),
        ("Reshape", ["x", "t"], ["y"], {}),
    ], shape, {"zero": numpy.array(0, dtype=numpy.int64), "axes": ints(0), "minus": ints(-1)})
    case("view_by_product", 15, [
        ("Shape", ["x"], ["s"], dict(start=1)), ("Slice", ["s", "zero", "one"], ["c"], {}),
        ("Slice", ["s", "one", "far"], ["hw"], {}), ("Gather", ["hw", "first"], ["h"], {}), ("Gather", ["hw", "second"], ["w"], {}),
        ("Mul", ["h", "w"], ["pixels"], {}), ("Unsqueeze", ["pixels", "zero"], ["pixels1"], {}),
        ("Concat", ["minus", "c", "pixels1"], ["t"], dict(axis=0)), ("Reshape", ["x", "t"], ["y"], {}),
    ], shape, {"zero": ints(0), "one": ints(1), "far": ints(3), "minus": ints(-1),
               "first": numpy.array(0, dtype=numpy.int64), "second": numpy.array(-1, dtype=numpy.int64)})
    one("identity", 13, "Identity", shape)
    one("dropout_7", 7, "Dropout", shape, dict(ratio=0.5))
    one("dropout_12", 12, "Dropout", shape, {}, {"r": numpy.float32(0.5).reshape(())})
    case("dropout_with_an_unused_mask", 10, [("Dropout", ["x"], ["y", "mask"], {})], shape)
    x = noise(*shape)
    one("dropout_of_opset_6", 6, "Dropout", shape, dict(is_test=1, ratio=0.5), x=x, expected=x)
    one("relu", 14, "Relu", shape)
    one("sqrt", 13, "Sqrt", shape, x=noise(*shape, low=0.0))
    one("power_of_a_negative", 13, "Pow", shape, {}, {"p": numpy.float32(2).reshape(())})
    one("power_of_a_half", 13, "Pow", shape, {}, {"p": numpy.array([0.75], dtype=numpy.float32)},
        x=noise(*shape, low=0.5), dtype="f16")
    one("power_to_an_integer", 13, "Pow", shape, {}, {"p": numpy.array(3, dtype=numpy.int64)})
    for op in ("Add", "Sub", "Mul", "Div"):
        one(f"{op.lower()}_scalar", 13, op, shape, {}, {"c": numpy.float32(1.5).reshape(())})
        case(f"{op.lower()}_channels", 14, [(op, ["c", "x"], ["y"], {})], shape, {"c": noise(3, 1, 1)},
             x=noise(*shape, low=1.0))
    case("constants", 13, [
        ("Constant", [], ["a"], dict(value_float=0.5)), ("Constant", [], ["b"], dict(value_floats=[1.0, 2.0, 3.0, 4.0, 5.0])),
        ("Constant", [], ["c"], dict(value=numpy_helper.from_array(numpy.float32([[2.0]])))),
        ("Mul", ["x", "a"], ["p"], {}), ("Add", ["p", "b"], ["q"], {}), ("Mul", ["q", "c"], ["y"], {}),
    ], shape)
    case("constant_of_shape", 13, [
        ("ConstantOfShape", ["s"], ["c"], dict(value=numpy_helper.from_array(numpy.float32([1.5])))),
        ("Add", ["x", "c"], ["y"], {}),
    ], shape, {"s": ints(4, 5)})
    case("cast_and_back", 13, [("Cast", ["x"], ["h"], dict(to=TensorProto.FLOAT16)),
                               ("Cast", ["h"], ["y"], dict(to=TensorProto.FLOAT))], shape)
    one("softmax_11", 11, "Softmax", [3, 7])
    one("softmax_11_of_pixels", 11, "Softmax", [3, 7, 1, 1], dict(axis=1))
    one("softmax_13", 13, "Softmax", shape)
    one("softmax_13_of_channels", 13, "Softmax", shape, dict(axis=1))
    one("softmax_half", 13, "Softmax", [3, 7], dict(axis=1), dtype="f16")


def last_additions():
    """What graphs of other converters have; last, so that the random numbers of the cases above stay."""
    shape = [2, 3, 4, 5]
    one("clip_6", 6, "Clip", shape, dict(min=0.0, max=float(numpy.finfo(numpy.float32).max)))
    one("clip_13", 13, "Clip", shape, {}, {"low": numpy.float32(0).reshape(())})
    one("log_softmax_9", 9, "LogSoftmax", [3, 7])
    one("log_softmax_13_of_channels", 13, "LogSoftmax", shape, dict(axis=1))
    for name, opset, scale, zero, attributes in [
        ("tensor", 10, numpy.float32(0.03).reshape(()), numpy.array(7, dtype=numpy.int8), {}),
        ("channels", 13, numpy.float32([0.01, 0.02, 0.03]), numpy.array([1, -2, 3], dtype=numpy.int8), dict(axis=0)),
        ("columns", 13, numpy.float32([0.01, 0.02]), numpy.array([128, 130], dtype=numpy.uint8), {}),
    ]:
        weight = RNG.integers(numpy.iinfo(zero.dtype).min, numpy.iinfo(zero.dtype).max, (3, 2), endpoint=True)
        constants = {"w": weight.astype(zero.dtype), "scale": scale, "zero": zero}
        case(f"dequantize_{name}", opset, [
            ("DequantizeLinear", ["w", "scale", "zero"], ["float"], attributes), ("MatMul", ["x", "float"], ["y"], {}),
        ], [2, 3], constants)
    parameters = dict(scale=noise(5), b=noise(5), mean=noise(5), var=noise(5, low=0.1, high=3.0))
    for opset in (9, 15):
        one(f"batchnorm_{opset}_of_a_vector", opset, "BatchNormalization", [3, 5], dict(epsilon=1e-3), parameters)
    # Halves, which go to the even integer, and what lies beyond the ends.
    x = numpy.float32([-1e9, -130.5, -3.5, -2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.5, 126.5, 127.5, 254.5, 255.5, 1e9, 0.49999997])
    x = numpy.stack([x, x * numpy.float32(0.3)]).reshape(2, 2, 8)
    both = [("QuantizeLinear", ["x", "scale", "zero"], ["q"], {}), ("DequantizeLinear", ["q", "scale", "zero"], ["y"], {})]
    for name, opset, scale, zero in [
        ("u8", 10, numpy.float32(1).reshape(()), numpy.array(0, dtype=numpy.uint8)),
        ("u8_shifted", 13, numpy.float32(0.5).reshape(()), numpy.array(3, dtype=numpy.uint8)),
        ("i8", 19, numpy.float32(1).reshape(()), numpy.array(-1, dtype=numpy.int8)),
        ("of_channels", 13, numpy.float32([1, 0.25]), numpy.array([1, 200], dtype=numpy.uint8)),
    ]:
        case(f"quantize_{name}", opset, both, x.shape, {"scale": scale, "zero": zero}, x=x)


for make in (convolutions, pools, norms, products, shapes, exporters, last_additions):
    make()
safetensors.numpy.save_file(dict(sorted(goldens.items())), HERE / "goldens.safetensors")
print(f"{len(goldens) // 2} cases")
