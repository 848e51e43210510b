#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used
    )
)]

use crate::{Error, Limits, Result};
use bytes::Bytes;
use memmap2::Mmap;
use sha2::{Digest, Sha256};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Component, Path, PathBuf};

/// A file, mapped once. Everything that is read from it is a slice of the map.
///
/// The file must not change while it is open: a map shows what other processes write, and touching a part that they cut off
/// ends the program.
#[derive(Clone, Debug)]
pub struct Source {
    path: PathBuf,
    bytes: Bytes,
}

impl Source {
    /// Maps the file at `path`.
    ///
    /// Errs where it can't be opened, isn't a regular file, or is larger than [`Limits::file_bytes`].
    pub fn open(path: impl AsRef<Path>, limits: &Limits) -> Result<Source> {
        let path = path.as_ref();
        // Opening a named pipe would wait for a writer: look first.
        check_regular(path, &fs::metadata(path).map_err(|error| Error::io(path.display(), error))?)?;
        let file = File::open(path).map_err(|error| Error::io(path.display(), error))?;
        Source::map(path, &file, limits)
    }

    /// Maps the file `relative` that lies beneath `folder`, for a model that names its data file: whoever wrote the model
    /// must not choose what is read from elsewhere.
    ///
    /// Errs where `relative` is absolute, has a component `..` or one that isn't portable, or where it or a folder on the
    /// way is a link, symbolic or hard; and as [`Source::open`] does with the default limits.
    pub fn open_within(folder: impl AsRef<Path>, relative: &str) -> Result<Source> {
        let mut path = folder.as_ref().to_path_buf();
        let refuse = |why: &str| {
            Err(Error::refused(format!("data file `{}` {why}", relative.escape_debug()))
                .in_file(folder.as_ref().display().to_string())
                .with_remedy("a file beside the model, named without a path"))
        };
        if relative.is_empty() {
            return refuse("has no name");
        }
        if relative.contains(['\\', ':', '\0']) {
            return refuse("has a name that isn't portable");
        }
        for component in Path::new(relative).components() {
            match component {
                Component::Normal(name) => path.push(name),
                Component::CurDir => continue,
                Component::ParentDir => return refuse("reaches outside the model's folder"),
                Component::RootDir | Component::Prefix(_) => return refuse("is named by an absolute path"),
            }
            let metadata = fs::symlink_metadata(&path).map_err(|error| Error::io(path.display(), error))?;
            if metadata.file_type().is_symlink() || (metadata.is_file() && has_other_names(&metadata)) {
                return refuse("is or lies behind a link");
            }
        }
        check_regular(&path, &fs::metadata(&path).map_err(|error| Error::io(path.display(), error))?)?;
        let file = open_no_follow(&path).map_err(|error| Error::io(path.display(), error))?;
        Source::map(&path, &file, &Limits::default())
    }

    /// Bytes that are already in memory, under a name for messages.
    pub fn from_bytes(name: impl Into<PathBuf>, bytes: impl Into<Bytes>) -> Source {
        Source { path: name.into(), bytes: bytes.into() }
    }

    fn map(path: &Path, file: &File, limits: &Limits) -> Result<Source> {
        let metadata = file.metadata().map_err(|error| Error::io(path.display(), error))?;
        check_regular(path, &metadata)?;
        if metadata.len() > limits.file_bytes {
            let seen = format!("a file of {} bytes", metadata.len());
            return Err(Error::limit("file_bytes", seen, limits.file_bytes).in_file(path.display().to_string()));
        }
        if metadata.len() == 0 {
            return Ok(Source::from_bytes(path, Bytes::new()));
        }
        #[allow(unsafe_code, reason = "the one place: mapping a file")]
        // SAFETY: the map is private to this process and only ever read. That nobody cuts the file off while it is mapped
        // is the condition stated on `Source`; no safe interface of the operating system can enforce it.
        let map = unsafe { Mmap::map(file) }.map_err(|error| Error::io(path.display(), error))?;
        Ok(Source { path: path.to_path_buf(), bytes: Bytes::from_owner(map) })
    }

    /// The whole file.
    pub fn bytes(&self) -> Bytes {
        self.bytes.clone()
    }

    /// Where it was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its name without the folder.
    pub fn file_name(&self) -> String {
        self.path.file_name().unwrap_or(self.path.as_os_str()).to_string_lossy().into_owned()
    }

    /// Its SHA-256 in hexadecimal. Reads the whole file.
    pub fn sha256(&self) -> String {
        Sha256::digest(&self.bytes).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

fn check_regular(path: &Path, metadata: &fs::Metadata) -> Result<()> {
    match metadata.is_file() {
        true => Ok(()),
        false if metadata.is_dir() => {
            Err(Error::refused("is a folder").in_file(path.display().to_string()).with_remedy("one of the files in it"))
        }
        false => Err(Error::refused("is not a regular file, so it can't be mapped")
            .in_file(path.display().to_string())
            .with_remedy("copying its content to a file")),
    }
}

#[cfg(unix)]
fn has_other_names(metadata: &fs::Metadata) -> bool {
    std::os::unix::fs::MetadataExt::nlink(metadata) > 1
}

#[cfg(not(unix))]
fn has_other_names(_: &fs::Metadata) -> bool {
    false
}

/// Opens a file that was no link when it was looked at, and fails if it has become one since.
#[cfg(unix)]
fn open_no_follow(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path)
}

#[cfg(not(unix))]
fn open_no_follow(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).open(path)
}
