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

    /// By [`AlexNet::forward`].
    fn at_once(&mut self, input: &Array) -> Result<Option<Array>> {
        Ok(Some(Array::from_candle(&self.model.forward(&self.input(input)?)?)?))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtimes::values;
    use alexnet::Precision;
    use alexnet_spec::networks;

    /// With eight bits, `AlexNet::forward` gives other logits than the layers: which ones come out tells what ran.
    #[test]
    fn logits_are_those_of_the_layers_and_at_once_those_of_forward() {
        let network = networks::get("torchvision").unwrap().shrunk(16, 10).unwrap();
        let value = |index: usize| ((index * 7919) % 101) as f32 / 500.0 - 0.1;
        let tensors = network.parameters().unwrap().into_iter().map(|parameter| {
            let values: Vec<f32> = (0..parameter.elements()).map(value).collect();
            (parameter.name, alexnet_spec::Tensor::from_f32(parameter.shape, &values).unwrap())
        });
        let weights = Weights::new(&network, tensors.collect()).unwrap();
        let mut candle = Candle::open(&network, &weights, DType::F32, &Device::Cpu).unwrap();
        candle.model = candle.model.with_precision(Precision::Int8);
        let size = 3 * network.input.height * network.input.width;
        let shape = vec![1, 3, network.input.height, network.input.width];
        let input = Array::new(shape, (0..size).map(value).collect()).unwrap();

        let x = input.to_candle(&Device::Cpu).unwrap();
        let forward = Array::from_candle(&candle.model.forward(&x).unwrap()).unwrap();
        let logits = values(&mut candle, &input, &["fc8".into()]).unwrap();
        assert_eq!(logits["logits"], logits["fc8"]);
        assert_ne!(logits["logits"], forward, "eight bits change something");
        assert_eq!(candle.at_once(&input).unwrap(), Some(forward));
    }
}
