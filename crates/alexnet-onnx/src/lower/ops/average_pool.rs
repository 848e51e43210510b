use super::{Lowering, Made, Node};
use crate::Result;
use crate::lower::window::{Window, ceil_mode, convolve, map};
use alexnet_spec::DType;

/// Kept where every window is full. Elsewhere a sum, as a convolution of every channel by itself, times the reciprocal
/// of the number of pixels that count.
pub(super) fn lower(lowering: &mut Lowering, node: &Node) -> Result<()> {
    let input = node.inputs(1, 1)?[0];
    let known = lowering.operand(node, input)?;
    let [n, channels, height, width] = map(node, &known.shape)?;
    let window = Window::read(node, None, [height, width])?;
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
        return lowering.emit(node, made, node.output()?, shape, known.dtype);
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
    let area = kernel_height.saturating_mul(kernel_width).min(1 << 24);
    let ones = lowering.floats(node, "ones", DType::F32, &[1, 1, kernel_height, kernel_width], &vec![1.0; area])?;
    let sums = lowering.fresh(node, "sums")?;
    // Windows that rounding up added need as much more padding, of zeros.
    let mut padded = window;
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
    let mut weights = Vec::new();
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
    lowering.emit_narrowed(node, Made::new("Mul", [together, weights]), shape, known.dtype)
}
