use crate::cuda::{Grid, Input, LOCAL_RESPONSE_NORM, Launch, params};
use alexnet_spec::layers as spec;
use candle_core::{CudaStorage, Result, Shape};

/// The norm, by `kernels/local_response_norm.cu`.
pub(super) fn forward(norm: &spec::LocalResponseNorm, x: Input<'_>) -> Result<(CudaStorage, Shape)> {
    let shape = x.1.shape();
    let y = launch(norm, shape)?.forward(x, shape.elem_count())?;
    Ok((y, shape.clone()))
}

/// The gradient of `x` from that of the norm.
pub(super) fn backward(norm: &spec::LocalResponseNorm, x: Input<'_>, g: Input<'_>) -> Result<(CudaStorage, Shape)> {
    let shape = x.1.shape();
    let dx = launch(norm, shape)?.backward_with_ratio(x, g)?;
    Ok((dx, shape.clone()))
}

fn launch(norm: &spec::LocalResponseNorm, shape: &Shape) -> Result<Launch<params::LocalResponseNorm>> {
    let dims @ (n, c, h, w) = shape.dims4()?;
    let params = params::LocalResponseNorm::new(norm, dims)?;
    Ok(Launch { module: LOCAL_RESPONSE_NORM, params, grid: Grid::over(h * w, n * c) })
}
