//! Reads AlexNet checkpoints of every origin from files that nobody should trust, and writes safetensors.
//!
//! [`Source::open`] maps a file once. [`open`] looks at its content, never at its extension, and hands out a
//! [`Checkpoint`]: named tensors that are views of the map, uncopied. Nothing in this half knows of AlexNet, and nothing
//! that a file says is ever called, imported or believed without a check against the bytes that are there; every cost is
//! bounded by [`Limits`].
//!
//! ```no_run
//! use alexnet_formats::{Limits, Source, open};
//!
//! let limits = Limits::default();
//! let source = Source::open("alexnet-owt-7be5be79.pth", &limits)?;
//! let checkpoint = open(&source, &limits)?;
//! for group in &checkpoint.groups {
//!     println!("{}: {} tensors under key {:?}", checkpoint.format, group.tensors.len(), group.key);
//! }
//! # Ok::<(), alexnet_formats::Error>(())
//! ```

mod archive;
mod checkpoint;
pub mod dialects;
mod error;
mod finite;
pub mod formats;
mod import;
mod input;
mod inspect;
mod limits;
mod pickle;
mod report;
mod shown;
mod source;
mod transform;
pub mod writers;

pub use checkpoint::{Attribute, Checkpoint, Group, Module, Unreadable};
pub use error::{Error, Kind, Result};
pub use finite::check_finite;
pub use formats::open;
pub use import::{ImportOptions, Imported, import};
pub use inspect::{Inspection, inspect};
pub use limits::Limits;
pub use report::Report;
pub use source::Source;
pub use transform::Transform;
