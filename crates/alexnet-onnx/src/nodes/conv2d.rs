use super::Emit;
use crate::graph::{Graph, Node, Site};
use alexnet_spec::layers::Conv2d;

/// `Conv` with explicit pads, which may differ on every side.
impl Emit for Conv2d {
    fn emit(&self, site: &Site, graph: &mut Graph) {
        let [weight, bias] = ["weight", "bias"].map(|role| graph.parameter(site, role));
        let node = Node::new("Conv", &site.step.layer.name)
            .input(site.input)
            .input(weight)
            .input(bias)
            .ints("dilations", &[1, 1])
            .int("group", self.groups as i64)
            .ints("kernel_shape", &self.kernel)
            .ints("pads", &self.pads)
            .ints("strides", &self.stride);
        graph.push(node, site.output, site.step.output.dims());
    }
}
