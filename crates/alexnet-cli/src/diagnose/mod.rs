//! What went wrong where two networks part: each known mistake of a converter is made on purpose, in a small network of the
//! layers concerned, and the one that gives what the other side gave is named.
//!
//! Nothing is concluded from a look at numbers. A mistake is named where making it explains the difference: what remains
//! is at most a hundredth of it. Of several, those with the fewest fitted numbers are named, all of them.
//!
//! A mistake is one file in `mistakes/` and one line in its registry.

mod fit;
mod made;
mod mistakes;
mod piece;
mod suspect;
#[cfg(test)]
mod tests;

use crate::array::Array;
use alexnet_spec::{Network, Weights};
use serde::Serialize;

use made::Attempt;
use piece::Piece;
use suspect::Suspect;

/// A layer whose output differs from the reference although its input doesn't.
pub struct Case<'a> {
    /// The reference.
    pub network: &'a Network,
    /// The reference's weights.
    pub weights: &'a Weights,
    /// The layer whose reference output is the input; none: the image.
    pub after: Option<&'a str>,
    /// The layer that parts first.
    pub layer: &'a str,
    /// What both sides made of the same inputs. Those in which it shows most come first.
    pub examples: &'a [Example],
}

/// One input of the layers in question, and what came out on both sides.
pub struct Example {
    /// What both sides were fed, in the reference's form.
    pub input: Array,
    /// The reference's output.
    pub expected: Array,
    /// The other side's; it may have another shape.
    pub found: Array,
}

/// A known mistake that explains the difference.
#[derive(Clone, Debug, Serialize)]
pub struct Diagnosis {
    /// Its name, such as `alpha-not-divided`.
    pub mistake: &'static str,
    /// What seems to be the matter, such as "alpha looks undivided: ratio 5.0".
    pub sentence: String,
    /// The largest difference, as a part of the largest value, that is left once the reference makes the mistake too.
    pub remaining: f64,
    /// Where to look in the other converter or graph.
    pub remedy: String,
}

/// What the reference that makes a mistake may still differ by, as a part of the largest value.
const REPRODUCES: f64 = 3e-4;

/// How much closer than the reference it must come.
const CLOSER: f64 = 100.0;

/// Mistakes this close to the closest are told apart by nothing but rounding.
const ROUNDING: f64 = 3e-6;

/// More examples prove no more, and each is run for every mistake.
const EXAMPLES: usize = 4;

/// The mistake that explains the difference; none where no known one does.
pub fn diagnose(case: &Case<'_>) -> Option<Diagnosis> {
    let suspect = Suspect::new(case)?;
    let mut explaining = Vec::new();
    for mistake in mistakes::ALL {
        let attempts = (mistake.attempts)(&suspect).into_iter();
        let closest = attempts.filter_map(|attempt| Some((suspect.remaining(&attempt)?, attempt)));
        // Of one mistake's variants the first wins a tie: the tables list the likely ones first.
        let best = closest.reduce(|best, new| if beats(&new, &best) { new } else { best });
        explaining.extend(best.map(|(remaining, attempt)| (mistake, remaining, attempt)));
    }
    let closest = explaining.iter().map(|(_, remaining, _)| *remaining).fold(f64::INFINITY, f64::min);
    explaining.retain(|(_, remaining, _)| *remaining <= 10.0 * closest + ROUNDING);
    let fewest = explaining.iter().map(|(_, _, attempt)| attempt.fitted).min()?;
    explaining.retain(|(_, _, attempt)| attempt.fitted == fewest);
    let sentences: Vec<&str> = explaining.iter().map(|(_, _, attempt)| attempt.sentence.as_str()).collect();
    let sentence = sentences.join(", or ");
    let remedies: Vec<&str> = explaining.iter().map(|(mistake, ..)| mistake.remedy).collect();
    let remedy = remedies.join("; or ");
    let (mistake, remaining, _) = explaining.first()?;
    Some(Diagnosis { mistake: mistake.id, sentence, remaining: *remaining, remedy })
}

/// Whether an attempt explains more than another, or as much with fewer fitted numbers.
fn beats(new: &(f64, Attempt<'_>), best: &(f64, Attempt<'_>)) -> bool {
    let tied = |a: f64, b: f64| a <= 10.0 * b + ROUNDING;
    match (tied(new.0, best.0), tied(best.0, new.0)) {
        (true, true) => new.1.fitted < best.1.fitted,
        (closer, _) => closer,
    }
}
