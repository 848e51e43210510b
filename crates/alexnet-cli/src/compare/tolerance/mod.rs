//! How far apart two right results may be.

mod list;
mod overrides;
mod precision;
mod table;

use serde::Serialize;
use std::fmt;

pub use list::list;
pub use overrides::{Override, Tolerances};
pub use precision::{Precision, coarsest};

/// Two values agree where `|a - b| <= atol + rtol * max|reference|`, the maximum taken over the whole tensor of one example.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Tolerance {
    /// Absolute, in the tensor's own units.
    pub atol: f64,
    /// Relative to the largest reference value.
    pub rtol: f64,
    /// The coarser of the two sides, which the defaults go by.
    pub precision: Precision,
}

/// Where results come from: what the default tolerance depends on.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The coarser of the two sides.
    pub precision: Precision,
    /// [`Device::Gpu`] where either side runs on one.
    pub device: Device,
    /// The kind of the layer that is compared alone, with the same input on both sides; none where the differences of all
    /// layers up to here add up.
    pub layer: Option<&'a str>,
    /// Whether either side forms sums in an order that costs digits.
    pub reorders_sums: bool,
}

/// The kinds of devices that round differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Device {
    /// A processor's cores.
    Cpu,
    /// CUDA's or Metal's.
    Gpu,
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Device::Cpu => "cpu",
            Device::Gpu => "gpu",
        })
    }
}

impl Tolerance {
    /// The default for results from `place`.
    pub fn default_for(place: &Place<'_>) -> Tolerance {
        let row = table::ROWS.iter().find(|row| row.holds_for(place));
        // A test walks all places: there is a row for each. Exactness, if there were none.
        let (atol, rtol) = row.map_or((0.0, 0.0), |row| (row.atol, row.rtol));
        Tolerance { atol, rtol, precision: place.precision }
    }

    /// The largest difference allowed where the largest reference value is `scale`.
    pub fn bound(self, scale: f64) -> f64 {
        self.atol + self.rtol * scale
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rtol(precision: Precision, device: Device, layer: Option<&str>, reorders_sums: bool) -> f64 {
        Tolerance::default_for(&Place { precision, device, layer, reorders_sums }).rtol
    }

    #[test]
    fn every_place_has_a_tolerance_and_none_allows_everything() {
        for precision in Precision::ALL {
            for device in [Device::Cpu, Device::Gpu] {
                for layer in [None, Some("Conv2d"), Some("LocalResponseNorm")] {
                    for reorders in [false, true] {
                        let rtol = rtol(precision, device, layer, reorders);
                        assert!(rtol > 0.0 && rtol < 0.5, "{precision} on {device}, {layer:?}: {rtol}");
                    }
                }
            }
        }
    }

    /// A row that an earlier one hides would never be taken.
    #[test]
    fn every_row_is_taken_somewhere() {
        for (index, row) in table::ROWS.iter().enumerate() {
            let place = Place {
                precision: row.precision,
                device: row.device.unwrap_or(Device::Cpu),
                layer: row.layer.or(row.alone.then_some("Conv2d")),
                reorders_sums: row.reorders_sums,
            };
            let taken = table::ROWS.iter().position(|row| row.holds_for(&place));
            assert_eq!(taken, Some(index), "{}: {}", row.precision, row.reason);
        }
    }

    #[test]
    fn a_sliding_sum_excuses_its_own_layer_alone() {
        let of = |layer| rtol(Precision::F32, Device::Cpu, layer, true);
        assert_eq!(of(Some("LocalResponseNorm")), of(None));
        assert_eq!(of(Some("Conv2d")), rtol(Precision::F32, Device::Cpu, None, false));
    }

    #[test]
    fn a_coarser_precision_is_allowed_more() {
        let of = |precision| rtol(precision, Device::Cpu, None, false);
        assert!(Precision::ALL.windows(2).all(|pair| of(pair[0]) <= of(pair[1])));
    }
}
