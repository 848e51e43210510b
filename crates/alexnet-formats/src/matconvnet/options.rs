use crate::mat::Value;
use crate::{Error, Result};

/// The fields that say what a layer computes.
#[derive(Clone, Copy)]
pub(super) struct Options<'a>(pub &'a Value);

impl<'a> Options<'a> {
    /// A field; `None` where it is missing.
    pub fn get(self, name: &str) -> Option<&'a Value> {
        self.0.field(name)
    }

    /// The numbers of a field, at most eight; `None` where it is missing or empty.
    pub fn numbers(self, name: &str) -> Result<Option<Vec<f64>>> {
        match self.get(name) {
            None => Ok(None),
            Some(value) if value.is_empty() => Ok(None),
            Some(value) => match value.numbers(8) {
                Some(numbers) if numbers.iter().all(|number| number.is_finite()) => Ok(Some(numbers)),
                _ => Err(Error::refused(format!("`{name}` is {}, no numbers", value.describe()))),
            },
        }
    }

    /// A single number.
    pub fn number(self, name: &str, default: f64) -> Result<f64> {
        match self.numbers(name)?.as_deref() {
            None => Ok(default),
            Some([number]) => Ok(*number),
            Some(several) => Err(Error::refused(format!("`{name}` has {} numbers, not one", several.len()))),
        }
    }

    /// Whole numbers: one for both directions, or one for each, the vertical first.
    pub fn pair(self, name: &str, default: Option<usize>) -> Result<[usize; 2]> {
        match (self.whole(name)?.as_deref(), default) {
            (None, Some(default)) => Ok([default; 2]),
            (None, None) => Err(Error::refused(format!("there is no `{name}`"))),
            (Some([both]), _) => Ok([*both; 2]),
            (Some([vertical, horizontal]), _) => Ok([*vertical, *horizontal]),
            (Some(others), _) => Err(Error::refused(format!("`{name}` has {} numbers, not 1 or 2", others.len()))),
        }
    }

    /// `pad` in our order: top, left, bottom, right. MatConvNet's is top, bottom, left, right.
    pub fn pads(self) -> Result<[usize; 4]> {
        match self.whole("pad")?.as_deref() {
            None => Ok([0; 4]),
            Some([all]) => Ok([*all; 4]),
            Some([vertical, horizontal]) => Ok([*vertical, *horizontal, *vertical, *horizontal]),
            Some([top, bottom, left, right]) => Ok([*top, *left, *bottom, *right]),
            Some(others) => Err(Error::refused(format!("`pad` has {} numbers, not 1, 2 or 4", others.len()))),
        }
    }

    fn whole(self, name: &str) -> Result<Option<Vec<usize>>> {
        let whole = |number: &f64| whole(*number).ok_or_else(|| Error::refused(format!("`{name}` is {number}")));
        self.numbers(name)?.map(|numbers| numbers.iter().map(whole).collect()).transpose()
    }

    /// One line of text; `None` where the field is missing.
    pub fn text(self, name: &str) -> Result<Option<&'a str>> {
        match self.get(name).map(|value| (value, value.text())) {
            None => Ok(None),
            Some((_, Some(text))) => Ok(Some(text)),
            Some((value, None)) => Err(Error::refused(format!("`{name}` is {}, no text", value.describe()))),
        }
    }
}

/// A number without a fraction that isn't negative and small enough for any size in a network.
pub(super) fn whole(number: f64) -> Option<usize> {
    (number.fract() == 0.0 && (0.0..=1e9).contains(&number)).then_some(number as usize)
}
