//! The forward pass on a CPU by [`alexnet_cpu`]: what [`AlexNet::forward`](crate::AlexNet::forward) runs there, unseen.

use crate::Network;
use alexnet_cpu::{Engine, Options, Precision};
use candle_core::{CpuStorage, DType, Error, Result, Storage, Tensor};
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
    engine: OnceLock<Option<Engine>>,
    trained: AtomicBool,
}

impl Fused {
    pub(crate) fn new(network: &Network, weights: HashMap<String, Tensor>, precision: Precision) -> Fused {
        let (engine, trained) = (OnceLock::new(), AtomicBool::new(false));
        Fused { network: network.clone(), weights, precision, engine, trained }
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
        let Some((logits, ())) = self.run(x, Engine::forward)? else { return Ok(None) };
        let shape: Vec<usize> = std::iter::once(x.dim(0)?).chain(self.output()?).collect();
        Tensor::from_vec(logits, shape, x.device()).map(Some)
    }

    /// The time that each of the engine's steps takes, or None where it has none.
    pub(crate) fn profile(&self, x: &Tensor) -> Result<Option<Vec<(String, Duration)>>> {
        Ok(self.run(x, Engine::profile)?.map(|(_, times)| times))
    }

    /// Lends `x`, the matrices and a place for the logits to what the engine does with them.
    fn run<T>(
        &self,
        x: &Tensor,
        work: impl FnOnce(&Engine, &[f32], &[&[f32]], &mut [f32]) -> std::result::Result<T, alexnet_cpu::Error>,
    ) -> Result<Option<(Vec<f32>, T)>> {
        if !x.device().is_cpu() || x.dtype() != DType::F32 || x.track_op() || self.trained.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let Some(engine) = self.engine.get_or_init(|| self.engine()) else { return Ok(None) };
        let matrices: Option<Vec<&Tensor>> = engine.matrices().iter().map(|name| self.weights.get(name)).collect();
        let Some(matrices) = matrices else { return Ok(None) };
        let guards: Vec<_> = matrices.into_iter().map(Tensor::storage_and_layout).collect();
        let matrices = guards.iter().map(|(storage, layout)| values(storage, layout)).collect::<Result<Vec<_>>>()?;
        let x = x.contiguous()?;
        let mut logits = vec![0.0; x.dim(0)? * engine.outputs()];
        let (storage, layout) = x.storage_and_layout();
        let done = work(engine, values(&storage, layout)?, &matrices, &mut logits).map_err(Error::wrap)?;
        Ok(Some((logits, done)))
    }

    /// The engine, where network and weights are for it.
    fn engine(&self) -> Option<Engine> {
        let fixed = |weight: &Tensor| weight.device().is_cpu() && weight.dtype() == DType::F32 && !weight.track_op();
        if !self.weights.values().all(|weight| fixed(weight) && weight.is_contiguous()) {
            return None;
        }
        let options = Options { precision: self.precision, ..Options::default() };
        let parameter = |name: &str| {
            let get = || self.weights.get(name).ok_or_else(|| Error::Msg("missing".into()))?.flatten_all()?.to_vec1();
            get().map_err(|e| alexnet_cpu::Error::Missing { name: name.into(), message: e.to_string() })
        };
        Engine::with_options(&self.network, &options, parameter).ok()
    }

    /// The dimensions of what is computed for one image.
    fn output(&self) -> Result<Vec<usize>> {
        let steps = self.network.trace().map_err(Error::wrap)?;
        Ok(steps.last().map(|step| step.output.dims()).unwrap_or_default())
    }
}

/// The elements of a contiguous f32 tensor on the CPU.
fn values<'a>(storage: &'a Storage, layout: &candle_core::Layout) -> Result<&'a [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (Storage::Cpu(CpuStorage::F32(values)), Some((start, end))) => values
            .get(start..end)
            .ok_or_else(|| Error::Msg(format!("a layout of {start}..{end} in {} elements", values.len()))),
        _ => Err(Error::Msg("not a contiguous f32 tensor on the CPU".into())),
    }
}
