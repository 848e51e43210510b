//! One side of a comparison: a checkpoint or a graph.

use crate::args::Common;
use crate::args::verify::RuntimeName;
use crate::checkpoint;
use crate::graph::{Graph, is_onnx};
use crate::inputs::Contract;
use crate::runtimes::{self, Candle, Runtime, Unavailable};
use alexnet_formats::Limits;
use alexnet_spec::{Input, Network, Tensor, Weights};
use anyhow::{Context, Result, bail};
use candle_core::Device;
use std::collections::BTreeMap;
use std::path::Path;

/// What is compared.
pub enum Subject {
    /// Weights of a known network; they run as the candle model.
    Weights(Box<Checkpoint>),
    /// An ONNX graph; it runs on the ONNX runtimes.
    Graph(Box<Graph>),
}

/// Weights of a known network.
pub struct Checkpoint {
    /// What reports call it.
    pub path: String,
    /// The network.
    pub network: Network,
    /// Its weights.
    pub weights: Weights,
}

impl Subject {
    /// Reads a checkpoint or a graph. The options settle what a checkpoint can't.
    pub fn load(path: &Path, common: &Common) -> Result<Subject> {
        let limits = Limits::default();
        let source = checkpoint::open(path, common, &limits)?;
        if is_onnx(path, &source.bytes()) {
            let mut graph = Graph::load(path, &source)?;
            // A graph that says what it is is believed; the user's word names the layers of one that doesn't.
            graph.network = graph.network.or(common.network()?);
            return Ok(Subject::Graph(Box::new(graph)));
        }
        let options = checkpoint::options(&source, common, &limits)?;
        let checkpoint = alexnet_formats::open(&source, &limits)?;
        let imported = alexnet_formats::import(&checkpoint, &options).with_context(|| path.display().to_string())?;
        Ok(Subject::Weights(Box::new(Checkpoint {
            path: path.display().to_string(),
            network: imported.network,
            weights: imported.weights,
        })))
    }

    /// What reports call it.
    pub fn path(&self) -> String {
        match self {
            Subject::Weights(checkpoint) => checkpoint.path.clone(),
            Subject::Graph(graph) => graph.path.clone(),
        }
    }

    /// The network, where it is known.
    pub fn network(&self) -> Option<&Network> {
        match self {
            Subject::Weights(checkpoint) => Some(&checkpoint.network),
            Subject::Graph(graph) => graph.network.as_ref(),
        }
    }

    /// What the inputs of both sides look like.
    ///
    /// Errs where the two sides take different inputs, or a graph's input isn't an image.
    pub fn contract(a: &Subject, b: &Subject) -> Result<Contract> {
        let (x, y) = (a.input()?, b.input()?);
        if x != y {
            bail!(
                "{} takes inputs of {}x{}x{}, {} of {}x{}x{}: they are different networks",
                a.path(),
                x.channels,
                x.height,
                x.width,
                b.path(),
                y.channels,
                y.height,
                y.width
            );
        }
        let network = a.network().or(b.network()).cloned();
        Ok(Contract { input: x, preprocessing: network.as_ref().map(|n| n.preprocessing.clone()), network })
    }

    fn input(&self) -> Result<Input> {
        match self {
            Subject::Weights(checkpoint) => Ok(checkpoint.network.input.clone()),
            Subject::Graph(graph) => graph.input(),
        }
    }

    /// What it can be tried on: the candle model alone for a checkpoint; for a graph the runtimes in `wanted`, or the
    /// default ones where it is empty.
    pub fn launchers<'a>(
        &'a self,
        network: Option<&'a Network>,
        wanted: &[RuntimeName],
        device: &'a Device,
    ) -> Vec<Launcher<'a>> {
        match self {
            Subject::Weights(checkpoint) => vec![Launcher::Candle { checkpoint, device }],
            Subject::Graph(graph) => {
                let asked = !wanted.is_empty();
                let names = if asked { wanted } else { &runtimes::DEFAULT };
                names.iter().map(|&name| Launcher::Graph { name, graph, network, asked }).collect()
            }
        }
    }

    /// The parameters by canonical name; a graph that is no network of the family has its own names for them.
    pub fn parameters(&self, network: Option<&Network>) -> Result<BTreeMap<String, Tensor>> {
        match (self, network) {
            (Subject::Weights(checkpoint), _) => {
                Ok(checkpoint.weights.iter().map(|(name, tensor)| (name.to_owned(), tensor.clone())).collect())
            }
            (Subject::Graph(graph), network) => Ok(graph.parameters(network).unwrap_or_else(|_| {
                let float = graph.model.initializers().filter(|(_, tensor)| tensor.dtype().is_float());
                float.map(|(name, tensor)| (name.to_owned(), tensor.clone())).collect()
            })),
        }
    }
}

/// A runtime that isn't open yet: only one or two are at a time, since each holds its own copy of the weights.
#[derive(Clone, Copy)]
pub enum Launcher<'a> {
    /// The candle model.
    Candle {
        /// The weights.
        checkpoint: &'a Checkpoint,
        /// Where it runs.
        device: &'a Device,
    },
    /// A runtime for graphs.
    Graph {
        /// Which.
        name: RuntimeName,
        /// What it runs.
        graph: &'a Graph,
        /// What names the layers.
        network: Option<&'a Network>,
        /// Whether the user named it.
        asked: bool,
    },
}

impl Launcher<'_> {
    /// Opens the runtime. A runtime that the user didn't name and that isn't to be had is no error.
    pub fn open(self) -> Result<Result<Box<dyn Runtime>, Unavailable>> {
        match self {
            Launcher::Candle { checkpoint, device } => {
                let candle = Candle::open(&checkpoint.network, &checkpoint.weights, device);
                Ok(Ok(Box::new(candle.with_context(|| checkpoint.path.clone())?)))
            }
            Launcher::Graph { name, graph, network, asked } => match runtimes::open(name, graph, network, asked) {
                Ok(runtime) => Ok(Ok(runtime)),
                Err(error) if asked => {
                    Err(error.context(format!("{}: runtime {} can't run it", graph.path, name.as_str())))
                }
                Err(error) => Ok(Err(Unavailable { runtime: name.as_str(), why: format!("{error:#}") })),
            },
        }
    }
}
