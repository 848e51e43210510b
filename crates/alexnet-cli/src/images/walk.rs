use super::EXTENSIONS;
use anyhow::{Context, Result, ensure};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// The images of a folder and of all folders in it.
#[derive(Debug)]
pub struct Listing {
    /// The folder, as it was given.
    pub root: PathBuf,
    /// Their paths below it, sorted folder by folder: the same order on every machine.
    pub paths: Vec<PathBuf>,
    /// How many files bear no name of an image that can be read.
    pub others: u64,
}

impl Listing {
    /// Walks the folder. Names that begin with a dot are passed over; links are followed, each folder once.
    ///
    /// Errs where a folder can't be read, and where there are no images.
    pub fn of(root: &Path) -> Result<Listing> {
        ensure!(root.is_dir(), "--images {}: it is not a folder; --fixtures takes single files", root.display());
        let mut listing = Listing { root: root.to_owned(), paths: Vec::new(), others: 0 };
        let mut seen = HashSet::new();
        let mut folders = vec![PathBuf::new()];
        while let Some(folder) = folders.pop() {
            let place = root.join(&folder);
            let within = || format!("--images {}", place.display());
            if !seen.insert(place.canonicalize().with_context(within)?) {
                continue;
            }
            for entry in place.read_dir().with_context(within)? {
                let name = entry.with_context(within)?.file_name();
                if name.as_encoded_bytes().starts_with(b".") {
                    continue;
                }
                let path = folder.join(name);
                match root.join(&path).metadata() {
                    Ok(found) if found.is_dir() => folders.push(path),
                    // A pipe would never end. A link that leads nowhere is an image that can't be read.
                    Ok(found) if !found.is_file() => listing.others += 1,
                    _ if is_image(&path) => listing.paths.push(path),
                    _ => listing.others += 1,
                }
            }
            // The last is taken first: links to one folder lead to the same choice every time.
            folders.sort_unstable_by(|a, b| b.cmp(a));
        }
        listing.paths.sort_unstable();
        ensure!(
            !listing.paths.is_empty(),
            "--images {}: there are no images; their names should end in {}",
            root.display(),
            EXTENSIONS.join(", ")
        );
        Ok(listing)
    }

    /// What tells this list from any other: the SHA-256 of all paths.
    pub fn sha256(&self) -> String {
        let names: Vec<u8> =
            self.paths.iter().flat_map(|path| [path.as_os_str().as_encoded_bytes(), b"\0"].concat()).collect();
        alexnet_formats::Source::from_bytes("paths", names).sha256()
    }
}

fn is_image(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(extension))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        folder
    }

    #[test]
    fn images_of_all_folders_come_sorted_by_their_paths() {
        let files =
            ["b/2.JPEG", "b/1.png", "b-c/0.jpg", "a/z/9.Jpg", "c.jpeg", "notes.txt", ".hidden.jpg", "a/.b/x.png"];
        let folder = folder(&files);
        let listing = Listing::of(folder.path()).unwrap();
        let expected = ["a/z/9.Jpg", "b/1.png", "b/2.JPEG", "b-c/0.jpg", "c.jpeg"].map(PathBuf::from);
        assert_eq!((listing.paths.as_slice(), listing.others), (&expected[..], 1));
    }

    #[test]
    fn a_folder_without_images_is_an_error() {
        let folder = folder(&["a/notes.txt"]);
        assert!(Listing::of(folder.path()).unwrap_err().to_string().contains("no images"));
        assert!(Listing::of(&folder.path().join("a/notes.txt")).unwrap_err().to_string().contains("not a folder"));
    }

    #[cfg(unix)]
    #[test]
    fn links_that_lead_in_circles_are_walked_once() {
        let folder = folder(&["a/1.png"]);
        std::os::unix::fs::symlink(folder.path(), folder.path().join("a/again")).unwrap();
        std::os::unix::fs::symlink(folder.path().join("a"), folder.path().join("b")).unwrap();
        assert_eq!(Listing::of(folder.path()).unwrap().paths, [PathBuf::from("a/1.png")]);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_leads_nowhere_is_an_image_and_a_socket_is_none() {
        let folder = folder(&["a.png"]);
        std::os::unix::fs::symlink("gone.png", folder.path().join("b.png")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("c.png")).unwrap();
        let listing = Listing::of(folder.path()).unwrap();
        assert_eq!((listing.paths, listing.others), (vec!["a.png".into(), "b.png".into()], 1));
    }

    #[test]
    fn another_name_is_another_list() {
        let hash = |files: &[&str]| Listing::of(folder(files).path()).unwrap().sha256();
        assert_eq!(hash(&["a.png", "b/c.png"]), hash(&["b/c.png", "a.png"]));
        assert_ne!(hash(&["a.png", "b/c.png"]), hash(&["a.png", "b/d.png"]));
    }
}
