use alexnet_spec::DType;

/// What can go wrong in writing, reading and lowering a graph.
///
/// Every message is one line that says where in the graph and what to do next; the caller adds the file's name.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The options contradict each other or the network.
    #[error("{0}")]
    Options(String),
    /// An operator doesn't take the element type in this opset.
    #[error(
        "{operator} takes {dtype} as it is written here only from opset {from} on, not in opset {opset}: try --opset {from}, or f32"
    )]
    OperatorType {
        /// The ONNX operator.
        operator: &'static str,
        /// The type of the stored parameters.
        dtype: DType,
        /// The opset that was asked for.
        opset: i64,
        /// The first opset that takes the type.
        from: i64,
    },
    /// The encoded model is larger than protobuf allows.
    #[error("the model takes {bytes} bytes, and protobuf allows {limit}: try --external-data")]
    TooLarge {
        /// Size of the encoded model.
        bytes: u64,
        /// The largest size that parsers accept.
        limit: u64,
    },
    /// The bytes aren't a well-formed model.
    #[error("{place}: {message}")]
    Malformed {
        /// Where: the node, the initializer, or the byte.
        place: String,
        /// What was seen, and what should be there.
        message: String,
    },
    /// A model exceeds a limit that guards the reader.
    #[error("{place}: {message}, above the limit of {limit}")]
    Limit {
        /// Where in the file.
        place: String,
        /// What there is too much of.
        message: String,
        /// The limit.
        limit: u64,
    },
    /// External data that a model must not point to, or that can't be read.
    #[error("initializer `{initializer}`: external data: {message}")]
    External {
        /// The initializer.
        initializer: String,
        /// What is wrong with its location, offset or length.
        message: String,
    },
    /// A well-formed model uses something that isn't carried over.
    #[error("{place}: {message}")]
    Unsupported {
        /// The node with its operator, or the part of the model.
        place: String,
        /// What isn't supported, and what to do.
        message: String,
    },
    /// The graph doesn't compute what the network says.
    #[error("the graph differs from network `{network}` at `{place}`: {message}")]
    Differs {
        /// The network's name.
        network: String,
        /// The layer, parameter or value.
        place: String,
        /// What the graph says and what the network says.
        message: String,
    },
    /// The network or its weights are malformed.
    #[error(transparent)]
    Spec(#[from] alexnet_spec::Error),
    /// Writing failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// A result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;
