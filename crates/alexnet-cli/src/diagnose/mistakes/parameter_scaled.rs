use super::super::fit::{factor, shown};
use super::{Attempt, Mistake, Suspect, scaled};
use crate::array::Array;

pub(super) const MISTAKE: Mistake =
    Mistake { id: "parameter-scaled", remedy: "compare the parameter's values with the reference's", attempts };

fn attempts<'a>(suspect: &'a Suspect<'a>) -> Vec<Attempt<'a>> {
    if !suspect.same_shapes() {
        return Vec::new();
    }
    // A variance is no factor of anything.
    let linear = |name: &&String| !name.ends_with(".running_var");
    suspect.piece.tensors.keys().filter(linear).filter_map(|name| fitted(suspect, name)).collect()
}

/// The layers' output is what it is without the parameter, plus the parameter's part: the factor of that part is fitted.
fn fitted<'a>(suspect: &'a Suspect<'a>, name: &str) -> Option<Attempt<'a>> {
    let without = scaled(&suspect.piece, name, 0.0)?;
    let (mut part, mut found) = (Vec::new(), Vec::new());
    for example in suspect.examples {
        let rest = without.run(&example.input).ok()?;
        let above = |array: &Array| -> Vec<f64> {
            array.data.iter().zip(&rest.data).map(|(v, r)| f64::from(*v) - f64::from(*r)).collect()
        };
        part.extend(above(&example.expected));
        found.extend(above(&example.found));
    }
    let ratio = factor(&part, &found)?;
    let piece = scaled(&suspect.piece, name, ratio)?;
    Some(Attempt::piece(format!("{name} looks multiplied by {}", shown(ratio)), piece).fitted(1))
}
