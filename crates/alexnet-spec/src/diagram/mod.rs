//! A network as a picture, drawn from the layers alone: it shows what is computed.

mod figure;
mod line;
mod upright;

use crate::{Network, Result};

/// The network as an SVG image of its own: one line of boxes, as high as the maps and as wide as the channels, towers split
/// by a gap. No scripts, no fonts, no references. It shows the order of norm, pool and ReLU, groups, sizes.
///
/// Errs where the network is malformed, as [`Network::trace`] does.
///
/// ```
/// use alexnet_spec::{diagram, networks};
///
/// let svg = diagram::svg(&networks::get("caffenet").unwrap())?;
/// assert!(svg.starts_with("<svg") && svg.contains("conv1") && svg.contains("55×55×96"));
/// # Ok::<(), alexnet_spec::Error>(())
/// ```
pub fn svg(network: &Network) -> Result<String> {
    line::draw(network)
}

/// A word beside a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark<'a> {
    /// The layer's name.
    pub layer: &'a str,
    /// What is said of it.
    pub note: &'a str,
}

/// The network from top to bottom, a row for every layer, as an SVG element for a page: narrow, with the page's colour of text,
/// and with the layers of `marks` framed. Two networks of the same layers have their rows at the same heights.
///
/// Errs where the network is malformed, as [`Network::trace`] does.
///
/// ```
/// use alexnet_spec::diagram::{self, Mark};
/// use alexnet_spec::networks;
///
/// let marks = [Mark { layer: "norm1", note: "parts first" }];
/// let svg = diagram::upright(&networks::get("caffenet").unwrap(), &marks)?;
/// assert!(svg.contains("parts first"));
/// # Ok::<(), alexnet_spec::Error>(())
/// ```
pub fn upright(network: &Network, marks: &[Mark<'_>]) -> Result<String> {
    upright::draw(network, marks)
}
