use super::Window;
use crate::cuda::{Grid, Input, Launch, MAX_POOL2D, params};
use alexnet_spec::layers as spec;
use candle_core::{CudaStorage, Result, Shape};

/// The pool, by `kernels/max_pool2d.cu`.
pub(super) fn forward(pool: &spec::MaxPool2d, x: Input<'_>) -> Result<(CudaStorage, Shape)> {
    let (n, c, h, w) = x.1.shape().dims4()?;
    let [rows, columns] = Window::of(pool, h, w)?;
    let (height, width) = (rows.outputs, columns.outputs);
    let params = params::MaxPool2d::new(pool, (n, c, h, w), (height, width))?;
    let launch = Launch { module: MAX_POOL2D, params, grid: Grid::over(height * width, n * c) };
    let out = Shape::from((n, c, height, width));
    let y = launch.forward(x, out.elem_count())?;
    Ok((y, out))
}

/// The gradient of `x` from that of the pool: each pixel of `x` gathers from the windows that it won.
pub(super) fn backward(pool: &spec::MaxPool2d, x: Input<'_>, g: Input<'_>) -> Result<(CudaStorage, Shape)> {
    let shape = x.1.shape();
    let (n, c, h, w) = shape.dims4()?;
    let [rows, columns] = Window::of(pool, h, w)?;
    let params = params::MaxPool2d::new(pool, (n, c, h, w), (rows.outputs, columns.outputs))?;
    let launch = Launch { module: MAX_POOL2D, params, grid: Grid::over(h * w, n * c) };
    let dx = launch.backward(x, g, n * c * rows.outputs * columns.outputs)?;
    Ok((dx, shape.clone()))
}
