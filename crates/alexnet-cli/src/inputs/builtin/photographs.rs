//! Photographs, preprocessed as the network's contract says: smooth areas, edges and colours as in what the network was
//! trained on. They drive the deep layers of trained weights, to which noise is all the same: a mistake in the order of
//! fc6's rows or in a late layer is a difference of whole logits here. Networks that don't take three colours get none.

use super::Kind;
use super::canvas::Canvas;
use crate::inputs::Fixture;
use anyhow::Result;

pub(super) const KIND: Kind = Kind {
    name: "photographs",
    standard: |canvas| of(canvas, "photograph of a cup", include_bytes!("photographs/coffee.jpg")),
    further: |canvas| of(canvas, "photograph of a rocket", include_bytes!("photographs/rocket-portrait.jpg")),
};

fn of(canvas: &Canvas, name: &str, encoded: &[u8]) -> Result<Vec<Fixture>> {
    match canvas.input.channels {
        3 => Ok(vec![canvas.photograph(name, encoded)?]),
        _ => Ok(Vec::new()),
    }
}
