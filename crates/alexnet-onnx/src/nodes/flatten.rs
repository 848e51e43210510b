use super::Emit;
use crate::graph::{Graph, Node, Site};
use alexnet_spec::layers::Flatten;

impl Emit for Flatten {
    fn emit(&self, site: &Site, graph: &mut Graph) {
        let node = Node::new("Flatten", &site.step.layer.name).input(site.input).int("axis", 1);
        graph.push(node, site.output, site.step.output.dims());
    }
}
