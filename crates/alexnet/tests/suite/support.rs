//! What the tests share: the fixtures, comparison, random tensors.

use alexnet::spec::{Network, networks};
use alexnet::{AlexNet, Result};
use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

/// A network of the registry as the fixtures have it: small, with 10 classes.
pub fn tiny(name: &str) -> Network {
    let weights = tensors(fixtures().join(format!("networks/{name}.safetensors")));
    let network = networks::get(name).expect("a network of the registry");
    network.fitted(|parameter| weights.get(parameter).map(Tensor::dims)).expect("the network's weights")
}

pub fn tensors(path: impl AsRef<Path>) -> HashMap<String, Tensor> {
    let path = path.as_ref();
    candle_core::safetensors::load(path, &Device::Cpu).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// `network` with the fixture's weights of the network called `weights`.
pub fn model(network: &Network, weights: &str, dtype: DType) -> Result<AlexNet> {
    let tensors = tensors(fixtures().join("networks").join(format!("{weights}.safetensors")));
    Ok(AlexNet::new(network, VarBuilder::from_tensors(tensors, dtype, &Device::Cpu))?)
}

/// [`model`] in f64, with weights that were rounded to `dtype`.
pub fn rounded_model(network: &Network, weights: &str, dtype: DType) -> Result<AlexNet> {
    let tensors = tensors(fixtures().join("networks").join(format!("{weights}.safetensors")));
    let round = |tensor: Tensor| tensor.to_dtype(dtype)?.to_dtype(DType::F64);
    let tensors = tensors.into_iter().map(|(name, tensor)| Ok((name, round(tensor)?))).collect::<Result<_>>()?;
    Ok(AlexNet::new(network, VarBuilder::from_tensors(tensors, DType::F64, &Device::Cpu))?)
}

/// PyTorch's answers for the network called `name`, with the shared input under `input`.
pub fn golden(name: &str) -> HashMap<String, Tensor> {
    let path = fixtures().join("goldens").join(format!("{name}.safetensors"));
    let mut golden = tensors(&path);
    let input = &header(&path)["input"];
    golden.insert("input".into(), tensors(fixtures().join(input))["input"].clone());
    golden
}

/// The string pairs of a safetensors header.
pub fn header(path: &Path) -> HashMap<String, String> {
    let bytes = std::fs::read(path).unwrap();
    let (_, metadata) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    metadata.metadata().clone().unwrap_or_default()
}

/// Values in row-major order.
pub fn values(x: &Tensor) -> Vec<f64> {
    x.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

/// The largest difference, relative to the largest expected value. Infinite where shapes differ or something isn't finite.
pub fn error(actual: &Tensor, expected: &Tensor) -> f64 {
    if actual.dims() != expected.dims() {
        return f64::INFINITY;
    }
    let (actual, expected) = (values(actual), values(expected));
    let largest = expected.iter().fold(1e-300, |m: f64, x| m.max(x.abs()));
    let difference = actual.iter().zip(&expected).map(|(a, b)| (a - b).abs());
    difference.fold(0.0, |m: f64, d| if d.is_finite() { m.max(d) } else { f64::INFINITY }) / largest
}

/// Normal values in f64.
pub fn normal(shape: &[usize]) -> Tensor {
    Tensor::randn(0f64, 1.0, shape, &Device::Cpu).unwrap()
}
