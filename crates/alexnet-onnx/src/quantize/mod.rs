//! Integers of 8 bits in place of floats: which values of a graph they are, and their arithmetic.
//!
//! The form is that of `QuantizeLinear` and `DequantizeLinear`, between which a graph's operators stay those of the float
//! graph; a runtime with integer kernels merges each operator with the pairs around it.
//!
//! - Weights of convolutions and linear layers are symmetric int8, with one step for each output channel (axis 0).
//! - With calibrated activations ([`Quantization::Static`]), inputs and outputs of these layers are uint8 with one step and
//!   one zero point for the tensor, and their biases int32 in steps of input times weight, which is what an integer kernel
//!   adds up in. Pools and flattenings hand their input's integers on. Response norms, batch norms and the logits are floats.
//!
//! Weights are rounded as the stream is written: no second copy of them is ever in memory.

mod activations;
mod pairs;
mod payload;
mod ranges;
mod weights;

pub(crate) use activations::{constants, roundings};
pub(crate) use payload::{Payload, Payloads, payloads};
pub(crate) use weights::{Channels, quantise_bias};

use crate::ExportOptions;
use alexnet_spec::{DType, Op};
use std::collections::BTreeMap;

pub use activations::calibrated;
pub use pairs::unpaired;
pub use ranges::ranges;

/// Which values of a graph are integers of 8 bits.
#[derive(Clone, Debug, PartialEq)]
pub enum Quantization {
    /// Weights alone: a quarter of the size, computed in f32.
    Weights,
    /// Weights and activations. The map has how each value of [`calibrated`] is rounded.
    Static(BTreeMap<String, Affine>),
}

/// Integers from 0 to 255 for floats: `x` becomes `x / scale + zero_point`, rounded half to even and clamped.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Affine {
    /// The step between two integers; above zero.
    pub scale: f32,
    /// The integer that stands for zero.
    pub zero_point: u8,
}

impl Affine {
    /// The finest steps that reach from `low` to `high`, and to zero: padding, and what a ReLU cuts off, must be exact.
    ///
    /// The arithmetic of `onnxruntime.quantization`, in double precision until the step is stored.
    ///
    /// ```
    /// use alexnet_onnx::Affine;
    ///
    /// assert_eq!(Affine::covering(0.0, 25.5), Affine { scale: 0.1, zero_point: 0 });
    /// assert_eq!(Affine::covering(-1.0, 1.55), Affine { scale: 0.01, zero_point: 100 });
    /// ```
    pub fn covering(low: f32, high: f32) -> Affine {
        let (low, high) = (f64::from(low.min(0.0)), f64::from(high.max(0.0)));
        let step = (high - low) / 255.0;
        let scale = step as f32;
        // Also where the range is empty, or not a number.
        if !scale.is_normal() {
            return Affine { scale: 1.0, zero_point: 0 };
        }
        Affine { scale, zero_point: (-low / step).round_ties_even().clamp(0.0, 255.0) as u8 }
    }
}

/// What a parameter is in the file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Stored {
    /// Floats of this type.
    Float(DType),
    /// Integers of 8 bits, symmetric, with a step for each output channel; with the step of the layer's input where that is
    /// rounded too.
    Weight { input: Option<f32> },
    /// Integers of 32 bits, in steps of the layer's input times those of its weights.
    Bias { input: f32 },
}

impl Stored {
    /// How the parameter `role` of a layer is stored whose input is rounded as `rounded` says.
    pub(crate) fn of(op: &Op, role: &str, rounded: Option<Affine>, options: &ExportOptions) -> Stored {
        let quantised = options.quantize.is_some() && matches!(op, Op::Conv2d(_) | Op::Linear(_));
        let input = rounded.map(|affine| affine.scale);
        match (quantised, role, input) {
            (true, "weight", input) => Stored::Weight { input },
            (true, "bias", Some(input)) => Stored::Bias { input },
            _ => Stored::Float(options.dtype),
        }
    }

    pub(crate) fn dtype(self) -> DType {
        match self {
            Stored::Float(dtype) => dtype,
            Stored::Weight { .. } => DType::I8,
            Stored::Bias { .. } => DType::I32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `compute_scale_zp` of onnxruntime 1.32's `quant_utils`, for uint8 from 0 to 255; the step's bits.
    #[test]
    fn ranges_become_steps_as_onnxruntime_has_them() {
        let cases = [
            (-2.117904, 2.64, 0x3c98_d99a, 114),
            (0.0, 37.25, 0x3e15_9596, 0),
            (1.5, 3.0, 0x3c40_c0c1, 0),
            (-3.0, -1.0, 0x3c40_c0c1, 255),
            (-123.68, 151.061, 0x3f89_e8c2, 115),
            (0.0, 0.0, 0x3f80_0000, 0),
            (-0.5, 0.001, 0x3b00_c24c, 254),
        ];
        for (low, high, bits, zero_point) in cases {
            let scale = f32::from_bits(bits);
            assert_eq!(Affine::covering(low, high), Affine { scale, zero_point }, "{low} to {high}");
        }
        assert_eq!(Affine::covering(f32::NAN, f32::INFINITY), Affine { scale: 1.0, zero_point: 0 });
    }
}
