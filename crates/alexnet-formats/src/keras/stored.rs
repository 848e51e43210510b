use crate::Result;
use alexnet_spec::Tensor;

/// A layer as the weights of a file know it.
#[derive(Clone, Debug)]
pub(super) struct Key {
    /// What its user called it.
    pub name: String,
    /// What Keras 3 calls it: its class, and a number from the second one of its model on.
    pub saved: String,
}

/// The weights of a file, by layer.
pub(crate) trait Stored {
    /// The tensors of the layer at the end of a path of models, by their names in the file and in Keras's order; none for a
    /// layer without weights.
    #[allow(private_interfaces, reason = "only this module asks")]
    fn weights(&self, path: &[Key]) -> Result<Vec<(String, Tensor)>>;
}
