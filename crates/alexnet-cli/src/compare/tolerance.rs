use alexnet_spec::DType;
use serde::Serialize;
use std::str::FromStr;

/// Two values agree where `|a - b| <= atol + rtol * max|reference|`, the maximum taken over the whole tensor of one example.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Tolerance {
    /// Absolute, in the tensor's own units.
    pub atol: f64,
    /// Relative to the largest reference value.
    pub rtol: f64,
}

/// The defaults, by the coarser of the two element types and by whether either side forms its sums in an order that costs
/// digits.
///
/// Two correct f32 engines differ by a few units of 1e-6 of the largest logit, from the order of summation alone; the
/// table leaves them a factor of ten. In 16 bits it is the rounding of weights and activations at every layer: half a
/// unit of 2^-11 (f16) or 2^-8 (bf16), carried through eight layers.
const DEFAULTS: [(DType, bool, Tolerance); 6] = [
    (DType::F32, false, Tolerance { atol: 1e-7, rtol: 2e-5 }),
    (DType::F16, false, Tolerance { atol: 1e-5, rtol: 1e-2 }),
    (DType::BF16, false, Tolerance { atol: 1e-4, rtol: 6e-2 }),
    (DType::F32, true, Tolerance { atol: 1e-6, rtol: 2e-4 }),
    (DType::F16, true, Tolerance { atol: 1e-5, rtol: 2e-2 }),
    (DType::BF16, true, Tolerance { atol: 1e-4, rtol: 8e-2 }),
];

impl Tolerance {
    /// The default for results in `dtype`.
    pub fn default_for(dtype: DType, reorders_sums: bool) -> Tolerance {
        let row = DEFAULTS.iter().find(|(d, r, _)| *d == dtype && *r == reorders_sums);
        row.map_or(DEFAULTS[0].2, |(_, _, tolerance)| *tolerance)
    }

    /// The largest difference allowed where the largest reference value is `scale`.
    pub fn bound(self, scale: f64) -> f64 {
        self.atol + self.rtol * scale
    }
}

/// The floating point type with the fewest digits among `dtypes`; f32 where there is none coarser.
pub fn coarsest(dtypes: impl Iterator<Item = DType>) -> DType {
    dtypes.fold(DType::F32, |coarsest, dtype| match (coarsest, dtype) {
        (DType::BF16, _) | (_, DType::BF16) => DType::BF16,
        (DType::F16, _) | (_, DType::F16) => DType::F16,
        (other, _) => other,
    })
}

/// A tolerance given on the command line, for all tensors or for one layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Override {
    layer: Option<String>,
    value: f64,
}

impl FromStr for Override {
    type Err = String;

    fn from_str(text: &str) -> Result<Override, String> {
        let (layer, value) = match text.rsplit_once(':') {
            Some((layer, value)) => (Some(layer.to_owned()), value),
            None => (None, text),
        };
        match value.parse::<f64>() {
            Ok(value) if value.is_finite() && value >= 0.0 => Ok(Override { layer, value }),
            _ => Err(format!("`{value}` is not a tolerance: a number from 0 on, or LAYER:NUMBER")),
        }
    }
}

/// The tolerances of a run: the defaults and what the user put in their place.
#[derive(Clone, Debug, Default)]
pub struct Tolerances {
    /// `--atol`
    pub atol: Vec<Override>,
    /// `--rtol`
    pub rtol: Vec<Override>,
}

impl Tolerances {
    /// What the tensor of `layer` is held to; `default` holds where the user said nothing.
    pub fn of(&self, layer: &str, default: Tolerance) -> Tolerance {
        let pick = |overrides: &[Override], default: f64| {
            let own = overrides.iter().rev().find(|o| o.layer.as_deref() == Some(layer));
            let all = || overrides.iter().rev().find(|o| o.layer.is_none());
            own.or_else(all).map_or(default, |o| o.value)
        };
        Tolerance { atol: pick(&self.atol, default.atol), rtol: pick(&self.rtol, default.rtol) }
    }

    /// The layers that were given a tolerance of their own.
    pub fn layers(&self) -> impl Iterator<Item = &str> {
        self.atol.iter().chain(&self.rtol).filter_map(|o| o.layer.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layers_own_tolerance_wins_over_the_general_one() {
        let tolerances = Tolerances { atol: vec![], rtol: vec!["norm1:0.5".parse().unwrap(), "0.25".parse().unwrap()] };
        let default = Tolerance { atol: 1.0, rtol: 2.0 };
        assert_eq!(tolerances.of("norm1", default), Tolerance { atol: 1.0, rtol: 0.5 });
        assert_eq!(tolerances.of("pool1", default), Tolerance { atol: 1.0, rtol: 0.25 });
    }

    #[test]
    fn a_tolerance_is_a_finite_number_from_zero_on() {
        for text in ["-1", "nan", "inf", "", "conv1:", "conv1:x"] {
            assert!(text.parse::<Override>().is_err(), "{text}");
        }
    }
}
