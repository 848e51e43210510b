use std::path::{Path, PathBuf};

/// Why a model couldn't be loaded or an image couldn't be read.
///
/// The forward passes return candle's own error instead, as every candle model does.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file isn't one that this crate loads.
    #[error("{}: {message}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What was seen, and what to try.
        message: String,
    },
    /// A network description or a set of weights contradicts itself.
    #[error(transparent)]
    Spec(#[from] alexnet_spec::Error),
    /// An image can't become the network's input.
    #[error("image: {0}")]
    Image(String),
    /// A network or its output can't serve what was asked of it.
    #[error("{0}")]
    Unsuitable(String),
    /// candle failed.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
}

/// A result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
        move |source| Error::Io { path: path.into(), source }
    }

    pub(crate) fn file(path: &Path, message: impl ToString) -> Error {
        Error::File { path: path.into(), message: message.to_string() }
    }
}

/// Puts `what` before an error's message, on the same line (candle's own context starts a new one).
pub(crate) fn within(what: impl std::fmt::Display) -> impl FnOnce(candle_core::Error) -> candle_core::Error {
    // Not `Error::msg`, which would add a second backtrace.
    move |error| candle_core::Error::Msg(format!("{what}: {error}"))
}
