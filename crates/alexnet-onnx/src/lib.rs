//! AlexNet as ONNX: writing, reading, and lowering for runtimes with few operators.
#![forbid(unsafe_code)]

mod error;
mod export;
mod external;
mod graph;
mod nodes;
mod opset;
mod options;
pub mod proto;
mod write;

pub use error::{Error, Result};
pub use options::{Batch, Data, ExportOptions, Extent, LrnForm};
pub use write::{graph, write};
