use super::Emit;
use crate::graph::{Graph, Node, Site};
use alexnet_spec::layers::Softmax;

/// The axis is written out: its default changed in opset 13, and on `[N, classes]` axis 1 means the same in all.
impl Emit for Softmax {
    fn emit(&self, site: &Site, graph: &mut Graph) {
        let node = Node::new("Softmax", &site.step.layer.name).input(site.input).int("axis", 1);
        graph.push(node, site.output, site.step.output.dims());
    }
}
