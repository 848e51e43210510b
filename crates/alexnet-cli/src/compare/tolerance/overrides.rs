use super::Tolerance;
use std::str::FromStr;

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
        Tolerance { atol: pick(&self.atol, default.atol), rtol: pick(&self.rtol, default.rtol), ..default }
    }

    /// The layers that were given a tolerance of their own.
    pub fn layers(&self) -> impl Iterator<Item = &str> {
        self.atol.iter().chain(&self.rtol).filter_map(|o| o.layer.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::Precision;

    #[test]
    fn a_layers_own_tolerance_wins_over_the_general_one() {
        let tolerances = Tolerances { atol: vec![], rtol: vec!["norm1:0.5".parse().unwrap(), "0.25".parse().unwrap()] };
        let default = Tolerance { atol: 1.0, rtol: 2.0, precision: Precision::F16 };
        assert_eq!(tolerances.of("norm1", default), Tolerance { rtol: 0.5, ..default });
        assert_eq!(tolerances.of("pool1", default), Tolerance { rtol: 0.25, ..default });
    }

    #[test]
    fn a_tolerance_is_a_finite_number_from_zero_on() {
        for text in ["-1", "nan", "inf", "", "conv1:", "conv1:x"] {
            assert!(text.parse::<Override>().is_err(), "{text}");
        }
    }
}
