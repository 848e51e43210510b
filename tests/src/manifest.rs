//! `fixtures/MANIFEST.json`.

use serde::Deserialize;

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

/// Reads the manifest.
pub fn manifest() -> Manifest {
    let text = std::fs::read_to_string(crate::fixture("MANIFEST.json")).expect("fixtures/MANIFEST.json");
    serde_json::from_str(&text).expect("fixtures/MANIFEST.json")
}

impl Manifest {
    /// Every case of every checkpoint that ends as `expect` says.
    pub fn cases(&self, expect: Expect) -> impl Iterator<Item = (&Fixture, &Case)> {
        let all = self.fixtures.iter().flat_map(|fixture| fixture.cases.iter().map(move |case| (fixture, case)));
        all.filter(move |(_, case)| case.expect == expect)
    }
}
