//! The element type of a value, as the operators that compute it say.
//!
//! What a graph states of the values between its nodes is optional, and nothing checks it; an operator's definition is
//! neither. Only for operators of other domains, and for branches, is the statement all there is.

use crate::proto::attribute_proto::AttributeType;
use crate::proto::{AttributeProto, NodeProto};
use crate::validate::{is_onnx, place, unsupported};
use crate::{Model, Result, Value, tensor};
use alexnet_spec::DType;

/// Where an operator's output has its type from.
enum Origin {
    /// It is always of this type.
    Fixed(DType),
    /// An input's.
    Input(usize),
    /// A number of ONNX's, in an attribute.
    Number(i64),
    /// The operator doesn't tell.
    Stated,
}

/// The type in which `model` computes the value called `name`.
///
/// Errs where there is no such value, and where neither operators nor the graph tell.
pub(crate) fn of(model: &Model, name: &str) -> Result<DType> {
    let mut name = name;
    // Nodes read only what is computed before them, so this ends.
    loop {
        if let Some(tensor) = model.initializer(name) {
            return Ok(tensor.dtype());
        }
        if let Some(input) = model.inputs().iter().find(|input| input.name == name) {
            return Ok(input.dtype);
        }
        let mut nodes = model.graph().node.iter().enumerate();
        let Some((index, node)) = nodes.find(|(_, node)| node.output.iter().any(|output| output == name)) else {
            return Err(unsupported("graph", format!("there is no value `{}`", name.escape_debug())));
        };
        let position = node.output.iter().position(|output| output == name).unwrap_or_default();
        let untold = || {
            let message = format!(
                "the element type of its output `{}` isn't known: try a graph with inferred shapes (onnx.shape_inference in Python)",
                name.escape_debug()
            );
            unsupported(place(index, node), message)
        };
        match origin(node, position) {
            Origin::Fixed(dtype) => return Ok(dtype),
            Origin::Number(number) => {
                return i32::try_from(number).ok().and_then(tensor::dtype).ok_or_else(untold);
            }
            Origin::Input(input) => {
                name = node.input.get(input).filter(|input| !input.is_empty()).ok_or_else(untold)?;
            }
            Origin::Stated => {
                let stated = model.graph().value_info.iter().chain(&model.graph().output);
                let info = stated.into_iter().find(|info| info.name() == name).ok_or_else(untold)?;
                return Value::read(info).map(|value| value.dtype);
            }
        }
    }
}

/// Where output `position` of `node` has its type from, after the operators' definitions in onnx 1.23.
fn origin(node: &NodeProto, position: usize) -> Origin {
    if !is_onnx(node.domain()) {
        // What ONNX Runtime makes of convolutions and products when it saves a graph that it optimised.
        let fused = matches!(node.domain(), "com.microsoft" | "com.microsoft.nchwc");
        let operator = node.op_type();
        let known =
            matches!(operator, "Conv" | "MaxPool" | "ReorderInput" | "ReorderOutput") || operator.starts_with("Fused");
        return if fused && known { Origin::Input(0) } else { Origin::Stated };
    }
    let attribute = |name: &str| node.attribute.iter().find(|attribute| attribute.name() == name);
    let number = |name: &str| attribute(name).map(|attribute| Origin::Number(attribute.i.unwrap_or_default()));
    let zero_point = |at: usize| match node.input.get(at) {
        Some(name) if !name.is_empty() => Origin::Input(at),
        _ => number("output_dtype").filter(|n| !matches!(n, Origin::Number(0))).unwrap_or(Origin::Fixed(DType::U8)),
    };
    match (node.op_type(), position) {
        ("Cast", _) => number("to").unwrap_or(Origin::Stated),
        ("CastLike" | "Where", _) => Origin::Input(1),
        ("Shape" | "Size" | "NonZero" | "ArgMax" | "ArgMin", _) | ("MaxPool" | "TopK", 1) => Origin::Fixed(DType::I64),
        ("Equal" | "Greater" | "GreaterOrEqual" | "Less" | "LessOrEqual" | "IsNaN" | "IsInf", _) | ("Dropout", 1..) => {
            Origin::Fixed(DType::Bool)
        }
        ("Constant", _) => node.attribute.first().map_or(Origin::Stated, held),
        ("ConstantOfShape", _) => attribute("value").map_or(Origin::Fixed(DType::F32), held),
        ("QuantizeLinear", _) => zero_point(2),
        ("DequantizeLinear", _) => Origin::Input(1),
        ("QLinearConv" | "QLinearMatMul", _) => Origin::Input(7),
        ("ConvInteger" | "MatMulInteger", _) => Origin::Fixed(DType::I32),
        ("DynamicQuantizeLinear", 0 | 2) => Origin::Fixed(DType::U8),
        ("DynamicQuantizeLinear", _) => Origin::Fixed(DType::F32),
        ("If" | "Loop" | "Scan" | "OneHot" | "RandomNormal" | "RandomUniform", _) => Origin::Stated,
        _ => Origin::Input(0),
    }
}

/// The type of what an attribute of a `Constant` holds.
fn held(attribute: &AttributeProto) -> Origin {
    match attribute.r#type() {
        AttributeType::Int | AttributeType::Ints => Origin::Fixed(DType::I64),
        AttributeType::Float | AttributeType::Floats => Origin::Fixed(DType::F32),
        _ => match &attribute.t {
            Some(tensor) => Origin::Number(tensor.data_type.unwrap_or_default().into()),
            None => Origin::Stated,
        },
    }
}
