//! Errors as bars: the logarithm of their share of what is allowed.

use crate::look::Look;

/// Columns on each side of the mark.
const HALF: usize = 10;

/// Columns for a power of ten: a bar begins at 1/100,000 of what is allowed and ends at 100,000 times as much.
const PER_DECADE: f64 = 2.0;

/// A layer's error when it is `alone`, and over it what layers before it add up to (`accumulated`), both as shares of what is
/// allowed: 1 reaches the mark in the middle.
pub(super) fn bar(alone: Option<f64>, accumulated: Option<f64>, look: Look) -> String {
    let (full, light, mark) = if look.unicode { ('█', '░', '│') } else { ('#', '.', '|') };
    let (alone, accumulated) = (alone.map_or(0, columns), accumulated.map_or(0, columns));
    let cell = |column: usize| match column {
        c if c < alone => full,
        c if c < accumulated => light,
        _ => ' ',
    };
    let part = |columns: std::ops::Range<usize>| columns.map(cell).collect::<String>();
    let beyond = part(HALF..2 * HALF);
    let beyond = if alone > HALF { look.bad(&beyond) } else { look.warning(&beyond) };
    format!("{}{mark}{beyond}", part(0..HALF))
}

/// What the bars mean, in one line.
pub(super) fn legend(look: Look) -> &'static str {
    if look.unicode { "█ isolated ░ cumulative │ allowed" } else { "# isolated . cumulative | allowed" }
}

/// How many columns a share reaches over: more than half of them only where it is more than is allowed.
fn columns(share: f64) -> usize {
    if share.is_nan() || share == f64::INFINITY {
        return 2 * HALF;
    }
    let reach = HALF as f64 + share.log10() * PER_DECADE;
    if share > 1.0 { (reach.ceil() as usize).min(2 * HALF) } else { reach.floor().max(0.0) as usize }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_is_passed_where_more_than_allowed_differs() {
        for (share, expected) in [(0.0, 0), (1e-6, 0), (1e-5, 0), (1e-4, 2), (0.1, 8), (1.0, 10), (1.0001, 11)] {
            assert_eq!(columns(share), expected, "{share:e}");
        }
        for (share, expected) in [(10.0, 12), (1e5, 20), (1e9, 20), (f64::INFINITY, 20), (f64::NAN, 20)] {
            assert_eq!(columns(share), expected, "{share:e}");
        }
    }

    #[test]
    fn a_layer_that_only_carries_an_error_on_is_told_from_one_that_makes_it() {
        assert_eq!(bar(Some(0.01), Some(100.0), Look::PLAIN), "######....|....      ");
        assert_eq!(bar(Some(100.0), Some(100.0), Look::PLAIN), "##########|####      ");
        assert_eq!(bar(None, Some(0.1), Look { colour: false, unicode: true }), "░░░░░░░░  │          ");
    }

    #[test]
    fn a_colour_is_for_what_lies_beyond() {
        let coloured = bar(Some(100.0), None, Look { colour: true, unicode: false });
        assert!(coloured.starts_with("##########|\u{1b}["), "{coloured:?}");
    }
}
