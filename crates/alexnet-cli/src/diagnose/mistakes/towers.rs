//! The two towers of 2012 are groups of channels, and which channels go with which is easily lost.

use super::{Attempt, Mistake, Piece, Place, Suspect};
use alexnet_spec::layers::Conv2d;
use alexnet_spec::{Tensor, Transform};

pub(super) const MISTAKE: Mistake = Mistake {
    id: "towers",
    remedy: "check which channels each group of the convolution sees and makes: group g of the outputs sees group g of the inputs, one after the other",
    attempts,
};

fn attempts<'a>(suspect: &'a Suspect<'a>) -> Vec<Attempt<'a>> {
    let mut attempts = Vec::new();
    for place in suspect.convolutions() {
        let (name, conv) = (place.name, place.op);
        let weight = format!("{name}.weight");
        let inputs = place.input.dims().first().copied().unwrap_or(0);
        for groups in [2, 1, 4].into_iter().filter(|groups| *groups != conv.groups) {
            let regrouped = |t: &Tensor| regroup(t, inputs.checked_div(groups)?);
            let piece = suspect.piece.with_op(place.index, Conv2d { groups, ..conv.clone() });
            let piece = piece.and_then(|piece| piece.with_tensor(&weight, regrouped));
            let sentence = format!("{name} looks computed in {groups} groups, not {}", conv.groups);
            attempts.extend(piece.map(|piece| Attempt::piece(sentence, piece)));
        }
        for (what, order) in orders(conv.out) {
            let alone = suspect.piece.with_tensor(&weight, |t| reordered(t, 0, &order));
            let sentence = format!("{name}'s filters look {what}, and its biases not");
            attempts.extend(alone.map(|piece| Attempt::piece(sentence, piece)));
            let both = ungrouped(suspect, &place).and_then(|p| p.with_tensor(&weight, |t| reordered(t, 0, &order)));
            let both = both.and_then(|p| p.with_tensor(&format!("{name}.bias"), |t| reordered(t, 0, &order)));
            attempts.extend(both.map(|piece| Attempt::piece(format!("{name}'s outputs look {what}"), piece)));
        }
        for (what, order) in orders(inputs) {
            // Weights that follow the channels to their new places see what the old ones would see there.
            let mut places = vec![0; inputs];
            order.iter().enumerate().for_each(|(to, from)| places[*from] = to);
            let piece = ungrouped(suspect, &place).and_then(|p| p.with_tensor(&weight, |t| reordered(t, 1, &places)));
            let sentence = format!("the channels that {name} sees look {what}");
            attempts.extend(piece.map(|piece| Attempt::piece(sentence, piece)));
        }
    }
    attempts
}

/// The suspect with a grouped convolution as one group, in which every filter can see every channel.
fn ungrouped(suspect: &Suspect<'_>, place: &Place<'_, Conv2d>) -> Option<Piece> {
    let groups = place.op.groups;
    let piece = suspect.piece.with_op(place.index, Conv2d { groups: 1, ..place.op.clone() })?;
    piece.with_tensor(&format!("{}.weight", place.name), |t| block_diagonal(t, groups))
}

fn reordered(tensor: &Tensor, axis: usize, order: &[usize]) -> Option<Tensor> {
    let stretches = order.iter().map(|at| [*at, at + 1]).collect();
    Transform::Reorder { axis, stretches }.apply(std::slice::from_ref(tensor)).ok()
}

/// A grouped convolution's filters as those of one group, with zeros for what they don't see.
fn block_diagonal(weight: &Tensor, groups: usize) -> Option<Tensor> {
    let [out, own, height, width] = *weight.shape() else { return None };
    if groups == 1 {
        return Some(weight.clone());
    }
    let (per, pixels) = (out.checked_div(groups)?, height * width);
    let values = weight.to_f32().ok()?;
    let mut whole = vec![0.0; values.len().checked_mul(groups)?];
    for (filter, values) in values.chunks(own * pixels).enumerate() {
        let start = (filter * groups + filter / per) * own * pixels;
        whole.get_mut(start..start + values.len())?.copy_from_slice(values);
    }
    Tensor::from_f32(vec![out, own * groups, height, width], &whole).ok()
}

/// Filters that see `channels`: cut off, or repeated for the channels that they lack.
fn regroup(weight: &Tensor, channels: usize) -> Option<Tensor> {
    let own = *weight.shape().get(1)?;
    if own >= channels {
        return weight.narrow(1, 0, channels).ok();
    }
    let copies = channels.checked_div(own)?;
    Transform::ConcatenateAlong(1).apply(&vec![weight.clone(); copies]).ok()
}

/// Orders that the channels of two towers fall into: for each place, the channel that comes there.
fn orders(channels: usize) -> Vec<(&'static str, Vec<usize>)> {
    let half = channels / 2;
    if half == 0 || !channels.is_multiple_of(2) {
        return Vec::new();
    }
    vec![
        ("swapped, half for half", (half..channels).chain(0..half).collect()),
        ("interleaved, one of each half in turn", (0..half).flat_map(|i| [i, half + i]).collect()),
        ("separated into the even and the odd", (0..half).map(|i| 2 * i).chain((0..half).map(|i| 2 * i + 1)).collect()),
        ("reversed", (0..channels).rev().collect()),
    ]
}
