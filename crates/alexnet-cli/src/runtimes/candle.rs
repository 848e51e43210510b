use super::{Piece, Runtime, Sink};
use crate::array::Array;
use alexnet::AlexNet;
use alexnet_spec::{DType, Network, Weights};
use anyhow::{Context, Result, anyhow};
use candle_core::Device;

/// The candle model, in the type that is asked for whatever type the weights are stored in.
pub struct Candle {
    model: AlexNet,
    device: Device,
    arithmetic: DType,
    stored: DType,
}

impl Candle {
    /// The model of `network` with `weights`, computing in `dtype` on `device`.
    pub fn open(network: &Network, weights: &Weights, dtype: DType, device: &Device) -> Result<Candle> {
        let own = match dtype {
            DType::F16 => candle_core::DType::F16,
            DType::BF16 => candle_core::DType::BF16,
            _ => candle_core::DType::F32,
        };
        let model = AlexNet::from_weights(network, weights, own, device)?;
        let stored = crate::compare::coarsest(weights.iter().map(|(_, tensor)| tensor.dtype()).chain([dtype]));
        Ok(Candle { model, device: device.clone(), arithmetic: dtype, stored })
    }

    fn input(&self, input: &Array) -> Result<candle_core::Tensor> {
        Ok(input.to_candle(&self.device)?.to_dtype(self.model.dtype())?)
    }
}

impl Runtime for Candle {
    fn name(&self) -> String {
        let device = match &self.device {
            Device::Cpu => "cpu",
            Device::Cuda(_) => "cuda",
            Device::Metal(_) => "metal",
        };
        match self.arithmetic {
            DType::F32 => format!("candle {device}"),
            other => format!("candle {device} {other}"),
        }
    }

    fn arithmetic(&self) -> DType {
        self.arithmetic
    }

    fn stored(&self) -> DType {
        self.stored
    }

    fn on_gpu(&self) -> bool {
        !self.device.is_cpu()
    }

    fn run(&mut self, input: &Array, taps: &[String], sink: &mut Sink<'_>) -> Result<()> {
        let mut refused = None;
        let output = self.model.forward_with_taps(&self.input(input)?, &mut |name, value| {
            if taps.iter().any(|tap| tap == name)
                && let Err(error) = sink(name, Array::from_candle(value)?)
            {
                refused = Some(error);
                candle_core::bail!("the run was stopped");
            }
            Ok(())
        });
        match refused {
            Some(error) => Err(error),
            None => sink("logits", Array::from_candle(&output?)?),
        }
    }

    fn piece(&mut self, after: Option<&str>, layer: &str, _shape: &[usize]) -> Result<Option<Box<dyn Piece + '_>>> {
        let place = |name: &str| self.model.network().layers.iter().position(|layer| layer.name == name);
        let first = match after {
            Some(after) => place(after).map(|index| index + 1),
            None => Some(0),
        };
        let (Some(first), Some(last)) = (first, place(layer)) else { return Ok(None) };
        if last < first {
            return Err(anyhow!("`{layer}` comes before `{}` there", after.unwrap_or("the input")));
        }
        Ok(Some(Box::new(Layers { candle: self, first, last })))
    }
}

/// Some layers of the model, one after another.
struct Layers<'a> {
    candle: &'a Candle,
    first: usize,
    last: usize,
}

impl Piece for Layers<'_> {
    fn run(&mut self, input: &Array) -> Result<Array> {
        let mut value = self.candle.input(input)?;
        let layers = self.candle.model.network().layers.iter();
        for layer in layers.take(self.last + 1).skip(self.first) {
            value = self
                .candle
                .model
                .forward_layer(&layer.name, &value)
                .with_context(|| format!("layer `{}` alone", layer.name))?;
        }
        Ok(Array::from_candle(&value)?)
    }
}
