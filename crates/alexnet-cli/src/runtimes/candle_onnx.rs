//! candle-onnx, on the graph lowered to the operators that it computes rightly.

use super::{Names, Runtime, Values};
use crate::array::Array;
use crate::graph::Graph;
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
    dtype: DType,
    lowered: Option<(Vec<String>, Lowered)>,
}

struct Lowered {
    model: onnx::ModelProto,
    tensors: HashMap<String, Tensor>,
    input_dtype: candle_core::DType,
}

impl CandleOnnx {
    pub(super) fn open(graph: &Graph, names: &Names) -> Result<CandleOnnx> {
        let mut runtime =
            CandleOnnx { model: graph.model.clone(), names: names.clone(), dtype: graph.dtype(), lowered: None };
        // What can't be lowered should be said now, not at the first input.
        runtime.lowered(&[])?;
        Ok(runtime)
    }

    /// The lowered graph whose outputs are the values of `wanted`, made once for each set of them.
    fn lowered(&mut self, taps: &[String]) -> Result<&Lowered> {
        let wanted: Vec<String> = self.names.wanted(taps).into_iter().map(|(_, value)| value.to_owned()).collect();
        if self.lowered.as_ref().is_none_or(|(values, _)| *values != wanted) {
            self.lowered = None;
            let lowered = Lowered::new(&self.model, self.names.batch.unwrap_or(1), &wanted)?;
            self.lowered = Some((wanted, lowered));
        }
        self.lowered.as_ref().map(|(_, lowered)| lowered).context("the lowered graph isn't there")
    }
}

impl Runtime for CandleOnnx {
    fn name(&self) -> String {
        "candle-onnx".into()
    }

    fn arithmetic(&self) -> DType {
        self.dtype
    }

    fn stored(&self) -> DType {
        self.dtype
    }

    fn run(&mut self, input: &Array, taps: &[String]) -> Result<Values> {
        let names = self.names.clone();
        let lowered = self.lowered(taps)?;
        let mut feeds = lowered.tensors.clone();
        let batch = names.batched(input)?.to_candle(&Device::Cpu)?.to_dtype(lowered.input_dtype)?;
        feeds.insert(names.input.clone(), batch);
        let outputs = candle_onnx::simple_eval(&lowered.model, feeds)?;
        let mut values = Values::new();
        for (layer, value) in names.wanted(taps) {
            let output = outputs.get(value).with_context(|| format!("no output `{value}` came back"))?;
            values.insert(layer.to_owned(), names.unbatched(layer, Array::from_candle(output)?)?);
        }
        Ok(values)
    }
}

impl Lowered {
    fn new(model: &Model, batch: usize, wanted: &[String]) -> Result<Lowered> {
        let lowered = lower(model, batch, wanted)?;
        let input = lowered.inputs().first().context("a graph without an input")?;
        let input_dtype = candle_dtype(input.dtype)?;
        let mut tensors = HashMap::new();
        for weight in lowered.weights() {
            tensors.insert(weight.name.clone(), constant(weight).with_context(|| weight.name.clone())?);
        }
        // The two crates generate their messages from different files: bytes are what they share.
        let model = onnx::ModelProto::decode(lowered.encode().as_slice())?;
        Ok(Lowered { model, tensors, input_dtype })
    }
}

fn constant(weight: &Weight) -> Result<Tensor> {
    let (tensor, dtype) = (&weight.tensor, weight.dtype);
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
