//! Graphs that candle-onnx would run wrongly, or not at all: lowering refuses them and names the node.

mod support;

use alexnet_onnx::proto::tensor_proto::DataType;
use alexnet_onnx::proto::{GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, ValueInfoProto};
use prost::Message;
use support::protos::Value::{Int, Ints, Text};
use support::protos::*;
use support::*;

/// The error of lowering a graph of `nodes` for two examples. `x` is its input, [N, 4, 6, 6]; `one` a scalar, `four` a
/// vector of four, `yes` a bool that is true.
fn refusal(opset: i64, nodes: Vec<NodeProto>, input: ValueInfoProto) -> String {
    let yes = TensorProto {
        name: Some("yes".into()),
        data_type: Some(DataType::Bool as i32),
        int32_data: vec![1],
        ..Default::default()
    };
    let graph = GraphProto {
        node: nodes,
        input: vec![input],
        output: vec![value("y", DataType::Float, &[0])],
        initializer: vec![floats("one", &[], &[1.0]), floats("four", &[4], &[1.0, 2.0, 3.0, 4.0]), yes],
        ..Default::default()
    };
    let model = ModelProto {
        ir_version: Some(8),
        opset_import: vec![OperatorSetIdProto { domain: None, version: Some(opset) }],
        graph: Some(graph),
        ..Default::default()
    };
    let model = decode(model.encode_to_vec()).unwrap();
    match alexnet_onnx::lower(&model, 2, &[]) {
        Ok(lowered) => panic!("was lowered to {:?}", lowered.proto().graph),
        Err(error) => error.to_string(),
    }
}

#[test]
fn what_cannot_be_computed_is_refused_by_name() {
    let cases: Vec<(i64, &str, Vec<NodeProto>, &str)> = vec![
        (17, "Selu", vec![node("Selu", &["x"], &["y"], &[])], "isn't known to compute this operator correctly"),
        (17, "Relu", vec![node("Relu", &["x"], &["y"], &[("slope", Int(1))])], "attribute `slope` isn't known"),
        (
            17,
            "MaxPool",
            vec![node("MaxPool", &["x"], &["y"], &[("kernel_shape", Ints(&[2, 2])), ("dilations", Ints(&[2, 2]))])],
            "its dilations are [2, 2]",
        ),
        (
            17,
            "MaxPool",
            vec![node("MaxPool", &["x"], &["y"], &[("kernel_shape", Ints(&[2, 2])), ("pads", Ints(&[2, 0, 0, 0]))])],
            "leave windows of padding alone",
        ),
        // Windows of 2 every 7 on 1 + 6 + 1 pixels: the second would start at the last, which is padding.
        (
            17,
            "MaxPool",
            vec![node(
                "MaxPool",
                &["x"],
                &["y"],
                &[
                    ("kernel_shape", Ints(&[2, 2])),
                    ("strides", Ints(&[7, 7])),
                    ("pads", Ints(&[1, 1, 1, 1])),
                    ("ceil_mode", Int(1)),
                ],
            )],
            "on which runtimes disagree before opset 22",
        ),
        (
            9,
            "MaxPool",
            vec![node("MaxPool", &["x"], &["y"], &[("kernel_shape", Ints(&[2, 2])), ("ceil_mode", Int(1))])],
            "ceil_mode is 1 in opset 9",
        ),
        (
            17,
            "MaxPool",
            vec![
                node("MaxPool", &["x"], &["y", "where"], &[("kernel_shape", Ints(&[2, 2]))]),
                node("Identity", &["where"], &["z"], &[]),
            ],
            "its further output `where` is used",
        ),
        (
            17,
            "AveragePool",
            vec![node(
                "AveragePool",
                &["x"],
                &["y"],
                &[
                    ("kernel_shape", Ints(&[3, 3])),
                    ("strides", Ints(&[2, 2])),
                    ("ceil_mode", Int(1)),
                    ("count_include_pad", Int(1)),
                ],
            )],
            "on whose divisor runtimes disagree",
        ),
        (17, "Conv", vec![node("Conv", &["x", "four"], &["y"], &[])], "only [N, C, H, W] is computed"),
        (6, "Dropout", vec![node("Dropout", &["x"], &["y"], &[])], "it drops at random"),
        (
            17,
            "Dropout",
            vec![node("Dropout", &["x", "", "yes"], &["y"], &[])],
            "its training_mode isn't known to be off",
        ),
        (
            13,
            "Dropout",
            vec![node("Dropout", &["x"], &["y", "mask"], &[]), node("Identity", &["mask"], &["z"], &[])],
            "its further output `mask` is used",
        ),
        (
            15,
            "BatchNormalization",
            vec![node(
                "BatchNormalization",
                &["x", "four", "four", "four", "four"],
                &["y"],
                &[("training_mode", Int(1))],
            )],
            "it takes the batch's own statistics",
        ),
        (
            7,
            "BatchNormalization",
            vec![node("BatchNormalization", &["x", "four", "four", "four", "four"], &["y"], &[("spatial", Int(0))])],
            "its statistics differ from pixel to pixel",
        ),
        (
            11,
            "Softmax",
            vec![node("Softmax", &["x"], &["y"], &[])],
            "takes all axes of [2, 4, 6, 6] from 1 on together",
        ),
        (17, "Pad", vec![node("Pad", &["x", "four"], &["y"], &[("mode", Text("reflect"))])], "its mode is `reflect`"),
        (17, "Pow", vec![node("Pow", &["x", "x"], &["y"], &[])], "its exponent isn't one constant number"),
        (17, "Reshape", vec![node("Reshape", &["x", "x"], &["y"], &[])], "must be constant integers, but is computed"),
        (
            6,
            "Add",
            vec![node("Add", &["x", "four"], &["y"], &[("broadcast", Int(1)), ("axis", Int(1))])],
            "broadcasts as opset 6 has it",
        ),
        (17, "Cast", vec![node("Cast", &["x"], &["y"], &[("to", Int(DataType::Int64 as i64))])], "it casts f32 to i64"),
        (
            17,
            "Flatten",
            vec![node("Flatten", &["x"], &["y"], &[("axis", Int(5))])],
            "has axis 5, but its input has 4 axes",
        ),
        (
            17,
            "Flatten",
            vec![node("Flatten", &["x"], &["y"], &[("axis", Text("1"))])],
            "attribute `axis` is of type string, not int",
        ),
    ];
    for (opset, operator, nodes, says) in cases {
        let message = refusal(opset, nodes, value("x", DataType::Float, &[0, 4, 6, 6]));
        assert!(message.starts_with(&format!("node `suspect` ({operator}): ")), "{message}");
        assert!(message.contains(says), "{operator}: {message}");
    }
}

#[test]
fn other_domains_are_refused() {
    let mut fused = node("FusedConv", &["x"], &["y"], &[]);
    fused.domain = Some("com.microsoft".into());
    let message = refusal(17, vec![fused], value("x", DataType::Float, &[0, 4, 6, 6]));
    assert!(message.contains("operators of domain `com.microsoft`"), "{message}");
}

#[test]
fn inputs_must_leave_nothing_but_the_batch_open() {
    let identity = || vec![node("Identity", &["x"], &["y"], &[])];
    for (input, says) in [
        (value("x", DataType::Float, &[1, 4, 6, 6]), "takes batches of 1, not of 2"),
        (value("x", DataType::Float, &[0, 4, 0, 6]), "only its batch may be left open"),
        (value("x", DataType::Double, &[0, 4, 6, 6]), "is of f64; only f32, f16 and bf16 are computed"),
    ] {
        let message = refusal(17, identity(), input);
        assert!(message.contains(says), "{message}");
    }
}

#[test]
fn an_opset_of_the_future_is_refused() {
    let message = refusal(26, vec![node("Relu", &["x"], &["y"], &[])], value("x", DataType::Float, &[0, 4]));
    assert_eq!(message, "model: opset 26 is newer than 25: try exporting it for opset 17");
}
