use crate::{Error, Limits, Result};
use bytes::Bytes;
use memmap2::Mmap;
use sha2::{Digest, Sha256};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

/// A file, mapped once. Everything that is read from it is a slice of the map.
///
/// The file must not change while it is open: a map shows what other processes write, and touching a part that they cut off
/// ends the program.
///
/// A folder is a source too, since some checkpoints are one: it has no bytes of its own, but [`Source::folder`]'s files.
#[derive(Clone, Debug)]
pub struct Source {
    path: PathBuf,
    bytes: Bytes,
    /// What `bytes` are a map of.
    file: Option<Arc<File>>,
    /// When it was last changed before it was opened.
    modified: Option<SystemTime>,
    /// The files of a folder.
    folder: Option<Vec<Source>>,
    /// Whether it lies in a folder of the file system, beside others.
    on_disk: bool,
    companions: Arc<Companions>,
}

/// Files that belong to a checkpoint and that only its owner can name.
#[derive(Clone, Debug, Default)]
pub struct Companions {
    /// Caffe's description of the network, in protobuf's text format.
    pub prototxt: Option<Source>,
    /// Darknet's description of the network.
    pub cfg: Option<Source>,
}

impl Source {
    /// Maps the file at `path`.
    ///
    /// A folder is opened with the files right in it.
    ///
    /// Errs where it can't be opened, is neither a regular file nor a folder, or is larger than [`Limits::file_bytes`].
    pub fn open(path: impl AsRef<Path>, limits: &Limits) -> Result<Source> {
        let path = path.as_ref();
        // Opening a named pipe would wait for a writer: look first.
        let metadata = fs::metadata(path).map_err(|error| missing(path, error))?;
        if metadata.is_dir() {
            return Source::open_folder(path, limits);
        }
        check_regular(path, &metadata)?;
        let file = File::open(path).map_err(|error| Error::io(path.display(), error))?;
        Source::map(path, file, limits)
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
        Source::map(&path, file, &Limits::default())
    }

    /// Maps the regular files right in a folder; folders within it are left out.
    fn open_folder(path: &Path, limits: &Limits) -> Result<Source> {
        let io = |error| Error::io(path.display(), error);
        let mut files = Vec::new();
        for entry in fs::read_dir(path).map_err(io)? {
            let entry = entry.map_err(io)?.path();
            if fs::metadata(&entry).is_ok_and(|metadata| metadata.is_file()) {
                if files.len() >= limits.entries {
                    return Err(Error::limit("entries", "a folder with more files", limits.entries)
                        .in_file(path.display().to_string()));
                }
                files.push(Source::open(entry, limits)?);
            }
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Source { folder: Some(files), on_disk: true, ..Source::from_bytes(path, Bytes::new()) })
    }

    /// Bytes that are already in memory, under a name for messages.
    pub fn from_bytes(name: impl Into<PathBuf>, bytes: impl Into<Bytes>) -> Source {
        let companions = Arc::default();
        Source {
            path: name.into(),
            bytes: bytes.into(),
            file: None,
            modified: None,
            folder: None,
            on_disk: false,
            companions,
        }
    }

    /// The same source with the files that belong to it.
    pub fn with_companions(self, companions: Companions) -> Source {
        Source { companions: Arc::new(companions), ..self }
    }

    /// The same companions beside other bytes: what was inside an archive, or a file of a folder.
    pub(crate) fn beside(self, outer: &Source) -> Source {
        Source { companions: Arc::clone(&outer.companions), ..self }
    }

    /// Caffe's description of the network, where the user gave one.
    pub fn prototxt(&self) -> Option<&Source> {
        self.companions.prototxt.as_ref()
    }

    /// Darknet's description of the network, where the user gave one.
    pub fn cfg(&self) -> Option<&Source> {
        self.companions.cfg.as_ref()
    }

    /// The files of a folder, by name; `None` where this is a file.
    pub fn folder(&self) -> Option<&[Source]> {
        self.folder.as_deref()
    }

    /// Another file of the folder that this file lies in, for checkpoints that consist of several. `name` is plain: no path.
    ///
    /// Errs where it has separators, where this source isn't on disk, and as [`Source::open`] does.
    pub fn sibling(&self, name: &str, limits: &Limits) -> Result<Source> {
        let plain = Path::new(name).components().eq([Component::Normal(name.as_ref())]);
        if !plain || name.contains(['/', '\\', '\0']) {
            let message = format!("`{}` is no plain file name", name.escape_debug());
            return Err(Error::refused(message).with_remedy("a name without a path"));
        }
        if !self.on_disk {
            let message = format!("`{}` should lie beside it, but this is no file on disk", name.escape_debug());
            return Err(Error::refused(message).with_remedy("unpacking both into a folder"));
        }
        Ok(Source::open(self.path.with_file_name(name), limits)?.beside(self))
    }

    /// A data file that this file names, in its folder or below; by the rules of [`Source::open_within`].
    ///
    /// Errs where this source isn't on disk, and as [`Source::open_within`] does.
    pub fn within(&self, relative: &str) -> Result<Source> {
        if !self.on_disk {
            let message =
                format!("data file `{}` should lie beside it, but this is no file on disk", relative.escape_debug());
            return Err(Error::refused(message).with_remedy("unpacking both into a folder"));
        }
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        Ok(Source::open_within(folder.unwrap_or(Path::new(".")), relative)?.beside(self))
    }

    fn map(path: &Path, file: File, limits: &Limits) -> Result<Source> {
        let metadata = file.metadata().map_err(|error| Error::io(path.display(), error))?;
        check_regular(path, &metadata)?;
        if metadata.len() > limits.file_bytes {
            let seen = format!("a file of {} bytes", metadata.len());
            return Err(Error::limit("file_bytes", seen, limits.file_bytes).in_file(path.display().to_string()));
        }
        if metadata.len() == 0 {
            return Ok(Source { on_disk: true, ..Source::from_bytes(path, Bytes::new()) });
        }
        #[allow(unsafe_code, reason = "the one place: mapping a file")]
        // SAFETY: the map is private to this process and only ever read. That nobody cuts the file off while it is mapped
        // is the condition stated on `Source`; no safe interface of the operating system can enforce it.
        let map = unsafe { Mmap::map(&file) }.map_err(|error| Error::io(path.display(), error))?;
        let (file, modified) = (Some(Arc::new(file)), metadata.modified().ok());
        Ok(Source { file, modified, on_disk: true, ..Source::from_bytes(path, Bytes::from_owner(map)) })
    }

    /// The open file of which `part` is a mapped piece, and where in it the piece begins: for who would rather have the system
    /// copy it than touch it. `None` where `part` isn't a piece of this source, or the source no file.
    pub fn locate(&self, part: &[u8]) -> Option<(&File, u64)> {
        if let Some(files) = self.folder() {
            return files.iter().find_map(|file| file.locate(part));
        }
        let (file, whole) = (self.file.as_deref()?, self.bytes.as_ptr_range());
        let part = part.as_ptr_range();
        let within = whole.start <= part.start && part.end <= whole.end && part.start < part.end;
        within.then(|| (file, part.start.addr().saturating_sub(whole.start.addr()) as u64))
    }

    /// Errs where the file is no longer what was opened: what was read of it may be of two files.
    pub fn check_unchanged(&self) -> Result<()> {
        self.folder().unwrap_or_default().iter().try_for_each(Source::check_unchanged)?;
        let Some(file) = &self.file else { return Ok(()) };
        let now = file.metadata().map_err(|error| Error::io(self.path.display(), error))?;
        match now.len() == self.bytes.len() as u64 && now.modified().ok() == self.modified {
            true => Ok(()),
            false => Err(Error::refused("was changed while it was read")
                .in_file(self.path.display().to_string())
                .with_remedy("again, once whatever writes it is done")),
        }
    }

    /// The whole file.
    pub fn bytes(&self) -> Bytes {
        self.bytes.clone()
    }

    /// Where it was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many bytes it has; of a folder, all its files together.
    pub fn size(&self) -> u64 {
        match self.folder() {
            Some(files) => files.iter().fold(0, |sum, file| sum.saturating_add(file.size())),
            None => self.bytes.len() as u64,
        }
    }

    /// Its name without the folder.
    pub fn file_name(&self) -> String {
        self.path.file_name().unwrap_or(self.path.as_os_str()).to_string_lossy().into_owned()
    }

    /// Its SHA-256 in hexadecimal. Reads the whole file. Of a folder it is that of the lines that `sha256sum *` prints in it.
    pub fn sha256(&self) -> String {
        let hex = |digest: &[u8]| digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let Some(files) = self.folder() else { return hex(&Sha256::digest(&self.bytes)) };
        let lines = files.iter().map(|file| format!("{}  {}\n", file.sha256(), file.file_name()));
        hex(&Sha256::digest(lines.collect::<String>()))
    }
}

/// The error of a path that leads nowhere. TensorFlow's programs name a checkpoint by what its files' names have in common.
fn missing(path: &Path, error: io::Error) -> Error {
    let mut index = path.as_os_str().to_owned();
    index.push(".index");
    let error = Error::io(path.display(), error);
    if Path::new(&index).is_file() { error.with_remedy(Path::new(&index).display().to_string()) } else { error }
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
