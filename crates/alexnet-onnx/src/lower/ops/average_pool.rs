use super::{Lowering, Made, Node, constant_elements};
use crate::Result;
use crate::lower::window::{Window, ceil_mode, convolve, map};
use alexnet_spec::DType;

/// In two dimensions, or in three where the window is one channel deep and a pixel wide: so PyTorch's exporter writes its
/// response normalisation.
pub(super) fn lower(lowering: &mut Lowering, node: &Node) -> Result<()> {
    let input = node.inputs(1, 1)?[0];
    let known = lowering.operand(node, input)?;
    let [n, channels, depth, height, width] = *known.shape else {
        let size = map(node, &known.shape)?;
        let window = Window::read(node, None, [size[2], size[3]])?;
        pool(lowering, node, input, size, &window, node.output()?)?;
        return Ok(());
    };
    let window = column(node)?;
    let pixels = height.saturating_mul(width);
    let flat = lowering.fresh(node, "flat")?;
    lowering.emit_reshape(node, input, &flat, vec![n, channels, depth, pixels])?;
    let pooled = lowering.fresh(node, "pooled")?;
    let rows = pool(lowering, node, &flat, [n, channels, depth, pixels], &window, &pooled)?;
    lowering.emit_reshape(node, &pooled, node.output()?, vec![n, channels, rows, height, width])
}

/// A three-dimensional window that spans nothing but its first axis, as one over rows of pixels.
fn column(node: &Node) -> Result<Window> {
    let fault = || node.unsupported("pools in three dimensions, by more than a column of one channel");
    let extent = |value: i64| usize::try_from(value).ok().filter(|v| *v <= 1 << 16).ok_or_else(fault);
    let kernel = match node.ints("kernel_shape")? {
        Some([kernel, 1, 1]) if *kernel > 0 => extent(*kernel)?,
        _ => return Err(fault()),
    };
    let stride = match node.ints("strides")? {
        None => 1,
        Some([stride, 1, 1]) if *stride > 0 => extent(*stride)?,
        Some(_) => return Err(fault()),
    };
    let (before, after) = match node.ints("pads")? {
        None => (0, 0),
        Some([before, 0, 0, after, 0, 0]) => (extent(*before)?, extent(*after)?),
        Some(_) => return Err(fault()),
    };
    if node.ints("dilations")?.is_some_and(|dilations| dilations != [1, 1, 1])
        || node.string("auto_pad")?.is_some_and(|auto| auto != "NOTSET")
    {
        return Err(fault());
    }
    Ok(Window { kernel: [kernel, 1], stride: [stride, 1], pads: [before, 0, after, 0], dilation: [1, 1] })
}

/// Writes `output` and gives its height.
///
/// An `AveragePool` where every window is full. Elsewhere a sum, as a convolution of every channel by itself, times the
/// reciprocal of the number of pixels that count.
fn pool(
    lowering: &mut Lowering,
    node: &Node,
    input: &str,
    [n, channels, height, width]: [usize; 4],
    window: &Window,
    output: &str,
) -> Result<usize> {
    let dtype = lowering.operand(node, input)?.dtype;
    if window.dilation != [1, 1] {
        return Err(node.unsupported(format!("its dilations are {:?}", window.dilation)));
    }
    let ceil = ceil_mode(node)?;
    let padding_counts = node.int("count_include_pad")?.unwrap_or(0) != 0;
    let rows = window.pooled(node, 0, height, ceil)?;
    let columns = window.pooled(node, 1, width, ceil)?;
    let shape = vec![n, channels, rows, columns];
    let cut = [rows != window.full(node, 0, height)?, columns != window.full(node, 1, width)?];
    if window.pads == [0; 4] && cut == [false; 2] {
        let made =
            Made::new("AveragePool", [input]).ints("kernel_shape", &window.kernel).ints("strides", &window.stride);
        lowering.emit(node, made, output, shape, dtype)?;
        return Ok(rows);
    }
    if padding_counts && cut != [false; 2] {
        return Err(node
            .unsupported("ceil_mode and count_include_pad together cut a window, on whose divisor runtimes disagree"));
    }

    let wide = lowering.widen(node, input)?;
    let maps = n.saturating_mul(channels);
    let apart = lowering.fresh(node, "apart")?;
    lowering.emit_reshape(node, &wide, &apart, vec![maps, 1, height, width])?;
    let [kernel_height, kernel_width] = window.kernel;
    let area = constant_elements(node, &window.kernel)?;
    let ones = lowering.floats(node, "ones", DType::F32, &[1, 1, kernel_height, kernel_width], &vec![1.0; area])?;
    let sums = lowering.fresh(node, "sums")?;
    // Windows that rounding up added need as much more padding, of zeros.
    let mut padded = *window;
    for (axis, windows, size) in [(0, rows, height), (1, columns, width)] {
        let reach = (windows - 1) * window.stride[axis] + window.kernel[axis];
        padded.pads[axis + 2] = reach.saturating_sub(size + window.pads[axis]).max(window.pads[axis + 2]);
    }
    convolve(lowering, node, (&[apart, ones], 1), &padded, [maps, 1, rows, columns], (&sums, DType::F32))?;
    let together = lowering.fresh(node, "together")?;
    lowering.emit_reshape(node, &sums, &together, shape.clone())?;

    let count = |axis: usize, at: usize, size: usize| {
        let start = (at * window.stride[axis]).saturating_sub(window.pads[axis]);
        let end = (at * window.stride[axis] + window.kernel[axis]).saturating_sub(window.pads[axis]).min(size);
        if padding_counts { window.kernel[axis] } else { end.saturating_sub(start) }
    };
    let mut weights = Vec::with_capacity(constant_elements(node, &[rows, columns])?);
    for row in 0..rows {
        for column in 0..columns {
            let pixels = count(0, row, height) * count(1, column, width);
            if pixels == 0 {
                return Err(node.unsupported(format!("pads {:?} leave windows of padding alone", window.pads)));
            }
            weights.push((1.0 / pixels as f64) as f32);
        }
    }
    let weights = lowering.floats(node, "reciprocals", DType::F32, &[1, 1, rows, columns], &weights)?;
    lowering.emit_narrowed(node, Made::new("Mul", [together, weights]), output, shape, dtype)?;
    Ok(rows)
}
