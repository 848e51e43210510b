/// What can be wrong with a network description, a tensor or a set of weights.
///
/// Every message says where and what to do next; [`Error::Layer`] names the layer and both sizes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A layer can't take what the layers before it produce.
    #[error("layer `{}` ({op}): {message}", .layer.escape_debug())]
    Layer {
        /// The layer's name.
        layer: String,
        /// The kind of the layer, as in JSON.
        op: &'static str,
        /// What doesn't fit, with both sizes.
        message: String,
    },
    /// The network as a whole is malformed.
    #[error("network `{}`: {message}", .network.escape_debug())]
    Network {
        /// The network's name.
        network: String,
        /// What is wrong.
        message: String,
    },
    /// The JSON text isn't a network.
    #[error("not a network description: {0}")]
    Json(#[from] serde_json::Error),
    /// A tensor's shape, strides or bytes contradict each other.
    #[error("tensor: {0}")]
    Tensor(String),
    /// Weights don't match the network's parameter table.
    #[error("weights: {0}")]
    Weights(String),
}

/// A result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;
