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
        let [top, left, bottom, right] = self.pads;
        // From the first window's start to the last window's end, without what lies before the pads at the end.
        let after = |axis: usize, windows: usize, before: usize, size: usize, pad: usize| {
            let reach = windows.saturating_sub(1) * self.stride[axis] + self.kernel[axis];
            reach.saturating_sub(before + size).max(pad)
        };
        let pads = [top, left, after(0, rows, top, height, bottom), after(1, columns, left, width, right)];
        let node = Node::new("MaxPool", &site.step.layer.name)
            .input(site.input)
            .ints("kernel_shape", &self.kernel)
            .ints("pads", &pads)
            .ints("strides", &self.stride);
        graph.push(node, site.output, site.step.output.dims());
    }
}
