use crate::quantity::{grouped, short};
use maud::{Markup, html};

const HEIGHT: f64 = 150.0;
const TOP: f64 = 20.0;
const FOOT: f64 = 54.0;
/// All bars together; few of them are not made wider than this.
const WIDTH: f64 = 400.0;
const WIDEST: f64 = 40.0;

/// A bar of a histogram.
#[derive(Clone, Debug, PartialEq)]
pub struct Bin {
    /// What it counts, for whoever asks.
    pub label: String,
    /// What stands below it; nothing below most of many.
    pub tick: Option<String>,
    /// How many there are.
    pub count: usize,
    /// Whether they are more than is allowed.
    pub outside: bool,
}

/// Counts as bars. Their heights are logarithmic: one value of a million that is wrong must be seen.
pub fn histogram(title: &str, bins: &[Bin]) -> Markup {
    let total: usize = bins.iter().map(|bin| bin.count).sum();
    let most = bins.iter().map(|bin| bin.count).max().unwrap_or(0);
    let step = (WIDTH / bins.len().max(1) as f64).min(WIDEST);
    let base = TOP + HEIGHT;
    html! {
        svg.chart.histogram viewBox=(format!("0 0 {} {}", WIDTH + 20.0, base + FOOT)) role="img" aria-label=(title) {
            @for (index, bin) in bins.iter().enumerate() {
                @let x = 14.0 + step * index as f64;
                @let tall = height(bin.count, most);
                @let share = bin.count as f64 / total.max(1) as f64;
                @if bin.count > 0 {
                    rect.bar.outside[bin.outside] x=(one(x + step * 0.06)) y=(one(base - tall)) width=(one(step * 0.88)) height=(tall) {
                        title { (bin.label) ": " (grouped(bin.count as u64)) " values, " (short(share * 100.0)) " %" }
                    }
                    @if step > 24.0 { text.count x=(one(x + step / 2.0)) y=(one(base - tall - 5.0)) text-anchor="middle" { (percent(share)) } }
                }
                @if let Some(tick) = &bin.tick {
                    text.tick transform=(format!("translate({} {}) rotate(-45)", one(x + step / 2.0 + 4.0), base + 14.0)) text-anchor="end" { (tick) }
                }
            }
            line.base x1="10" x2=(WIDTH + 18.0) y1=(base) y2=(base) {}
        }
    }
}

/// A single value is seen, and ten times as many are a step higher.
fn height(count: usize, most: usize) -> f64 {
    if count == 0 {
        return 0.0;
    }
    one(HEIGHT * (1.0 + count as f64).ln() / (1.0 + most as f64).ln())
}

/// One decimal is enough for a pixel.
fn one(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// A share as a percentage that never rounds something to nothing.
fn percent(share: f64) -> String {
    match share * 100.0 {
        p if p < 0.1 => "<.1%".into(),
        p if p < 10.0 => format!("{p:.1}%"),
        p => format!("{p:.0}%"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bin(label: &str, count: usize, outside: bool) -> Bin {
        Bin { label: label.into(), tick: None, count, outside }
    }

    #[test]
    fn bars_rise_with_the_logarithm() {
        let svg = histogram("h", &[bin("0", 999, false), bin("1", 0, false), bin("2", 9, true)]).into_string();
        // ln 10 / ln 1000 of 150.
        assert!(svg.contains(r#"height="150""#) && svg.contains(r#"height="50""#), "{svg}");
        assert_eq!(svg.matches(r#"class="bar outside""#).count(), 1);
        assert_eq!(svg.matches(r#"class="count""#).count(), 2);
    }

    #[test]
    fn one_of_a_million_is_not_rounded_away() {
        assert_eq!([1e-6, 0.004, 0.5, 1.0].map(percent), ["<.1%", "0.4%", "50%", "100%"]);
    }
}
