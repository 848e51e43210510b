//! The ranges of activations, from running the network on examples.

use crate::console::Console;
use crate::inputs::{self, Contract, Fixture};
use alexnet::AlexNet;
use alexnet_onnx::{Affine, Quantization, calibrated};
use alexnet_spec::{Network, Weights};
use anyhow::{Context, Result, ensure};
use candle_core::{DType, Device, Tensor};
use std::collections::BTreeMap;
use std::path::Path;

/// Examples that are kept to check what is written.
const KEPT: usize = 4;

/// What the examples tell.
pub(super) struct Calibration {
    /// How activations are rounded.
    pub quantization: Quantization,
    /// The first of the examples: none of their values lies beyond a range.
    pub examples: Vec<Fixture>,
}

/// How activations are rounded: in the steps that reach from the smallest to the largest value that any example at `path`
/// gives. A few examples are in memory at a time.
///
/// Errs where there is no example, one doesn't fit the network, or gives values that aren't finite.
pub(super) fn calibrate(
    path: &Path,
    network: &Network,
    weights: &Weights,
    device: &Device,
    console: Console,
) -> Result<Calibration> {
    let contract = Contract {
        input: network.input.clone(),
        preprocessing: Some(network.preprocessing.clone()),
        network: Some(network.clone()),
    };
    let model = AlexNet::from_weights(network, weights, DType::F32, device)?;
    let mut ranges: BTreeMap<String, Range> = calibrated(network)?.into_iter().map(|v| (v, Range::default())).collect();
    let (mut count, mut examples) = (0usize, Vec::new());
    let place = || format!("--calibrate {}", path.display());
    inputs::each(path, &contract, &mut |fixture| {
        let input = fixture.input.to_candle(device)?;
        let mut observe = |name: &str, value: &Tensor| match ranges.get_mut(name) {
            Some(range) => range.observe(value),
            None => Ok(()),
        };
        observe("input", &input)?;
        model.forward_with_taps(&input, &mut observe)?;
        if let Some((name, _)) = ranges.iter().find(|(_, range)| !range.is_finite()) {
            anyhow::bail!("`{}`: the values of `{name}` aren't finite: leave it out", fixture.name);
        }
        count += 1;
        if examples.len() < KEPT {
            examples.push(fixture);
        }
        Ok(())
    })
    .with_context(place)?;
    ensure!(count > 0, "{}: no examples to calibrate on", place());
    console.say(format_args!("calibrated on {count} example{}", if count == 1 { "" } else { "s" }));
    let affines = ranges.into_iter().map(|(name, range)| (name, Affine::covering(range.low, range.high)));
    Ok(Calibration { quantization: Quantization::Static(affines.collect()), examples })
}

/// The smallest and the largest value seen; zero is always one.
#[derive(Clone, Copy, Debug, Default)]
struct Range {
    low: f32,
    high: f32,
}

impl Range {
    fn observe(&mut self, value: &Tensor) -> candle_core::Result<()> {
        let flat = value.flatten_all()?;
        self.low = self.low.min(flat.min(0)?.to_scalar()?);
        self.high = self.high.max(flat.max(0)?.to_scalar()?);
        Ok(())
    }

    fn is_finite(self) -> bool {
        self.low.is_finite() && self.high.is_finite()
    }
}
