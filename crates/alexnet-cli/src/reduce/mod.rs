//! The smallest graph and input that still show a difference.
//!
//! The layer that parts first is cut out of the graph, and the same layers are taken from the reference. Then both are made
//! smaller in step: one example, the output channel where they are farthest apart, the pixels that it depends on, the fewest
//! inputs. Every step is tried: it is kept only where the difference stays, and where what was taken out of the graph shows to
//! have taken no part in what is left. What the reference then computes is recorded as the truth, in the form of ONNX's own
//! backend tests, which any runtime can be run on.

mod difference;
mod folder;
mod found;
mod narrow;
mod part;
mod reference;
mod shrink;

use crate::array::Array;
use crate::compare::Tolerance;
use alexnet_onnx::Model;
use alexnet_spec::{Network, Weights};
use anyhow::Result;

pub use difference::Difference;
pub use folder::{Reduction, check_target};
pub(crate) use found::reduce_found;

/// A layer that differs although both sides have the same input.
pub struct Case<'a> {
    /// The reference's network.
    pub network: &'a Network,
    /// The reference's weights.
    pub weights: &'a Weights,
    /// The layer whose output the differing one is fed; none for the image.
    pub after: Option<&'a str>,
    /// The layer.
    pub layer: &'a str,
    /// The other side's graph.
    pub model: &'a Model,
    /// The graph's value that is `after`, or its input.
    pub from: &'a str,
    /// The graph's value that is `layer`.
    pub to: &'a str,
    /// What the reference's layer is fed.
    pub input: &'a Array,
    /// That as the graph takes it: the same, but for images whose order or range is the graph's own.
    pub prepare: &'a dyn Fn(&Array) -> Result<Array>,
    /// How far the two may be apart.
    pub tolerance: Tolerance,
    /// Runs a part of the graph.
    pub run: &'a mut dyn FnMut(&Model, &Array) -> Result<Array>,
}

/// A difference in its smallest form.
pub struct Reduced {
    /// The layer.
    pub layer: String,
    /// The reference's layers, by name and kind.
    pub layers: String,
    /// The part of the graph.
    pub model: Model,
    /// Its operators.
    pub operators: Vec<String>,
    /// What the part is fed.
    pub input: Array,
    /// What the reference makes of it.
    pub expected: Array,
    /// Where the part is farthest from that.
    pub difference: Difference,
}

/// Reduces a difference.
///
/// Errs where the layer alone, cut out of the graph, doesn't show the difference; and as `run` does.
pub fn reduce(case: Case<'_>) -> Result<Reduced> {
    let mut shrinking = shrink::Shrinking::start(case)?;
    shrinking.take_one_example();
    shrinking.take_one_channel();
    shrinking.take_one_window();
    shrinking.take_few_inputs();
    shrinking.finish()
}
