//! One side of a comparison: a checkpoint or a graph.

use crate::args::Common;
use crate::checkpoint;
use crate::compare::Step;
use crate::graph::{Graph, is_onnx};
use crate::inputs::Contract;
use alexnet_formats::{Limits, Source};
use alexnet_onnx::{Data, ExportOptions};
use alexnet_spec::{Input, Metadata, Network, Tensor, Weights};
use anyhow::{Context, Result, bail};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

/// What is compared: weights of a known network, or an ONNX graph. Each takes the other form where a runtime needs it.
pub struct Subject {
    path: String,
    is_graph: bool,
    /// The file, where it was read from one.
    source: Option<Source>,
    checkpoint: OnceLock<Checkpoint>,
    graph: OnceLock<Graph>,
}

/// Weights of a known network.
pub struct Checkpoint {
    /// The network.
    pub network: Network,
    /// Its weights.
    pub weights: Weights,
}

impl Subject {
    /// Weights of a known network, under the name that reports use.
    pub fn weights(path: String, network: Network, weights: Weights) -> Subject {
        let checkpoint = OnceLock::from(Checkpoint { network, weights });
        Subject { path, is_graph: false, source: None, checkpoint, graph: OnceLock::new() }
    }

    /// A graph.
    pub fn of_graph(graph: Graph) -> Subject {
        let path = graph.path.clone();
        Subject { path, is_graph: true, source: None, checkpoint: OnceLock::new(), graph: OnceLock::from(graph) }
    }

    /// Reads a checkpoint or a graph. The options settle what a checkpoint can't.
    pub fn load(path: &Path, common: &Common) -> Result<Subject> {
        let limits = Limits::default();
        let source = checkpoint::open(path, common, &limits)?;
        let subject = if is_onnx(path, &source.bytes()) {
            let mut graph = Graph::load(path, &source)?;
            // A graph that says what it is is believed; the user's word names the layers of one that doesn't.
            graph.network = graph.network.or(common.network()?);
            if let Some(node) = graph.training() {
                bail!("{}: {node}: it was exported for training; export the model in evaluation mode", graph.path);
            }
            Subject::of_graph(graph)
        } else {
            let options = checkpoint::options(common, &limits)?;
            let opened = alexnet_formats::open(&source, &limits)?;
            let imported = checkpoint::import(&source, &opened, &options);
            let imported = imported.with_context(|| path.display().to_string())?;
            Subject::weights(path.display().to_string(), imported.network, imported.weights)
        };
        Ok(Subject { source: Some(source), ..subject })
    }

    /// What reports call it.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether the file is an ONNX graph.
    pub fn is_graph(&self) -> bool {
        self.is_graph
    }

    /// The SHA-256 of the file in hexadecimal; none where it is a folder, or in memory alone.
    pub fn sha256(&self) -> Option<String> {
        self.source.as_ref().filter(|source| source.folder().is_none()).map(Source::sha256)
    }

    /// The bytes of the file; none where it is a folder, or in memory alone.
    pub fn bytes(&self) -> Bytes {
        self.source.as_ref().map(Source::bytes).unwrap_or_default()
    }

    /// Whether both were read from the same bytes, in other files that they point to as well.
    pub fn is_copy_of(&self, other: &Subject) -> bool {
        let external = |subject: &Subject| subject.graph.get().map(|graph| graph.external.clone()).unwrap_or_default();
        !self.bytes().is_empty() && self.bytes() == other.bytes() && external(self) == external(other)
    }

    /// The size of the file, and of those that it points to; of what it holds, where it is in memory.
    pub fn size(&self) -> Result<u64> {
        match (self.is_graph, &self.source) {
            (true, _) => {
                let graph = self.graph()?;
                let external = graph.external.iter().map(|(_, data)| data.len() as u64);
                Ok(external.sum::<u64>() + graph.bytes.len() as u64)
            }
            (false, Some(source)) if source.folder().is_none() => Ok(source.bytes().len() as u64),
            (false, _) => {
                let weights = self.checkpoint()?.weights.iter();
                Ok(weights.map(|(_, tensor)| (tensor.elements() * tensor.dtype().size()) as u64).sum())
            }
        }
    }

    /// The network, where the file says or shows which it is.
    pub fn network(&self) -> Option<&Network> {
        match self.is_graph {
            true => self.graph.get()?.network.as_ref(),
            false => Some(&self.checkpoint.get()?.network),
        }
    }

    /// Network and weights; read from the graph where it is one.
    ///
    /// Errs where the graph is no network of the family.
    pub fn checkpoint(&self) -> Result<&Checkpoint> {
        if let Some(checkpoint) = self.checkpoint.get() {
            return Ok(checkpoint);
        }
        let graph = self.graph.get().context("a side without a file")?;
        let imported = graph.import(graph.network.as_ref());
        let imported = imported.with_context(|| format!("{}: the candle model can't be made of it", self.path))?;
        Ok(self.checkpoint.get_or_init(|| Checkpoint { network: imported.network, weights: imported.weights }))
    }

    /// The graph; written in memory where the file holds weights.
    pub fn graph(&self) -> Result<&Graph> {
        if let Some(graph) = self.graph.get() {
            return Ok(graph);
        }
        let Checkpoint { network, weights } = self.checkpoint.get().context("a side without a file")?;
        let mut bytes = Vec::new();
        alexnet_onnx::write(
            &mut bytes,
            network,
            weights,
            &Metadata::default(),
            &ExportOptions::default(),
            Data::Inline,
        )
        .with_context(|| format!("{}: no graph can be made of it", self.path))?;
        let mut graph = Graph::decode(&self.path, bytes.into(), |_| Err(std::io::ErrorKind::NotFound.into()))?;
        graph.network = Some(network.clone());
        Ok(self.graph.get_or_init(|| graph))
    }

    /// What the inputs of both sides look like.
    ///
    /// Errs where the two sides take different inputs, or a graph's input isn't an image.
    pub fn contract(a: &Subject, b: Option<&Subject>) -> Result<Contract> {
        let input = a.input()?;
        if let Some(b) = b {
            let other = b.input()?;
            if input != other {
                let size = |input: &Input| format!("{}x{}x{}", input.channels, input.height, input.width);
                bail!(
                    "{} takes inputs of {}, {} of {}: they are different networks",
                    a.path,
                    size(&input),
                    b.path,
                    size(&other)
                );
            }
        }
        let network = a.network().or(b.and_then(Subject::network)).cloned();
        Ok(Contract { input, preprocessing: network.as_ref().map(|n| n.preprocessing.clone()), network })
    }

    fn input(&self) -> Result<Input> {
        match self.checkpoint.get() {
            Some(checkpoint) => Ok(checkpoint.network.input.clone()),
            None => self.graph()?.input(),
        }
    }

    /// The parameters by canonical name; a graph that is no network of the family has its own names for them.
    pub fn parameters(&self, network: Option<&Network>) -> Result<BTreeMap<String, Tensor>> {
        if !self.is_graph {
            let weights = &self.checkpoint()?.weights;
            return Ok(weights.iter().map(|(name, tensor)| (name.to_owned(), tensor.clone())).collect());
        }
        let graph = self.graph()?;
        Ok(graph.parameters(network).unwrap_or_else(|_| {
            let float = graph.model.initializers().filter(|(_, tensor)| tensor.dtype().is_float());
            float.map(|(name, tensor)| (name.to_owned(), tensor.clone())).collect()
        }))
    }

    /// The steps of those parameters that a graph stores as integers.
    pub fn steps(&self, network: Option<&Network>) -> BTreeMap<String, Step> {
        match self.is_graph {
            // Where the graph is no network, its parameters can't be told either.
            true => self.graph().and_then(|graph| graph.steps(network)).unwrap_or_default(),
            false => BTreeMap::new(),
        }
    }
}
