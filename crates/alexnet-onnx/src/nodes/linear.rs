use super::Emit;
use crate::graph::{Graph, Node, Site};
use alexnet_spec::layers::Linear;

/// `Gemm` with the weights as they are, `[out, in]`.
impl Emit for Linear {
    fn emit(&self, site: &Site, graph: &mut Graph) {
        let node = Node::new("Gemm", &site.step.layer.name)
            .input(site.input)
            .input(site.parameter("weight"))
            .input(site.parameter("bias"))
            .int("transB", 1);
        graph.push(node, site.output, site.step.output.dims());
    }
}
