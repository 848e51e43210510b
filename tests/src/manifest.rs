//! `fixtures/MANIFEST.json`, and those of the folders that have their own.

use serde::Deserialize;
use std::path::{Path, PathBuf};

/// What is known of every fixture.
#[derive(Deserialize)]
pub struct Manifest {
    /// In the order in which they were made.
    pub fixtures: Vec<Fixture>,
}

/// A file below `fixtures/`.
#[derive(Clone, Deserialize)]
pub struct Fixture {
    /// Where it is.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256 in hexadecimal.
    pub sha256: String,
    /// What a converter must make of it; empty for a file that is no checkpoint.
    #[serde(default)]
    pub cases: Vec<Case>,
}

/// What a converter must make of a checkpoint, given options.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// How it must end.
    pub expect: Expect,
    /// The options.
    #[serde(default)]
    pub options: Vec<String>,
    /// The file with the logits, or features, that PyTorch computes.
    pub golden: Option<String>,
    /// The network that it is.
    pub network: Option<String>,
    /// A part of the error.
    pub says: Option<String>,
    /// What to convert, where that is the folder that the file lies in.
    pub input: Option<String>,
}

/// How a conversion must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Expect {
    /// It succeeds.
    Ok,
    /// It is refused.
    Refused,
    /// It is refused with the option that would settle it.
    Ambiguous,
}

/// Reads all manifests as one.
pub fn manifest() -> Manifest {
    let read = |path: &Path| -> Manifest {
        let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let mut manifest = read(&crate::fixture("MANIFEST.json"));
    for folder in folders() {
        manifest.fixtures.extend(read(&crate::fixture(&folder).join("MANIFEST.json")).fixtures);
    }
    manifest
}

/// The folders of fixtures that have a manifest of their own.
pub fn folders() -> Vec<String> {
    let entries = crate::fixture("").read_dir().expect("fixtures").map(|entry| entry.expect("an entry").path());
    let mut folders: Vec<String> = entries
        .filter(|path| path.join("MANIFEST.json").is_file())
        .filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()))
        .collect();
    folders.sort();
    folders
}

/// Options whose value is a file, which a case gives by its path below `fixtures/`.
const FILE_OPTIONS: [&str; 4] = ["--prototxt", "--cfg", "--mean", "--map"];

impl Case {
    /// The options, with the files where they are.
    pub fn arguments(&self) -> Vec<PathBuf> {
        self.arguments_below(&crate::fixture(""))
    }

    /// The options, with the files as the project's root names them.
    pub fn relative_arguments(&self) -> Vec<PathBuf> {
        self.arguments_below(Path::new("fixtures"))
    }

    fn arguments_below(&self, fixtures: &Path) -> Vec<PathBuf> {
        let previous = std::iter::once("").chain(self.options.iter().map(String::as_str));
        let options = self.options.iter().zip(previous);
        options
            .map(|(word, option)| if FILE_OPTIONS.contains(&option) { fixtures.join(word) } else { word.into() })
            .collect()
    }
}

impl Manifest {
    /// Every case of every checkpoint that ends as `expect` says.
    pub fn cases(&self, expect: Expect) -> impl Iterator<Item = (&Fixture, &Case)> {
        let all = self.fixtures.iter().flat_map(|fixture| fixture.cases.iter().map(move |case| (fixture, case)));
        all.filter(move |(_, case)| case.expect == expect)
    }
}
