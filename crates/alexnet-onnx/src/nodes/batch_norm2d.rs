use super::Emit;
use crate::graph::{Graph, Node, Site};
use alexnet_spec::layers::BatchNorm2d;

impl Emit for BatchNorm2d {
    fn emit(&self, site: &Site, graph: &mut Graph) {
        let parameters = ["weight", "bias", "running_mean", "running_var"].map(|role| graph.parameter(site, role));
        let node = Node::new("BatchNormalization", &site.step.layer.name).input(site.input);
        let node = parameters.into_iter().fold(node, Node::input);
        graph.push(node.float("epsilon", self.eps), site.output, site.step.output.dims());
    }
}
