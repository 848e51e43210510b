//! What every fuzz target does: read the bytes as one format, whatever they look like, then import what came out.
//!
//! Anything but a value or an error is a finding: a panic, an overflow, a hang, memory beyond the limit.

use alexnet_formats::{Checkpoint, Companions, ImportOptions, Limits, Map, MeanFile, Source, formats, import, inspect};

/// A small machine's limits: what a file of a few kilobytes may cost.
fn limits() -> Limits {
    Limits { decompressed_bytes: 32 << 20, string_bytes: 32 << 20, ..Limits::default() }
}

/// Reads `data` as the format called `name`.
pub fn read(name: &str, data: &[u8]) {
    read_beside(name, Source::from_bytes(name, data.to_vec()), Companions::default());
}

/// Reads `weights` as the format called `name`, with `companions` beside it.
pub fn read_beside(name: &str, weights: Source, companions: Companions) {
    let format = formats::FORMATS.iter().find(|format| format.name == name).expect("a format of the registry");
    if let Ok(checkpoint) = format.read(&weights.with_companions(companions), &limits()) {
        use_up(&checkpoint);
    }
}

/// Reads `data` as Darknet's weights of a small network.
pub fn darknet_weights(data: &[u8]) {
    const CFG: &[u8] = include_bytes!("../../fixtures/darknet/alexnet.cfg");
    let cfg = Some(Source::from_bytes("alexnet.cfg", CFG));
    read_beside("darknet", Source::from_bytes("weights", data.to_vec()), Companions { cfg, ..Companions::default() });
}

/// Reads `data` as the .cfg of a weights file.
pub fn darknet_cfg(data: &[u8]) {
    const WEIGHTS: &[u8] = include_bytes!("../../fixtures/darknet/alexnet.weights");
    let cfg = Some(Source::from_bytes("cfg", data.to_vec()));
    read_beside("darknet", Source::from_bytes("weights", WEIGHTS), Companions { cfg, ..Companions::default() });
}

/// Reads `data` as the prototxt of a caffemodel without layers of its own.
pub fn prototxt(data: &[u8]) {
    const WEIGHTS: &[u8] = include_bytes!("../../fixtures/caffe/weights.caffemodel");
    let prototxt = Some(Source::from_bytes("prototxt", data.to_vec()));
    read_beside("caffe", Source::from_bytes("model", WEIGHTS), Companions { prototxt, ..Companions::default() });
}

/// Everything that is done with a checkpoint that was read.
fn use_up(checkpoint: &Checkpoint) {
    let options = ImportOptions::default();
    let _ = inspect(checkpoint, &options).to_string();
    let _ = import(checkpoint, &options);
}

/// Reads `data` as a file with a mean.
pub fn mean(data: &[u8]) {
    let _ = MeanFile::read(&Source::from_bytes("mean", data.to_vec()), &limits());
}

/// Reads `data` as a mapping file.
pub fn map(data: &[u8]) {
    let _ = Map::read(&Source::from_bytes("map", data.to_vec()), &limits());
}

/// Decodes and lowers `data` as an ONNX model, as the runtime for candle-onnx does.
pub fn lower(data: &[u8]) {
    let closed = &mut |_: &str| Err(std::io::ErrorKind::NotFound.into());
    if let Ok(model) = alexnet_onnx::Model::decode(data.to_vec().into(), closed) {
        let _ = alexnet_onnx::lower(&model, 1, &[]);
    }
}
