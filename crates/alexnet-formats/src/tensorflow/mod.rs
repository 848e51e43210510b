//! TensorFlow's checkpoints of version 2, which it calls tensor bundles: a sorted table that says where each variable lies,
//! and files of nothing but the variables' elements.
//!
//! Described by TensorFlow's `core/util/tensor_bundle/tensor_bundle.h` and `core/protobuf/tensor_bundle.proto`; the table is
//! LevelDB's, described by its `doc/table_format.md`.

mod block;
mod bundle;
mod checksum;
mod element;
mod entry;
mod graph_def;
mod names;
mod table;
#[cfg(test)]
mod tests;

pub(crate) use bundle::read;
pub(crate) use graph_def::{is_graph, is_saved_model};
pub(crate) use names::{is_data_file, is_state_file, prefix_in};
pub(crate) use table::is_table;
