//! Who wrote a checkpoint: the names and layouts that a framework or a repository gives to the family's parameters.
//!
//! A dialect knows nothing of files, and a format nothing of dialects. A new dialect is one file here and one line in the
//! registry below: where each canonical parameter comes from, and which networks its checkpoints can be.

mod cadene;
mod canonical;
mod jiecaoyu;
mod places365;
mod torchvision;

use crate::Transform;
use crate::import::Place;

/// One way to spell the family's parameters.
pub struct Dialect {
    /// Its name in reports, as in `torchvision`.
    pub name: &'static str,
    /// One sentence: whose it is.
    pub about: &'static str,
    /// Where a canonical parameter comes from; `None` where the dialect has no such parameter.
    pub origin: fn(parameter: &str) -> Option<Origin>,
    /// Which networks the tensors of a place can be, if the place is this dialect's at all. Any of the names may be missing;
    /// whether they are all there, and have the networks' shapes, is looked at afterwards.
    pub(crate) candidates: fn(&Place<'_>) -> Option<Candidates>,
}

/// The tensors that a parameter is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Origin {
    /// Their names, in the order that the transform takes them.
    pub sources: Vec<String>,
    /// How they become the parameter.
    pub transform: Transform,
}

/// The networks, by their names in the registry, that a dialect's checkpoints can be. Shapes rule most of them out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidates {
    /// The one to believe where its shapes fit.
    pub likely: Option<&'static str>,
    /// Why that is only a guess; `None` where names and shapes settle it.
    pub guessed: Option<&'static str>,
    /// Others of the same names. Where several fit and none is likely, the user is asked.
    pub others: &'static [&'static str],
}

impl Candidates {
    /// The dialect has checkpoints of one network alone.
    const fn only(network: &'static str) -> Candidates {
        Candidates { likely: Some(network), guessed: None, others: &[] }
    }
}

/// Every dialect, the more particular before the more general: the first that recognises a place names it.
pub const ALL: &[Dialect] =
    &[places365::DIALECT, torchvision::DIALECT, jiecaoyu::DIALECT, cadene::DIALECT, canonical::DIALECT];

/// The origin of a parameter that only its module's name tells from ours: `table` holds canonical layers and modules.
fn renamed(table: &[(&str, &str)], parameter: &str) -> Option<Origin> {
    let (layer, role) = parameter.split_once('.')?;
    let (_, module) = table.iter().find(|(name, _)| *name == layer)?;
    Some(Origin { sources: vec![format!("{module}.{role}")], transform: Transform::Identity })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_file_is_registered() {
        let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/dialects")).unwrap();
        let stems = folder.map(|file| file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned());
        let files: BTreeSet<String> = stems.filter(|stem| stem != "mod").collect();
        let registered = ALL.iter().map(|dialect| dialect.name.replace('-', "_")).collect();
        assert_eq!(files, registered);
    }

    #[test]
    fn names_are_the_ones_that_the_repositories_write() {
        let cases = [
            ("torchvision", ["features.0.weight", "features.10.bias", "classifier.1.weight", "classifier.6.bias"]),
            ("places365", ["features.0.weight", "features.10.bias", "classifier.1.weight", "classifier.6.bias"]),
            ("jiecaoyu", ["features.0.weight", "features.12.bias", "classifier.0.weight", "classifier.6.bias"]),
            ("cadene", ["_features.0.weight", "_features.10.bias", "linear0.weight", "last_linear.bias"]),
            ("canonical", ["conv1.weight", "conv5.bias", "fc6.weight", "fc8.bias"]),
        ];
        assert_eq!(cases.len(), ALL.len(), "a dialect is missing here");
        for (name, sources) in cases {
            let dialect = ALL.iter().find(|dialect| dialect.name == name).unwrap();
            for (parameter, source) in ["conv1.weight", "conv5.bias", "fc6.weight", "fc8.bias"].into_iter().zip(sources)
            {
                assert_eq!((dialect.origin)(parameter).unwrap().sources, [source], "{name}");
            }
        }
    }
}
