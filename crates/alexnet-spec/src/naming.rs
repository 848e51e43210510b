//! Spellings of parameter names.
//!
//! Canonical names follow the layers (`conv1.weight`, `fc8.bias`). torchvision numbers the modules of two `Sequential`s;
//! its names belong to its own network and to no other.

use crate::{Error, Network, Result, networks};

/// canonical layer, torchvision module
const TORCHVISION: [(&str, &str); 8] = [
    ("conv1", "features.0"),
    ("conv2", "features.3"),
    ("conv3", "features.6"),
    ("conv4", "features.8"),
    ("conv5", "features.10"),
    ("fc6", "classifier.1"),
    ("fc7", "classifier.4"),
    ("fc8", "classifier.6"),
];

/// How parameters are spelled in a written file.
///
/// ```
/// use alexnet_spec::{naming::Naming, networks};
///
/// let network = networks::get("torchvision").unwrap();
/// assert_eq!(Naming::Torchvision.spell(&network, "fc8.bias")?, "classifier.6.bias");
/// # Ok::<(), alexnet_spec::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Naming {
    /// `conv1.weight` to `fc8.bias`.
    #[default]
    Canonical,
    /// `features.0.weight` to `classifier.6.bias`.
    Torchvision,
}

impl Naming {
    /// The spelling of a canonical parameter name of `network`.
    ///
    /// Errs for torchvision's spelling where the network isn't torchvision's, whatever its widths and class count.
    pub fn spell(self, network: &Network, canonical: &str) -> Result<String> {
        match self {
            Naming::Canonical => Ok(canonical.to_owned()),
            Naming::Torchvision => torchvision(canonical).filter(|_| is_torchvision(network)).ok_or_else(|| {
                Error::Weights(format!(
                    "`{canonical}` of network `{}` has no torchvision name: only the network `torchvision` does; use canonical names",
                    network.name
                ))
            }),
        }
    }
}

/// torchvision's spelling of a canonical name: `features.0.weight` for `conv1.weight`.
pub fn torchvision(canonical: &str) -> Option<String> {
    let (layer, role) = canonical.split_once('.')?;
    let (_, module) = TORCHVISION.iter().find(|(name, _)| *name == layer)?;
    Some(format!("{module}.{role}"))
}

/// The canonical spelling of a torchvision name: `conv1.weight` for `features.0.weight`.
pub fn from_torchvision(name: &str) -> Option<String> {
    let (module, role) = name.rsplit_once('.')?;
    let (layer, _) = TORCHVISION.iter().find(|(_, m)| *m == module)?;
    Some(format!("{layer}.{role}"))
}

/// Whether the layers are those of torchvision's network or of its features, apart from widths.
fn is_torchvision(network: &Network) -> bool {
    let Some(reference) = networks::get("torchvision") else { return false };
    let same = |full: Network| {
        network.input.channels == full.input.channels
            && full.with_widths(&network.widths()).is_ok_and(|reference| reference.layers == network.layers)
    };
    same(reference.clone()) || same(reference.features_only())
}
