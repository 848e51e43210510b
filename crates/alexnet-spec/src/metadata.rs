use crate::{Network, Result};
use std::collections::BTreeMap;

/// String pairs that travel with converted weights: in the header of a safetensors file, in an ONNX model's
/// `metadata_props`. Sorted, so that the same input gives the same bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata(pub BTreeMap<String, String>);

/// Where weights came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provenance {
    /// The source's file name, without its folder.
    pub source: String,
    /// SHA-256 of the source in hexadecimal; `None` where it wasn't taken.
    pub sha256: Option<String>,
    /// The container, as in `pytorch-zip`.
    pub format: String,
    /// Who wrote it, as in `torchvision`.
    pub dialect: String,
}

impl Metadata {
    /// The key under which the [`Network`] is kept, as compact JSON.
    pub const NETWORK: &'static str = "alexnet.network";
    /// The key that names the spelling of the tensors: `canonical` or `torchvision`.
    pub const NAMES: &'static str = "alexnet.names";
    /// The prefix of the keys that hold the [`Provenance`].
    pub const SOURCE: &'static str = "alexnet.source";

    /// The pairs for `network` and its provenance.
    pub fn new(network: &Network, provenance: &Provenance) -> Metadata {
        let mut pairs = BTreeMap::new();
        let json = serde_json::to_string(network).expect("a network has string keys only");
        pairs.insert(Self::NETWORK.into(), json);
        pairs.insert("alexnet.converter".into(), concat!("alexnet-convert ", env!("CARGO_PKG_VERSION")).into());
        let source = Self::SOURCE;
        pairs.insert(format!("{source}.file"), provenance.source.clone());
        pairs.insert(format!("{source}.format"), provenance.format.clone());
        pairs.insert(format!("{source}.dialect"), provenance.dialect.clone());
        if let Some(sha256) = &provenance.sha256 {
            pairs.insert(format!("{source}.sha256"), sha256.clone());
        }
        Metadata(pairs)
    }

    /// The network that the pairs hold; `None` where they hold none.
    ///
    /// Errs where what they hold isn't a valid network.
    pub fn network(&self) -> Result<Option<Network>> {
        self.0.get(Self::NETWORK).map(|json| Network::from_json(json)).transpose()
    }
}
