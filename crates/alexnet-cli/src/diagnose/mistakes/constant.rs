use super::super::fit::shown;
use super::{Attempt, Mistake, Suspect};
use crate::array::Array;

pub(super) const MISTAKE: Mistake = Mistake {
    id: "constant-output",
    remedy: "the other side's layer gives one value whatever it is fed: look for zeroed weights or an activation that cuts everything off",
    attempts,
};

fn attempts<'a>(suspect: &'a Suspect<'a>) -> Vec<Attempt<'a>> {
    let Some(last) = suspect.last() else { return Vec::new() };
    let first = suspect.examples.first().and_then(|example| example.found.data.first()).copied();
    let attempt = |value: f32| {
        let sentence = format!("all of {}'s outputs are {}", last.name, shown(f64::from(value)));
        Attempt::output(sentence, move |example| {
            Ok(Array { shape: example.found.shape.clone(), data: vec![value; example.found.data.len()] })
        })
    };
    let several = suspect.examples.iter().any(|example| example.found.data.len() > 1);
    first.filter(|_| several).map(attempt).into_iter().collect()
}
