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
//!
//! The other half knows AlexNet and no files. [`import()`] finds the state dict in a checkpoint, recognises by the
//! [`dialects`]' names and by shapes who wrote it and which network it is, and hands out [`Weights`](alexnet_spec::Weights)
//! by canonical name with a [`Report`] of what was used, left out and guessed; [`inspect()`] looks without converting;
//! [`writers`] write what was imported.
//!
//! ```no_run
//! # use alexnet_formats::{ImportOptions, Limits, Source, import, open};
//! # let limits = Limits::default();
//! # let source = Source::open("alexnet-owt-7be5be79.pth", &limits)?;
//! let imported = import(&open(&source, &limits)?, &ImportOptions::default())?;
//! println!("{}", imported.report);
//! assert_eq!(imported.network.name, "torchvision");
//! # Ok::<(), alexnet_formats::Error>(())
//! ```

#![deny(unsafe_code)]
// Everything here comes from files that nobody should trust: a number or a position of theirs must not end the program.
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used
    )
)]

mod archive;
mod caffe;
mod checkpoint;
mod checksum;
mod cuda_convnet;
mod darknet;
pub mod dialects;
mod error;
#[allow(clippy::arithmetic_side_effects, reason = "counts of what is in memory")]
mod finite;
pub mod formats;
mod hdf5;
mod import;
mod input;
mod inspect;
mod keras;
mod limits;
mod map;
mod mat;
mod matconvnet;
mod mean;
mod msgpack;
mod mxnet;
mod npy;
mod pickle;
mod protobuf;
pub mod published;
#[allow(clippy::arithmetic_side_effects, reason = "counts of what is in memory")]
mod report;
mod shown;
mod source;
mod tensorflow;
mod torch7;
mod tree;
#[allow(clippy::arithmetic_side_effects, reason = "sizes of tensors that are there")]
pub mod writers;

pub use alexnet_spec::Transform;
pub use checkpoint::{Attribute, Checkpoint, Group, Module, Unreadable};
pub use checksum::Checksum;
pub use error::{Error, Kind, Result};
pub use finite::check_finite;
pub use formats::{open, open_unread};
pub use import::{ImportOptions, Imported, import};
pub use inspect::{Becomes, GroupSummary, Inspection, Reading, TensorSummary, inspect};
pub use limits::Limits;
pub use map::Map;
pub use mean::MeanFile;
pub use published::Published;
pub use report::{Converted, Guess, Report, Unused, Used};
pub use source::{Companions, Source};
