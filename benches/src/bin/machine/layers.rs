//! What each layer asks of the machine.

use alexnet::AlexNet;
use alexnet_bench::say;
use anyhow::Result;
use candle_core::Device;
use serde_json::{Value, json};
use std::path::Path;

/// Prints the layers that compute of the network in a safetensors file: multiply-adds for one example and numbers of weights.
pub fn print(path: &Path) -> Result<()> {
    let model = AlexNet::load(path, &Device::Cpu)?;
    let steps = model.network().trace()?;
    let computing = steps.iter().filter(|step| step.multiply_adds > 0);
    let layers = computing.map(|step| {
        let weights = step.parameters.iter().map(|parameter| parameter.shape.iter().product::<usize>()).sum::<usize>();
        json!({"name": step.layer.name, "multiply_adds": step.multiply_adds, "weights": weights})
    });
    say(&Value::Array(layers.collect()).to_string())
}
