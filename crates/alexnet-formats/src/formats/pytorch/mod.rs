//! What PyTorch's layouts share: ids of storages, and the way from a pickle's objects to groups of tensors.

mod groups;
mod ids;
mod modules;
mod tensors;

pub(super) use groups::{groups, reachable};
pub(super) use ids::{persistent_id, storage_key, storage_keys};
pub(crate) use tensors::{Seen, Storages};
