//! The whole 244 MB network with random weights: long enough on the way to be killed there.

use alexnet_spec::networks;
use safetensors::tensor::{Dtype, TensorView, serialize_to_file};
use std::path::{Path, PathBuf};

/// Writes torchvision's network with random weights of the size that its layers are initialised with.
pub fn checkpoint(folder: &Path) -> PathBuf {
    let parameters = networks::get("torchvision").unwrap().parameters().unwrap();
    write(folder, parameters.into_iter().map(|parameter| (parameter.name, parameter.shape)))
}

/// Writes the network of the Caffe release as TensorFlow has it: kernels `[height, width, in, out]`, matrices `[in, out]`.
pub fn transposed_checkpoint(folder: &Path) -> PathBuf {
    let parameters = networks::get("bvlc").unwrap().parameters().unwrap();
    let transposed = parameters.into_iter().map(|parameter| {
        let shape = match parameter.shape[..] {
            [outputs, inputs, height, width] => vec![height, width, inputs, outputs],
            _ => parameter.shape.iter().rev().copied().collect(),
        };
        (parameter.name.replace(".weight", "/weights").replace(".bias", "/biases"), shape)
    });
    write(folder, transposed)
}

fn write(folder: &Path, shapes: impl Iterator<Item = (String, Vec<usize>)>) -> PathBuf {
    let mut seed = 0x9e37_79b9_7f4a_7c15u64;
    let tensors: Vec<(String, Vec<usize>, Vec<u8>)> = shapes
        .map(|(name, shape)| {
            let (elements, fan_in): (usize, usize) = (shape.iter().product(), shape[1..].iter().product());
            let bound = 1.7 / (fan_in as f32).sqrt().max(10.0);
            let mut bytes = Vec::with_capacity(4 * elements);
            for _ in 0..elements {
                // xorshift64
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                let uniform = (seed >> 40) as f32 / (1u32 << 23) as f32 - 1.0;
                bytes.extend_from_slice(&(uniform * bound).to_le_bytes());
            }
            (name, shape, bytes)
        })
        .collect();
    let views =
        tensors.iter().map(|(name, shape, data)| (name, TensorView::new(Dtype::F32, shape.clone(), data).unwrap()));
    let path = folder.join("full.safetensors");
    serialize_to_file(views, None, &path).unwrap();
    path
}
