use super::{Emit, map};
use crate::graph::{Graph, Node, Site};
use alexnet_spec::{DType, layers::SpatialResponseNorm};

/// `x / (k + alpha / size^2 * sum(x^2))^beta`, where the sum is a convolution of each channel with a constant kernel and k is
/// its bias.
///
/// An `AveragePool` that counts its padding says the same in fewer bytes, but runtimes differ in whether they heed
/// `count_include_pad` (OpenCV's doesn't); zeros around a convolution mean the same to all.
impl Emit for SpatialResponseNorm {
    fn emit(&self, site: &Site, graph: &mut Graph) {
        let shape = || site.step.input.dims();
        let [channels, ..] = map(site.step.input);
        let (before, after) = self.reach();
        let wide = graph.widen(site);
        let kernel = std::iter::repeat_n(self.effective_alpha() as f32, channels * self.size * self.size);
        let window = graph.constant_f32(site.part("window"), &[channels, 1, self.size, self.size], kernel);
        let k = graph.constant_f32(site.part("k"), &[channels], std::iter::repeat_n(self.k as f32, channels));
        let beta = graph.constant_f32(site.part("beta"), &[], [self.beta as f32]);

        let square = site.part("square");
        graph.push(Node::new("Mul", &square).input(&wide).input(&wide).of(DType::F32), &square, shape());
        let base = site.part("base");
        let node = Node::new("Conv", &base)
            .input(square)
            .input(window)
            .input(k)
            .int("group", channels as i64)
            .ints("kernel_shape", &[self.size; 2])
            .ints("pads", &[before, before, after, after])
            .ints("strides", &[1, 1]);
        graph.push(node.of(DType::F32), &base, shape());
        let divisor = site.part("divisor");
        graph.push(Node::new("Pow", &divisor).input(base).input(beta).of(DType::F32), &divisor, shape());
        graph.push_widened(site, "Div", [&wide, &divisor]);
    }
}
