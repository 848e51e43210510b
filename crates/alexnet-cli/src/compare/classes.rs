use crate::array::Array;
use serde::Serialize;

/// Agreement of two classifications of one example.
///
/// Equal logits are in no order. Where classes tie, any order of them that the logits allow counts: half precision, which
/// makes ties of near ties, isn't called a disagreement for them. A side whose logits are all equal, or hold a NaN, gives no
/// answer and agrees with nothing.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Agreement {
    /// Whether a class has the largest logit on both sides.
    pub top1: bool,
    /// How many of the reference's first five classes are among the other's first five.
    pub top5: usize,
    /// The reference's first logit less its second: how much it takes to change the answer.
    pub margin: f64,
    /// Whether differences as large as the largest one found could change the answer: one logit falls by it, another rises.
    pub at_risk: bool,
    /// The Kullback-Leibler divergence of the other's softmax from the reference's, in nats; none where a logit isn't finite.
    pub kl: Option<f64>,
}

impl Agreement {
    /// Compares two rows of logits; none where there are fewer than two classes.
    pub fn of(reference: &Array, other: &Array) -> Option<Agreement> {
        Agreement::of_rows(&reference.data, &other.data)
    }

    pub(super) fn of_rows(a: &[f32], b: &[f32]) -> Option<Agreement> {
        let mut falling = a.to_vec();
        falling.sort_unstable_by(|x, y| y.total_cmp(x));
        let [first, second, ..] = falling.as_slice() else { return None };
        let margin = f64::from(*first) - f64::from(*second);
        let largest = a.iter().zip(b).map(|(x, y)| (f64::from(*x) - f64::from(*y)).abs());
        // A NaN is no smaller than anything, and puts every answer at risk.
        let within = |difference: f64| 2.0 * difference < margin;
        Some(Agreement {
            top1: overlap(a, b, 1) == 1,
            top5: overlap(a, b, 5),
            margin,
            at_risk: !largest.into_iter().all(within),
            kl: divergence(a, b),
        })
    }
}

/// How many of the first `count` classes the two sides have in common, where ties fall in favour of agreement.
fn overlap(a: &[f32], b: &[f32], count: usize) -> usize {
    let (Some(a), Some(b)) = (Ranks::new(a, count), Ranks::new(b, count)) else { return 0 };
    let of = |x: Rank, y: Rank| a.ranks.iter().zip(&b.ranks).filter(|(r, s)| **r == x && **s == y).count();
    // A class that is sure of its place on one side and tied on the other takes one of the tied places there.
    let by_tie_of_b = of(Rank::Sure, Rank::Tied).min(b.open);
    let by_tie_of_a = of(Rank::Tied, Rank::Sure).min(a.open);
    let left = a.open.saturating_sub(by_tie_of_a).min(b.open.saturating_sub(by_tie_of_b));
    of(Rank::Sure, Rank::Sure) + by_tie_of_a + by_tie_of_b + of(Rank::Tied, Rank::Tied).min(left)
}

/// Where classes stand relative to the first few.
struct Ranks {
    ranks: Vec<Rank>,
    /// Places among the first that tied classes share.
    open: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Rank {
    Sure,
    Tied,
    Behind,
}

impl Ranks {
    /// None for logits that give no answer.
    fn new(values: &[f32], count: usize) -> Option<Ranks> {
        let mut falling = values.to_vec();
        falling.sort_unstable_by(|x, y| y.total_cmp(x));
        let (first, last) = (falling.first()?, falling.last()?);
        if values.iter().any(|value| value.is_nan()) || first == last {
            return None;
        }
        let threshold = *falling.get(count.min(values.len()).checked_sub(1)?)?;
        let rank = |value: &f32| match value.partial_cmp(&threshold) {
            Some(std::cmp::Ordering::Greater) => Rank::Sure,
            Some(std::cmp::Ordering::Equal) => Rank::Tied,
            _ => Rank::Behind,
        };
        let ranks: Vec<Rank> = values.iter().map(rank).collect();
        let sure = ranks.iter().filter(|rank| **rank == Rank::Sure).count();
        Some(Ranks { ranks, open: count.min(values.len()).saturating_sub(sure) })
    }
}

/// sum p (ln p - ln q), from logarithms of the softmaxes: no probability is formed that could round to zero.
fn divergence(a: &[f32], b: &[f32]) -> Option<f64> {
    if !a.iter().chain(b).all(|value| value.is_finite()) {
        return None;
    }
    let (p, q) = (log_softmax(a), log_softmax(b));
    let sum: f64 = p.iter().zip(&q).map(|(p, q)| p.exp() * (p - q)).sum();
    // Never negative but for rounding.
    Some(sum.max(0.0))
}

fn log_softmax(values: &[f32]) -> Vec<f64> {
    let top = f64::from(values.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    let sum: f64 = values.iter().map(|value| (f64::from(*value) - top).exp()).sum();
    values.iter().map(|value| f64::from(*value) - top - sum.ln()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(a: &[f32], b: &[f32]) -> Agreement {
        Agreement::of_rows(a, b).unwrap()
    }

    #[test]
    fn top_five_counts_the_references_classes_wherever_they_stand() {
        let agreement = of(&[9., 8., 7., 6., 5., 4., 3.], &[8., 9., 7., 6., 3., 4., 5.]);
        assert_eq!((agreement.top1, agreement.top5, agreement.margin), (false, 4, 1.0));
    }

    #[test]
    fn a_tie_is_no_disagreement() {
        // The other can't tell the first two apart, and then the reference can't.
        assert!(of(&[2.0, 1.0, 0.0], &[2.0, 2.0, 0.0]).top1);
        assert!(of(&[2.0, 2.0, 0.0], &[1.0, 2.0, 0.0]).top1);
        assert!(!of(&[2.0, 2.0, 0.0], &[1.0, 0.0, 2.0]).top1);
        // Classes 4 and 5 share the fifth place on both sides: one class has it, whichever.
        let tied = [9., 8., 7., 6., 5., 5., 1.];
        assert_eq!(of(&tied, &tied).top5, 5);
        assert_eq!(of(&tied, &[9., 8., 7., 6., 1., 5., 5.]).top5, 5);
        assert_eq!(of(&tied, &[9., 8., 7., 6., 1., 2., 5.]).top5, 4);
    }

    #[test]
    fn a_constant_and_a_nan_give_no_answer() {
        for silent in [[0.0; 3], [f32::NAN, 1.0, 0.0]] {
            for agreement in [of(&[2.0, 1.0, 0.0], &silent), of(&silent, &silent)] {
                assert_eq!((agreement.top1, agreement.top5), (false, 0), "{silent:?}");
            }
        }
    }

    /// The first logit is ahead by 1: it takes 0.5 on each side to close that.
    #[test]
    fn an_answer_is_at_risk_from_half_its_margin_on() {
        assert!(!of(&[3.0, 2.0, 0.0], &[3.0, 2.0, 0.49]).at_risk);
        assert!(of(&[3.0, 2.0, 0.0], &[3.0, 2.0, 0.5]).at_risk);
        assert!(of(&[3.0, 2.0, 0.0], &[f32::NAN, 2.0, 0.0]).at_risk);
        assert!(of(&[2.0, 2.0, 0.0], &[2.0, 2.0, 0.0]).at_risk, "a tie is decided by nothing");
    }

    /// Of (1/4, 3/4) against (1/2, 1/2): ln 2 + ln(1/4)/4 + 3 ln(3/4)/4 = 0.130812 nats.
    #[test]
    fn the_divergence_is_in_nats_whatever_is_added_to_the_logits() {
        let ln3 = 3f32.ln();
        for shift in [0.0, 100.0, -1000.0] {
            let kl = of(&[shift, shift + ln3], &[0.0, 0.0]).kl.unwrap();
            assert!((kl - 0.130_812_035_941_137).abs() < 2e-5, "{kl}");
        }
        assert_eq!(of(&[0.0, 200.0], &[0.0, 200.0]).kl, Some(0.0));
        assert!((of(&[0.0, 2000.0], &[2000.0, 0.0]).kl.unwrap() - 2000.0).abs() < 1e-9);
        assert_eq!(of(&[f32::INFINITY, 0.0], &[1.0, 0.0]).kl, None);
    }

    #[test]
    fn fewer_than_two_classes_are_no_classification() {
        assert!(Agreement::of_rows(&[1.0], &[1.0]).is_none());
    }
}
