//! What the end-to-end tests share: the repository's fixtures, files on the way, and the judges.
//!
//! The tests themselves are in `tests/`. They run the two programs as a user does, from outside, and hold what comes out
//! against what other programs made of the same weights.
#![forbid(unsafe_code)]

pub mod arrays;
pub mod browser;
pub mod full_size;
pub mod judge;
pub mod manifest;
pub mod run;
pub mod schema;

use std::path::PathBuf;

/// A path below `fixtures/`.
pub fn fixture(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fixtures").join(path)
}
