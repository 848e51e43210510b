use super::{Lowering, Made, Node};
use crate::Result;
use crate::lower::window::{Window, ceil_mode, gather, map};

/// Without padding and rounding, which candle-onnx refuses and ignores: the border is repeated instead.
///
/// A window that reaches into the padding also holds the border's pixel of the same row and column, so a second copy of
/// that pixel changes no maximum, whatever its value.
pub(super) fn lower(lowering: &mut Lowering, node: &Node) -> Result<()> {
    let input = node.inputs(1, 1)?[0];
    // The order in which a second output would count positions.
    node.ignore(&["storage_order"]);
    let known = lowering.operand(node, input)?;
    let [n, channels, height, width] = map(node, &known.shape)?;
    let window = Window::read(node, None, [height, width])?;
    if window.dilation != [1, 1] {
        return Err(node.unsupported(format!("its dilations are {:?}", window.dilation)));
    }
    let ceil = ceil_mode(node)?;
    let mut value = input.to_owned();
    let mut windows = [0; 2];
    for (axis, size) in [(0, height), (1, width)] {
        let (before, kernel) = (window.pads[axis], window.kernel[axis]);
        if before >= kernel || window.pads[axis + 2] >= kernel {
            return Err(node.unsupported(format!("pads {:?} leave windows of padding alone", window.pads)));
        }
        windows[axis] = window.pooled(node, axis, size, ceil)?;
        let reach = (windows[axis] - 1) * window.stride[axis] + kernel;
        if before > 0 || reach > size {
            let border = (0..reach).map(|at| at.saturating_sub(before).min(size - 1)).collect();
            value = gather(lowering, node, &value, axis + 2, border, None)?;
        }
    }
    let made = Made::new("MaxPool", [value]).ints("kernel_shape", &window.kernel).ints("strides", &window.stride);
    lowering.emit(node, made, node.output()?, vec![n, channels, windows[0], windows[1]], known.dtype)
}
