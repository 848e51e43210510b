//! The steps that make a differing layer smaller, each tried and kept only where it is sound.

use super::difference::Difference;
use super::part::Part;
use super::reference::Reference;
use super::{Case, Reduced};
use crate::array::Array;
use crate::compare::Tolerance;
use alexnet_onnx::Model;
use alexnet_spec::{DType, Tensor};
use anyhow::{Context, Result, ensure};
use std::ops::Range;

/// How often fewer inputs are tried: a difference that all inputs have a share in would go on for thousands of steps.
const MAX_TRIES: usize = 64;

/// Both sides of a layer, on the way to the smallest form.
pub(super) struct Shrinking<'a> {
    layer: String,
    prepare: &'a dyn Fn(&Array) -> Result<Array>,
    tolerance: Tolerance,
    run: &'a mut dyn FnMut(&Model, &Array) -> Result<Array>,
    /// What a difference must exceed to be the same one still.
    least: f64,
    form: Form,
    outcome: Outcome,
}

/// A layer on both sides, and what it is fed.
#[derive(Clone)]
struct Form {
    reference: Reference,
    part: Part,
    input: Array,
}

/// What both sides compute.
struct Outcome {
    expected: Array,
    found: Array,
    difference: Difference,
}

impl Form {
    /// Whether ONNX says which shape its graph gives.
    fn has_shape(&self) -> bool {
        let model = self.part.model(&self.input.shape);
        model.is_ok_and(|model| model.outputs().iter().all(|output| output.shape.is_some()))
    }
}

impl<'a> Shrinking<'a> {
    pub(super) fn start(case: Case<'a>) -> Result<Shrinking<'a>> {
        let Case { network, weights, after, layer, model, from, to, input, prepare, tolerance, run } = case;
        let reference = Reference::between(network, weights, after, layer)?;
        let part = Part::between(model, from, to, &prepare(input)?.shape)?;
        let dtype = part.model(&prepare(input)?.shape)?.inputs().first().context("a part without an input")?.dtype;
        let form = Form { reference, part, input: rounded(input, dtype)? };
        let (expected, found) = compute(&form, prepare, run)?;
        let difference = Difference::between(&expected, &found, tolerance);
        ensure!(
            difference.shows(),
            "fed what the reference's layer is fed, `{layer}` of the graph gives the same: {:.2e} apart, {:.2e} allowed",
            difference.size,
            difference.bound
        );
        // A difference that is well above what is allowed must stay so: what is left shall not be a matter of rounding.
        let least = if difference.size > 2.0 * difference.bound { 2.0 * difference.bound } else { difference.bound };
        let outcome = Outcome { expected, found, difference };
        Ok(Shrinking { layer: layer.to_owned(), prepare, tolerance, run, least, form, outcome })
    }

    /// The example with the largest difference alone.
    pub(super) fn take_one_example(&mut self) {
        let at = self.outcome.difference.place.first().copied().unwrap_or(0);
        if self.form.input.batch() > 1
            && let Ok(input) = self.form.input.example(at)
        {
            self.keep_if_it_shows(Form { input, ..self.form.clone() });
        }
    }

    /// The channel or feature with the largest difference alone, or with as many neighbours as it depends on.
    pub(super) fn take_one_channel(&mut self) {
        let Some(&channels) = self.outcome.expected.shape.get(1) else { return };
        let at = self.outcome.difference.place.get(1).copied().unwrap_or(0);
        let radii = std::iter::successors(Some(0usize), |radius| Some(if *radius == 0 { 2 } else { radius * 2 }));
        for radius in radii {
            let keep = at.saturating_sub(radius)..(at + radius + 1).min(channels);
            if keep.len() >= channels || self.keep_outputs(&keep, at) {
                return;
            }
        }
    }

    /// Keeps some outputs, where that is possible and changes nothing at channel `at`.
    fn keep_outputs(&mut self, keep: &Range<usize>, at: usize) -> bool {
        let Some(form) = self.with_outputs(keep) else { return false };
        let Some((expected, found)) = self.compute(&form) else { return false };
        let same = |before: &Array, after: &Array| {
            let (before, after) =
                (before.narrow(1, &(at..at + 1)), after.narrow(1, &(at - keep.start..at - keep.start + 1)));
            matches!((before, after), (Ok(before), Ok(after)) if self.is_same(&before, &after))
        };
        let sound = same(&self.outcome.expected, &expected) && same(&self.outcome.found, &found);
        let outcome = self.judged(expected, found).filter(|_| sound);
        outcome.map(|outcome| (self.form, self.outcome) = (form, outcome)).is_some()
    }

    fn with_outputs(&self, keep: &Range<usize>) -> Option<Form> {
        let Form { reference, part, input } = &self.form;
        let (reference, of_reference) = reference.keeping_outputs(&input.shape, keep)?;
        let mut part = part.clone();
        let of_part = part.keep_outputs(self.outcome.found.shape.len(), keep)?;
        // Both must read the same channels, or they aren't fed alike any longer.
        if of_reference != of_part {
            return None;
        }
        let input = match of_part {
            Some(channels) => input.narrow(1, &channels).ok()?,
            None => input.clone(),
        };
        Some(Form { reference, part, input })
    }

    /// The pixels that the place with the largest difference depends on alone. Where that loses the difference, as few
    /// from the corner as show it.
    pub(super) fn take_one_window(&mut self) {
        let [_, _, height, width] = self.form.input.shape[..] else { return };
        let place = &self.outcome.difference.place;
        let own = match place.as_slice() {
            &[_, _, y, x] => self.form.reference.window([y, x], [height, width]),
            _ => None,
        };
        if own.is_some_and(|window| self.keep_window(&window)) {
            return;
        }
        let sizes = (1..=16).chain((5..).map(|power| 1usize << power)).take_while(|size| *size < height.max(width));
        for size in sizes {
            if self.keep_window(&[0..size.min(height), 0..size.min(width)]) {
                return;
            }
        }
    }

    fn keep_window(&mut self, [rows, columns]: &[Range<usize>; 2]) -> bool {
        let Ok(input) = self.form.input.narrow(2, rows).and_then(|input| input.narrow(3, columns)) else {
            return false;
        };
        let form = Form { input, ..self.form.clone() };
        // Less than a pool's window has no shape in ONNX, and one of its own making in a runtime.
        (form.has_shape() || !self.form.has_shape()) && self.keep_if_it_shows(form)
    }

    /// As few input channels or features as show the difference: the better half, then ever smaller pieces from both ends.
    pub(super) fn take_few_inputs(&mut self) {
        let channels = |form: &Form| form.input.shape.get(1).copied().unwrap_or(1);
        let mut piece = channels(&self.form) / 2;
        for _ in 0..MAX_TRIES {
            let count = channels(&self.form);
            if piece == 0 || piece >= count {
                return;
            }
            let tried = [piece..count, 0..count - piece].map(|keep| self.with_fewer_inputs(&keep));
            let best = tried.into_iter().flatten().max_by(|a, b| a.1.difference.size.total_cmp(&b.1.difference.size));
            match best {
                Some((form, outcome)) => {
                    (self.form, self.outcome) = (form, outcome);
                    piece = piece.min(channels(&self.form) / 2);
                }
                None => piece /= 2,
            }
        }
    }

    /// The form with some inputs alone, where it shows the difference and is the same as feeding zeros for all others.
    fn with_fewer_inputs(&mut self, keep: &Range<usize>) -> Option<(Form, Outcome)> {
        let form = self.with_inputs(keep)?;
        let zeroed = Form { input: zeroed(&self.form.input, keep), ..self.form.clone() };
        let (expected, found) = self.compute(&form)?;
        let (whole, whole_found) = self.compute(&zeroed)?;
        let same = |whole: Array, kept: &Array| {
            let fewer = whole.shape.get(1) != kept.shape.get(1);
            let whole = if fewer { whole.narrow(1, keep) } else { Ok(whole) };
            whole.is_ok_and(|whole| self.is_same(&whole, kept))
        };
        let sound = same(whole, &expected) && same(whole_found, &found);
        let outcome = self.judged(expected, found).filter(|_| sound)?;
        Some((form, outcome))
    }

    fn with_inputs(&self, keep: &Range<usize>) -> Option<Form> {
        let Form { reference, part, input } = &self.form;
        let channels = *input.shape.get(1)?;
        // An image that the graph prepares in its own way has its channels where only the graph knows.
        if (self.prepare)(input).ok()? != *input {
            return None;
        }
        let reference = reference.keeping_inputs(&input.shape, keep)?;
        let mut part = part.clone();
        part.keep_inputs(input.shape.len(), channels, keep)?;
        Some(Form { reference, part, input: input.narrow(1, keep).ok()? })
    }

    /// Takes a form over, where it shows the difference that there was.
    fn keep_if_it_shows(&mut self, form: Form) -> bool {
        let outcome = self.compute(&form).and_then(|(expected, found)| self.judged(expected, found));
        outcome.map(|outcome| (self.form, self.outcome) = (form, outcome)).is_some()
    }

    /// What both sides make of a form; nothing where one of them can't compute it.
    fn compute(&mut self, form: &Form) -> Option<(Array, Array)> {
        compute(form, self.prepare, self.run).ok()
    }

    /// An outcome, where it is the difference that there was.
    fn judged(&self, expected: Array, found: Array) -> Option<Outcome> {
        let difference = Difference::between(&expected, &found, self.tolerance);
        let kind = difference.of_shapes() == self.outcome.difference.of_shapes();
        let shows = kind && difference.shows() && difference.size > self.least;
        shows.then_some(Outcome { expected, found, difference })
    }

    /// Whether two arrays are the same but for rounding.
    fn is_same(&self, a: &Array, b: &Array) -> bool {
        Difference::between(a, b, self.tolerance).size <= self.outcome.difference.bound / 4.0
    }

    pub(super) fn finish(self) -> Result<Reduced> {
        let Shrinking { layer, prepare, form, outcome, .. } = self;
        let input = prepare(&form.input)?;
        Ok(Reduced {
            layer,
            layers: form.reference.describe(),
            model: form.part.model(&input.shape)?,
            operators: form.part.operators(),
            input,
            expected: outcome.expected,
            difference: outcome.difference,
        })
    }
}

/// What both sides make of their input.
fn compute(
    form: &Form,
    prepare: &dyn Fn(&Array) -> Result<Array>,
    run: &mut dyn FnMut(&Model, &Array) -> Result<Array>,
) -> Result<(Array, Array)> {
    let expected = form.reference.compute(&form.input)?;
    let input = prepare(&form.input)?;
    let found = run(&form.part.model(&input.shape)?, &input)?;
    Ok((expected, found))
}

/// The values as they are in `dtype`, so that both sides and the recorded input are the same.
fn rounded(array: &Array, dtype: DType) -> Result<Array> {
    Array::new(array.shape.clone(), encoded(array, dtype)?.to_f32()?)
}

/// The array as a tensor of `dtype`. Errs where that isn't of floating point, or can't hold the values.
pub(super) fn encoded(array: &Array, dtype: DType) -> Result<Tensor> {
    let mut bytes = Vec::new();
    let tensor = Tensor::from_f32(array.shape.clone(), &array.data)?;
    tensor.for_each_chunk::<alexnet_spec::Error>(dtype, &mut |chunk| {
        bytes.extend_from_slice(chunk);
        Ok(())
    })?;
    Ok(Tensor::new(dtype, array.shape.clone(), bytes.into())?)
}

/// The array with zeros in all channels that aren't kept.
fn zeroed(array: &Array, keep: &Range<usize>) -> Array {
    let channels = array.shape.get(1).copied().unwrap_or(1).max(1);
    let inner = array.shape.iter().skip(2).product::<usize>().max(1);
    let value = |(at, value): (usize, &f32)| if keep.contains(&(at / inner % channels)) { *value } else { 0.0 };
    Array { shape: array.shape.clone(), data: array.data.iter().enumerate().map(value).collect() }
}
