//! candle-onnx, on the graph lowered to the operators that it computes rightly.

use super::names::Part;
use super::{Names, Piece, Runtime, Sink, Unsupported};
use crate::array::Array;
use crate::graph::{Graph, Types};
use alexnet_onnx::{Model, Weight, lower};
use alexnet_spec::DType;
use anyhow::{Context, Result, bail};
use candle_core::{Device, Tensor};
use candle_onnx::onnx;
use prost::Message;
use std::collections::HashMap;

pub(super) struct CandleOnnx {
    model: Model,
    names: Names,
    types: Types,
    lowered: Option<Lowered>,
}

struct Lowered {
    /// The batch and the values that it was lowered for.
    batch: usize,
    values: Vec<String>,
    model: onnx::ModelProto,
    tensors: HashMap<String, Tensor>,
    input_dtype: candle_core::DType,
}

impl CandleOnnx {
    pub(super) fn open(graph: &Graph, names: Names) -> CandleOnnx {
        CandleOnnx::new(graph.model.clone(), names, graph.types())
    }

    fn new(model: Model, names: Names, types: Types) -> CandleOnnx {
        CandleOnnx { model, names, types, lowered: None }
    }

    fn evaluate(&mut self, input: &Array, taps: &[String]) -> Result<Vec<(String, Array)>> {
        let CandleOnnx { model, names, lowered, .. } = self;
        let wanted = names.wanted(taps);
        names.in_batches(input, &mut |batch| {
            let outputs = evaluate(lowered, model, &names.input, &wanted, &batch)?;
            let mut values = Vec::new();
            for (layer, value) in &wanted {
                let output = outputs.get(*value).with_context(|| format!("no output `{value}` came back"))?;
                values.push(((*layer).to_owned(), Array::from_candle(output)?));
            }
            Ok(values)
        })
    }
}

/// Runs the graph lowered for these values and this batch, which is kept for the next time.
fn evaluate(
    kept: &mut Option<Lowered>,
    model: &Model,
    input: &str,
    wanted: &[(&str, &str)],
    batch: &Array,
) -> Result<HashMap<String, Tensor>> {
    let values: Vec<String> = wanted.iter().map(|(_, value)| (*value).to_owned()).collect();
    let lowered = match kept.take() {
        Some(lowered) if lowered.values == values && lowered.batch == batch.batch() => lowered,
        // Dropped first: two copies of the weights are one too many.
        _ => Lowered::new(model, batch.batch(), values)?,
    };
    let mut feeds = lowered.tensors.clone();
    feeds.insert(input.to_owned(), batch.to_candle(&Device::Cpu)?.to_dtype(lowered.input_dtype)?);
    let outputs = candle_onnx::simple_eval(&lowered.model, feeds);
    *kept = Some(lowered);
    Ok(outputs?)
}

impl Runtime for CandleOnnx {
    fn name(&self) -> String {
        "candle-onnx".into()
    }

    fn arithmetic(&self) -> DType {
        self.types.arithmetic
    }

    fn stored(&self) -> DType {
        self.types.stored
    }

    fn run(&mut self, input: &Array, taps: &[String], sink: &mut Sink<'_>) -> Result<()> {
        self.evaluate(input, taps)?.into_iter().try_for_each(|(name, value)| sink(&name, value))
    }

    fn piece(&mut self, after: Option<&str>, layer: &str, shape: &[usize]) -> Result<Option<Box<dyn Piece + '_>>> {
        let part = self.names.part(&self.model, after, layer, shape)?;
        let layer = layer.to_owned();
        Ok(part.map(|Part { model, names }| {
            let runtime = CandleOnnx::new(model, names, self.types);
            Box::new(Alone { runtime, layer }) as Box<dyn Piece>
        }))
    }
}

struct Alone {
    runtime: CandleOnnx,
    layer: String,
}

impl Piece for Alone {
    fn run(&mut self, input: &Array) -> Result<Array> {
        let mut values = self.runtime.evaluate(input, std::slice::from_ref(&self.layer))?;
        Ok(values.pop().context("no value came back")?.1)
    }
}

impl Lowered {
    fn new(model: &Model, batch: usize, values: Vec<String>) -> Result<Lowered> {
        let lowered = lower(model, batch, &values).map_err(|error| match error {
            alexnet_onnx::Error::Unsupported { .. } => anyhow::Error::new(Unsupported(error.to_string())),
            other => other.into(),
        })?;
        let input = lowered.inputs().first().context("a graph without an input")?;
        let input_dtype = candle_dtype(input.dtype)?;
        let mut tensors = HashMap::new();
        for weight in lowered.weights() {
            tensors.insert(weight.name.clone(), constant(weight).with_context(|| weight.name.clone())?);
        }
        // The two crates generate their messages from different files: bytes are what they share.
        let model = onnx::ModelProto::decode(lowered.encode().as_slice())?;
        Ok(Lowered { batch, values, model, tensors, input_dtype })
    }
}

fn constant(weight: &Weight) -> Result<Tensor> {
    let (tensor, dtype) = (&weight.tensor, weight.dtype);
    if dtype == DType::F32 {
        // Without a second copy: the weights are most of what loading takes.
        return Ok(Tensor::from_vec(tensor.to_f32()?, tensor.shape(), &Device::Cpu)?);
    }
    let mut bytes = Vec::with_capacity(tensor.elements() * dtype.size());
    tensor.for_each_chunk::<alexnet_spec::Error>(dtype, &mut |chunk| {
        bytes.extend_from_slice(chunk);
        Ok(())
    })?;
    Ok(Tensor::from_raw_buffer(&bytes, candle_dtype(dtype)?, tensor.shape(), &Device::Cpu)?)
}

fn candle_dtype(dtype: DType) -> Result<candle_core::DType> {
    Ok(match dtype {
        DType::F64 => candle_core::DType::F64,
        DType::F32 => candle_core::DType::F32,
        DType::F16 => candle_core::DType::F16,
        DType::BF16 => candle_core::DType::BF16,
        DType::I64 => candle_core::DType::I64,
        DType::U8 => candle_core::DType::U8,
        other => bail!("candle has no {other}"),
    })
}
