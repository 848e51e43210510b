use super::Emit;
use crate::graph::{Graph, Node, Site};
use alexnet_spec::{Step, layers::Dropout};

/// Dropout does nothing at test time, so it is left out; an `Identity` where its output is asked for.
impl Emit for Dropout {
    fn emit(&self, site: &Site, graph: &mut Graph) {
        graph.push(
            Node::new("Identity", &site.step.layer.name).input(site.input),
            site.output,
            site.step.output.dims(),
        );
    }

    fn is_identity(&self, _step: &Step) -> bool {
        true
    }
}
