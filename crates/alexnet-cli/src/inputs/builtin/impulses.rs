//! Single bright pixels on the mean colour, which is zero to the network: what an impulse becomes is the first layer's
//! filter itself, so that flips, the side of a padding and the start of a stride show as a shift of everything that isn't
//! bias; and biases show, since little else does. An impulse in the last row and column is seen at all only by what pads or
//! rounds up at the end.

use super::Kind;
use super::canvas::{Canvas, Place};
use alexnet_spec::Input;

pub(super) const KIND: Kind = Kind {
    name: "impulses",
    standard: |canvas| {
        // A different place in each channel, none the mirror image of another.
        let places = |channel: usize| match channel % 3 {
            0 => at(canvas, 0, 0),
            1 => at(canvas, 2, 2),
            _ => at(canvas, 1, 2),
        };
        Ok(vec![canvas.paint("impulses", |place| one_hot(canvas, place, place.channel, places(place.channel)))?])
    },
    further: |canvas| {
        let channels = 0..canvas.input.channels;
        let places =
            ["top left", "top", "top right", "left", "middle", "right", "bottom left", "bottom", "bottom right"];
        let cases = channels.flat_map(|channel| places.iter().enumerate().map(move |(i, name)| (channel, i, name)));
        cases
            .map(|(channel, index, name)| {
                let position = at(canvas, index / 3, index % 3);
                let name = format!("impulse in channel {channel}, {name}");
                canvas.paint(&name, |place| one_hot(canvas, place, channel, position))
            })
            .collect()
    },
};

/// The first, the middle or the last row and column, by thirds from 0 to 2.
fn at(canvas: &Canvas, row: usize, column: usize) -> (usize, usize) {
    let Input { height, width, .. } = canvas.input;
    (row * height.saturating_sub(1) / 2, column * width.saturating_sub(1) / 2)
}

fn one_hot(canvas: &Canvas, place: Place, channel: usize, position: (usize, usize)) -> f64 {
    let hit = place.channel == channel && (place.row, place.column) == position;
    if hit { canvas.value(channel, 1.0) } else { 0.0 }
}
