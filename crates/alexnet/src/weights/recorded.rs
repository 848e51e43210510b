use candle_core::{DType, Device, Result, Shape, Tensor};
use candle_nn::{Init, VarBuilder, var_builder::SimpleBackend};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The tensors that layers took from a `VarBuilder`, by path. They are shared, not copied.
#[derive(Clone, Default)]
pub(crate) struct Recorded(Arc<Mutex<HashMap<String, Tensor>>>);

impl Recorded {
    /// A `VarBuilder` that gives what `vb` gives, and keeps a record of it here.
    pub(crate) fn recording<'a>(&self, vb: VarBuilder<'a>) -> VarBuilder<'a> {
        let (dtype, device) = (vb.dtype(), vb.device().clone());
        VarBuilder::from_backend(Box::new(Recorder { vb, record: self.clone() }), dtype, device)
    }

    /// What was recorded so far.
    pub(crate) fn take(&self) -> HashMap<String, Tensor> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn add(&self, name: &str, tensor: Tensor) -> Tensor {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.into(), tensor.clone());
        tensor
    }
}

struct Recorder<'a> {
    vb: VarBuilder<'a>,
    record: Recorded,
}

impl SimpleBackend for Recorder<'_> {
    fn get(&self, shape: Shape, name: &str, init: Init, dtype: DType, _: &Device) -> Result<Tensor> {
        Ok(self.record.add(name, self.vb.get_with_hints_dtype(shape, name, init, dtype)?))
    }

    fn get_unchecked(&self, name: &str, dtype: DType, _: &Device) -> Result<Tensor> {
        Ok(self.record.add(name, self.vb.get_unchecked_dtype(name, dtype)?))
    }

    fn contains_tensor(&self, name: &str) -> bool {
        self.vb.contains_tensor(name)
    }
}
