//! Areas of one colour. Within an area every place of a layer has the same value, so that what differs has a cause that is
//! easy to name: all of an area, and it is a bias, a mean or the normalisation; its rim alone, and it is the padding.
//!
//! The areas are parts of one input. The mean colour alone is zero to the network: one without biases gives zeros for it,
//! and two networks that give zeros agree whatever they compute.

use super::Kind;

pub(super) const KIND: Kind = Kind {
    name: "constants",
    standard: |canvas| {
        let third = canvas.input.width.div_ceil(3).max(1);
        Ok(vec![canvas.paint("black, mean and white", |place| match place.column / third {
            0 => canvas.value(place.channel, 0.0),
            1 => 0.0,
            _ => canvas.value(place.channel, 1.0),
        })?])
    },
    further: |canvas| {
        let half = canvas.input.height.div_ceil(2).max(1);
        Ok(vec![
            // One colour at full strength above, its complement below.
            canvas.paint("red and cyan", |place| {
                let above = place.row < half;
                canvas.value(place.channel, if above == (place.channel == 0) { 1.0 } else { 0.0 })
            })?,
            canvas.paint("white and mean", |place| match place.row < half {
                true => canvas.value(place.channel, 1.0),
                false => 0.0,
            })?,
        ])
    },
};
