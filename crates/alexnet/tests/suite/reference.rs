//! Every layer against PyTorch and ONNX: the cases of `make_reference.py`.

use crate::support::{error, header, tensors};
use alexnet::layers::{self, LocalResponseNorm, MaxPool2d, SpatialResponseNorm};
use alexnet::spec::{Op, Shape};
use candle_core::{DType, Device, Result, Tensor, Var};
use candle_nn::VarBuilder;
use std::collections::HashMap;
use std::path::PathBuf;

#[derive(serde::Deserialize)]
struct Case {
    name: String,
    judge: String,
    layer: Op,
}

struct Reference {
    cases: Vec<Case>,
    tensors: HashMap<String, Tensor>,
}

const PARAMETERS: [&str; 4] = ["weight", "bias", "running_mean", "running_var"];

impl Reference {
    fn read() -> Reference {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/reference/layers.safetensors");
        Reference { cases: serde_json::from_str(&header(&path)["cases"]).unwrap(), tensors: tensors(&path) }
    }

    fn get(&self, case: &Case, what: &str) -> Option<Tensor> {
        self.tensors.get(&format!("{}.{what}", case.name)).cloned()
    }

    /// Fails with a line for every case whose worst error, as `measure` finds it, is above `tolerance`.
    fn check(&self, tolerance: impl Fn(&Case) -> f64, measure: impl Fn(&Case) -> Option<Result<f64>>) {
        let mut compared = 0;
        let mut faults = Vec::new();
        for case in &self.cases {
            match measure(case) {
                None => continue,
                Some(Ok(error)) if error <= tolerance(case) => {}
                Some(Ok(error)) => {
                    faults.push(format!("{} ({}, {:?}): error {error:e}", case.name, case.judge, case.layer))
                }
                Some(Err(e)) => faults.push(format!("{} ({:?}): {e}", case.name, case.layer)),
            }
            compared += 1;
        }
        assert!(compared > 0, "no case was compared");
        assert!(faults.is_empty(), "{} of {compared} cases:\n{}", faults.len(), faults.join("\n"));
    }
}

fn shape(x: &Tensor) -> Shape {
    match x.dims() {
        [_, channels, height, width] => Shape::Map { channels: *channels, height: *height, width: *width },
        [_, features] => Shape::Vector(*features),
        dims => panic!("{dims:?}"),
    }
}

/// The layer with its parameters as variables in `dtype`.
fn layer(
    reference: &Reference,
    case: &Case,
    dtype: DType,
    input: Shape,
) -> Result<(Box<dyn layers::Layer>, HashMap<String, Var>)> {
    let mut parameters = HashMap::new();
    for name in PARAMETERS {
        if let Some(value) = reference.get(case, name) {
            parameters.insert(name.to_owned(), Var::from_tensor(&value.to_dtype(dtype)?)?);
        }
    }
    let tensors = parameters.iter().map(|(name, var)| (name.clone(), var.as_tensor().clone())).collect();
    let layer = layers::build(&case.layer, input, VarBuilder::from_tensors(tensors, dtype, &Device::Cpu))?;
    Ok((layer, parameters))
}

fn output_error(reference: &Reference, case: &Case, dtype: DType) -> Result<f64> {
    let x = reference.get(case, "x").unwrap().to_dtype(dtype)?;
    let (layer, _) = layer(reference, case, dtype, shape(&x))?;
    let y = layer.forward_t(&x, false)?;
    assert_eq!(y.dtype(), dtype, "{}", case.name);
    Ok(error(&y, &reference.get(case, "y").unwrap()))
}

/// ONNX holds constants in f32, and ONNX Runtime computes in it; PyTorch computed in f64.
fn judged_in_f32(case: &Case) -> bool {
    case.judge.starts_with("onnx")
}

#[test]
fn outputs_agree_in_f64() {
    let reference = Reference::read();
    reference.check(
        |case| if judged_in_f32(case) { 2e-6 } else { 1e-13 },
        |case| Some(output_error(&reference, case, DType::F64)),
    );
}

#[test]
fn outputs_agree_in_f32() {
    let reference = Reference::read();
    reference.check(|_| 2e-6, |case| Some(output_error(&reference, case, DType::F32)));
}

/// The input and the parameters are rounded to 11 bits before anything is computed.
#[test]
fn outputs_agree_in_f16() {
    let reference = Reference::read();
    reference.check(|_| 4e-3, |case| Some(output_error(&reference, case, DType::F16)));
}

/// The input and the parameters are rounded to 8 bits before anything is computed.
#[test]
fn outputs_agree_in_bf16() {
    let reference = Reference::read();
    let tolerance = |case: &Case| if case.layer.kind() == "Softmax" { 0.15 } else { 3e-2 };
    reference.check(tolerance, |case| Some(output_error(&reference, case, DType::BF16)));
}

fn composed(case: &Case, x: &Tensor) -> Option<Result<Tensor>> {
    match &case.layer {
        Op::LocalResponseNorm(norm) => Some(LocalResponseNorm::new(norm).composed(x)),
        Op::SpatialResponseNorm(norm) => Some(SpatialResponseNorm::new(norm).composed(x)),
        Op::MaxPool2d(pool) => Some(MaxPool2d::new(pool).composed(x)),
        _ => None,
    }
}

#[test]
fn compositions_agree_in_every_type() {
    let reference = Reference::read();
    for (dtype, tolerance) in [(DType::F64, 1e-13f64), (DType::F32, 2e-6), (DType::F16, 4e-3), (DType::BF16, 3e-2)] {
        reference.check(
            |case| if judged_in_f32(case) { tolerance.max(2e-6) } else { tolerance },
            |case| {
                let x = reference.get(case, "x").unwrap().to_dtype(dtype).unwrap();
                Some(composed(case, &x)?.map(|y| error(&y, &reference.get(case, "y").unwrap())))
            },
        );
    }
}

/// The worst error of the gradients of the input and of all parameters.
fn gradient_error(reference: &Reference, case: &Case, dtype: DType) -> Option<Result<f64>> {
    let dy = reference.get(case, "dy")?;
    Some((|| {
        let x = Var::from_tensor(&reference.get(case, "x").unwrap().to_dtype(dtype)?)?;
        let (layer, parameters) = layer(reference, case, dtype, shape(x.as_tensor()))?;
        let gradients = (layer.forward_t(x.as_tensor(), false)? * dy.to_dtype(dtype)?)?.sum_all()?.backward()?;
        let mut worst = error(gradients.get(x.as_tensor()).unwrap(), &reference.get(case, "dx").unwrap());
        for (name, var) in &parameters {
            if let Some(expected) = reference.get(case, &format!("d{name}")) {
                worst = worst.max(error(gradients.get(var.as_tensor()).unwrap(), &expected));
            }
        }
        Ok(worst)
    })())
}

#[test]
fn gradients_agree_in_f64() {
    let reference = Reference::read();
    reference.check(|_| 1e-12, |case| gradient_error(&reference, case, DType::F64));
}

#[test]
fn gradients_agree_in_f32() {
    let reference = Reference::read();
    reference.check(|_| 5e-6, |case| gradient_error(&reference, case, DType::F32));
}

#[test]
fn gradients_agree_in_16_bits() {
    let reference = Reference::read();
    for (dtype, tolerance) in [(DType::F16, 1e-2), (DType::BF16, 8e-2)] {
        reference.check(
            |_| tolerance,
            |case| match case.layer {
                // Rounding the input changes which of two near values wins, or the whole distribution.
                Op::MaxPool2d(_) | Op::Softmax(_) => None,
                _ => gradient_error(&reference, case, dtype),
            },
        );
    }
}

#[test]
fn compositions_have_the_same_gradients() {
    let reference = Reference::read();
    reference.check(
        |_| 1e-12,
        |case| {
            let dy = reference.get(case, "dy").filter(|_| case.name != "pool-ties")?;
            let x = Var::from_tensor(&reference.get(case, "x").unwrap()).unwrap();
            Some(composed(case, x.as_tensor())?.and_then(|y| {
                let gradients = (y * dy)?.sum_all()?.backward()?;
                Ok(error(gradients.get(x.as_tensor()).unwrap(), &reference.get(case, "dx").unwrap()))
            }))
        },
    );
}

#[test]
fn any_layout_gives_the_same_values() {
    let reference = Reference::read();
    reference.check(
        |_| 0.0,
        |case| {
            let x = reference.get(case, "x").unwrap();
            let (layer, _) = layer(&reference, case, DType::F64, shape(&x)).unwrap();
            let expected = layer.forward_t(&x, false).unwrap();
            // The same elements between others, columns before rows.
            let last = x.rank() - 1;
            let around =
                Tensor::cat(&[&x, &x, &x], 0).unwrap().transpose(last - 1, last).unwrap().contiguous().unwrap();
            let batch = x.dim(0).unwrap();
            let view = around.transpose(last - 1, last).unwrap();
            let view = if last == 1 { view } else { view.narrow(0, batch, batch).unwrap() };
            let expected =
                if last == 1 { Tensor::cat(&[&expected, &expected, &expected], 0).unwrap() } else { expected };
            Some(layer.forward_t(&view, false).map(|y| error(&y, &expected)))
        },
    );
}
