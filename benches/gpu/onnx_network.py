"""A network as an ONNX graph on ONNX Runtime's CUDA provider, from the description that bench-gpu prints."""
import numpy as np


def graph(description, batch, dtype):
    """The serialised model, with weights from a seed."""
    from onnx import TensorProto, helper, numpy_helper

    network, random = description["network"], np.random.default_rng(1)
    size = network["input"]
    element = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    nodes, weights, value = [], [], "input"
    channels, height, width, features = size["channels"], size["height"], size["width"], None

    def parameter(name, shape):
        scale = (2 / np.prod(shape[1:])) ** 0.5 if len(shape) > 1 else 0.1
        array = (random.standard_normal(shape, dtype=np.float32) * np.float32(scale)).astype(dtype)
        weights.append(numpy_helper.from_array(array, name))
        return name

    def reach(length, axis, layer):
        pads = layer.get("pads", [0] * 4)
        rest = length + pads[axis] + pads[axis + 2] - layer["kernel"][axis]
        step = layer["stride"][axis]
        outputs = (-(-rest // step) if layer.get("rounding") == "ceil" else rest // step) + 1
        # A last window must start inside.
        return outputs - ((outputs - 1) * step >= length + pads[axis])

    def node(op, name, inputs, **attributes):
        nonlocal value
        nodes.append(helper.make_node(op, [value, *inputs], [name], name, **attributes))
        value = name

    for layer in network["layers"]:
        name, pads = layer["name"], layer.get("pads", [0] * 4)
        match layer["op"]:
            case "Conv2d":
                shape = [layer["out"], channels // layer["groups"], *layer["kernel"]]
                inputs = [parameter(f"{name}.weight", shape), parameter(f"{name}.bias", [layer["out"]])]
                node("Conv", name, inputs, kernel_shape=layer["kernel"], strides=layer["stride"], pads=pads,
                     group=layer["groups"])
                channels, height, width = layer["out"], reach(height, 0, layer), reach(width, 1, layer)
            case "MaxPool2d":
                node("MaxPool", name, [], kernel_shape=layer["kernel"], strides=layer["stride"], pads=pads,
                     ceil_mode=int(layer.get("rounding") == "ceil"))
                height, width = reach(height, 0, layer), reach(width, 1, layer)
            case "Relu":
                node("Relu", name, [])
            case "LocalResponseNorm":
                attributes = {key: layer[key] for key in ("size", "alpha", "beta")} | {"bias": layer["k"]}
                if layer["groups"] == 1:
                    node("LRN", name, [], **attributes)
                else:
                    parts = [f"{name}.{group}" for group in range(layer["groups"])]
                    nodes.append(helper.make_node("Split", [value], parts, f"{name}.split", axis=1))
                    nodes.extend(helper.make_node("LRN", [part], [f"{part}.norm"], part, **attributes) for part in parts)
                    nodes.append(helper.make_node("Concat", [f"{part}.norm" for part in parts], [name], name, axis=1))
                    value = name
            case "Flatten":
                node("Flatten", name, [])
                features = channels * height * width
            case "Linear":
                shape = [layer["out"], features]
                node("Gemm", name, [parameter(f"{name}.weight", shape), parameter(f"{name}.bias", [layer["out"]])],
                     transB=1)
                features = layer["out"]
            case "AdaptiveAvgPool2d" if layer["output"] == [height, width]:
                pass
            case "Dropout" | "Softmax":
                pass
            case other:
                raise ValueError(f"no layer {other}")
    dims = [batch, size["channels"], size["height"], size["width"]]
    made = helper.make_graph(
        nodes, "network", [helper.make_tensor_value_info("input", element, dims)],
        [helper.make_tensor_value_info(value, element, [batch, features])], weights)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return model.SerializeToString(), value


def session(description, batch, arithmetic):
    """A function that runs one pass with input and output on the GPU."""
    import onnxruntime

    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        raise RuntimeError("onnxruntime without its CUDA provider")
    if arithmetic == "bf16":
        raise RuntimeError("not measured in bf16: numpy has no such type")
    dtype = np.float16 if arithmetic == "f16" else np.float32
    model, output = graph(description, batch, dtype)
    options = {"use_tf32": int(arithmetic == "tf32"), "cudnn_conv_algo_search": "EXHAUSTIVE",
               "prefer_nhwc": int(arithmetic == "f16")}
    made = onnxruntime.InferenceSession(model, providers=[("CUDAExecutionProvider", options)])
    if made.get_providers()[0] != "CUDAExecutionProvider":
        raise RuntimeError("onnxruntime fell back to the CPU")
    size = description["network"]["input"]
    shape = (batch, size["channels"], size["height"], size["width"])
    x = np.random.default_rng(2).standard_normal(shape, dtype=np.float32).astype(dtype)
    binding = made.io_binding()
    binding.bind_ortvalue_input("input", onnxruntime.OrtValue.ortvalue_from_numpy(x, "cuda", 0))
    binding.bind_output(output, "cuda")
    return lambda: made.run_with_iobinding(binding)
