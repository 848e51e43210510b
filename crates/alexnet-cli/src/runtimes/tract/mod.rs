//! tract, in builds with the feature of that name.
//!
//! tract reads a graph node by node, works out its shapes for one batch, and puts its own, faster operators in the place of
//! ONNX's. Release 0.23 knows no bf16 and no operator of another domain, and takes neither a Gemm in f16 nor an If whose
//! branches give different ranks. Its makers test it from opset 9 to 18; what it can't read, and a graph of another opset that
//! it computes wrongly, show in the comparison.

use super::names::Part;
use super::{Names, Piece, Runtime, Sink, Unsupported};
use crate::array::Array;
use crate::graph::{Graph, Types};
use alexnet_onnx::{Dim, Model, cut};
use alexnet_spec::DType;
use anyhow::{Context, Result, bail};
use std::sync::Arc;
use tract_onnx::prelude::*;

pub(super) struct Tract {
    model: Model,
    names: Names,
    types: Types,
    plan: Option<Plan>,
}

/// The graph as tract runs it.
struct Plan {
    /// The batch and the values that it was made for.
    batch: usize,
    values: Vec<String>,
    runnable: Arc<TypedRunnableModel>,
    dtype: DatumType,
}

impl Tract {
    pub(super) fn open(graph: &Graph, names: Names) -> Tract {
        Tract::new(graph.model.clone(), names, graph.types())
    }

    fn new(model: Model, names: Names, types: Types) -> Tract {
        Tract { model, names, types, plan: None }
    }

    fn evaluate(&mut self, input: &Array, taps: &[String]) -> Result<Vec<(String, Array)>> {
        let Tract { model, names, plan, .. } = self;
        let wanted = names.wanted(taps);
        // A value may have two names: that of the last layer, and `logits`.
        let mut values: Vec<String> = Vec::new();
        for (_, value) in &wanted {
            if values.iter().all(|known| known != value) {
                values.push((*value).to_owned());
            }
        }
        names.in_batches(input, &mut |batch| {
            let outputs = run(plan, model, &names.input, &values, &batch)?;
            let output = |value: &str| values.iter().position(|known| known == value).and_then(|at| outputs.get(at));
            let named = wanted.iter().map(|(layer, value)| {
                let output = output(value).with_context(|| format!("no output `{value}` came back"))?;
                Ok(((*layer).to_owned(), output.clone()))
            });
            named.collect()
        })
    }
}

/// Runs the graph as it was made for these values and this batch, which is kept for the next time.
fn run(kept: &mut Option<Plan>, model: &Model, input: &str, values: &[String], batch: &Array) -> Result<Vec<Array>> {
    let plan = match kept.take() {
        Some(plan) if plan.values == values && plan.batch == batch.batch() => plan,
        // Dropped first: two copies of the weights are one too many.
        _ => Plan::new(model, input, values, &batch.shape)?,
    };
    let fed = Tensor::from_shape(&batch.shape, &batch.data)?.cast_to_dt(plan.dtype)?.into_owned();
    let outputs = plan.runnable.run(tvec!(fed.into())).map(|outputs| outputs.iter().map(array).collect());
    *kept = Some(plan);
    outputs?
}

impl Plan {
    /// The part of the graph that computes `values`, for a batch of `shape`.
    fn new(model: &Model, input: &str, values: &[String], shape: &[usize]) -> Result<Plan> {
        let dims: Vec<Dim> = shape.iter().map(|size| Dim::Fixed(*size)).collect();
        let part = cut(model, &[(input.to_owned(), dims)], values)?;
        let dtype = match part.inputs().first().map(|input| input.dtype) {
            Some(DType::F32) => DatumType::F32,
            Some(DType::F16) => DatumType::F16,
            Some(DType::F64) => DatumType::F64,
            Some(other) => return Err(Unsupported(format!("tract has no {other}")).into()),
            None => bail!("a graph without an input"),
        };
        let mut bytes = Vec::new();
        part.write(&mut bytes)?;
        let read = || tract_onnx::onnx().model_for_read(&mut bytes.as_slice())?.into_optimized()?.into_runnable();
        // It says of what it doesn't know that it can't be read, as of what is wrong: neither is a verdict on the graph.
        let runnable =
            read().map_err(|error| Unsupported(format!("tract doesn't read the graph: {}", brief(&error))))?;
        Ok(Plan { batch: shape.first().copied().unwrap_or(1), values: values.to_vec(), runnable, dtype })
    }
}

/// The causes of an error in one line, without the dumps of whole models that come with some.
fn brief(error: &TractError) -> String {
    let causes = error.chain().map(|cause| cause.to_string().lines().next().unwrap_or_default().to_owned());
    causes.collect::<Vec<_>>().join(": ")
}

fn array(value: &TValue) -> Result<Array> {
    let value = value.cast_to::<f32>()?;
    let view = value.to_plain_array_view::<f32>()?;
    Array::new(view.shape().to_vec(), view.iter().copied().collect())
}

impl Runtime for Tract {
    fn name(&self) -> String {
        "tract".into()
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
            let runtime = Tract::new(model, names, self.types);
            Box::new(Alone { runtime, layer }) as Box<dyn Piece>
        }))
    }
}

struct Alone {
    runtime: Tract,
    layer: String,
}

impl Piece for Alone {
    fn run(&mut self, input: &Array) -> Result<Array> {
        let mut values = self.runtime.evaluate(input, std::slice::from_ref(&self.layer))?;
        Ok(values.pop().context("no value came back")?.1)
    }
}

#[cfg(test)]
mod tests;
