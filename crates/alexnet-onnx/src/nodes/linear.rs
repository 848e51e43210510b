use super::Emit;
use crate::graph::{Graph, Node, Site};
use alexnet_spec::layers::Linear;

/// `Gemm` with the weights as they are, `[out, in]`.
impl Emit for Linear {
    fn emit(&self, site: &Site, graph: &mut Graph) {
        let [weight, bias] = ["weight", "bias"].map(|role| graph.parameter(site, role));
        let node =
            Node::new("Gemm", &site.step.layer.name).input(site.input).input(weight).input(bias).int("transB", 1);
        graph.push(node, site.output, site.step.output.dims());
    }
}
