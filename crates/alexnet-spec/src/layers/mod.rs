//! The kinds of layers, one file each.
//!
//! A new kind is one file here with its [`Infer`] implementation, one line in the [`Op`] table below, and a file of the
//! same name in the candle model and in the ONNX exporter.

mod adaptive_avg_pool2d;
mod batch_norm2d;
mod conv2d;
mod dropout;
mod flatten;
mod linear;
mod local_response_norm;
mod max_pool2d;
mod relu;
mod softmax;
mod spatial_response_norm;
mod window;

use crate::Shape;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use adaptive_avg_pool2d::AdaptiveAvgPool2d;
pub use batch_norm2d::BatchNorm2d;
pub use conv2d::Conv2d;
pub use dropout::Dropout;
pub use flatten::Flatten;
pub use linear::Linear;
pub use local_response_norm::LocalResponseNorm;
pub use max_pool2d::MaxPool2d;
pub use relu::Relu;
pub use softmax::Softmax;
pub use spatial_response_norm::SpatialResponseNorm;
pub use window::{Pads, Rounding};

/// What every kind of layer tells of itself, given the shape of its input.
///
/// A method errs with a sentence that names both sizes; [`crate::Network`] adds the layer's name.
pub trait Infer {
    /// The shape of the output for one example.
    fn output(&self, input: Shape) -> Result<Shape, String>;

    /// The trained tensors: name within the layer (`weight`, `bias`, ...) and shape.
    fn parameters(&self, _input: Shape) -> Result<Vec<(&'static str, Vec<usize>)>, String> {
        Ok(Vec::new())
    }

    /// Multiply-adds for one example. Only convolutions and fully connected layers are counted, as the literature does.
    fn multiply_adds(&self, _input: Shape) -> Result<u64, String> {
        Ok(0)
    }
}

macro_rules! ops {
    ($($kind:ident),* $(,)?) => {
        /// What a layer computes, with every constant it needs.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "op")]
        #[non_exhaustive]
        pub enum Op {
            $(
                #[doc = concat!("See [`", stringify!($kind), "`](struct@", stringify!($kind), ").")]
                $kind($kind),
            )*
        }

        impl Op {
            /// Every kind's name, as it stands in JSON.
            pub const KINDS: &'static [&'static str] = &[$(stringify!($kind)),*];

            /// The kind's name, as it stands in JSON.
            pub fn kind(&self) -> &'static str {
                match self { $(Op::$kind(_) => stringify!($kind)),* }
            }

            /// The kind's shape arithmetic.
            pub fn infer(&self) -> &dyn Infer {
                match self { $(Op::$kind(op) => op),* }
            }
        }

        $(impl From<$kind> for Op {
            fn from(op: $kind) -> Op { Op::$kind(op) }
        })*
    };
}

ops! {
    Conv2d,
    Relu,
    LocalResponseNorm,
    SpatialResponseNorm,
    BatchNorm2d,
    MaxPool2d,
    AdaptiveAvgPool2d,
    Flatten,
    Linear,
    Dropout,
    Softmax,
}

/// A named layer. Its name is the node's and tensor's name in ONNX, the prefix of its parameters, and what reports say.
///
/// In JSON, name and operation stand side by side: `{"name": "pool1", "op": "MaxPool2d", "kernel": [3, 3], ...}`.
/// A key that the operation doesn't have is an error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "NamedFields")]
pub struct Layer {
    /// Unique within the network.
    pub name: String,
    /// What it computes.
    #[serde(flatten)]
    pub op: Op,
}

impl Layer {
    /// A layer from its name and operation.
    pub fn new(name: impl Into<String>, op: impl Into<Op>) -> Layer {
        Layer { name: name.into(), op: op.into() }
    }
}

/// `flatten` loses serde's check for unknown keys: the name is taken off first, the rest goes to the strict [`Op`].
#[derive(Deserialize)]
struct NamedFields {
    name: String,
    #[serde(flatten)]
    op: Map<String, Value>,
}

impl TryFrom<NamedFields> for Layer {
    type Error = String;

    fn try_from(fields: NamedFields) -> Result<Layer, String> {
        let op = Op::deserialize(Value::Object(fields.op)).map_err(|e| format!("layer `{}`: {e}", fields.name))?;
        Ok(Layer { name: fields.name, op })
    }
}

/// The map dimensions of `input`, or a sentence about what was found in their place.
fn map(input: Shape) -> Result<(usize, usize, usize), String> {
    match input {
        Shape::Map { channels, height, width } => Ok((channels, height, width)),
        Shape::Vector(features) => {
            Err(format!("needs a channels x height x width map, but the input is a vector of {features}"))
        }
    }
}
