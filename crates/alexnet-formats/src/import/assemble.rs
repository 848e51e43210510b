//! From the network that a file describes to one of ours.

use super::{ImportOptions, Imported};
use crate::{Checkpoint, Error, Result};
use alexnet_spec::Graph;

/// Makes a network of what a file says it computes.
pub(super) fn import(_: &Checkpoint, graph: &Graph, _: &ImportOptions) -> Result<Imported> {
    Err(Error::refused(format!("{} describes {} nodes", graph.dialect, graph.nodes.len())))
}
