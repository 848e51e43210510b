use super::{Emit, map};
use crate::graph::{Graph, Node, Site};
use alexnet_spec::{DType, Step, layers::AdaptiveAvgPool2d};

/// ONNX has no adaptive pool. Where the output divides the input evenly, all windows are equal and an `AveragePool` does
/// the same; elsewhere every output is a weighted sum along each axis: a product with a matrix of averages.
impl Emit for AdaptiveAvgPool2d {
    fn emit(&self, site: &Site, graph: &mut Graph) {
        let layer = &site.step.layer.name;
        let [channels, height, width] = map(site.step.input);
        let [rows, columns] = self.output;
        if self.is_identity(site.step) {
            graph.push(Node::new("Identity", layer).input(site.input), site.output, site.step.output.dims());
        } else if height % rows == 0 && width % columns == 0 {
            let window = [height / rows, width / columns];
            let node = Node::new("AveragePool", layer)
                .input(site.input)
                .ints("kernel_shape", &window)
                .ints("strides", &window);
            graph.push(node, site.output, site.step.output.dims());
        } else {
            let wide = graph.widen(site);
            let left = averages(rows, height);
            let left = graph.constant_f32(site.part("rows"), &[rows, height], left);
            // The matrix of the columns stands on the right, so it is transposed.
            let right = averages(columns, width);
            let right = (0..width).flat_map(|i| right.iter().skip(i).step_by(width).copied());
            let right = graph.constant_f32(site.part("columns"), &[width, columns], right);
            let tall = site.part("tall");
            let node = Node::new("MatMul", &tall).input(left).input(wide).of(DType::F32);
            graph.push(node, &tall, vec![channels, rows, width]);
            graph.push_widened(site, "MatMul", [&tall, &right]);
        }
    }

    fn is_identity(&self, step: &Step) -> bool {
        step.input == step.output
    }
}

/// The matrix, row by row, whose row *i* averages the positions that output *i* of `n` sees along an axis of `size`.
fn averages(n: usize, size: usize) -> Vec<f32> {
    let row = |i: usize| {
        let range = AdaptiveAvgPool2d::range(i, n, size);
        let weight = (1.0 / range.len() as f64) as f32;
        (0..size).map(move |j| if range.contains(&j) { weight } else { 0.0 })
    };
    (0..n).flat_map(row).collect()
}
