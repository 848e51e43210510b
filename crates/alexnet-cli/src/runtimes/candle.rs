use super::{Runtime, Values};
use crate::array::Array;
use alexnet::AlexNet;
use alexnet_spec::{DType, Network, Weights};
use anyhow::{Context, Result};
use candle_core::Device;

/// The candle model, in f32 whatever type the weights are stored in.
pub struct Candle {
    model: AlexNet,
    device: Device,
    stored: DType,
}

impl Candle {
    /// The model of `network` with `weights` on `device`.
    pub fn open(network: &Network, weights: &Weights, device: &Device) -> Result<Candle> {
        let model = AlexNet::from_weights(network, weights, candle_core::DType::F32, device)?;
        let stored = crate::compare::coarsest(weights.iter().map(|(_, tensor)| tensor.dtype()));
        Ok(Candle { model, device: device.clone(), stored })
    }
}

impl Runtime for Candle {
    fn name(&self) -> String {
        let device = match &self.device {
            Device::Cpu => "cpu",
            Device::Cuda(_) => "cuda",
            Device::Metal(_) => "metal",
        };
        format!("candle {device}")
    }

    fn arithmetic(&self) -> DType {
        DType::F32
    }

    fn stored(&self) -> DType {
        self.stored
    }

    fn reorders_sums(&self) -> bool {
        !self.device.is_cpu()
    }

    fn run(&mut self, input: &Array, taps: &[String]) -> Result<Values> {
        let mut values = Values::new();
        let input = input.to_candle(&self.device)?;
        let output = self.model.forward_with_taps(&input, &mut |name, value| {
            if taps.iter().any(|tap| tap == name) {
                values.insert(name.to_owned(), Array::from_candle(value)?);
            }
            Ok(())
        })?;
        values.insert("logits".into(), Array::from_candle(&output)?);
        Ok(values)
    }

    fn run_layer(&mut self, layer: &str, input: &Array) -> Option<Result<Array>> {
        let run = || -> Result<Array> {
            let output = self.model.forward_layer(layer, &input.to_candle(&self.device)?)?;
            Ok(Array::from_candle(&output)?)
        };
        Some(run().with_context(|| format!("layer `{layer}` alone")))
    }
}
