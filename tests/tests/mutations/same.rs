//! What can be done to a graph without changing its function.

use super::corruptions::Corruption;

/// Things that change nothing, for one reason.
struct Same {
    kind: &'static str,
    /// None: in every network.
    network: Option<&'static str>,
    /// What is done; `#` stands for a digit, `*` for the rest.
    what: &'static [&'static str],
    why: &'static str,
}

const ATTRIBUTE: &str = "an attribute one step off";
const SWAPPED: &str = "two neighbours swapped";
const TWICE: &str = "a layer twice";

const SAME: [Same; 13] = [
    Same {
        kind: ATTRIBUTE,
        network: None,
        what: &["pool#: pads [0, 0, 1, 0] for [0, 0, 0, 0]", "pool#: pads [0, 0, 0, 1] for [0, 0, 0, 0]"],
        why: "the windows end with the map: one more row or column holds no further window",
    },
    Same {
        kind: ATTRIBUTE,
        network: None,
        what: &["pool#: ceil_mode 1 for 0"],
        why: "the windows end with the map: there is nothing to round",
    },
    Same { kind: ATTRIBUTE, network: None, what: &["pool#: auto_pad VALID"], why: "VALID is no padding, as it was" },
    Same {
        kind: ATTRIBUTE,
        network: Some("bvlc"),
        what: &["conv1: auto_pad VALID"],
        why: "VALID is no padding, as it was",
    },
    Same {
        kind: ATTRIBUTE,
        network: None,
        what: &[
            "conv1: pads [0, 0, 1, 0] for [0, 0, 0, 0]",
            "conv1: pads [0, 0, 0, 1] for [0, 0, 0, 0]",
            "conv1: pads [2, 2, 3, 2] for [2, 2, 2, 2]",
            "conv1: pads [2, 2, 1, 2] for [2, 2, 2, 2]",
            "conv1: pads [2, 2, 2, 3] for [2, 2, 2, 2]",
            "conv1: pads [2, 2, 2, 1] for [2, 2, 2, 2]",
        ],
        why: "with a stride of 4 no window reaches the last row or column of zeros",
    },
    Same {
        kind: ATTRIBUTE,
        network: None,
        what: &[
            "conv2: pads [2, 2, 3, 2] for [2, 2, 2, 2]",
            "conv2: pads [2, 2, 2, 3] for [2, 2, 2, 2]",
            "conv5: pads [1, 1, 2, 1] for [1, 1, 1, 1]",
            "conv5: pads [1, 1, 1, 2] for [1, 1, 1, 1]",
        ],
        why: "the pool after it has no window on the row or column that is added",
    },
    Same {
        kind: ATTRIBUTE,
        network: None,
        what: &["conv2: auto_pad SAME_*", "conv3: auto_pad SAME_*", "conv4: auto_pad SAME_*", "conv5: auto_pad SAME_*"],
        why: "SAME of an odd kernel with a stride of 1 is the padding that it had",
    },
    Same { kind: TWICE, network: None, what: &["relu#", "flatten"], why: "done twice, it is what it was" },
    Same {
        kind: TWICE,
        network: Some("torchvision"),
        what: &["avgpool"],
        why: "it averages single pixels: the identity",
    },
    Same {
        kind: "a layer left out",
        network: Some("torchvision"),
        what: &["avgpool"],
        why: "it averages single pixels: the identity",
    },
    Same {
        kind: SWAPPED,
        network: None,
        what: &["relu# and pool#", "pool5 and avgpool"],
        why: "the largest of what is cut off at zero is the largest, cut off at zero",
    },
    Same {
        kind: SWAPPED,
        network: Some("single-column-bn"),
        what: &["norm# and pool#"],
        why: "these batch norms' weights are positive: the largest value stays the largest",
    },
    Same {
        kind: "another operator",
        network: None,
        what: &["fc6: a Relu behind it", "fc7: a Relu behind it"],
        why: "a ReLU follows: two are one",
    },
];

/// Why a corruption is none; nothing where it is one.
pub fn why(network: &str, corruption: &Corruption) -> Option<&'static str> {
    let known = SAME.iter().filter(|same| same.kind == corruption.kind);
    let mut own = known.filter(|same| same.network.is_none_or(|own| own == network));
    own.find(|same| same.what.iter().any(|what| matches(what, &corruption.what))).map(|same| same.why)
}

fn matches(pattern: &str, text: &str) -> bool {
    if let Some(start) = pattern.strip_suffix('*') {
        return text.starts_with(start);
    }
    let same = |(p, t): (char, char)| p == t || (p == '#' && t.is_ascii_digit());
    pattern.len() == text.len() && pattern.chars().zip(text.chars()).all(same)
}
