//! Outputs that appear whole or not at all.
//!
//! Each output is written to a file without a name in its target's folder (`O_TMPFILE` on Linux), so that a program that
//! is killed leaves nothing behind. Only when all outputs are complete and checked do they get their names.
//!
//! A power cut is another matter. A file that replaces one is on the disk before it takes the name, so that one of the two is
//! there in any case. A new file is left to the system, as `cp` leaves it: waiting for the disk takes longer than the whole
//! conversion, and what could be lost can be made again from a source that is still there.

use crate::files::folder;
use anyhow::{Context, Result, bail};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// A file on its way to `target`.
pub struct Staged {
    target: PathBuf,
    file: Pending,
}

enum Pending {
    #[cfg(target_os = "linux")]
    Nameless(File),
    Named(NamedTempFile),
}

impl Staged {
    /// Starts an output in `target`'s folder.
    ///
    /// Errs where the folder doesn't exist or can't be written.
    pub fn create(target: &Path) -> Result<Staged> {
        let folder = folder(target);
        let file = Pending::create(&folder).with_context(|| {
            format!("{}: can't write in {}; try another folder", target.display(), folder.display())
        })?;
        Ok(Staged { target: target.to_owned(), file })
    }

    /// The file, open for writing and reading.
    pub fn file(&mut self) -> &mut File {
        match &mut self.file {
            #[cfg(target_os = "linux")]
            Pending::Nameless(file) => file,
            Pending::Named(file) => file.as_file_mut(),
        }
    }

    /// Where the finished file will be.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// A path under which the unfinished file can be opened while this value lives.
    pub fn path(&self) -> PathBuf {
        match &self.file {
            #[cfg(target_os = "linux")]
            Pending::Nameless(file) => {
                use std::os::fd::AsRawFd;
                PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
            }
            Pending::Named(file) => file.path().to_owned(),
        }
    }

    /// Finds room for `bytes` bytes, so that a disk that is too full is noticed now, and the file need not grow piece by piece.
    /// Its length stays as it is: where the power fails before all is on the disk, the file is short, and not full of zeros.
    ///
    /// Errs where there is no room. A file system that can't tell beforehand is no error.
    pub fn reserve(&mut self, bytes: u64) -> std::io::Result<()> {
        #[cfg(target_os = "linux")]
        {
            use rustix::fs::{FallocateFlags, fallocate};
            use rustix::io::Errno;
            let reserved = fallocate(&*self.file(), FallocateFlags::KEEP_SIZE, 0, bytes);
            if let Err(error @ (Errno::NOSPC | Errno::DQUOT | Errno::FBIG)) = reserved {
                return Err(error.into());
            }
        }
        let _ = bytes;
        Ok(())
    }
}

/// Gives every output its name. An existing file is replaced only with `force`, and keeps its permissions.
///
/// Should a later one fail, the names that this call made are taken away again where no file was replaced.
pub fn publish(outputs: Vec<Staged>, force: bool) -> Result<()> {
    let mut made: Vec<PathBuf> = Vec::new();
    for output in outputs {
        let target = output.target.clone();
        let existed = target.symlink_metadata().is_ok();
        let named = output.publish(force).with_context(|| format!("{}: can't be put in place", target.display()));
        if let Err(error) = named {
            for path in made {
                let _ = fs::remove_file(path);
            }
            return Err(error);
        }
        if !existed {
            made.push(target);
        }
    }
    Ok(())
}

impl Staged {
    fn publish(self, force: bool) -> Result<()> {
        let Staged { target, file } = self;
        let folder = folder(&target);
        // A link is replaced, not followed, even where it leads nowhere.
        let taken = target.symlink_metadata().is_ok();
        let previous = fs::metadata(&target).ok();
        if taken && !force {
            bail!("it exists; use --force to replace it");
        }
        if taken {
            file.as_file().sync_all().context("it can't be written to the disk")?;
        }
        match file {
            #[cfg(target_os = "linux")]
            Pending::Nameless(file) => {
                if let Some(previous) = &previous {
                    file.set_permissions(previous.permissions())?;
                }
                if taken {
                    let beside = unused_name(&folder)?;
                    link(&file, &beside)?;
                    fs::rename(&beside, &target).inspect_err(|_| {
                        let _ = fs::remove_file(&beside);
                    })?;
                } else {
                    link(&file, &target)?;
                }
            }
            Pending::Named(file) => {
                let permissions = match &previous {
                    Some(previous) => previous.permissions(),
                    None => created_permissions(&folder)?,
                };
                file.as_file().set_permissions(permissions)?;
                if force {
                    file.persist(&target)?
                } else {
                    file.persist_noclobber(&target)?
                };
            }
        }
        Ok(())
    }
}

impl Pending {
    fn as_file(&self) -> &File {
        match self {
            #[cfg(target_os = "linux")]
            Pending::Nameless(file) => file,
            Pending::Named(file) => file.as_file(),
        }
    }

    fn create(folder: &Path) -> std::io::Result<Pending> {
        #[cfg(target_os = "linux")]
        if let Some(file) = nameless(folder)? {
            return Ok(Pending::Nameless(file));
        }
        tempfile::Builder::new().prefix(".alexnet-").suffix(".partial").tempfile_in(folder).map(Pending::Named)
    }
}

/// A file without a name in `folder`; `None` where its file system has none or `/proc`, which names it later, is missing.
#[cfg(target_os = "linux")]
fn nameless(folder: &Path) -> std::io::Result<Option<File>> {
    use std::os::unix::fs::OpenOptionsExt;
    let opened = File::options().read(true).write(true).mode(0o666).custom_flags(libc::O_TMPFILE).open(folder);
    match opened {
        Ok(file) => {
            use std::os::fd::AsRawFd;
            let named = fs::metadata(format!("/proc/self/fd/{}", file.as_raw_fd())).is_ok();
            Ok(named.then_some(file))
        }
        Err(error) => match error.raw_os_error() {
            Some(libc::EOPNOTSUPP | libc::EISDIR | libc::ENOENT | libc::EINVAL) if folder.is_dir() => Ok(None),
            _ => Err(error),
        },
    }
}

/// Gives a nameless file a name; errs where the name is taken.
#[cfg(target_os = "linux")]
fn link(file: &File, name: &Path) -> Result<()> {
    rustix::fs::linkat(
        rustix::fs::CWD,
        format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(file)),
        rustix::fs::CWD,
        name,
        rustix::fs::AtFlags::SYMLINK_FOLLOW,
    )
    .map_err(|error| match error {
        rustix::io::Errno::EXIST => anyhow::anyhow!("it appeared meanwhile; use --force to replace it"),
        error => std::io::Error::from(error).into(),
    })
}

/// A name in `folder` that nothing has.
#[cfg(target_os = "linux")]
fn unused_name(folder: &Path) -> Result<PathBuf> {
    let taken = tempfile::Builder::new().prefix(".alexnet-").suffix(".partial").tempfile_in(folder)?;
    Ok(taken.path().to_owned())
}

/// The permissions that the system gives a new file in `folder`; temporary files have narrower ones.
fn created_permissions(folder: &Path) -> Result<fs::Permissions> {
    let probe = tempfile::Builder::new().prefix(".alexnet-").make_in(folder, |path| File::create_new(path))?;
    Ok(probe.as_file().metadata()?.permissions())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            folder.read_dir().unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn staged(target: &Path, content: &str) -> Staged {
        let mut file = Staged::create(target).unwrap();
        file.file().write_all(content.as_bytes()).unwrap();
        file
    }

    #[test]
    fn an_output_has_no_name_until_it_is_published() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("out.onnx");
        let file = staged(&target, "graph");
        assert!(!target.exists());
        assert_eq!(fs::read_to_string(file.path()).unwrap(), "graph", "it can be read back before");
        publish(vec![file], false).unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "graph");
        assert_eq!(names(folder.path()), ["out.onnx"]);
    }

    /// File systems without nameless files (NFS, some overlays) take the other road to the same end.
    #[test]
    fn a_file_system_without_nameless_files_gets_the_same_outputs() {
        let folder = tempfile::tempdir().unwrap();
        let named = |name: &str| {
            let file = Pending::Named(NamedTempFile::new_in(folder.path()).unwrap());
            Staged { target: folder.path().join(name), file }
        };
        publish(vec![named("out.onnx")], false).unwrap();
        assert_eq!(names(folder.path()), ["out.onnx"]);
        assert!(publish(vec![named("out.onnx")], false).is_err());
        drop(named("abandoned.onnx"));
        assert_eq!(names(folder.path()), ["out.onnx"]);
    }

    #[test]
    fn an_abandoned_output_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        drop(staged(&folder.path().join("out.onnx"), "half"));
        assert_eq!(names(folder.path()), [""; 0]);
    }

    #[test]
    fn a_file_that_appeared_meanwhile_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (folder.path().join("a.safetensors"), folder.path().join("b.onnx"));
        let outputs = vec![staged(&first, "weights"), staged(&second, "graph")];
        fs::write(&second, "somebody else's").unwrap();
        let error = format!("{:#}", publish(outputs, false).unwrap_err());
        assert!(error.contains("--force"), "{error}");
        assert_eq!(fs::read_to_string(&second).unwrap(), "somebody else's");
        assert_eq!(names(folder.path()), ["b.onnx"], "the first output is taken back");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_replaced_even_where_it_leads_nowhere() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("out.onnx");
        std::os::unix::fs::symlink(folder.path().join("nothing.onnx"), &target).unwrap();
        assert!(publish(vec![staged(&target, "graph")], false).is_err());
        publish(vec![staged(&target, "graph")], true).unwrap();
        assert!(target.symlink_metadata().unwrap().is_file());
        assert_eq!(names(folder.path()), ["out.onnx"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_replaced_file_keeps_its_permissions_and_a_new_one_gets_the_umasks() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (old, new, plain) =
            (folder.path().join("old.onnx"), folder.path().join("new.onnx"), folder.path().join("plain"));
        fs::write(&old, "before").unwrap();
        fs::set_permissions(&old, fs::Permissions::from_mode(0o640)).unwrap();
        fs::write(&plain, "").unwrap();
        publish(vec![staged(&old, "after"), staged(&new, "new")], true).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(fs::read_to_string(&old).unwrap(), "after");
        assert_eq!(mode(&old), 0o640);
        assert_eq!(mode(&new), mode(&plain));
        assert_eq!(names(folder.path()), ["new.onnx", "old.onnx", "plain"]);
    }
}
