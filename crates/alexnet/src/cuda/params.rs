//! What the kernels are told, field by field as the structs of the same names in `kernels/*.cu`.
//!
//! A kernel counts pixels of one map in 32 bits and whole maps in 64: a map of 2^31 pixels or more is refused here.

#[cfg(any(test, feature = "cudnn"))]
mod epilogue;
#[cfg(any(test, feature = "cudnn"))]
mod pack;

use alexnet_spec::layers as spec;
use candle_core::{Result, bail};

#[cfg(any(test, feature = "cudnn"))]
pub(crate) use {
    epilogue::{Following, NormOrder, Relu},
    pack::Packing,
};

/// Declares structs in C layout, without padding between fields: a hole would be a field that the kernel doesn't know.
macro_rules! parameters {
    ($($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        #[repr(C)]
        pub(crate) struct $name {
            $($field: $type),*
        }

        const _: () = assert!(size_of::<$name>() == 0 $(+ size_of::<$type>())*);

        #[cfg(test)]
        impl $name {
            /// The bytes that a kernel gets.
            pub(crate) fn bytes(&self) -> Vec<u8> {
                [$(self.$field.to_ne_bytes().as_slice()),*].concat()
            }
        }
    )*};
}

parameters! {
    /// The parameters of `kernels/local_response_norm.cu`.
    LocalResponseNorm {
        alpha: f64,
        beta: f64,
        k: f64,
        planes: i64,
        pixels: u32,
        channels_per_group: i32,
        before: i32,
        after: i32,
    }

    /// The parameters of `kernels/spatial_response_norm.cu`.
    SpatialResponseNorm {
        alpha: f64,
        beta: f64,
        k: f64,
        planes: i64,
        height: i32,
        width: i32,
        before: i32,
        after: i32,
    }

    /// The parameters of `kernels/max_pool2d.cu`.
    MaxPool2d {
        planes: i64,
        height: i32,
        width: i32,
        out_height: i32,
        out_width: i32,
        kernel_height: i32,
        kernel_width: i32,
        stride_height: i32,
        stride_width: i32,
        pad_top: i32,
        pad_left: i32,
    }
}

#[cfg(any(test, feature = "cudnn"))]
parameters! {
    /// The parameters of `kernels/epilogue.cu`.
    Epilogue {
        alpha: f64,
        beta: f64,
        k: f64,
        images: i64,
        channels: i32,
        height: i32,
        width: i32,
        out_height: i32,
        out_width: i32,
        kernel_height: i32,
        kernel_width: i32,
        stride_height: i32,
        stride_width: i32,
        pad_top: i32,
        pad_left: i32,
        channels_per_group: i32,
        before: i32,
        after: i32,
        relu: i32,
        norm: i32,
        channels_last: i32,
        out_channels_last: i32,
    }

    /// The parameters of `kernels/pack.cu`.
    Pack {
        images: i64,
        channels: i32,
        height: i32,
        width: i32,
        pad_top: i32,
        pad_left: i32,
        block_height: i32,
        block_width: i32,
        out_height: i32,
        out_width: i32,
        channels_last: i32,
    }
}

/// N, C, H, W.
pub(crate) type Dims = (usize, usize, usize, usize);

impl LocalResponseNorm {
    /// The norm of a [N, C, H, W] tensor.
    pub(crate) fn new(norm: &spec::LocalResponseNorm, (n, c, h, w): Dims) -> Result<Self> {
        if norm.groups == 0 || !c.is_multiple_of(norm.groups) {
            bail!("local response norm: {} groups don't divide {c} channels", norm.groups);
        }
        let (before, after) = norm.reach();
        Ok(LocalResponseNorm {
            alpha: norm.effective_alpha(),
            beta: norm.beta,
            k: norm.k,
            planes: planes(n, c)?,
            pixels: pixels(h, w)?,
            channels_per_group: int("channels", c / norm.groups)?,
            before: int("window", before)?,
            after: int("window", after)?,
        })
    }
}

impl SpatialResponseNorm {
    /// The norm of a [N, C, H, W] tensor.
    pub(crate) fn new(norm: &spec::SpatialResponseNorm, (n, c, h, w): Dims) -> Result<Self> {
        pixels(h, w)?;
        let (before, after) = norm.reach();
        Ok(SpatialResponseNorm {
            alpha: norm.effective_alpha(),
            beta: norm.beta,
            k: norm.k,
            planes: planes(n, c)?,
            height: int("height", h)?,
            width: int("width", w)?,
            before: int("window", before)?,
            after: int("window", after)?,
        })
    }
}

impl MaxPool2d {
    /// The pool of a [N, C, H, W] tensor to maps of `out` (height, width), which says how it rounds.
    ///
    /// Every window must hold a pixel of the input, as [`alexnet_spec`] has it: the kernel starts with the first one.
    pub(crate) fn new(pool: &spec::MaxPool2d, (n, c, h, w): Dims, out: (usize, usize)) -> Result<Self> {
        let [top, left, ..] = pool.pads;
        pixels(h, w)?;
        pixels(out.0, out.1)?;
        for (size, out, axis, pad) in [(h, out.0, 0, top), (w, out.1, 1, left)] {
            let (kernel, stride) = (pool.kernel[axis], pool.stride[axis]);
            let last = out.checked_sub(1).and_then(|positions| positions.checked_mul(stride));
            if stride == 0 || pad >= kernel || last.is_none_or(|last| last >= size.saturating_add(pad)) {
                bail!(
                    "max pool: {out} windows of {kernel} every {stride} don't fit {size} pixels after padding of {pad}"
                );
            }
            // The largest numbers that the kernel computes.
            for sum in [size.saturating_add(kernel), size.saturating_add(pad).saturating_add(stride)] {
                int("size, window and padding together", sum)?;
            }
        }
        Ok(MaxPool2d {
            planes: planes(n, c)?,
            height: int("height", h)?,
            width: int("width", w)?,
            out_height: int("height", out.0)?,
            out_width: int("width", out.1)?,
            kernel_height: int("kernel", pool.kernel[0])?,
            kernel_width: int("kernel", pool.kernel[1])?,
            stride_height: int("stride", pool.stride[0])?,
            stride_width: int("stride", pool.stride[1])?,
            pad_top: int("padding", top)?,
            pad_left: int("padding", left)?,
        })
    }
}

fn int(what: &str, value: usize) -> Result<i32> {
    match i32::try_from(value) {
        Ok(value) => Ok(value),
        Err(_) => bail!("{what}: {value} is more than the CUDA kernels count to"),
    }
}

fn pixels(height: usize, width: usize) -> Result<u32> {
    let pixels = int("pixels of one map", height.saturating_mul(width))?;
    Ok(pixels.unsigned_abs())
}

fn planes(images: usize, channels: usize) -> Result<i64> {
    match images.checked_mul(channels).map(i64::try_from) {
        Some(Ok(planes)) => Ok(planes),
        _ => bail!("{images} images of {channels} channels are more maps than the CUDA kernels count to"),
    }
}
