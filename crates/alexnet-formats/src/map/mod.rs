//! `--map`: a file of the user's that says which tensor of a checkpoint each parameter of a network is, and what has to happen
//! to it. It makes names that no dialect knows importable without a change of code.
//!
//! ```toml
//! network = "caffenet"                    # or --network
//! key = "state_dict"                      # or --key; where the names alone don't tell
//!
//! [parameters]
//! "conv1.bias" = "b_conv1"                # a tensor as it is
//! "conv1.weight" = { from = "W_conv1", transform = "hwio" }
//! "conv2.weight" = { from = ["W_2a", "W_2b"], transform = [{ concatenate-along = 3 }, "hwio", "flip180"] }
//! "fc6.weight" = { from = "W_fc6", transform = ["transpose", { flattened-hwc-to-chw = { height = 6, width = 6 } }] }
//! ```
//!
//! or the same in JSON. The transforms are [`Transform`]'s, with two names more, `hwio` and `c01b`, for the layouts of kernels
//! that have one; a list is done from left to right.

mod draft;
mod layouts;
mod parse;
#[cfg(test)]
mod tests;

use crate::dialects::Origin;
use crate::{Error, Limits, Result, Source};
use alexnet_spec::Transform;

pub(crate) use draft::draft;

/// Which tensor each parameter is.
#[derive(Clone, Debug, PartialEq)]
pub struct Map {
    /// The file's name, for messages.
    pub(crate) file: String,
    /// The network's name in the registry.
    pub network: Option<String>,
    /// The dotted path of the state dict, as `--key` takes it.
    pub key: Option<String>,
    /// What each parameter is made of, in the file's order.
    pub parameters: Vec<(String, Origin)>,
}

impl Map {
    /// Reads a map, in TOML or in JSON.
    ///
    /// Errs with the entry that isn't what it should be.
    ///
    /// ```
    /// use alexnet_formats::{Limits, Map, Source};
    ///
    /// let text = r#"parameters = { "conv1.weight" = { from = "w", transform = "hwio" } }"#;
    /// let map = Map::read(&Source::from_bytes("map.toml", text), &Limits::default())?;
    /// assert_eq!(map.parameters[0].1.sources, ["w"]);
    /// # Ok::<(), alexnet_formats::Error>(())
    /// ```
    pub fn read(source: &Source, limits: &Limits) -> Result<Map> {
        let file = source.file_name();
        let bytes = source.bytes();
        if bytes.len() > limits.header_bytes {
            let seen = format!("a map of {} bytes", bytes.len());
            return Err(Error::limit("header_bytes", seen, limits.header_bytes).in_file(file));
        }
        parse::map(&file, &bytes).map_err(|error| error.in_file(file))
    }

    /// The error of an entry.
    pub(crate) fn fault(&self, parameter: &str, what: impl std::fmt::Display) -> Error {
        Error::refused(format!("{what}")).at(format!("`{}`", parameter.escape_debug())).in_file(self.file.clone())
    }
}

/// The transforms that have a name of their own here, beside [`Transform`]'s.
const NAMED: [(&str, [usize; 4]); 2] = [("hwio", [3, 2, 0, 1]), ("c01b", [3, 0, 1, 2])];

/// The transform of a short name.
fn named(name: &str) -> Option<Transform> {
    NAMED.iter().find(|(known, _)| *known == name).map(|(_, axes)| Transform::Permute(axes.to_vec()))
}
