//! The forward pass on a CPU by [`alexnet_cpu`]: what [`AlexNet::forward`](crate::AlexNet::forward) runs there, unseen.

use crate::Network;
use alexnet_cpu::{Element, Engine, Options, Precision, bf16};
use candle_core::{DType, Error, Layout, Result, Storage, Tensor, WithDType};
use std::collections::HashMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A network's weights, and the engine that is made of them at the first forward pass that it can do.
#[derive(Debug)]
pub(crate) struct Fused {
    network: Network,
    /// By canonical name; shared with the layers.
    weights: HashMap<String, Tensor>,
    precision: Precision,
    /// None where the network or its weights aren't for the engine.
    ready: OnceLock<Option<Ready>>,
    trained: AtomicBool,
}

/// Steps of a forward pass, by the layers that they compute, and the time that they took.
type Times = Vec<(String, Duration)>;

/// What a forward pass needs besides weights and images.
#[derive(Debug)]
struct Ready {
    engine: AnyEngine,
    /// The dimensions of what is computed for one image.
    output: Vec<usize>,
}

/// An engine for weights of either type.
#[derive(Debug)]
enum AnyEngine {
    F32(Engine),
    Bf16(Engine<bf16>),
}

impl Fused {
    pub(crate) fn new(network: &Network, weights: HashMap<String, Tensor>, precision: Precision) -> Fused {
        let (ready, trained) = (OnceLock::new(), AtomicBool::new(false));
        Fused { network: network.clone(), weights, precision, ready, trained }
    }

    /// The same weights, run with another precision.
    pub(crate) fn with_precision(&self, precision: Precision) -> Fused {
        Fused::new(&self.network, self.weights.clone(), precision)
    }

    /// Notes that the layers were run in training: their statistics may no longer be those that the engine knows.
    pub(crate) fn note_training(&self) {
        self.trained.store(true, Ordering::Relaxed);
    }

    /// Logits of `x`, or None where the layers have to compute them one by one: on another device or in another type, for
    /// weights that are trained, for inputs whose gradient is wanted, and for networks that the engine has no stages for.
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Option<Tensor>> {
        self.run(x, None)
    }

    /// The time that each of the engine's steps takes, or None where it has none.
    pub(crate) fn profile(&self, x: &Tensor) -> Result<Option<Times>> {
        let mut times = Times::new();
        Ok(self.run(x, Some(&mut times))?.map(|_| times))
    }

    fn run(&self, x: &Tensor, times: Option<&mut Times>) -> Result<Option<Tensor>> {
        if !x.device().is_cpu() || x.track_op() || self.trained.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let Some(Ready { engine, output }) = self.ready.get_or_init(|| self.get_ready()) else { return Ok(None) };
        match (engine, x.dtype()) {
            (AnyEngine::F32(engine), DType::F32) => self.run_on(engine, output, x, times),
            (AnyEngine::Bf16(engine), DType::BF16) => self.run_on(engine, output, x, times),
            _ => Ok(None),
        }
    }

    /// Lends `x`, the matrices and a place for the logits to `engine`.
    fn run_on<E: Element + WithDType>(
        &self,
        engine: &Engine<E>,
        output: &[usize],
        x: &Tensor,
        times: Option<&mut Times>,
    ) -> Result<Option<Tensor>> {
        let matrices: Option<Vec<&Tensor>> = engine.matrices().iter().map(|name| self.weights.get(name)).collect();
        let Some(matrices) = matrices else { return Ok(None) };
        let guards: Vec<_> = matrices.into_iter().map(Tensor::storage_and_layout).collect();
        let matrices = guards.iter().map(|(storage, layout)| values(storage, layout)).collect::<Result<Vec<_>>>()?;
        let x = x.contiguous()?;
        let count = x.dim(0)?;
        let mut logits = vec![E::from_f32(0.0); count * engine.outputs()];
        let (storage, layout) = x.storage_and_layout();
        let images = values(&storage, layout)?;
        match times {
            None => engine.forward(images, &matrices, &mut logits).map_err(Error::wrap)?,
            Some(times) => *times = engine.profile(images, &matrices, &mut logits).map_err(Error::wrap)?,
        }
        let shape: Vec<usize> = std::iter::once(&count).chain(output).copied().collect();
        Tensor::from_vec(logits, shape, x.device()).map(Some)
    }

    /// The engine with what goes with it, where network and weights are for it.
    fn get_ready(&self) -> Option<Ready> {
        let fixed = |weight: &Tensor| weight.device().is_cpu() && !weight.track_op() && weight.is_contiguous();
        if !self.weights.values().all(fixed) {
            return None;
        }
        let engine = match self.weights.values().next()?.dtype() {
            DType::F32 => AnyEngine::F32(self.engine_of()?),
            DType::BF16 => AnyEngine::Bf16(self.engine_of()?),
            _ => return None,
        };
        let output = self.network.trace().ok()?.last()?.output.dims();
        Some(Ready { engine, output })
    }

    /// The engine for weights that are all of type `E`.
    fn engine_of<E: Element + WithDType>(&self) -> Option<Engine<E>> {
        let options = Options { precision: self.precision, ..Options::default() };
        let parameter = |name: &str| {
            let get = || self.weights.get(name).ok_or_else(|| Error::Msg("missing".into()))?.flatten_all()?.to_vec1();
            get().map_err(|e| alexnet_cpu::Error::Missing { name: name.into(), message: e.to_string() })
        };
        let of_one_type = self.weights.values().all(|weight| weight.dtype() == E::DTYPE);
        of_one_type.then(|| Engine::with_options(&self.network, &options, parameter).ok()).flatten()
    }
}

/// The elements of a contiguous tensor on the CPU.
fn values<'a, E: WithDType>(storage: &'a Storage, layout: &Layout) -> Result<&'a [E]> {
    match (storage, layout.contiguous_offsets()) {
        (Storage::Cpu(storage), Some((start, end))) => {
            let values = E::cpu_storage_as_slice(storage)?;
            let part = values.get(start..end);
            part.ok_or_else(|| Error::Msg(format!("a layout of {start}..{end} in {} elements", values.len())))
        }
        _ => Err(Error::Msg("not a contiguous tensor on the CPU".into())),
    }
}
