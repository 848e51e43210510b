use std::fmt;
use std::io;

/// What went wrong with a file: one line that names the file, the place in it, what was seen, and what to try next.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(Box<Fault>);

/// A result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a caller must tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// The file couldn't be opened, mapped, read or written.
    Io,
    /// The file contradicts itself or its format.
    Malformed,
    /// The file is what it claims to be, but not something that is converted.
    Refused,
    /// More than one answer fits; the message names the option that settles it.
    Ambiguous,
    /// The file asks for more than [`Limits`](crate::Limits) allow; the message names the limit.
    Limit,
}

#[derive(Debug)]
struct Fault {
    kind: Kind,
    file: Option<String>,
    place: Option<String>,
    message: String,
    remedy: Option<String>,
    source: Option<io::Error>,
}

impl Error {
    fn new(kind: Kind, message: impl Into<String>) -> Error {
        Error(Box::new(Fault { kind, file: None, place: None, message: message.into(), remedy: None, source: None }))
    }

    /// An error of [`Kind::Malformed`].
    pub fn malformed(message: impl Into<String>) -> Error {
        Error::new(Kind::Malformed, message)
    }

    /// An error of [`Kind::Refused`].
    pub fn refused(message: impl Into<String>) -> Error {
        Error::new(Kind::Refused, message)
    }

    /// An error of [`Kind::Ambiguous`]; `option` settles it, as in `--key PATH`.
    pub fn ambiguous(message: impl Into<String>, option: &str) -> Error {
        Error::new(Kind::Ambiguous, message).with_remedy(option)
    }

    /// An error of [`Kind::Limit`]: `seen` of what the field `name` of [`Limits`](crate::Limits) allows `allowed` of.
    pub fn limit(name: &str, seen: impl fmt::Display, allowed: impl fmt::Display) -> Error {
        Error::new(Kind::Limit, format!("{seen} exceeds the limit `{name}` of {allowed}"))
    }

    /// An error of [`Kind::Io`] while doing `what`, or in the file `what`.
    pub fn io(what: impl fmt::Display, source: io::Error) -> Error {
        let mut error = Error::new(Kind::Io, source.to_string()).at(what);
        error.0.source = Some(source);
        error
    }

    /// The same error in `file`; the innermost file stays.
    pub fn in_file(mut self, file: impl Into<String>) -> Error {
        self.0.file.get_or_insert_with(|| file.into());
        self
    }

    /// The same error at `place`, which is put before the place that it already has: `data.pkl`, then `byte 17`.
    pub fn at(mut self, place: impl fmt::Display) -> Error {
        self.0.place = Some(match self.0.place.take() {
            Some(inner) => format!("{place}, {inner}"),
            None => place.to_string(),
        });
        self
    }

    /// The same error with what to do next, which is put after the word "try"; the first remedy stays.
    pub fn with_remedy(mut self, remedy: impl Into<String>) -> Error {
        self.0.remedy.get_or_insert_with(|| remedy.into());
        self
    }

    /// What a caller must tell apart.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// What to do next, where there is something to be done.
    pub fn remedy(&self) -> Option<&str> {
        self.0.remedy.as_deref()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in [&self.file, &self.place].into_iter().flatten() {
            write!(f, "{part}: ")?;
        }
        f.write_str(&self.message)?;
        match &self.remedy {
            Some(remedy) => write!(f, "; try {remedy}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Fault {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}

/// What is wrong with a tensor or a network, as found while reading a file.
impl From<alexnet_spec::Error> for Error {
    fn from(error: alexnet_spec::Error) -> Error {
        match error {
            alexnet_spec::Error::Tensor(message) => Error::malformed(message),
            other => Error::malformed(other.to_string()),
        }
    }
}
