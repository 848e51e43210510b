//! What a network can be run on, one file each.
//!
//! A runtime is one file here, its name in [`Kind`], and one line in [`open`].

mod candle;
#[cfg(feature = "candle-onnx")]
mod candle_onnx;
mod names;
#[cfg(feature = "ort")]
mod ort;
mod spec;
#[cfg(feature = "tract")]
mod tract;

use crate::array::Array;
use crate::graph::Graph;
use crate::subject::Subject;
use alexnet_onnx::Model;
use alexnet_spec::{DType, Network};
use anyhow::{Context, Result};
use std::collections::BTreeMap;

pub use candle::Candle;
pub use names::Names;
pub use spec::{Kind, Spec};

/// Values by name.
pub type Values = BTreeMap<String, Array>;

/// What takes a network's values one by one, by the layer's name.
pub type Sink<'a> = dyn FnMut(&str, Array) -> Result<()> + 'a;

/// A network, ready to run.
pub trait Runtime {
    /// What reports call it, with its version or device.
    fn name(&self) -> String;

    /// The coarsest type that activations have on the way.
    fn arithmetic(&self) -> DType;

    /// The coarsest type that weights are stored in.
    fn stored(&self) -> DType;

    /// Whether a response norm's window slides by subtraction, which costs digits.
    fn reorders_sums(&self) -> bool {
        false
    }

    /// Whether it runs on a GPU, which adds in orders of its own.
    fn on_gpu(&self) -> bool {
        false
    }

    /// Runs a batch, `[N, C, H, W]`, and hands over `logits`, `probabilities` where the network ends in a softmax, and those
    /// of the layers in `taps` that it has: `[N, ...]`, one at a time, layers in their order.
    ///
    /// Errs with [`Unsupported`] among the causes where the runtime lacks what the network needs; any other error means that
    /// the network doesn't compute.
    fn run(&mut self, input: &Array, taps: &[String], sink: &mut Sink<'_>) -> Result<()>;

    /// The logits as a program gets them that calls the model, where other code computes them than what [`Runtime::run`] shows
    /// layer by layer; none where there is no such code.
    fn at_once(&mut self, _input: &Array) -> Result<Option<Array>> {
        Ok(None)
    }

    /// The layers after `after` (from the input on where it is none), up to `layer`, as something that runs alone; `shape` is
    /// that of the input, the batch first. None where the runtime doesn't show one of the two.
    ///
    /// Errs where `layer` doesn't follow from `after`.
    fn piece(&mut self, after: Option<&str>, layer: &str, shape: &[usize]) -> Result<Option<Box<dyn Piece + '_>>>;
}

/// A part of a network that runs alone.
pub trait Piece {
    /// What the last layer gives for a batch of what the first one takes. Errs as [`Runtime::run`] does.
    fn run(&mut self, input: &Array) -> Result<Array>;
}

/// The mark of an error that speaks of the runtime and not of the network: it has no such operator or type.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unsupported(pub String);

/// Whether an error says no more than that the runtime can't do what is asked.
pub fn is_unsupported(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.is::<Unsupported>())
}

/// Runs a batch and keeps everything that comes.
pub fn values(runtime: &mut dyn Runtime, input: &Array, taps: &[String]) -> Result<Values> {
    let mut values = Values::new();
    runtime.run(input, taps, &mut |name, value| {
        values.insert(name.to_owned(), value);
        Ok(())
    })?;
    Ok(values)
}

/// A runtime that can't be used here, and why.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Unavailable {
    /// Its name.
    pub runtime: String,
    /// The reason, and how to get it.
    pub why: String,
}

/// The runtimes for graphs that are tried where the user names none.
pub const DEFAULT: [Kind; 2] = [Kind::CandleOnnx, Kind::Ort];

/// Opens `subject` on a runtime; `network` tells which value of a graph is which layer, `device` is where the candle model
/// runs where `spec` doesn't say. `asked`: the user named the runtime, so it is worth a longer search.
///
/// Errs, saying how to get it, where the runtime isn't at hand.
pub fn open(
    spec: &Spec,
    subject: &Subject,
    network: Option<&Network>,
    device: &candle_core::Device,
    asked: bool,
) -> Result<Box<dyn Runtime>> {
    if spec.kind == Kind::Candle {
        let own = spec.device.as_deref().map(alexnet::device).transpose()?;
        let dtype = spec.dtype.map_or(DType::F32, DType::from);
        let checkpoint = subject.checkpoint()?;
        let candle = Candle::open(&checkpoint.network, &checkpoint.weights, dtype, own.as_ref().unwrap_or(device));
        return Ok(Box::new(candle.with_context(|| subject.path().to_owned())?));
    }
    open_graph(spec, subject.graph()?, || Names::new(subject.graph()?, network), asked)
}

/// Opens a graph on a runtime for graphs.
fn open_graph(
    spec: &Spec,
    graph: &Graph,
    names: impl FnOnce() -> Result<Names>,
    asked: bool,
) -> Result<Box<dyn Runtime>> {
    match spec.kind {
        #[cfg(feature = "candle-onnx")]
        Kind::CandleOnnx => Ok(Box::new(candle_onnx::CandleOnnx::open(graph, names()?))),
        #[cfg(feature = "ort")]
        Kind::Ort => Ok(Box::new(ort::Ort::open(graph, names()?, spec.device.as_deref(), asked)?)),
        #[cfg(feature = "tract")]
        Kind::Tract => Ok(Box::new(tract::Tract::open(graph, names()?))),
        #[allow(unreachable_patterns)]
        other => {
            Err(Unsupported(format!("this build has no runtime {0}; build with `--features {0}`", other.as_str()))
                .into())
        }
    }
}

/// What a part of a graph makes of its one input, fed as it is.
///
/// Errs where the runtime isn't one for graphs, or isn't at hand, or can't run the part.
pub fn run_part(spec: &Spec, model: &Model, input: &Array) -> Result<Array> {
    let mut bytes = Vec::new();
    model.write(&mut bytes)?;
    let graph = Graph::of_model("part", model.clone(), bytes.into());
    let mut runtime = open_graph(spec, &graph, || Names::of_part(model), true)?;
    let mut output = None;
    runtime.run(input, &[], &mut |_, value| {
        output = Some(value);
        Ok(())
    })?;
    output.context("a part without an output")
}
