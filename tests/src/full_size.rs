//! The whole 244 MB network with random weights: long enough on the way to be killed there.

use alexnet_spec::networks;
use safetensors::tensor::{Dtype, TensorView, serialize_to_file};
use std::path::{Path, PathBuf};

/// Writes torchvision's network with random weights of the size that its layers are initialised with.
pub fn checkpoint(folder: &Path) -> PathBuf {
    let network = networks::get("torchvision").unwrap();
    let mut seed = 0x9e37_79b9_7f4a_7c15u64;
    let tensors: Vec<(String, Vec<usize>, Vec<u8>)> = network
        .parameters()
        .unwrap()
        .into_iter()
        .map(|parameter| {
            let fan_in: usize = parameter.shape[1..].iter().product();
            let bound = 1.7 / (fan_in as f32).sqrt().max(10.0);
            let mut bytes = Vec::with_capacity(4 * parameter.elements());
            for _ in 0..parameter.elements() {
                // xorshift64
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                let uniform = (seed >> 40) as f32 / (1u32 << 23) as f32 - 1.0;
                bytes.extend_from_slice(&(uniform * bound).to_le_bytes());
            }
            (parameter.name, parameter.shape, bytes)
        })
        .collect();
    let views =
        tensors.iter().map(|(name, shape, data)| (name, TensorView::new(Dtype::F32, shape.clone(), data).unwrap()));
    let path = folder.join("full.safetensors");
    serialize_to_file(views, None, &path).unwrap();
    path
}
