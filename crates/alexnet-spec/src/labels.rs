//! What the outputs of the last layer are called, and in which order.
//!
//! Networks trained on ILSVRC-2012 number its 1000 classes in one of two ways: by sorted WordNet id (Caffe, PyTorch,
//! Keras, MatConvNet) or by the development kit's `ILSVRC2012_ID` (cuda-convnet2, Darknet). The two orders agree at no
//! position, so the wrong table gives plausible probabilities and a top-1 of zero.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::sync::LazyLock;

/// The classes of a network, in the order of its outputs.
///
/// ```
/// use alexnet_spec::Labels;
///
/// assert_eq!(Labels::Wnid.name(0).unwrap(), "tench");
/// assert_eq!(Labels::Devkit.name(0).unwrap(), "kit fox");
/// assert_eq!(Labels::Unknown.name(0), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub enum Labels {
    /// ILSVRC-2012 by sorted WordNet id: tench, goldfish, great white shark, ...
    Wnid,
    /// ILSVRC-2012 by the development kit's id: kit fox, English setter, Siberian husky, ...
    Devkit,
    /// Names of the user's own classes.
    Names(Vec<String>),
    /// Classes without names: reports give the index alone.
    #[default]
    Unknown,
}

/// One of the 1000 classes of ILSVRC-2012.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Synset {
    /// WordNet id, as in `n01440764`.
    pub wnid: &'static str,
    /// `ILSVRC2012_ID` of the development kit, from 1 to 1000.
    pub devkit_id: usize,
    /// Its usual short name; unique among the 1000.
    pub name: &'static str,
}

/// The 1000 classes of ILSVRC-2012 by sorted WordNet id.
///
/// Sources: the ids' order in the development kit, and torchvision's category names.
pub fn imagenet() -> &'static [Synset] {
    static TABLE: LazyLock<Vec<Synset>> = LazyLock::new(|| {
        include_str!("imagenet.tsv")
            .lines()
            .map(|line| {
                let mut fields = line.split('\t');
                let mut next = || fields.next().expect("imagenet.tsv has three columns");
                Synset { wnid: next(), devkit_id: next().parse().expect("an id"), name: next() }
            })
            .collect()
    });
    &TABLE
}

impl Labels {
    /// The number of classes, where the labels settle it.
    pub fn len(&self) -> Option<usize> {
        match self {
            Labels::Wnid | Labels::Devkit => Some(imagenet().len()),
            Labels::Names(names) => Some(names.len()),
            Labels::Unknown => None,
        }
    }

    /// Whether the labels name no class at all.
    pub fn is_empty(&self) -> bool {
        self.len() == Some(0)
    }

    /// The name of output `index`, where it has one.
    pub fn name(&self, index: usize) -> Option<Cow<'_, str>> {
        static BY_DEVKIT_ID: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
            let mut table: Vec<_> = imagenet().iter().collect();
            table.sort_by_key(|synset| synset.devkit_id);
            table.into_iter().map(|synset| synset.name).collect()
        });
        match self {
            Labels::Wnid => imagenet().get(index).map(|synset| synset.name.into()),
            Labels::Devkit => BY_DEVKIT_ID.get(index).map(|name| (*name).into()),
            Labels::Names(names) => names.get(index).map(|name| name.as_str().into()),
            Labels::Unknown => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn the_thousand_classes_are_complete_and_sorted() {
        let table = imagenet();
        assert_eq!(table.len(), 1000);
        assert!(table.is_sorted_by(|a, b| a.wnid < b.wnid));
        assert_eq!(table.iter().map(|s| s.name).collect::<HashSet<_>>().len(), 1000);
        let ids: HashSet<_> = table.iter().map(|s| s.devkit_id).collect();
        assert_eq!(ids, (1..=1000).collect());
    }

    #[test]
    fn the_two_orders_agree_nowhere() {
        for index in 0..1000 {
            assert_ne!(Labels::Wnid.name(index), Labels::Devkit.name(index), "at {index}");
        }
    }

    /// The development kit lists n02119789, n02100735, n02110185 and n02096294 first.
    #[test]
    fn the_devkit_begins_with_four_canines() {
        let first: Vec<_> = (0..4).map(|i| Labels::Devkit.name(i).unwrap()).collect();
        assert_eq!(first, ["kit fox", "English setter", "Siberian husky", "Australian terrier"]);
    }
    /// First and last entries of torchvision's categories and of Darknet's imagenet.labels.list, and two classes whose
    /// words WordNet uses twice.
    #[test]
    fn both_orders_begin_and_end_as_their_sources() {
        let cases = [
            (Labels::Wnid, 0, "tench"),
            (Labels::Wnid, 1, "goldfish"),
            (Labels::Wnid, 134, "crane bird"),
            (Labels::Wnid, 517, "crane"),
            (Labels::Wnid, 998, "ear"),
            (Labels::Wnid, 999, "toilet tissue"),
            (Labels::Devkit, 0, "kit fox"),
            (Labels::Devkit, 888, "toilet tissue"),
            (Labels::Devkit, 995, "coffee mug"),
            (Labels::Devkit, 999, "dumbbell"),
        ];
        for (labels, index, name) in cases {
            assert_eq!(labels.name(index).as_deref(), Some(name), "{labels:?} {index}");
        }
        for labels in [Labels::Wnid, Labels::Devkit] {
            assert_eq!((labels.len(), labels.name(1000)), (Some(1000), None));
        }
    }

    #[test]
    fn a_users_own_names_keep_their_order() {
        let labels = Labels::Names(vec!["cat".into(), "dog".into()]);
        assert_eq!((labels.len(), labels.name(1).as_deref(), labels.name(2)), (Some(2), Some("dog"), None));
        assert_eq!(serde_json::to_string(&labels).unwrap(), r#"{"names":["cat","dog"]}"#);
        assert_eq!(serde_json::to_string(&Labels::Wnid).unwrap(), r#""wnid""#);
    }
}
