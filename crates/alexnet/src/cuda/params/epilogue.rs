use super::{Dims, Epilogue, LocalResponseNorm, MaxPool2d, int, pixels};
use alexnet_spec::layers as spec;
use candle_core::Result;

/// Where a ReLU stands in an [`Epilogue`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Relu {
    /// Nowhere.
    #[default]
    None,
    /// Right after the bias.
    First,
    /// After everything else.
    Last,
}

/// Where a norm stands in an [`Epilogue`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NormOrder {
    /// Before the pool, as in the paper.
    BeforePool,
    /// After it, as in CaffeNet.
    AfterPool,
}

/// Which layers follow a convolution.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Following {
    pub(crate) relu: Relu,
    pub(crate) norm: Option<(spec::LocalResponseNorm, NormOrder)>,
    pub(crate) pool: Option<spec::MaxPool2d>,
}

impl Epilogue {
    /// What `following` makes of a tensor of `dims` (N, C, H, W, whatever its order in memory): maps of `out` (height,
    /// width). `channels_last` says it of the tensor and of the result.
    pub(crate) fn new(
        following: &Following,
        dims: Dims,
        out: (usize, usize),
        channels_last: [bool; 2],
    ) -> Result<Self> {
        let (images, channels, height, width) = dims;
        pixels(channels, height.saturating_mul(width))?;
        pixels(channels, out.0.saturating_mul(out.1))?;
        let none = spec::MaxPool2d { kernel: [1, 1], stride: [1, 1], ..spec::MaxPool2d::overlapping() };
        let pool = MaxPool2d::new(following.pool.as_ref().unwrap_or(&none), dims, out)?;
        let norm = match &following.norm {
            Some((norm, _)) => Some(LocalResponseNorm::new(norm, dims)?),
            None => None,
        };
        let constant = |of: fn(&LocalResponseNorm) -> f64| norm.as_ref().map_or(0.0, of);
        let count = |of: fn(&LocalResponseNorm) -> i32| norm.as_ref().map_or(0, of);
        Ok(Epilogue {
            alpha: constant(|norm| norm.alpha),
            beta: constant(|norm| norm.beta),
            k: constant(|norm| norm.k),
            images: i64::try_from(images).map_err(candle_core::Error::wrap)?,
            channels: int("channels", channels)?,
            height: pool.height,
            width: pool.width,
            out_height: pool.out_height,
            out_width: pool.out_width,
            kernel_height: pool.kernel_height,
            kernel_width: pool.kernel_width,
            stride_height: pool.stride_height,
            stride_width: pool.stride_width,
            pad_top: pool.pad_top,
            pad_left: pool.pad_left,
            channels_per_group: count(|norm| norm.channels_per_group),
            before: count(|norm| norm.before),
            after: count(|norm| norm.after),
            relu: following.relu as i32,
            norm: match following.norm {
                None => 0,
                Some((_, NormOrder::BeforePool)) => 1,
                Some((_, NormOrder::AfterPool)) => 2,
            },
            channels_last: channels_last[0].into(),
            out_channels_last: channels_last[1].into(),
        })
    }
}
