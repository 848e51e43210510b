//! What MXNet writes: lists of arrays by name (`.params`) and, beside them, the network as a symbol (`-symbol.json`).

mod attributes;
mod list;
mod ndarray;
mod operators;
mod symbol;

pub(crate) use list::{Entry, read, recognises};
pub(crate) use ndarray::Array;
pub(crate) use symbol::graph;
