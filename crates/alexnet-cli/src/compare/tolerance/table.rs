//! The default tolerances, as data.

use super::{Device, Place, Precision};
use serde::Serialize;

/// What is allowed where, and why.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Row {
    /// The coarser of the two sides.
    pub precision: Precision,
    /// Where it runs; anywhere, if none.
    pub device: Option<Device>,
    /// Whether a side forms sums in an order that costs digits.
    pub reorders_sums: bool,
    /// The kind of layer that does; with a layer of another kind that has the same input on both sides the row has nothing to
    /// do. All kinds, if none.
    pub layer: Option<&'static str>,
    /// Whether it holds only for a layer that has the same input on both sides.
    pub alone: bool,
    /// Allowed in the tensor's own units.
    pub atol: f64,
    /// Allowed relative to the largest reference value.
    pub rtol: f64,
    /// Why this much.
    pub reason: &'static str,
}

impl Row {
    pub(super) fn holds_for(&self, place: &Place<'_>) -> bool {
        self.precision == place.precision
            && self.device.is_none_or(|device| device == place.device)
            && (!self.reorders_sums || place.reorders_sums)
            && (!self.alone || place.layer.is_some())
            && (place.layer.is_none() || self.layer.is_none_or(|kind| place.layer == Some(kind)))
    }
}

/// The layer whose sum ONNX Runtime forms by sliding: it adds the square that comes into the window and subtracts the one that
/// leaves.
const SLIDES: Option<&str> = Some("LocalResponseNorm");

/// The first row that holds for a place is taken.
pub(super) const ROWS: [Row; 13] = [
    Row {
        precision: Precision::F32,
        device: Some(Device::Gpu),
        reorders_sums: false,
        layer: None,
        alone: false,
        atol: 1e-6,
        rtol: 2e-4,
        reason: "a GPU adds in the order in which its blocks finish, and its convolutions may go through transforms",
    },
    Row {
        precision: Precision::F32,
        device: None,
        reorders_sums: true,
        layer: SLIDES,
        alone: false,
        atol: 1e-6,
        rtol: 2e-4,
        reason: "a sliding sum has lost the small squares once a large one has left: 7e-5 was seen",
    },
    Row {
        precision: Precision::F32,
        device: None,
        reorders_sums: false,
        layer: None,
        alone: false,
        atol: 1e-7,
        rtol: 2e-5,
        reason: "two right engines differ by a few 1e-6 from the order of summation alone; a factor of ten above that",
    },
    Row {
        precision: Precision::F16,
        device: Some(Device::Gpu),
        reorders_sums: false,
        layer: None,
        alone: false,
        atol: 1e-5,
        rtol: 2e-2,
        reason: "half a unit of 2^-11 at every one of eight layers, in another order of summation",
    },
    Row {
        precision: Precision::F16,
        device: None,
        reorders_sums: true,
        layer: SLIDES,
        alone: false,
        atol: 1e-5,
        rtol: 2e-2,
        reason: "as below, and what a sliding sum loses is lost in 11 bits",
    },
    Row {
        precision: Precision::F16,
        device: None,
        reorders_sums: false,
        layer: None,
        alone: false,
        atol: 1e-5,
        rtol: 1e-2,
        reason: "weights and activations are rounded by half a unit of 2^-11 at every one of eight layers",
    },
    Row {
        precision: Precision::BF16,
        device: Some(Device::Gpu),
        reorders_sums: false,
        layer: None,
        alone: false,
        atol: 1e-4,
        rtol: 8e-2,
        reason: "half a unit of 2^-8 at every one of eight layers, in another order of summation",
    },
    Row {
        precision: Precision::BF16,
        device: None,
        reorders_sums: true,
        layer: SLIDES,
        alone: false,
        atol: 1e-4,
        rtol: 8e-2,
        reason: "as below, and what a sliding sum loses is lost in 8 bits",
    },
    Row {
        precision: Precision::BF16,
        device: None,
        reorders_sums: false,
        layer: None,
        alone: false,
        atol: 1e-4,
        rtol: 6e-2,
        reason: "weights and activations are rounded by half a unit of 2^-8 at every one of eight layers",
    },
    Row {
        precision: Precision::Int8Weights,
        device: None,
        reorders_sums: false,
        layer: None,
        alone: true,
        atol: 1e-4,
        rtol: 5e-2,
        reason: "every weight is off by up to 1/254 of its channel's largest: 3.4e-2 was seen where channels are few",
    },
    Row {
        precision: Precision::Int8Weights,
        device: None,
        reorders_sums: false,
        layer: None,
        alone: false,
        atol: 1e-4,
        rtol: 2e-1,
        reason: "as above, through eight layers: 1.4e-1 was seen in networks of a sixteenth of the width, 1e-2 in whole ones",
    },
    Row {
        precision: Precision::Int8,
        device: None,
        reorders_sums: false,
        layer: None,
        alone: true,
        atol: 1e-3,
        rtol: 1.5e-1,
        reason: "weights, and 256 steps between the extremes of all images for what comes in: 8e-2 was seen on faint ones",
    },
    Row {
        precision: Precision::Int8,
        device: None,
        reorders_sums: false,
        layer: None,
        alone: false,
        atol: 1e-3,
        rtol: 3e-1,
        reason: "as above, through eight layers: 1.6e-1 was seen in networks of a sixteenth of the width, 1e-2 in whole ones",
    },
];
