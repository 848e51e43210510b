use super::elements::Elements;
use alexnet_spec::Weights;
use candle_core::{DType, Device, Error, Result, Shape, Tensor, bail};
use candle_nn::{Init, var_builder::SimpleBackend};

/// [`Weights`] as a backend of `VarBuilder`: each tensor goes from its (usually mapped) bytes straight into the device's
/// buffer.
pub(crate) struct SpecWeights<'a>(pub(crate) &'a Weights);

impl SimpleBackend for SpecWeights<'_> {
    fn get(&self, shape: Shape, name: &str, _: Init, dtype: DType, device: &Device) -> Result<Tensor> {
        let tensor = self.get_unchecked(name, dtype, device)?;
        if tensor.shape() != &shape {
            bail!("weight `{name}` has shape {:?}, but the network needs {shape:?}", tensor.shape());
        }
        Ok(tensor)
    }

    fn get_unchecked(&self, name: &str, dtype: DType, device: &Device) -> Result<Tensor> {
        let Some(tensor) = self.0.get(name) else { bail!("weight `{name}` is missing") };
        let mut elements = Elements::with_capacity(dtype, tensor.elements())?;
        elements.extend(tensor).map_err(|e| Error::msg(format!("weight `{name}`: {e}")))?;
        elements.into_tensor(tensor.shape(), device)
    }

    fn contains_tensor(&self, name: &str) -> bool {
        self.0.get(name).is_some()
    }
}
