//! What "the same" means: metrics of two tensors, and the tolerance that they are held to.

mod metrics;
mod parameters;
mod tolerance;

pub use metrics::{Agreement, Metrics};
pub use parameters::{ParameterCheck, parameters};
pub use tolerance::{Override, Tolerance, Tolerances, coarsest};
