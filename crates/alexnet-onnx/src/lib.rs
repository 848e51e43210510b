//! AlexNet as ONNX: writing, reading, and lowering for runtimes with few operators.
#![forbid(unsafe_code)]

mod check;
mod error;
mod export;
mod external;
mod graph;
mod lower;
mod model;
mod nodes;
mod opset;
mod options;
pub mod proto;
mod scan;
mod tensor;
mod validate;
mod value;
mod write;

pub use check::check;
pub use error::{Error, Result};
pub use lower::{Lowered, Weight, lower};
pub use model::Model;
pub use options::{Batch, Data, ExportOptions, Extent, LrnForm};
pub use value::{Dim, Value};
pub use write::{graph, write};
