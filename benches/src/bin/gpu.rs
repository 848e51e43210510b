//! This project's network on a GPU as a process that `benches/gpu/run` times.
//!
//! It prints the networks named in its arguments, then obeys lines of standard input:
//!
//! ```text
//! load NETWORK BATCH ARITHMETIC    makes the model with weights from a seed; answers how it runs
//! passes COUNT                     answers the seconds of as many forward passes, waited for at the end
//! latency COUNT                    answers the seconds of as many forward passes, each waited for
//! ```

use alexnet::spec::networks;
use alexnet::{AlexNet, device};
use anyhow::{Context, Result, bail};
use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use std::collections::HashMap;
use std::io::{BufRead, Write, stdin, stdout};
use std::time::Instant;

struct Loaded {
    model: AlexNet,
    input: Tensor,
}

impl Loaded {
    fn new(network: &str, batch: usize, arithmetic: &str, gpu: &Device) -> Result<Loaded> {
        let network = networks::get(network).with_context(|| format!("no network `{network}`"))?;
        let (dtype, tf32) = match arithmetic {
            "f32" => (DType::F32, false),
            "tf32" => (DType::F32, true),
            "f16" => (DType::F16, false),
            "bf16" => (DType::BF16, false),
            other => bail!("no arithmetic `{other}`"),
        };
        candle_core::cuda::set_gemm_reduced_precision_f32(tf32);
        gpu.set_seed(1)?;
        let mut weights = HashMap::new();
        for parameter in network.parameters()? {
            let fan_in: usize = parameter.shape.iter().skip(1).product();
            let scale = (2.0 / fan_in as f32).sqrt();
            let values = Tensor::randn(0f32, scale, parameter.shape, gpu)?.to_dtype(dtype)?;
            weights.insert(parameter.name, values);
        }
        let model = AlexNet::new(&network, VarBuilder::from_tensors(weights, dtype, gpu))?;
        let shape = (batch, network.input.channels, network.input.height, network.input.width);
        let input = Tensor::randn(0f32, 1.0, shape, gpu)?.to_dtype(dtype)?;
        // The layers one by one must not be timed in a plan's place.
        model.forward_planned(&input)?;
        gpu.synchronize()?;
        Ok(Loaded { model, input })
    }

    fn passes(&self, count: usize, gpu: &Device, wait_for_each: bool) -> Result<f64> {
        let start = Instant::now();
        for _ in 0..count {
            self.model.forward(&self.input)?;
            if wait_for_each {
                gpu.synchronize()?;
            }
        }
        gpu.synchronize()?;
        Ok(start.elapsed().as_secs_f64())
    }
}

fn answer(loaded: &mut Option<Loaded>, gpu: &Device, words: &[&str]) -> Result<String> {
    let timed = |count: &str, wait_for_each| {
        let loaded = loaded.as_ref().context("nothing is loaded")?;
        Ok::<_, anyhow::Error>(loaded.passes(count.parse()?, gpu, wait_for_each)?.to_string())
    };
    match words {
        ["load", network, batch, arithmetic] => {
            // The one before gives its memory back first.
            *loaded = None;
            let fresh = loaded.insert(Loaded::new(network, batch.parse()?, arithmetic, gpu)?);
            let plans = format!("{:?}", fresh.model);
            Ok(if plans.contains("as one graph") { "one graph" } else { "launch by launch" }.to_owned())
        }
        ["passes", count] => timed(count, false),
        ["latency", count] => timed(count, true),
        _ => bail!("not understood: {}", words.join(" ")),
    }
}

fn main() -> Result<()> {
    let mut out = stdout().lock();
    for name in std::env::args().skip(1) {
        let network = networks::get(&name).with_context(|| format!("no network `{name}`"))?;
        let multiply_adds = network.multiply_adds()?;
        let json: serde_json::Value = serde_json::from_str(&network.to_json())?;
        writeln!(out, "{}", serde_json::json!({ "network": json, "multiply_adds": multiply_adds }))?;
    }
    out.flush()?;
    let gpu = device("cuda")?;
    let mut loaded = None;
    for line in stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        match answer(&mut loaded, &gpu, &words) {
            Ok(answer) => writeln!(out, "ok {answer}")?,
            Err(error) => writeln!(out, "error {}", format!("{error:#}").replace('\n', " "))?,
        }
        out.flush()?;
    }
    Ok(())
}
