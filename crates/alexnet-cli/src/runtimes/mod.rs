//! What a network can be run on, one file each.
//!
//! A runtime for ONNX graphs is one file here, one line in [`open`], and its name in the command line.

mod candle;
#[cfg(feature = "candle-onnx")]
mod candle_onnx;
#[cfg(feature = "ort")]
mod ort;

use crate::align::align;
use crate::args::verify::RuntimeName;
use crate::array::Array;
use crate::graph::Graph;
use alexnet_onnx::Dim;
use alexnet_spec::{DType, Mean, Network};
use anyhow::{Result, bail, ensure};
use std::collections::BTreeMap;

pub use candle::Candle;

/// Values by name.
pub type Values = BTreeMap<String, Array>;

/// A loaded network, ready to run.
pub trait Runtime {
    /// What reports call it, with its version or device.
    fn name(&self) -> String;

    /// The coarsest type that activations have on the way.
    fn arithmetic(&self) -> DType;

    /// The coarsest type that weights are stored in.
    fn stored(&self) -> DType;

    /// Whether it forms sums in an order that costs digits: off the CPU, and where a window slides by subtraction.
    fn reorders_sums(&self) -> bool {
        false
    }

    /// Runs one example, `[1, C, H, W]`, and returns `logits`, `probabilities` where the graph ends in a softmax, and those of
    /// the layers in `taps` that it has.
    fn run(&mut self, input: &Array, taps: &[String]) -> Result<Values>;

    /// Runs one layer alone; none where the runtime can't.
    fn run_layer(&mut self, _layer: &str, _input: &Array) -> Option<Result<Array>> {
        None
    }
}

/// What an ONNX runtime has to know of a graph: its input, its batch, and the names of its values.
#[derive(Clone, Debug)]
struct Names {
    /// The input's name.
    input: String,
    /// The input's element type.
    dtype: DType,
    /// The one batch size that the graph takes; none where it takes any.
    batch: Option<usize>,
    /// Whether it takes images with their channels last.
    channels_last: bool,
    /// Mean and divisor of every channel, where the graph begins by normalising pixels: inputs are normalised already.
    normalises: Option<(Vec<f64>, Vec<f64>)>,
    /// `logits` and the layers, with the values' names.
    values: BTreeMap<String, String>,
}

impl Names {
    fn new(graph: &Graph, network: Option<&Network>) -> Result<Names> {
        let (inputs, outputs) = (graph.model.inputs(), graph.model.outputs());
        let [input] = inputs else { bail!("it has {} inputs, not one", inputs.len()) };
        let proto = graph.model.graph();
        let mut values = match network {
            Some(network) => align(&graph.model, network),
            None => BTreeMap::new(),
        };
        let [output] = outputs else { bail!("it has {} outputs, not one", outputs.len()) };
        // Probabilities hide differences that logits show: compare what goes into the softmax.
        let last = proto.node.iter().find(|node| node.output.contains(&output.name));
        let softmax = last.filter(|node| matches!(node.op_type(), "Softmax" | "LogSoftmax"));
        let logits = softmax.and_then(|node| node.input.first()).unwrap_or(&output.name);
        values.insert("logits".into(), logits.clone());
        if softmax.is_some_and(|node| node.op_type() == "Softmax") {
            values.insert("probabilities".into(), output.name.clone());
        }
        let batch = match input.shape.as_deref() {
            Some([Dim::Fixed(batch), ..]) => Some(*batch),
            _ => None,
        };
        let channels_last = input.image().is_some_and(|(_, last)| last);
        let own = alexnet_onnx::read_graph(&graph.model).ok().and_then(|graph| graph.preprocessing);
        let normalises = own.and_then(|own| match own.mean {
            Mean::PerChannel(mean) => Some((mean, own.std)),
            _ => None,
        });
        Ok(Names { input: input.name.clone(), dtype: input.dtype, batch, channels_last, normalises, values })
    }

    /// The values of `logits`, of `probabilities` and of those `taps` that the graph has, each under its layer's name.
    fn wanted(&self, taps: &[String]) -> Vec<(&str, &str)> {
        let asked = |name: &str| matches!(name, "logits" | "probabilities") || taps.iter().any(|tap| tap == name);
        self.values.iter().filter(|(name, _)| asked(name)).map(|(n, v)| (n.as_str(), v.as_str())).collect()
    }

    /// The input as the graph takes it: before its own normalisation, with its axes in the graph's order, as often as its
    /// fixed batch asks for.
    fn batched(&self, input: &Array) -> Result<Array> {
        let input = self.normalises.as_ref().map_or_else(|| input.clone(), |(mean, std)| input.affine(std, mean));
        let input = if self.channels_last { input.channels_last()? } else { input };
        Ok(match self.batch {
            Some(batch) if batch > 1 => input.repeat(batch),
            _ => input,
        })
    }

    /// One example's value of a batch of equal ones. Errs where the examples differ, which a batch must not cause.
    fn unbatched(&self, layer: &str, value: Array) -> Result<Array> {
        let Some(batch) = self.batch.filter(|batch| *batch > 1) else { return Ok(value) };
        let first = value.example(0)?;
        for index in 1..batch {
            let bound = 1e-5 * first.data.iter().fold(0.0f32, |m, v| m.max(v.abs()));
            let same = value.example(index)?.data.iter().zip(&first.data).all(|(a, b)| (a - b).abs() <= bound);
            ensure!(same, "`{layer}`: example {index} of a batch of equal inputs differs from the first");
        }
        Ok(first)
    }
}

/// A runtime that can't be used here, and why.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Unavailable {
    /// Its name.
    pub runtime: &'static str,
    /// The reason, and how to get it.
    pub why: String,
}

/// The runtimes for graphs that are tried where the user names none.
pub const DEFAULT: [RuntimeName; 2] = [RuntimeName::CandleOnnx, RuntimeName::Ort];

/// Opens `graph` on a runtime; `network` tells which value is which layer. `asked`: the user named the runtime, so it is
/// worth a longer search.
///
/// Errs, saying how to get it, where the runtime isn't at hand; and where it can't run the graph.
pub fn open(name: RuntimeName, graph: &Graph, network: Option<&Network>, asked: bool) -> Result<Box<dyn Runtime>> {
    let names = Names::new(graph, network)?;
    match name {
        #[cfg(feature = "candle-onnx")]
        RuntimeName::CandleOnnx => Ok(Box::new(candle_onnx::CandleOnnx::open(graph, &names)?)),
        #[cfg(feature = "ort")]
        RuntimeName::Ort => Ok(Box::new(ort::Ort::open(graph, &names, asked)?)),
        #[allow(unreachable_patterns)]
        other => bail!("this build has no runtime {0}; build with `--features {0}`", other.as_str()),
    }
}
