use alexnet_spec::{DType, Tensor};
use anyhow::Result;
use serde::Serialize;
use std::collections::BTreeMap;

/// Whether two sets of parameters hold the same values.
///
/// Logits can't show it: one of 37 million weights of fc6 may change by a percent and move no logit by more than two
/// engines differ anyway. So the values themselves are compared, element by element, allowing for the rounding of the
/// coarser type alone.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ParameterCheck {
    /// Parameters whose values were compared.
    pub compared: usize,
    /// Parameters of the reference that the other doesn't hold under any recognised name.
    pub not_found: Vec<String>,
    /// What differs, a sentence each.
    pub differences: Vec<String>,
}

impl ParameterCheck {
    /// Whether no compared parameter differs.
    pub fn agrees(&self) -> bool {
        self.differences.is_empty()
    }
}

/// Compares parameters of the same canonical name.
///
/// Errs where a tensor can't be read as floating point.
pub fn parameters(reference: &BTreeMap<String, Tensor>, other: &BTreeMap<String, Tensor>) -> Result<ParameterCheck> {
    let mut check = ParameterCheck::default();
    for (name, a) in reference {
        let Some(b) = other.get(name) else {
            check.not_found.push(name.clone());
            continue;
        };
        check.compared += 1;
        if a.shape() != b.shape() {
            check.differences.push(format!("{name}: shape {:?} against {:?}", a.shape(), b.shape()));
        } else if let Some(difference) = first_difference(a, b)? {
            check.differences.push(format!("{name}{difference}"));
        }
    }
    Ok(check)
}

/// The relative rounding of a type: half a unit in the last place, as a share of the value, with a little room.
fn rounding(dtype: DType) -> (f32, f32) {
    match dtype {
        DType::F16 => (5e-4, 6e-8),
        DType::BF16 => (4e-3, 0.0),
        _ => (0.0, 0.0),
    }
}

/// Where and how `b` first differs from `a`, and how often; none where they are the same.
fn first_difference(a: &Tensor, b: &Tensor) -> Result<Option<String>> {
    if a.dtype() == b.dtype()
        && let (Some(x), Some(y)) = (a.as_contiguous(), b.as_contiguous())
        && x == y
    {
        return Ok(None);
    }
    let (relative, absolute) = [a.dtype(), b.dtype()]
        .map(rounding)
        .into_iter()
        .fold((0.0f32, 0.0f32), |worst, own| (worst.0.max(own.0), worst.1.max(own.1)));
    let (x, y) = (a.to_f32()?, b.to_f32()?);
    // Equal values include two zeros of either sign; NaN equals nothing, which is what is wanted.
    let differs = |x: f32, y: f32| x != y && !((x - y).abs() <= absolute + relative * x.abs().max(y.abs()));
    let mut places = x.iter().zip(&y).enumerate().filter(|(_, (x, y))| differs(**x, **y));
    Ok(places.next().map(|(index, (x, y))| {
        let more = places.count();
        let others = if more == 0 { String::new() } else { format!(", and {more} more values") };
        format!(" at element {index}: {x:e} against {y:e}{others}")
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(values: &[f32]) -> BTreeMap<String, Tensor> {
        BTreeMap::from([("fc6.weight".into(), Tensor::from_f32(vec![values.len()], values).unwrap())])
    }

    #[test]
    fn one_weight_changed_by_one_unit_in_the_last_place_is_found() {
        let b = f32::from_bits(2.0f32.to_bits() + 1);
        let check = parameters(&one(&[1.0, 2.0]), &one(&[1.0, b])).unwrap();
        assert_eq!((check.compared, check.differences.len()), (1, 1));
        assert!(check.differences[0].starts_with("fc6.weight at element 1: 2e0 against 2.0000002e0"));
    }

    #[test]
    fn a_value_beyond_half_precisions_rounding_is_found() {
        let half = |v: f32| {
            let bytes = half::f16::from_f32(v).to_le_bytes().to_vec();
            BTreeMap::from([("fc6.weight".to_owned(), Tensor::new(DType::F16, vec![1], bytes.into()).unwrap())])
        };
        assert!(parameters(&one(&[1.2345]), &half(1.2345)).unwrap().agrees());
        assert!(!parameters(&one(&[1.2345]), &half(1.2345 * 1.01)).unwrap().agrees());
    }

    #[test]
    fn a_parameter_under_no_known_name_is_reported() {
        let check = parameters(&one(&[1.0]), &BTreeMap::new()).unwrap();
        assert_eq!((check.compared, check.not_found), (0, vec!["fc6.weight".to_owned()]));
    }
}
