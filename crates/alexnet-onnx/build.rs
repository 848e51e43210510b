//! Compiles ONNX's schema with protox, so that no `protoc` has to be installed.
//!
//! The schema is the file that the `onnx` Python package 1.23.0 ships, unchanged. It lies at the top of the repository; a link
//! in this crate's folder stands for it, and becomes the file itself when the crate is packaged.

use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = Path::new("proto");
    let schema = folder.join("onnx-ml.proto");
    println!("cargo::rerun-if-changed={}", schema.display());
    let descriptors = protox::compile([&schema], [folder])?;
    prost_build::Config::new()
        // Tensor data stays a slice of the bytes that the model was decoded from.
        .bytes(["."])
        // The schema's comments are prose for the web, with indented text that rustdoc would take for Rust.
        .disable_comments(["."])
        .compile_fds(descriptors)?;
    Ok(())
}
