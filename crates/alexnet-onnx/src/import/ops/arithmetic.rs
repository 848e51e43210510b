use super::gemm::{bias, scale};
use super::{Held, Map, Node, Reader, decimal};
use crate::Result;
use crate::import::norm::Squares;
use alexnet_spec::graph::NodeOp;
use alexnet_spec::{Op, Transform};

/// `Add`, `Sub`, `Mul` and `Div`: the parts of a response norm, a bias that stands alone, a factor, and what is done to the
/// image's pixels.
pub(super) fn read(reader: &mut Reader, node: &Node) -> Result<()> {
    let (a, b) = (node.input(0)?, node.input(1)?);
    let commutes = matches!(node.operator(), "Add" | "Mul");
    match (reader.constant(a).is_some(), reader.constant(b).is_some()) {
        (false, false) => computed(reader, node, a, b),
        (false, true) => with_constant(reader, node, a, b),
        (true, false) if commutes => with_constant(reader, node, b, a),
        _ => Err(node.unsupported("it computes from constants: try folding constants first (onnxsim)")),
    }
}

/// Two computed values: a square, or a response norm's division.
fn computed(reader: &mut Reader, node: &Node, a: &str, b: &str) -> Result<()> {
    let (x, y) = (reader.held(node, a)?, reader.held(node, b)?);
    let norm = match (node.operator(), x, y) {
        ("Mul", Held::Map(x), Held::Map(y)) if x == y => return reader.set(node, Held::Squares(Squares::of(x))),
        ("Div", Held::Map(map), Held::Squares(squares)) => squares.divisor_of(&map).map(|op| (map, op)),
        ("Mul", Held::Map(map), Held::Squares(squares)) | ("Mul", Held::Squares(squares), Held::Map(map)) => {
            squares.factor_of(&map).map(|op| (map, op))
        }
        _ => None,
    };
    let (map, op) =
        norm.ok_or_else(|| node.unsupported("it computes from two values, and not as a response norm does"))?;
    let slices = map.slices;
    let map = reader.take_first(node, Map { slices: 1, ..map })?;
    reader.emit(node, node.output()?, &[map], NodeOp::Layer(op), Vec::new())?;
    reader.reslice(node.output()?, slices);
    Ok(())
}

fn with_constant(reader: &mut Reader, node: &Node, value: &str, constant: &str) -> Result<()> {
    let (operator, number) = (node.operator(), reader.scalar(constant)?.map(decimal));
    let map = match (reader.held(node, value)?, number) {
        (Held::Map(map), _) => map,
        (Held::Squares(squares), Some(number)) => {
            let next = match operator {
                "Add" => squares.plus(number),
                "Sub" => squares.plus(-number),
                "Mul" => squares.times(number),
                _ => squares.times(number.recip()),
            };
            let next =
                next.ok_or_else(|| node.unsupported("it computes with squares, and not as a response norm does"))?;
            return reader.set(node, Held::Squares(next));
        }
        (Held::Rows(_), _) => return Err(node.unsupported("it stands within an adaptive pool")),
        (Held::Squares(_), None) => {
            return Err(node.unsupported("it computes with squares and several numbers, which no response norm does"));
        }
    };
    if reader.is_image(&map) {
        return pixels(reader, node, map, value, constant);
    }
    match (operator, number) {
        ("Add" | "Sub", Some(0.0)) | ("Mul" | "Div", Some(1.0)) => {
            reader.hold(node.output()?, map);
            Ok(())
        }
        ("Mul" | "Div", Some(number)) if number > 0.0 && number.is_finite() => {
            let factor = if operator == "Mul" { number } else { number.recip() };
            let map = reader.whole(node, value)?;
            reader.emit(node, node.output()?, &[map], NodeOp::Scale(factor), Vec::new())
        }
        ("Add" | "Sub", _) => add_bias(reader, node, map, value, constant),
        _ => {
            Err(node
                .unsupported("it multiplies channels by constants: try folding them into the layer before (onnxsim)"))
        }
    }
}

/// What is added to the output of a convolution or linear layer that has no bias yet and that nothing else reads.
fn add_bias(reader: &mut Reader, node: &Node, map: Map, value: &str, constant: &str) -> Result<()> {
    let refuse = || node.unsupported("it adds constants to what isn't a layer's output without a bias");
    let rank = reader.shape(value)?.len();
    let axis = super::channel_axis(&map, rank);
    let out = reader.shape(value)?.get(axis).copied().unwrap_or_default();
    let values = reader.needed(node, constant)?;
    // One number a channel, aligned with the channels' axis from the right.
    let along = rank.saturating_sub(axis);
    let shape = values.tensor.shape();
    let plain = shape.iter().rev().enumerate().all(|(at, size)| *size == 1 || at + 1 == along);
    if values.tensor.elements() != 1 && (!plain || values.tensor.elements() != out) {
        return Err(refuse());
    }
    let sign = if node.operator() == "Sub" { scale(-1.0) } else { None };
    let operand = if values.tensor.elements() == 1 {
        bias(reader, node, constant, out, sign)?
    } else {
        let mut values = values;
        values.tensor = values.tensor.reshape(&[out])?;
        values.operand("bias", sign.unwrap_or(Transform::Identity))
    };
    let layer = reader.only_reader(value).ok_or_else(refuse)?;
    let takes = matches!(layer.op, NodeOp::Layer(Op::Conv2d(_) | Op::Linear(_)));
    if !takes || layer.operands.iter().any(|operand| operand.role == "bias") {
        return Err(refuse());
    }
    layer.operands.push(operand);
    reader.hold(node.output()?, map);
    Ok(())
}

/// Means and scales of the image's channels.
fn pixels(reader: &mut Reader, node: &Node, map: Map, value: &str, constant: &str) -> Result<()> {
    let tensor = reader.needed(node, constant)?.tensor;
    let shape = reader.shape(value)?;
    let axis = map.layout.channels();
    let channels = shape.get(axis).copied().unwrap_or_default();
    let along = shape.len().saturating_sub(axis);
    let plain = tensor.shape().iter().rev().enumerate().all(|(at, size)| *size == 1 || at + 1 == along);
    if !plain || ![1, channels].contains(&tensor.elements()) || map.padding != [0; 4] {
        let seen = tensor.shape();
        return Err(node.unsupported(format!(
            "it computes with the image and a constant of {seen:?}; a mean or a scale is one number a channel"
        )));
    }
    let values: Vec<f64> = tensor.to_f32()?.into_iter().map(decimal).collect();
    let values: Vec<f64> = values.iter().copied().cycle().take(channels).collect();
    let normalised = map.normalised.clone().unwrap_or_default().then(node.operator(), &values);
    reader.hold(node.output()?, Map { normalised: Some(normalised), ..map });
    Ok(())
}
