use thiserror::Error;

/// Why a network isn't run by this crate.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The network's description doesn't hold together.
    #[error(transparent)]
    Network(#[from] alexnet_spec::Error),
    /// The network has something that there is no stage for.
    #[error("the CPU engine has no stage for {0}")]
    Unsupported(String),
    /// A parameter that isn't what the network asks for.
    #[error("parameter `{name}` has {found} values, but the network needs {needed}")]
    Parameter {
        /// Its canonical name.
        name: String,
        /// How many values were given.
        found: usize,
        /// How many there must be.
        needed: usize,
    },
    /// A parameter that couldn't be had.
    #[error("parameter `{name}`: {message}")]
    Missing {
        /// Its canonical name.
        name: String,
        /// What its source says.
        message: String,
    },
    /// Slices whose lengths don't go together.
    #[error("{what} has {found} values, but {needed} are needed")]
    Length {
        /// Which slice.
        what: &'static str,
        /// Its length.
        found: usize,
        /// What it must be.
        needed: usize,
    },
}
