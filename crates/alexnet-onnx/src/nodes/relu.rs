use super::Emit;
use crate::graph::{Graph, Node, Site};
use alexnet_spec::layers::Relu;

impl Emit for Relu {
    fn emit(&self, site: &Site, graph: &mut Graph) {
        graph.push(Node::new("Relu", &site.step.layer.name).input(site.input), site.output, site.step.output.dims());
    }
}
