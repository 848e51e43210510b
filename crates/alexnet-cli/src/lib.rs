//! The two programs `alexnet-convert` and `alexnet-verify`: arguments, output, exit codes, runtimes and comparison.
//!
//! The library exists for the two binaries; programs that want the network embed the crate `alexnet`.
#![forbid(unsafe_code)]
// A build without runtimes leaves unused what serves them.
#![cfg_attr(not(all(feature = "candle-onnx", feature = "ort")), allow(dead_code, unused_variables))]

mod align;
#[cfg(test)]
mod anonymous;
mod args;
mod array;
mod checkpoint;
mod compare;
mod console;
pub mod convert;
mod diagnose;
pub mod exit;
mod files;
mod graph;
mod html;
mod images;
mod inputs;
mod look;
mod quantity;
mod reduce;
mod runtimes;
mod staging;
mod subject;
pub mod verify;
