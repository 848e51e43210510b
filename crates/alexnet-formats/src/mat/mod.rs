//! MATLAB's MAT-files: version 5 (`save -v6`, SciPy), version 7 (the same, each variable compressed by zlib) and version 7.3
//! (HDF5), all as one tree of [`Value`]s. The layout is that of MathWorks' "MAT-File Format", in either byte order.
//!
//! Numbers of an uncompressed variable are views of the file: MATLAB's column-major order is a matter of strides. A compressed
//! variable is decompressed once, and its numbers are views of that. Only what MATLAB stored in a smaller type than it is of
//! (zeros of type double as bytes), or in the other byte order, is converted.
//!
//! Not read: sparse and complex arrays, function handles and objects of classes, whose layout is MATLAB's own secret. They
//! are named in the tree as what they are. Version 4 isn't recognised.

mod array;
mod element;
mod header;
mod inflate;
mod number;
mod text;
mod v73;
mod value;
mod variables;

#[cfg(test)]
mod tests;

pub(crate) use header::Version;
pub(crate) use value::{Cell, Struct, Value};

use crate::{Error, Kind, Limits, Result, Source};
use header::Header;

/// Which kind of MAT-file the content is; `None`: none.
pub(crate) fn recognise(source: &Source) -> Option<Version> {
    Header::read(&source.bytes()).map(|header| header.version)
}

/// Every variable by name, in the file's order.
///
/// Errs where the file contradicts its format, has a name twice, or exceeds a limit.
pub(crate) fn read(source: &Source, limits: &Limits) -> Result<Vec<(String, Value)>> {
    match Header::read(&source.bytes()) {
        Some(Header { version: Version::SevenThree, .. }) => v73::read(source, limits),
        Some(header) => variables::read(source.bytes(), header, limits),
        None => Err(Error::malformed("does not begin as a MAT-file does")),
    }
}

/// The error at a place within a variable; where a limit is exceeded, a long way down says nothing.
fn within(error: Error, place: impl std::fmt::Display) -> Error {
    match error.kind() {
        Kind::Limit => error,
        _ => error.at(place),
    }
}
