//! Caffe's files: nets in all three generations of its protocol buffers, binary (`.caffemodel`) and as text (`.prototxt`),
//! and what their layers compute. Field numbers, defaults and upgrades are those of BVLC's `caffe.proto` and
//! `upgrade_proto.cpp`.
//!
//! Both writings become [`Fields`](fields::Fields) by one [`schema`]; [`upgrade`] makes one kind of [`Layer`](net::Layer) of
//! the generations; [`graph`] transcribes what layers compute in Caffe's TEST phase.

mod blob;
mod checkpoint;
mod fields;
mod foreign;
mod graph;
mod layers;
mod net;
mod schema;
mod text;
mod token;
mod upgrade;
mod weights;
mod wire;

pub(crate) use blob::Blob;
pub(crate) use checkpoint::checkpoint;
pub(crate) use foreign::{is_mean, is_prototxt, is_solver_state};
pub(crate) use net::Net;
pub(crate) use weights::Weights;
