use crate::compare::{Histogram, Metrics};
use crate::html::charts::{Bin, histogram, power};
use crate::html::evidence::Evidence;
use crate::quantity::{grouped, short};
use crate::verify::Report;
use maud::{Markup, html};

/// The differences of the layer that parts, or else of the logits that come nearest to it, by size.
pub fn differences(report: &Report, _evidence: &Evidence) -> Option<Markup> {
    let (tensor, run, metrics) = of_the_layer(report).or_else(|| of_the_logits(report))?;
    let ulps = &metrics.ulps;
    Some(html! {
        p {
            strong { (tensor) } ", " (run) ": " (grouped(metrics.elements as u64)) " values, the largest "
            (short(metrics.scale)) "; half of the differences are within " (short(metrics.p50)) ", 99 % within "
            (short(metrics.p99)) ", 99.9 % within " (short(metrics.p99_9)) ", all within " (short(metrics.max_abs)) "."
        }
        p.muted {
            "The bars' heights are logarithmic. "
            @if metrics.outside > 0.0 { "Red is more than the tolerance of " (short(metrics.tolerance.bound(metrics.scale))) " allows." }
            @else { "None is more than the tolerance of " (short(metrics.tolerance.bound(metrics.scale))) " allows." }
        }
        div.pair {
            figure {
                (histogram(&format!("Histogram of absolute differences of {tensor}"), &magnitudes(metrics)))
                figcaption { "Absolute difference, four bins for each power of ten" }
            }
            figure {
                (histogram(&format!("Histogram of differences of {tensor} in units in the last place"), &distances(&ulps.counts)))
                figcaption {
                    "Difference in units in the last place (ULP) of " (ulps.dtype)
                    @if let Some(max) = ulps.max { ", at most " (grouped(max)) }
                }
            }
        }
    })
}

fn of_the_layer(report: &Report) -> Option<(&str, &str, &Metrics)> {
    let first = report.first_difference.as_ref()?;
    let row = report.layers.iter().find(|row| row.layer == first.layer && row.runtime == first.runtime)?;
    let metrics = if first.mode == "isolated" { row.isolated.as_ref() } else { row.cumulative.as_ref() };
    Some((&row.layer, &row.runtime, metrics?))
}

fn of_the_logits(report: &Report) -> Option<(&str, &str, &Metrics)> {
    let all = report.consistency.iter().chain(&report.truth);
    let worst = all.max_by(|a, b| a.severity().total_cmp(&b.severity()))?;
    Some((&worst.tensor, &worst.runtime, worst.metrics.as_ref()?))
}

/// Zero, then four bins for each power of ten, then what is no number.
fn magnitudes(metrics: &Metrics) -> Vec<Bin> {
    let Histogram { zero, not_finite, first, counts } = &metrics.histogram;
    let bound = metrics.tolerance.bound(metrics.scale);
    let edge = |bin: i32| 10f64.powf(f64::from(bin) / f64::from(Histogram::BINS_PER_DECADE));
    // Long ranges have a word below every other power.
    let every = if counts.len() > 40 { 2 } else { 1 };
    let mut bins = vec![Bin { label: "equal".into(), tick: Some("equal".into()), count: *zero, outside: false }];
    bins.extend((*first..).zip(counts).map(|(bin, count)| {
        let decade = (bin.rem_euclid(Histogram::BINS_PER_DECADE) == 0).then_some(bin / Histogram::BINS_PER_DECADE);
        Bin {
            label: format!("{} to {}", short(edge(bin)), short(edge(bin.saturating_add(1)))),
            tick: decade.filter(|power| power % every == 0).map(|exponent| power(10, exponent)),
            count: *count,
            outside: edge(bin) >= bound,
        }
    }));
    if *not_finite > 0 {
        bins.push(Bin { label: "NaN or infinite".into(), tick: Some("NaN".into()), count: *not_finite, outside: true });
    }
    bins
}

/// Equal, 1, 2 to 3, 4 to 7, ...
fn distances(counts: &[usize]) -> Vec<Bin> {
    let every = if counts.len() > 16 { 4 } else { 1 };
    let bin = |(index, count): (usize, &usize)| {
        let low = index.checked_sub(1).map_or(0, |power| 1u64.checked_shl(power as u32).unwrap_or(u64::MAX));
        let high = 1u64.checked_shl(index as u32).unwrap_or(u64::MAX) - 1;
        let label = if low == high { grouped(low) } else { format!("{} to {}", grouped(low), grouped(high)) };
        // Beyond a thousand a power says more than its digits do.
        let tick = match index {
            0 => "equal".to_owned(),
            1..=10 => low.to_string(),
            _ => power(2, index as i32 - 1),
        };
        let tick = (index % every == 0).then_some(tick);
        Bin { label, tick, count: *count, outside: false }
    };
    counts.iter().enumerate().map(bin).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::{Precision, Tolerance};

    #[test]
    fn bins_beyond_the_tolerance_are_outside() {
        let tolerance = Tolerance { atol: 0.5, rtol: 0.0, precision: Precision::F32 };
        let (a, b) = ([1.0, 1.0, 1.0, 1.0], [1.0, 1.02, 3.0, f32::NAN]);
        let array = |data: [f32; 4]| crate::array::Array { shape: vec![1, 4], data: data.to_vec() };
        let bins = magnitudes(&Metrics::compare(&array(a), &array(b), tolerance).unwrap());
        let filled: Vec<_> = bins.iter().filter(|b| b.count > 0).map(|b| (b.label.as_str(), b.outside)).collect();
        // 0.02 lies from 10^-1.75 to 10^-1.5, 2 from 10^0.25 to 10^0.5.
        let expected =
            [("equal", false), ("0.0178 to 0.0316", false), ("1.78 to 3.16", true), ("NaN or infinite", true)];
        assert_eq!(filled, expected);
    }

    #[test]
    fn distances_double() {
        let labels: Vec<_> = distances(&[1; 5]).into_iter().map(|bin| bin.label).collect();
        assert_eq!(labels, ["0", "1", "2 to 3", "4 to 7", "8 to 15"]);
    }
}
