//! AlexNet and its family as data.
//!
//! "AlexNet" names at least six networks with the same parameter shapes and different answers. This crate writes each of
//! them down once: a [`Network`] is an input contract and a list of layers with every constant in it. The candle model,
//! the ONNX graph, the parameter table and the verifier's list of layers are all read from that list.
//!
//! ```
//! use alexnet_spec::networks;
//!
//! let net = networks::get("torchvision").unwrap().with_classes(10)?;
//! assert_eq!(net.parameters()?.len(), 16);
//! let last = net.trace()?.pop().unwrap();
//! assert_eq!((last.layer.name.as_str(), last.output.to_string().as_str()), ("fc8", "10"));
//! # Ok::<(), alexnet_spec::Error>(())
//! ```
//!
//! It knows nothing of files, of candle or of ONNX. Besides the networks it holds what every other part shares: the
//! [`Tensor`], a strided view of bytes that were read once, and the [`Metadata`] that travels with converted weights.
#![forbid(unsafe_code)]

pub mod diagram;
mod dtype;
mod error;
pub mod graph;
mod input;
pub mod labels;
pub mod layers;
mod metadata;
pub mod naming;
mod network;
pub mod networks;
mod shape;
mod tensor;
mod transform;
mod weights;

pub use dtype::DType;
pub use error::{Error, Result};
pub use graph::Graph;
pub use input::{ChannelOrder, Crop, Input, Interpolation, Mean, MeanImage, PixelRange, Preprocessing, Resize};
pub use labels::Labels;
pub use layers::{Layer, Op};
pub use metadata::{Metadata, Provenance};
pub use network::{Network, Parameter, Step};
pub use shape::Shape;
pub use tensor::Tensor;
pub use transform::Transform;
pub use weights::Weights;
