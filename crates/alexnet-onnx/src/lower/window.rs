//! Sliding windows over the last two axes: what an operator's attributes say, and nodes that candle-onnx slides right.

use super::context::{Lowering, Made};
use super::node::Node;
use crate::Result;
use alexnet_spec::DType;

/// Larger extents, kernels, strides and pads are refused: they only occur in graphs made to harm.
const MAX_EXTENT: usize = 1 << 15;

/// A two-dimensional window with everything written out.
#[derive(Clone, Copy)]
pub(crate) struct Window {
    pub(crate) kernel: [usize; 2],
    pub(crate) stride: [usize; 2],
    /// top, left, bottom, right
    pub(crate) pads: [usize; 4],
    pub(crate) dilation: [usize; 2],
}

/// Batch, channels, height and width of a map. Errs where the shape isn't one, or is unreasonably large.
pub(crate) fn map(node: &Node, shape: &[usize]) -> Result<[usize; 4]> {
    let [n, c, h, w] = *shape else {
        let message = format!("its input has shape {shape:?}; only [N, C, H, W] is computed");
        // Windows slide over one axis, or over three, elsewhere; over none they slide nowhere.
        return Err(if shape.len() < 3 { node.malformed(message) } else { node.unsupported(message) });
    };
    if h == 0 || w == 0 || h > MAX_EXTENT || w > MAX_EXTENT {
        return Err(node.unsupported(format!("its input is {h}x{w}; each side must be from 1 to {MAX_EXTENT}")));
    }
    Ok([n, c, h, w])
}

/// Two numbers of an attribute, or `default` where it is left out.
fn pair(node: &Node, name: &str, values: Option<&[i64]>, default: usize) -> Result<[usize; 2]> {
    let Some(values) = values else { return Ok([default; 2]) };
    let extent = |v: &i64| usize::try_from(*v).ok().filter(|v| (1..=MAX_EXTENT).contains(v));
    match values.iter().map(extent).collect::<Option<Vec<_>>>().as_deref() {
        Some([a, b]) => Ok([*a, *b]),
        _ => Err(node.unsupported(format!("`{name}` is {values:?}; it must be two numbers from 1 to {MAX_EXTENT}"))),
    }
}

impl Window {
    /// Reads `kernel_shape`, `strides`, `pads`, `auto_pad` and `dilations`. `kernel` is the weights', where there are any.
    pub(crate) fn read(node: &Node, kernel: Option<[usize; 2]>, size: [usize; 2]) -> Result<Window> {
        let given = node.ints("kernel_shape")?;
        let kernel = match (given, kernel) {
            (None, None) => return Err(node.malformed("has no kernel_shape")),
            (None, Some(kernel)) => kernel,
            (Some(_), _) => {
                let shape = pair(node, "kernel_shape", given, 1)?;
                if kernel.is_some_and(|kernel| kernel != shape) {
                    return Err(node.malformed(format!("kernel_shape is {shape:?}, but the weights' is {kernel:?}")));
                }
                shape
            }
        };
        if kernel.iter().any(|k| !(1..=MAX_EXTENT).contains(k)) {
            return Err(node.unsupported(format!("its kernel is {kernel:?}")));
        }
        let stride = pair(node, "strides", node.ints("strides")?, 1)?;
        let dilation = pair(node, "dilations", node.ints("dilations")?, 1)?;
        let mut window = Window { kernel, stride, pads: [0; 4], dilation };
        let pads = node.ints("pads")?;
        match node.string("auto_pad")?.unwrap_or("NOTSET") {
            "NOTSET" => {
                let extent = |v: &i64| usize::try_from(*v).ok().filter(|v| *v <= MAX_EXTENT);
                let pads = pads.unwrap_or(&[0; 4]);
                match pads.iter().map(extent).collect::<Option<Vec<_>>>().as_deref() {
                    Some([top, left, bottom, right]) => window.pads = [*top, *left, *bottom, *right],
                    _ => return Err(node.unsupported(format!("`pads` is {pads:?}; it must be four numbers from 0 on"))),
                }
            }
            "VALID" => {}
            side @ ("SAME_UPPER" | "SAME_LOWER") => {
                for axis in [0, 1] {
                    let windows = size[axis].div_ceil(stride[axis]);
                    let reach = (windows.saturating_sub(1)) * stride[axis] + window.reach(axis);
                    let total = reach.saturating_sub(size[axis]);
                    let (less, more) = (total / 2, total - total / 2);
                    let (before, after) = if side == "SAME_UPPER" { (less, more) } else { (more, less) };
                    window.pads[axis] = before;
                    window.pads[axis + 2] = after;
                }
            }
            other => return Err(node.malformed(format!("auto_pad is `{}`", other.escape_debug()))),
        }
        Ok(window)
    }

    /// How many positions a window spans along an axis.
    fn reach(&self, axis: usize) -> usize {
        (self.kernel[axis] - 1) * self.dilation[axis] + 1
    }

    /// The number of windows along an axis of `size`, rounded down. Errs where not even one fits.
    pub(crate) fn full(&self, node: &Node, axis: usize, size: usize) -> Result<usize> {
        let padded = size + self.pads[axis] + self.pads[axis + 2];
        match padded.checked_sub(self.reach(axis)) {
            Some(span) => Ok(span / self.stride[axis] + 1),
            None => {
                Err(node.malformed(format!("its window of {} is larger than the padded {padded}", self.reach(axis))))
            }
        }
    }

    /// The number of windows of a pool along an axis of `size`, which `ceil_mode` may round up.
    ///
    /// A last window that starts in the padding is dropped from opset 22 on; before, runtimes disagree, so it is refused.
    pub(crate) fn pooled(&self, node: &Node, axis: usize, size: usize, ceil: bool) -> Result<usize> {
        let full = self.full(node, axis, size)?;
        let (before, after) = (self.pads[axis], self.pads[axis + 2]);
        let span = size + before + after - self.reach(axis);
        if !ceil || span.is_multiple_of(self.stride[axis]) {
            return Ok(full);
        }
        if full * self.stride[axis] < size + before {
            return Ok(full + 1);
        }
        if node.opset >= 22 {
            return Ok(full);
        }
        Err(node.unsupported(format!(
            "ceil_mode gives a last window that starts in the padding, on which runtimes disagree before opset 22 (opset {})",
            node.opset
        )))
    }
}

/// Reads `ceil_mode`, which pools have from opset 10 on.
pub(crate) fn ceil_mode(node: &Node) -> Result<bool> {
    match node.int("ceil_mode")?.unwrap_or(0) {
        0 => Ok(false),
        1 if node.opset >= 10 => Ok(true),
        other => Err(node.malformed(format!("ceil_mode is {other} in opset {}", node.opset))),
    }
}

/// `input` with positions `indices` of `axis`, which may repeat or leave out some.
pub(crate) fn gather(
    lowering: &mut Lowering,
    node: &Node,
    input: &str,
    axis: usize,
    indices: Vec<usize>,
    output: Option<&str>,
) -> Result<String> {
    let known = lowering.operand(node, input)?;
    let mut shape = known.shape;
    if let Some(size) = shape.get_mut(axis) {
        *size = indices.len();
    }
    let indices = lowering.indices(node, "indices", indices)?;
    let made = Made::new("Gather", [input, &indices]).int("axis", axis as i64);
    match output {
        Some(output) => {
            lowering.emit(node, made, output, shape, known.dtype)?;
            Ok(output.to_owned())
        }
        None => lowering.emit_part(node, "gathered", made, shape, known.dtype),
    }
}

/// A convolution whose `inputs` are maps, weights and perhaps a bias, all of `dtype`.
///
/// candle-onnx takes pads that differ, but only one stride: with two, every position is computed, and those between the
/// steps are left out.
pub(crate) fn convolve(
    lowering: &mut Lowering,
    node: &Node,
    (inputs, group): (&[String], usize),
    window: &Window,
    shape: [usize; 4],
    (output, dtype): (&str, DType),
) -> Result<()> {
    let [n, channels, rows, columns] = shape;
    let [down, right] = window.stride;
    let equal = down == right;
    if window.dilation[0] != window.dilation[1] {
        return Err(node.unsupported(format!("dilations differ: {:?}", window.dilation)));
    }
    let stride = if equal { window.stride } else { [1, 1] };
    let conv = Made::new("Conv", inputs)
        .ints("dilations", &window.dilation)
        .int("group", group as i64)
        .ints("kernel_shape", &window.kernel)
        .ints("pads", &window.pads)
        .ints("strides", &stride);
    if equal {
        return lowering.emit(node, conv, output, shape.to_vec(), dtype);
    }
    let dense = [(rows - 1) * down + 1, (columns - 1) * right + 1];
    // Trailing positions beyond the last step are computed as well; `Gather` leaves them out.
    let dense = lowering.emit_part(node, "dense", conv, vec![n, channels, dense[0], dense[1]], dtype)?;
    let tall = gather(lowering, node, &dense, 2, (0..rows).map(|row| row * down).collect(), None)?;
    gather(lowering, node, &tall, 3, (0..columns).map(|column| column * right).collect(), Some(output))?;
    Ok(())
}
