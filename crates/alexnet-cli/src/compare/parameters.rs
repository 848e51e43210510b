use alexnet_spec::{DType, Tensor};
use anyhow::{Result, ensure};
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
    /// Those of them that are equal to the last bit, whatever types they are stored in.
    pub equal: usize,
    /// Those of them that differ by no more than the rounding of the coarser type, or by half a step of their quantisation.
    pub rounded: usize,
    /// Parameters of the reference that the other doesn't hold under any recognised name.
    pub not_found: Vec<String>,
    /// What differs, a sentence each.
    pub differences: Vec<String>,
}

impl ParameterCheck {
    /// Whether no compared parameter differs by more than rounding.
    pub fn agrees(&self) -> bool {
        self.differences.is_empty()
    }

    /// Whether every parameter of the reference was compared and is equal to the last bit.
    pub fn is_exact(&self) -> bool {
        self.compared > 0 && self.equal == self.compared && self.not_found.is_empty()
    }
}

/// The steps in which a quantised parameter can be told: its values are whole multiples of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The dimension along which each index has a step of its own.
    pub axis: usize,
    /// The steps along it, or one for all.
    pub sizes: Vec<f32>,
}

impl Step {
    /// The steps that a tensor holds in place of a parameter's values, the same along all dimensions but one.
    ///
    /// Errs where they differ along several.
    pub fn of(tensor: &Tensor) -> Result<Step> {
        let mut steps = Step { axis: 0, sizes: Vec::new() };
        let origin = |tensor: &Tensor, keep: Option<usize>| {
            let axes = (0..tensor.shape().len()).filter(|axis| Some(*axis) != keep);
            axes.into_iter().try_fold(tensor.clone(), |view, axis| view.narrow(axis, 0, 1))
        };
        let mut axes = (0..tensor.shape().len()).filter(|axis| tensor.varies_along(*axis));
        let axis = axes.next();
        ensure!(axes.next().is_none(), "its steps differ along several of the dimensions {:?}", tensor.shape());
        steps.axis = axis.unwrap_or(0);
        steps.sizes = origin(tensor, axis)?.to_f32()?;
        Ok(steps)
    }

    /// The steps by which two parameters may differ that were both quantised.
    pub fn and(&self, other: &Step) -> Step {
        if self.axis == other.axis && self.sizes.len() == other.sizes.len() {
            let sizes = self.sizes.iter().zip(&other.sizes).map(|(a, b)| a + b).collect();
            return Step { axis: self.axis, sizes };
        }
        let largest = |step: &Step| step.sizes.iter().copied().fold(0.0, f32::max);
        Step { axis: 0, sizes: vec![largest(self) + largest(other)] }
    }

    /// How far the element at `place` of a tensor of this shape may be from what it was before: half a step, and what scaling
    /// it in f32 costs. Nothing where the step isn't known.
    fn allowed(&self, place: usize, shape: &[usize]) -> f32 {
        let inner = shape.iter().skip(self.axis.saturating_add(1)).product::<usize>().max(1);
        let along = shape.get(self.axis).copied().unwrap_or(1).max(1);
        let index = if self.sizes.len() == 1 { 0 } else { place / inner % along };
        self.sizes.get(index).copied().filter(|step| step.is_finite()).unwrap_or(0.0).abs() * (0.5 + 1e-4)
    }
}

/// Compares parameters of the same canonical name.
///
/// Errs where a tensor can't be read as floating point.
pub fn parameters(reference: &BTreeMap<String, Tensor>, other: &BTreeMap<String, Tensor>) -> Result<ParameterCheck> {
    parameters_of_steps(reference, other, &BTreeMap::new())
}

/// As [`parameters`], where those of either side in `steps` were quantised, and are dequantised again: each may differ by half a
/// step of its own channel, and no more.
pub fn parameters_of_steps(
    reference: &BTreeMap<String, Tensor>,
    other: &BTreeMap<String, Tensor>,
    steps: &BTreeMap<String, Step>,
) -> Result<ParameterCheck> {
    let mut check = ParameterCheck::default();
    for (name, a) in reference {
        let Some(b) = other.get(name) else {
            check.not_found.push(name.clone());
            continue;
        };
        check.compared += 1;
        if a.shape() != b.shape() {
            check.differences.push(format!("{name}: shape {:?} against {:?}", a.shape(), b.shape()));
        } else {
            match difference(a, b, steps.get(name))? {
                Difference::None => check.equal += 1,
                Difference::Rounding => check.rounded += 1,
                Difference::At(place) => check.differences.push(format!("{name}{place}")),
            }
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

/// How two tensors of one shape differ.
enum Difference {
    /// Not at all.
    None,
    /// As the rounding of the coarser type explains.
    Rounding,
    /// By more: where first, with both values, and how often.
    At(String),
}

fn difference(a: &Tensor, b: &Tensor, step: Option<&Step>) -> Result<Difference> {
    if a.dtype() == b.dtype()
        && let (Some(x), Some(y)) = (a.as_contiguous(), b.as_contiguous())
        && x == y
    {
        return Ok(Difference::None);
    }
    let [(r, s), (t, u)] = [a.dtype(), b.dtype()].map(rounding);
    let (relative, absolute) = (r.max(t), s.max(u));
    let (x, y) = (a.to_f32()?, b.to_f32()?);
    // Equal values include two zeros of either sign; NaN equals nothing, which is what is wanted.
    let within = |place: usize, x: f32, y: f32| {
        let step = step.map_or(0.0, |step| step.allowed(place, a.shape()));
        // A step that is a whole number's is multiplied by in f32, which rounds once more.
        let step = if step > 0.0 { step + f32::EPSILON * x.abs().max(y.abs()) } else { 0.0 };
        (x - y).abs() <= step.max(absolute + relative * x.abs().max(y.abs()))
    };
    let (mut rounded, mut first, mut more) = (false, None, 0usize);
    for (index, (x, y)) in x.into_iter().zip(y).enumerate().filter(|(_, (x, y))| x != y) {
        match &first {
            _ if within(index, x, y) => rounded = true,
            None => first = Some((index, x, y)),
            Some(_) => more += 1,
        }
    }
    Ok(match first {
        Some((index, x, y)) => {
            let others = if more == 0 { String::new() } else { format!(", and {more} more values") };
            Difference::At(format!(" at element {index}: {x:e} against {y:e}{others}"))
        }
        None if rounded => Difference::Rounding,
        None => Difference::None,
    })
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
        let rounded = parameters(&one(&[1.2345]), &half(1.2345)).unwrap();
        assert!(rounded.agrees() && !rounded.is_exact());
        assert!(parameters(&one(&[1.25]), &half(1.25)).unwrap().is_exact(), "1.25 needs no rounding");
        assert!(!parameters(&one(&[1.2345]), &half(1.2345 * 1.01)).unwrap().agrees());
    }

    /// Channels of steps 0.1 and 0.01: 0.04 is within half of the first and beyond half of the second.
    #[test]
    fn a_quantised_parameter_may_be_half_a_step_of_its_channel_off() {
        let tensor =
            |values: &[f32]| BTreeMap::from([("fc6.weight".to_owned(), Tensor::from_f32(vec![2, 2], values).unwrap())]);
        let steps =
            |sizes: &[f32]| BTreeMap::from([("fc6.weight".to_owned(), Step { axis: 0, sizes: sizes.to_vec() })]);
        let a = tensor(&[1.0, 2.0, 1.0, 2.0]);
        let check = |b: &[f32], sizes| parameters_of_steps(&a, &tensor(b), &steps(sizes)).unwrap();
        let within = check(&[1.04, 1.95, 1.004, 2.0], &[0.1, 0.01]);
        assert_eq!((within.agrees(), within.equal, within.rounded), (true, 0, 1));
        let beyond = check(&[1.04, 2.0, 1.0, 2.04], &[0.1, 0.01]);
        assert!(beyond.differences[0].contains("element 3"), "{:?}", beyond.differences);
        assert!(!check(&[1.06, 2.0, 1.0, 2.0], &[0.1, 0.01]).agrees());
        assert!(check(&[1.04, 2.0, 1.0, 2.04], &[0.1]).agrees(), "one step for all");
        assert!(!check(&[1.04, 2.0, 1.0, 2.0], &[f32::INFINITY]).agrees(), "no step allows everything");
    }

    #[test]
    fn a_parameter_under_no_known_name_is_reported() {
        let check = parameters(&one(&[1.0]), &BTreeMap::new()).unwrap();
        assert_eq!((check.compared, check.not_found), (0, vec!["fc6.weight".to_owned()]));
    }
}
