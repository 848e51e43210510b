//! AlexNet as ONNX: writing, reading, and lowering for a runtime with few operators.
//!
//! - [`write()`] makes a graph of a network and its weights, for any opset from 9 to 22, streaming the weights;
//! - [`Model::decode`] reads a graph that nobody should trust;
//! - [`read_graph`] says which network a graph of any exporter is, with its weights;
//! - [`lower`] rewrites a graph, ours or a foreign one, into what candle-onnx computes correctly;
//! - [`cut()`] takes the part of a graph that lies between values, and [`Model::write`] writes it;
//! - [`check`] says whether a file that was written is the graph of its network.
//!
//! A layer kind of `alexnet-spec` is one file of the same name in `nodes/`; an operator that foreign graphs may use is
//! one file in `lower/ops/`. Nothing here knows candle or opens a file.
//!
//! # What a written graph looks like
//!
//! The input is `input`, `[N, channels, height, width]`; the output `logits`, or `probabilities` after a softmax, or the
//! last layer of a network of features. Both are f32; an f16 graph takes and gives f16. Nodes and
//! the values that they write are named as the layers (`conv1`, `norm1`), so that a viewer shows AlexNet; parameters have
//! their canonical names (`conv1.weight`); what a layer needs besides has the layer's name and a slash (`norm1/band`).
//! Dropout, and adaptive pools that change nothing, are left out. Every value's shape is stated.
//!
//! Pools that round up are written with explicit pads in place of `ceil_mode`: opset 9 has none, and runtimes differ on it.
//! Cross-channel norms are the operator `LRN`, around which two `Reshape`s move groups into the batch; in f16,
//! norms that aren't that operator are computed in f32 between two casts.
//!
//! bf16 parameters are made f32 by a `Cast` each, called after layer and role (`conv1/weight`); int8 ones by a
//! `DequantizeLinear`. A static quantisation rounds `relu1` by the pair `relu1/quantized` and `relu1/rounded`.
//!
//! # Untrusted models
//!
//! The bytes are scanned before anything is allocated, so memory stays within a constant factor of the file's size, and
//! raw data is shared, not copied. Types, shapes and bytes of every initializer must agree. External data must lie in a
//! plain relative path, at decimal offsets inside the file; the caller opens it, and must not follow links. Loops,
//! functions and training graphs aren't read. Each error is one line that names the node, initializer or byte.
#![forbid(unsafe_code)]

mod check;
mod cut;
mod error;
mod export;
mod external;
mod graph;
mod import;
mod lower;
mod model;
mod nodes;
mod opset;
mod options;
pub mod proto;
mod quantize;
mod scan;
mod tensor;
mod types;
mod validate;
mod value;
mod write;

pub use check::check;
pub use cut::cut;
pub use error::{Error, Result};
pub use import::{read_graph, read_rounded_graph, written_network, written_parameters};
pub use lower::{Lowered, Weight, lower};
pub use model::Model;
pub use options::{Batch, Data, ExportOptions, Extent, LrnForm};
pub use quantize::{Affine, Quantization, calibrated, ranges, unpaired};
pub use value::{Dim, Value};
pub use write::{Prepared, graph, write};
