use super::{Build, channels, precision::wide};
use alexnet_spec::{Shape, layers as spec};
use candle_core::{DType, Result, Tensor, bail};
use candle_nn::{Init, Module, VarBuilder, init::DEFAULT_KAIMING_NORMAL};

/// A convolution with padding on four sides, two strides and groups.
///
/// candle's convolution knows one padding and one stride: other paddings are added first, and of unequal strides the
/// common part is the convolution's, while the rest picks rows and columns from its output. On a CPU 16-bit types compute
/// in f32.
#[derive(Clone, Debug)]
pub struct Conv2d {
    spec: spec::Conv2d,
    weight: Tensor,
    bias: Tensor,
}

impl Conv2d {
    /// The layer from `weight` `[out, in / groups, kernel height, kernel width]` and `bias` `[out]`.
    ///
    /// Errs where a stride or the number of groups is zero.
    pub fn new(spec: &spec::Conv2d, weight: Tensor, bias: Tensor) -> Result<Conv2d> {
        if spec.groups == 0 || spec.stride.contains(&0) {
            bail!("a convolution needs strides and groups of at least 1, not {:?} and {}", spec.stride, spec.groups);
        }
        Ok(Conv2d { spec: spec.clone(), weight, bias })
    }

    /// Weights and bias, as [`Conv2d::new`] takes them.
    #[cfg(feature = "cudnn")]
    pub(crate) fn parameters(&self) -> (&Tensor, &Tensor) {
        (&self.weight, &self.bias)
    }

    /// The input as candle's convolution takes it, and the padding that is left to it.
    fn padded(&self, x: &Tensor) -> Result<(Tensor, usize)> {
        let [top, left, bottom, right] = self.spec.pads;
        let (_, _, height, width) = x.dims4()?;
        let (height, width) = (height + top + bottom, width + left + right);
        let [kernel_height, kernel_width] = self.spec.kernel;
        // What lies beyond the last window. candle's gradient takes the rows' rest for the columns', too.
        let rest = [height.saturating_sub(kernel_height), width.saturating_sub(kernel_width)].map(|n| n % self.stride());
        let trained = x.track_op() || self.weight.track_op();
        let even = [left, bottom, right] == [top; 3];
        if even && (!trained || rest[0] == rest[1]) {
            return Ok((x.clone(), top));
        }
        let x = x.pad_with_zeros(2, top, bottom)?.pad_with_zeros(3, left, right)?;
        Ok((x.narrow(2, 0, height - rest[0])?.narrow(3, 0, width - rest[1])?, 0))
    }

    /// The stride that both axes have in common.
    fn stride(&self) -> usize {
        common_divisor(self.spec.stride[0], self.spec.stride[1])
    }

    /// The type in which the convolution is computed: candle has no 16-bit one on a CPU that accumulates in f32.
    fn compute_type(&self, x: &Tensor) -> DType {
        if x.device().is_cpu() { wide(x.dtype()) } else { x.dtype() }
    }
}

impl Build for spec::Conv2d {
    type Layer = Conv2d;

    fn build(&self, input: Shape, vb: VarBuilder) -> Result<Conv2d> {
        let [height, width] = self.kernel;
        let inputs = channels(input)? / self.groups;
        let bound = 1.0 / ((inputs * height * width) as f64).sqrt();
        let weight = vb.get_with_hints((self.out, inputs, height, width), "weight", DEFAULT_KAIMING_NORMAL)?;
        let bias = vb.get_with_hints(self.out, "bias", Init::Uniform { lo: -bound, up: bound })?;
        Conv2d::new(self, weight, bias)
    }
}

impl Module for Conv2d {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let dtype = self.compute_type(x);
        let (padded, padding) = self.padded(&x.to_dtype(dtype)?)?;
        let [down, across] = self.spec.stride;
        let stride = self.stride();
        let y = padded.conv2d(&self.weight.to_dtype(dtype)?, padding, stride, 1, self.spec.groups)?;
        let y = every(&every(&y, 2, down / stride)?, 3, across / stride)?;
        let bias = self.bias.to_dtype(dtype)?.reshape((1, (), 1, 1))?;
        y.broadcast_add(&bias)?.to_dtype(x.dtype())
    }
}

/// Every `step`th position of `axis`, from the first on.
fn every(x: &Tensor, axis: usize, step: usize) -> Result<Tensor> {
    if step == 1 {
        return Ok(x.clone());
    }
    let positions: Vec<u32> = (0..x.dim(axis)? as u32).step_by(step).collect();
    x.index_select(&Tensor::new(positions, x.device())?, axis)
}

fn common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { common_divisor(b, a % b) }
}
