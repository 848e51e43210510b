//! What "the same" means: metrics of two tensors, and the tolerance that they are held to.

mod batch;
mod classes;
mod element;
mod histogram;
mod metrics;
mod parameters;
mod passing;
mod quantiles;
mod tolerance;
mod ulps;

#[cfg(test)]
mod judged;

pub use batch::Example;
pub use classes::Agreement;
pub use element::Element;
pub use histogram::Histogram;
pub use metrics::Metrics;
pub use parameters::{ParameterCheck, Step, parameters, parameters_of_steps};
pub use passing::at_least;
pub use tolerance::{Device, Override, Place, Precision, Tolerance, Tolerances, coarsest, list as list_tolerances};
pub use ulps::Ulps;
