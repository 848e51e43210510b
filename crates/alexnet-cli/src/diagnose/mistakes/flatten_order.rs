//! TensorFlow, Keras and MATLAB flatten maps in another order than Caffe, PyTorch and ONNX.

use super::{Attempt, Mistake, Suspect};
use crate::array::Array;
use alexnet_spec::{Layer, Op, Shape, Tensor};
use candle_core::Device;

pub(super) const MISTAKE: Mistake = Mistake {
    id: "flatten-order",
    remedy: "the fully connected layer after the maps was trained with its inputs in another order: reorder the columns of its weights to channel, row, column, or flatten as its author did",
    attempts,
};

/// The axes of a map in the order in which they are flattened.
const ORDERS: [([usize; 3], &str); 5] = [
    ([1, 2, 0], "HWC"),
    ([2, 1, 0], "WHC"),
    ([0, 2, 1], "CWH"),
    ([1, 0, 2], "HCW"),
    ([2, 0, 1], "WCH"),
];

fn attempts<'a>(suspect: &'a Suspect<'a>) -> Vec<Attempt<'a>> {
    let mut attempts = Vec::new();
    for place in suspect.linears() {
        let name = format!("{}.weight", place.name);
        let Some(map) = flattened(suspect, place.name) else { continue };
        for (axes, order) in ORDERS {
            let flattens = suspect.piece.with_tensor(&name, |t| columns(t, map, axes, true));
            let sentence = format!("the maps before {} look flattened {order}, or its columns taken for {order}", place.name);
            attempts.extend(flattens.map(|piece| Attempt::piece(sentence, piece)));
            let expects = suspect.piece.with_tensor(&name, |t| columns(t, map, axes, false));
            let sentence = format!("{name}'s columns look moved from CHW to {order}, which the maps before it are not");
            attempts.extend(expects.map(|piece| Attempt::piece(sentence, piece)));
        }
    }
    let before = suspect.piece.before_last();
    let map = suspect.examples.first().is_some_and(|example| example.expected.shape.len() == 4);
    for (axes, order) in ORDERS {
        let [a, b, c] = axes.map(|axis| axis + 1);
        let turned = move |maps: &Array| maps.to_candle(&Device::Cpu)?.permute((0, a, b, c))?.contiguous();
        match suspect.last() {
            Some(Layer { op: Op::Flatten(_), .. }) => {
                let before = before.clone();
                attempts.push(Attempt::output(format!("the maps look flattened {order}, not CHW"), move |example| {
                    Ok(Array::from_candle(&turned(&before.run(&example.input)?)?.flatten_from(1)?)?)
                }));
            }
            Some(last) if map => {
                let sentence = format!("{}'s maps look turned: {order}, not CHW", last.name);
                attempts.push(Attempt::output(sentence, move |e| Ok(Array::from_candle(&turned(&e.expected)?)?)));
            }
            _ => {}
        }
    }
    attempts
}

/// The map whose values a fully connected layer takes, where no other such layer lies between.
fn flattened(suspect: &Suspect<'_>, layer: &str) -> Option<[usize; 3]> {
    let steps = suspect.network.trace().ok()?;
    let at = steps.iter().position(|step| step.layer.name == layer)?;
    let earlier = steps.get(..at)?.iter().rev();
    let passed = |op: &Op| matches!(op, Op::Flatten(_) | Op::Dropout(_) | Op::Relu(_) | Op::BatchNorm2d(_));
    let flatten = earlier.take_while(|step| passed(&step.layer.op)).find(|s| matches!(s.layer.op, Op::Flatten(_)))?;
    match flatten.input {
        Shape::Map { channels, height, width } => Some([channels, height, width]),
        Shape::Vector(_) => None,
    }
}

/// The columns of a matrix, which follow `map`, for inputs that come in another order of the axes; or, the other way
/// round, its columns as if they had followed that order.
fn columns(weight: &Tensor, map: [usize; 3], axes: [usize; 3], flattened: bool) -> Option<Tensor> {
    let rows = *weight.shape().first()?;
    let turned = axes.map(|axis| map[axis]);
    let mut inverse = [0; 3];
    axes.iter().enumerate().for_each(|(to, from)| inverse[*from] = to);
    // Inputs flattened in the other order meet columns in ours: the column of input i is the one at i's other place.
    let (seen, order) = if flattened { (turned, inverse) } else { (map, axes) };
    let [a, b, c] = seen;
    let [x, y, z] = order.map(|axis| axis + 1);
    let moved = weight.reshape(&[rows, a, b, c]).ok()?.permute(&[0, x, y, z]).ok()?;
    moved.reshape(weight.shape()).ok()
}
