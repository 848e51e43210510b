use super::{Emit, map};
use crate::graph::{Graph, Node, Site};
use alexnet_spec::layers::MaxPool2d;

/// `MaxPool` that always rounds down.
///
/// Where the network rounds up to one more window, that window is completed by padding at the bottom and right. Padding
/// never wins, so every window sees exactly what it saw. `ceil_mode` would say the same, but opset 9 has none, runtimes
/// disagreed on when its last window counts until opset 22 settled it, and candle-onnx ignores it without a word.
impl Emit for MaxPool2d {
    fn emit(&self, site: &Site, graph: &mut Graph) {
        let [_, height, width] = map(site.step.input);
        let [_, rows, columns] = map(site.step.output);
        let [top, left, ..] = self.pads;
        let pads = [top, left, pad_after(self, 0, height, rows), pad_after(self, 1, width, columns)];
        let node = Node::new("MaxPool", &site.step.layer.name)
            .input(site.input)
            .ints("kernel_shape", &self.kernel)
            .ints("pads", &pads)
            .ints("strides", &self.stride);
        graph.push(node, site.output, site.step.output.dims());
    }
}

/// The padding at the end of an axis of `size` that completes the last of so many windows.
fn pad_after(pool: &MaxPool2d, axis: usize, size: usize, windows: usize) -> usize {
    // From the first window's start to the last window's end.
    let reach = windows.saturating_sub(1) * pool.stride[axis] + pool.kernel[axis];
    reach.saturating_sub(pool.pads[axis] + size).max(pool.pads[axis + 2])
}

#[cfg(test)]
mod tests {
    use super::*;
    use alexnet_spec::Shape;
    use alexnet_spec::layers::{Infer, Rounding};
    use proptest::prelude::*;

    proptest! {
        /// ONNX's rule for a pool that rounds down gives as many windows as the network has, so they are the same ones;
        /// and no pad is as large as the window, which ONNX Runtime refuses.
        #[test]
        fn padding_gives_exactly_the_networks_windows(
            size in 1usize..40, kernel in 1usize..8, stride in 1usize..8,
            before in 0usize..8, after in 0usize..8, ceil in any::<bool>(),
        ) {
            let rounding = if ceil { Rounding::Ceil } else { Rounding::Floor };
            let pool = MaxPool2d { kernel: [kernel, 1], stride: [stride, 1], pads: [before, 0, after, 0], rounding };
            let input = Shape::Map { channels: 1, height: size, width: 1 };
            if let Ok(Shape::Map { height: windows, .. }) = pool.output(input) {
                let pad = pad_after(&pool, 0, size, windows);
                prop_assert_eq!((size + before + pad - kernel) / stride + 1, windows);
                prop_assert!(pad == 0 || pad < kernel);
            }
        }
    }
}
