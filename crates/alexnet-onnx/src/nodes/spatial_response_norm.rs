use super::Emit;
use crate::graph::{Graph, Node, Site};
use alexnet_spec::{DType, layers::SpatialResponseNorm};

/// `x / (k + alpha * mean(x^2))^beta` with the mean over the whole window, which counts pixels outside the map as zeros:
/// an `AveragePool` whose padding is included in the count.
impl Emit for SpatialResponseNorm {
    fn emit(&self, site: &Site, graph: &mut Graph) {
        let shape = || site.step.input.dims();
        let (before, after) = self.reach();
        let wide = graph.widen(site);
        let alpha = graph.constant_f32(site.part("alpha"), &[], [self.alpha as f32]);
        let k = graph.constant_f32(site.part("k"), &[], [self.k as f32]);
        let beta = graph.constant_f32(site.part("beta"), &[], [self.beta as f32]);

        let square = site.part("square");
        graph.push(Node::new("Mul", &square).input(&wide).input(&wide).of(DType::F32), &square, shape());
        let mean = site.part("mean");
        let node = Node::new("AveragePool", &mean)
            .input(square)
            .int("count_include_pad", 1)
            .ints("kernel_shape", &[self.size; 2])
            .ints("pads", &[before, before, after, after])
            .ints("strides", &[1, 1]);
        graph.push(node.of(DType::F32), &mean, shape());
        let scaled = site.part("scaled");
        graph.push(Node::new("Mul", &scaled).input(mean).input(alpha).of(DType::F32), &scaled, shape());
        let base = site.part("base");
        graph.push(Node::new("Add", &base).input(scaled).input(k).of(DType::F32), &base, shape());
        let divisor = site.part("divisor");
        graph.push(Node::new("Pow", &divisor).input(base).input(beta).of(DType::F32), &divisor, shape());
        graph.push_widened(site, "Div", [&wide, &divisor]);
    }
}
