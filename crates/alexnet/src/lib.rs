//! AlexNet and its family on candle.
// Only launching a CUDA kernel takes `unsafe`.
#![cfg_attr(not(feature = "cuda"), forbid(unsafe_code))]

mod classifier;
#[cfg(any(test, feature = "cuda"))]
mod cuda;
mod device;
mod error;
pub mod layers;
mod model;
pub mod preprocess;
mod weights;

pub use alexnet_spec::{self as spec, Network};
pub use classifier::{Classifier, Prediction};
pub use device::{DeviceError, device};
pub use error::{Error, Result};
pub use model::AlexNet;
