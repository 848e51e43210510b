//! The messages of ONNX's schema, generated from `proto/onnx-ml.proto`.

#![allow(missing_docs, clippy::all)]

include!(concat!(env!("OUT_DIR"), "/onnx.rs"));
