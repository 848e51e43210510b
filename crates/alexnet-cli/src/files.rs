//! Questions about files that both programs ask.

use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};

/// The folder that holds `path`.
pub fn folder(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Whether two paths lead to the same file: by name, by link of either kind, or because they will once they exist.
pub fn same_file(a: &Path, b: &Path) -> bool {
    #[cfg(unix)]
    if let (Ok(a), Ok(b)) = (a.metadata(), b.metadata()) {
        use std::os::unix::fs::MetadataExt;
        return (a.dev(), a.ino()) == (b.dev(), b.ino());
    }
    if let (Ok(a), Ok(b)) = (a.canonicalize(), b.canonicalize()) {
        return a == b;
    }
    let place = |path: &Path| Some((folder(path).canonicalize().ok()?, path.file_name()?.to_owned()));
    match (place(a), place(b)) {
        (Some(a), Some(b)) => a == b,
        _ => a == b,
    }
}

/// The text of a small file that `option` names; `what` it should be is for the error about one that is too large.
pub fn read_text(option: &str, path: &Path, what: &str) -> Result<String> {
    const LIMIT: u64 = 16 << 20;
    let place = || format!("{option} {}", path.display());
    let size = path.metadata().with_context(place)?.len();
    ensure!(size <= LIMIT, "{}: {size} bytes are no {what} (limit {LIMIT})", place());
    std::fs::read_to_string(path).with_context(place)
}
