use crate::cpu::Fused;
use crate::error::within;
use crate::layers::{self, Layer};
use crate::weights::{Recorded, SafetensorsFile, SpecWeights};
use crate::{Network, Precision, Result};
use alexnet_spec::{Op, Shape, Weights};
use candle_core::{DType, Device, Error, Tensor, bail};
use candle_nn::{Module, VarBuilder};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The most values that a layer may make for one example, a thousand times what conv1 makes: a guard against hostile
/// network descriptions, which ask for memory with a few bytes.
const MAX_VALUES: usize = 1 << 28;

/// A network of the family with its weights on a device.
///
/// It takes `[N, channels, height, width]` exactly as the network's input contract has it, in the weights' element type.
/// Cloning shares the weights.
#[derive(Clone, Debug)]
pub struct AlexNet {
    network: Network,
    stages: Arc<[Stage]>,
    fused: Arc<Fused>,
    #[cfg(feature = "cudnn")]
    planned: Arc<crate::cuda::Forward>,
    dtype: DType,
    device: Device,
}

#[derive(Debug)]
struct Stage {
    name: String,
    input: Shape,
    layer: Box<dyn Layer>,
}

impl AlexNet {
    /// The model of `network` with parameters from `vb`, whose paths are the canonical names (`vb.pp("conv1")` has
    /// `weight` and `bias`).
    ///
    /// With a `VarMap` behind it, parameters that don't exist yet are initialised and trained: see the crate's example.
    /// Errs on a network that [`Network::trace`] refuses and on whatever `vb` errs.
    pub fn new(network: &Network, vb: VarBuilder) -> candle_core::Result<AlexNet> {
        let recorded = Recorded::default();
        let vb = recorded.recording(vb);
        let stages = network
            .trace()
            .map_err(Error::wrap)?
            .into_iter()
            .map(|step| {
                let name = step.layer.name.clone();
                if step.output.elements().is_none_or(|values| values > MAX_VALUES) {
                    bail!("layer `{name}` makes {} for one example; over {MAX_VALUES} values are refused", step.output);
                }
                let layer = layers::build(&step.layer.op, step.input, vb.pp(&name))
                    .map_err(within(format!("layer `{name}` of network `{}`", network.name)))?;
                Ok(Stage { name, input: step.input, layer })
            })
            .collect::<candle_core::Result<Arc<[Stage]>>>()?;
        let fused = Arc::new(Fused::new(network, recorded.take(), Precision::default()));
        #[cfg(feature = "cudnn")]
        let planned = {
            let layers = stages.iter().map(|stage: &Stage| stage.layer.as_ref());
            Arc::new(crate::cuda::Forward::new(network, layers, vb.dtype(), vb.device()))
        };
        Ok(AlexNet {
            network: network.clone(),
            stages,
            fused,
            #[cfg(feature = "cudnn")]
            planned,
            dtype: vb.dtype(),
            device: vb.device().clone(),
        })
    }

    /// The model of `network` with `weights`, converted to `dtype`. Each tensor goes straight from the weights' bytes to
    /// the device.
    ///
    /// Errs where a parameter is missing, has another shape, or a value doesn't fit `dtype`.
    pub fn from_weights(network: &Network, weights: &Weights, dtype: DType, device: &Device) -> Result<AlexNet> {
        let vb = VarBuilder::from_backend(Box::new(SpecWeights(weights)), dtype, device.clone());
        Ok(AlexNet::new(network, vb)?)
    }

    /// The model in a safetensors file that `alexnet-convert` wrote: the network is in the file's metadata. Weights are
    /// held as f32, whatever type the file has.
    ///
    /// Errs, naming the file and what to try, where it isn't safetensors, carries no network, or its tensors aren't that
    /// network's.
    pub fn load(path: impl AsRef<Path>, device: &Device) -> Result<AlexNet> {
        AlexNet::load_with_dtype(path, DType::F32, device)
    }

    /// [`AlexNet::load`] with weights held and layers computed in `dtype`: f32, f16, bf16 or f64.
    pub fn load_with_dtype(path: impl AsRef<Path>, dtype: DType, device: &Device) -> Result<AlexNet> {
        let file = SafetensorsFile::open(path.as_ref())?;
        let network = file.network().clone();
        let vb = VarBuilder::from_backend(Box::new(file), dtype, device.clone());
        Ok(AlexNet::new(&network, vb)?)
    }

    /// The same model, sharing its weights, with what [`AlexNet::forward`] may give up for speed on a CPU. Without this
    /// call it gives up nothing.
    pub fn with_precision(self, precision: Precision) -> AlexNet {
        AlexNet { fused: Arc::new(self.fused.with_precision(precision)), ..self }
    }

    /// The network that the model computes.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The element type of weights, input and output.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Where the weights are.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Logits `[N, classes]` of a batch; a softmax at the network's end is not applied. A network of features alone
    /// returns its last layer's output.
    ///
    /// On a CPU, f32 and bf16 models whose weights aren't being trained are run by [`alexnet_cpu`]: fused, on all threads of
    /// rayon's pool, with the layers' values but for the order in which sums are rounded; in bf16 sums are f32, and rounded
    /// once for each fused stage. It is set up at the first call.
    ///
    /// Errs where `x` isn't the input that the network asks for.
    pub fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        self.forward_t(x, false)
    }

    /// [`AlexNet::forward`] in training (`train`: dropout drops, batch norm uses and updates the batch's statistics) or
    /// evaluation.
    ///
    /// Generic code over candle's `ModuleT` gets evaluation whatever it asks for, since a [`Module`] has no other mode:
    /// call this method in training loops.
    pub fn forward_t(&self, x: &Tensor, train: bool) -> candle_core::Result<Tensor> {
        self.check_input(x)?;
        if train {
            self.fused.note_training();
        } else if let Some(logits) = self.fused.forward(x)? {
            return Ok(logits);
        }
        #[cfg(feature = "cudnn")]
        if !train && let Ok(logits) = self.planned.run(x) {
            return logits;
        }
        self.run(x, self.logit_layers(), train)
    }

    /// [`AlexNet::forward`] by the fused kernels of a CUDA device alone.
    ///
    /// `forward` runs the layers one by one where there is no such plan: for a network with other layers, weights that are
    /// variables, an input that is tracked for a gradient. This errs there, and says why.
    #[cfg(feature = "cudnn")]
    pub fn forward_planned(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        self.check_input(x)?;
        match self.planned.run(x) {
            Ok(logits) => logits,
            Err(why) => bail!("network `{}` has no plan for CUDA: {why}", self.network.name),
        }
    }

    /// The features `[N, channels, height, width]` before the classifier: pool5's output in every published network (after
    /// its ReLU where that comes last).
    pub fn features(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        self.check_input(x)?;
        self.run(x, self.network.feature_layers(), false)
    }

    /// [`AlexNet::forward`] that hands every layer's output, first to last, to `tap` with the layer's name, a final softmax
    /// included. Nothing is kept: a tap that doesn't hold on to its tensors costs no memory.
    ///
    /// Errs as `forward` does, and with whatever `tap` returns.
    pub fn forward_with_taps(
        &self,
        x: &Tensor,
        tap: &mut dyn FnMut(&str, &Tensor) -> candle_core::Result<()>,
    ) -> candle_core::Result<Tensor> {
        self.check_input(x)?;
        let mut logits = x.clone();
        let mut last = x.clone();
        for (index, stage) in self.stages.iter().enumerate() {
            last = stage.forward(&last, false)?;
            tap(&stage.name, &last)?;
            if index < self.logit_layers() {
                logits = last.clone();
            }
        }
        Ok(logits)
    }

    /// The steps of a forward pass, in the order of the layers, and the time that each takes for `x`.
    ///
    /// On a CPU they are those of [`alexnet_cpu`], where it runs the model: several layers each, which `+` joins. They wait for
    /// one another and share every image among the threads, so that several images take longer than they do in
    /// [`AlexNet::forward`]. Elsewhere they are the layers, one by one.
    ///
    /// Errs as `forward` does.
    pub fn profile(&self, x: &Tensor) -> candle_core::Result<Vec<(String, Duration)>> {
        self.check_input(x)?;
        if let Some(times) = self.fused.profile(x)? {
            return Ok(times);
        }
        let mut times = Vec::new();
        let mut last = Instant::now();
        self.forward_with_taps(x, &mut |name, output| {
            output.device().synchronize()?;
            times.push((name.to_owned(), last.elapsed()));
            last = Instant::now();
            Ok(())
        })?;
        Ok(times)
    }

    /// The output of the layer called `name` for `x`, alone.
    ///
    /// Errs where there is no such layer or `x` isn't its input's shape (with any batch size).
    pub fn forward_layer(&self, name: &str, x: &Tensor) -> candle_core::Result<Tensor> {
        let Some(stage) = self.stages.iter().find(|stage| stage.name == name) else {
            let names: Vec<_> = self.stages.iter().map(|stage| stage.name.as_str()).collect();
            bail!("network `{}` has no layer `{name}`: try one of {}", self.network.name, names.join(", "));
        };
        self.check(x, stage.input, &format!("layer `{name}`"))?;
        stage.forward(x, false)
    }

    fn run(&self, x: &Tensor, layers: usize, train: bool) -> candle_core::Result<Tensor> {
        self.stages.iter().take(layers).try_fold(x.clone(), |x, stage| stage.forward(&x, train))
    }

    /// How many layers lead to the logits: all but a final softmax.
    fn logit_layers(&self) -> usize {
        let softmax = matches!(self.network.layers.last(), Some(layer) if matches!(layer.op, Op::Softmax(_)));
        self.stages.len() - usize::from(softmax)
    }

    fn check_input(&self, x: &Tensor) -> candle_core::Result<()> {
        let input = &self.network.input;
        let shape = Shape::Map { channels: input.channels, height: input.height, width: input.width };
        self.check(x, shape, &format!("network `{}`", self.network.name))
    }

    fn check(&self, x: &Tensor, shape: Shape, what: &str) -> candle_core::Result<()> {
        let expected = shape.dims();
        if x.dims().split_first().is_none_or(|(_, dims)| dims != expected) {
            let expected = expected.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
            bail!("{what} takes an input of [N, {expected}], but was given {:?}", x.dims());
        }
        if x.dtype() != self.dtype {
            bail!(
                "{what} computes in {:?}, but was given {:?}: try `x.to_dtype(model.dtype())`",
                self.dtype,
                x.dtype()
            );
        }
        Ok(())
    }
}

/// In evaluation; see [`AlexNet::forward_t`] for training.
impl Module for AlexNet {
    fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        AlexNet::forward(self, x)
    }
}

impl Stage {
    fn forward(&self, x: &Tensor, train: bool) -> candle_core::Result<Tensor> {
        self.layer.forward_t(x, train).map_err(|e| within(format!("layer `{}`", self.name))(e))
    }
}
