//! ONNX Runtime, from a shared library that is found when the program runs.

mod library;
mod provider;
mod values;

use super::names::Part;
use super::{Names, Piece, Runtime, Sink, Unsupported};
use crate::array::Array;
use crate::graph::{Graph, Types};
use alexnet_onnx::Model;
use alexnet_onnx::proto::{GraphProto, ModelProto, ValueInfoProto};
use alexnet_spec::DType;
use anyhow::{Context, Result, anyhow};
use bytes::Bytes;
use library::{LIBRARY, library};
use ort::logging::LogLevel;
use ort::session::builder::GraphOptimizationLevel;
use ort::session::{Session, SessionInputValue};
use prost::Message;
use provider::Provider;
use std::sync::Arc;
use values::{array, input_value};

pub(super) struct Ort {
    model: Model,
    bytes: Bytes,
    external: Vec<(String, Bytes)>,
    names: Names,
    types: Types,
    provider: Provider,
    /// Whether the graph has response norms.
    norms: bool,
    /// The graph with those of its values among its outputs that were asked for last.
    session: Option<Session>,
}

impl Ort {
    /// Takes the very bytes of the graph's file, to run on `device`, the CPU where it is none. `asked`: whether Python's
    /// packages are searched for the library.
    pub(super) fn open(graph: &Graph, names: Names, device: Option<&str>, asked: bool) -> Result<Ort> {
        let provider = Provider::new(device)?;
        library(asked).map_err(|error| Unsupported(format!("{error:#}")))?;
        let (bytes, external) = (graph.bytes.clone(), graph.external.clone());
        let (model, types) = (graph.model.clone(), graph.types());
        let norms = model.graph().node.iter().any(|node| node.op_type() == "LRN");
        Ok(Ort { model, bytes, external, names, types, provider, norms, session: None })
    }

    fn evaluate(&mut self, input: &Array, taps: &[String]) -> Result<Vec<(String, Array)>> {
        let values: Vec<String> = self.names.wanted(taps).iter().map(|(_, value)| (*value).to_owned()).collect();
        self.prepare(&values)?;
        let Ort { names, session, .. } = self;
        let (wanted, session) = (names.wanted(taps), session.as_mut().context("the session isn't there")?);
        names.in_batches(input, &mut |batch| {
            let value = input_value(&batch, names.dtype)?;
            let outputs = session.run(vec![(names.input.clone(), SessionInputValue::from(value))]).map_err(marked)?;
            let mut values = Vec::new();
            for (layer, value) in &wanted {
                let output = outputs.get(*value).with_context(|| format!("no output `{value}` came back"))?;
                values.push(((*layer).to_owned(), array(output)?));
            }
            Ok(values)
        })
    }
}

impl Ort {
    /// Makes sure that the session has all of `wanted` among its outputs.
    fn prepare(&mut self, wanted: &[String]) -> Result<()> {
        let has = |session: &Session, value: &String| session.outputs().iter().any(|output| output.name() == value);
        if self.session.as_ref().is_some_and(|session| wanted.iter().all(|value| has(session, value))) {
            return Ok(());
        }
        // Dropped first: two copies of the weights are one too many.
        self.session = None;
        let own = |value: &&String| self.model.outputs().iter().any(|output| output.name == **value);
        let added: Vec<&str> = wanted.iter().filter(|value| !own(value)).map(String::as_str).collect();
        self.session = Some(match added.is_empty() {
            true => session(&self.bytes, &self.external, self.provider)?,
            false => session(&with_outputs(&self.bytes, added.into_iter()), &self.external, self.provider)?,
        });
        Ok(())
    }
}

impl Runtime for Ort {
    fn name(&self) -> String {
        let version = LIBRARY.get().map_or("", |library| library.version.as_str());
        format!("{}{}", format!("ort {version}").trim_end(), self.provider.suffix())
    }

    fn arithmetic(&self) -> DType {
        self.types.arithmetic
    }

    fn stored(&self) -> DType {
        self.types.stored
    }

    /// Its LRN slides: it adds the square that comes into the window and subtracts the one that leaves. Once a large value
    /// has left, f32 has lost the small ones (errors of 7e-5 of the largest output were seen, where others have 2e-7).
    fn reorders_sums(&self) -> bool {
        self.norms
    }

    fn on_gpu(&self) -> bool {
        self.provider != Provider::Cpu
    }

    fn run(&mut self, input: &Array, taps: &[String], sink: &mut Sink<'_>) -> Result<()> {
        self.evaluate(input, taps)?.into_iter().try_for_each(|(name, value)| sink(&name, value))
    }

    fn piece(&mut self, after: Option<&str>, layer: &str, shape: &[usize]) -> Result<Option<Box<dyn Piece + '_>>> {
        let part = self.names.part(&self.model, after, layer, shape)?;
        let layer = layer.to_owned();
        let Some(Part { model, names }) = part else { return Ok(None) };
        let mut bytes = Vec::new();
        model.write(&mut bytes)?;
        let norms = model.graph().node.iter().any(|node| node.op_type() == "LRN");
        let (types, provider, bytes) = (self.types, self.provider, bytes.into());
        let runtime = Ort { model, bytes, external: Vec::new(), names, types, provider, norms, session: None };
        Ok(Some(Box::new(Alone { runtime, layer })))
    }
}

struct Alone {
    runtime: Ort,
    layer: String,
}

impl Piece for Alone {
    fn run(&mut self, input: &Array) -> Result<Array> {
        let mut values = self.runtime.evaluate(input, std::slice::from_ref(&self.layer))?;
        Ok(values.pop().context("no value came back")?.1)
    }
}

/// The model's bytes with more outputs. Protobuf merges what is appended: no parse, no second encoding of the weights.
fn with_outputs<'a>(model: &[u8], outputs: impl Iterator<Item = &'a str>) -> Vec<u8> {
    let output = outputs.map(|name| ValueInfoProto { name: Some(name.to_owned()), ..Default::default() }).collect();
    let addition = ModelProto { graph: Some(GraphProto { output, ..Default::default() }), ..Default::default() };
    let mut bytes = model.to_vec();
    bytes.extend(addition.encode_to_vec());
    bytes
}

/// A session as most programs make theirs: with every optimisation that the library has.
fn session(bytes: &[u8], external: &[(String, Bytes)], provider: Provider) -> Result<Session> {
    let builder = Session::builder(&library(true)?.environment)?;
    // What goes wrong comes back as an error; its own lines on stderr would be a second report of it.
    let builder = builder.with_log_level(LogLevel::Fatal).map_err(|error| anyhow!("{error}"))?;
    let builder = builder.with_optimization_level(GraphOptimizationLevel::All).map_err(|error| anyhow!("{error}"))?;
    let mut builder = provider.apply(builder)?;
    for (location, data) in external {
        builder = builder
            .with_external_initializer_file_in_memory(location, Arc::from(data.as_ref()))
            .map_err(|error| anyhow!("{error}"))?;
    }
    builder.commit_from_memory(bytes).map_err(marked).context("ONNX Runtime doesn't load the graph")
}

/// An error of ONNX Runtime, marked where it says that it has no kernel for something.
fn marked(error: ort::Error) -> anyhow::Error {
    match error.code() {
        ort::ErrorCode::NotImplemented => Unsupported(error.to_string()).into(),
        _ => error.into(),
    }
}
