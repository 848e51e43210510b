use super::log_axis::{LogAxis, power};
use crate::quantity::short;
use maud::{Markup, html};

/// A layer's place on the curve. Errors are shares of the largest reference value.
#[derive(Clone, Debug, PartialEq)]
pub struct Point<'a> {
    /// The layer.
    pub layer: &'a str,
    /// The error with those of the layers before it; none where it wasn't compared.
    pub cumulative: Option<f64>,
    /// The error with the same input on both sides.
    pub isolated: Option<f64>,
    /// What is allowed.
    pub allowed: Option<f64>,
    /// Whether this is the layer that parts.
    pub parts: bool,
}

const LEFT: f64 = 52.0;
const TOP: f64 = 26.0;
const HEIGHT: f64 = 210.0;
/// Below the lowest power of ten, where equal values are.
const ZERO: f64 = 24.0;
const STEP: f64 = 42.0;
const FOOT: f64 = 66.0;

/// The error of every layer on a logarithmic scale, both ways of measuring it, and what is allowed.
pub fn log_curve(title: &str, points: &[Point<'_>]) -> Markup {
    let values = points.iter().flat_map(|p| [p.cumulative, p.isolated, p.allowed]).flatten();
    let plot = Plot { axis: LogAxis::over(values), right: LEFT + STEP * points.len() as f64 };
    let bottom = TOP + HEIGHT + ZERO;
    let (width, height) = (plot.right + 12.0, bottom + FOOT);
    html! {
        svg.chart.curve viewBox=(format!("0 0 {width} {height}")) style=(format!("min-width:{:.0}px;max-width:{:.0}px", width * 0.8, width * 1.5))
            role="img" aria-label=(title) {
            @if let Some(index) = points.iter().position(|p| p.parts) {
                rect.parts x=(place(index) - STEP / 2.0) y=(TOP - 6.0) width=(STEP) height=(bottom - TOP + 6.0) {}
                text.parts x=(place(index)) y=(TOP - 12.0) text-anchor="middle" { "parts first" }
            }
            @for exponent in plot.axis.ticks() {
                @let y = one(plot.y(10f64.powi(exponent)));
                line.grid x1=(LEFT) x2=(plot.right) y1=(y) y2=(y) {}
                text.tick x=(LEFT - 8.0) y=(y + 4.0) text-anchor="end" { (power(10, exponent)) }
            }
            line.base x1=(LEFT) x2=(plot.right) y1=(bottom) y2=(bottom) {}
            text.tick x=(LEFT - 8.0) y=(bottom + 4.0) text-anchor="end" { "equal" }
            (plot.line("allowed", points, |p| p.allowed, false))
            (plot.line("cumulative", points, |p| p.cumulative, true))
            (plot.line("isolated", points, |p| p.isolated, true))
            @for (index, point) in points.iter().enumerate() {
                text.layer.parts[point.parts] transform=(format!("translate({} {}) rotate(-45)", place(index) + 4.0, bottom + 16.0))
                    text-anchor="end" { (point.layer) }
            }
        }
    }
}

/// The middle of a layer's column.
fn place(index: usize) -> f64 {
    LEFT + STEP * (index as f64 + 0.5)
}

/// One decimal is enough for a pixel.
fn one(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

struct Plot {
    axis: LogAxis,
    right: f64,
}

impl Plot {
    fn y(&self, value: f64) -> f64 {
        match value {
            0.0 => TOP + HEIGHT + ZERO,
            v if !v.is_finite() => TOP,
            v => one(TOP + HEIGHT * (1.0 - self.axis.share(v))),
        }
    }

    /// One curve; it is interrupted where a layer has no value.
    fn line<'a>(
        &self,
        class: &str,
        points: &[Point<'a>],
        value: impl Fn(&Point<'a>) -> Option<f64>,
        dots: bool,
    ) -> Markup {
        let mut path = String::new();
        let mut pen = 'M';
        for (index, point) in points.iter().enumerate() {
            match value(point) {
                Some(v) => {
                    path.push_str(&format!("{pen}{} {}", place(index), self.y(v)));
                    pen = 'L';
                }
                None => pen = 'M',
            }
        }
        html! {
            path class=(class) d=(path) {}
            @if dots {
                @for (index, point) in points.iter().enumerate() {
                    @if let Some(v) = value(point) {
                        circle class=(class) cx=(place(index)) cy=(self.y(v)) r="4" {
                            title { (point.layer) ", " (class) ": " (short(v)) @if let Some(allowed) = point.allowed { " (allowed " (short(allowed)) ")" } }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(layer: &str, cumulative: f64, isolated: Option<f64>) -> Point<'_> {
        Point { layer, cumulative: Some(cumulative), isolated, allowed: Some(1e-4), parts: layer == "b" }
    }

    #[test]
    fn ten_times_the_error_is_one_power_higher() {
        let svg = log_curve("curve", &[point("a", 1e-3, None), point("b", 1e-2, None)]).into_string();
        // The axis runs from 1e-4 to 1e-2 and is stretched to three powers: 70 pixels each.
        assert!(svg.contains(r#"<path class="cumulative" d="M73 96L115 26""#), "{svg}");
        assert!(svg.contains(r#"<path class="allowed" d="M73 166L115 166""#), "{svg}");
    }

    #[test]
    fn a_curve_is_interrupted_where_nothing_was_measured() {
        let points = [point("a", 1e-3, Some(1e-3)), point("b", 1e-2, None), point("c", 1e-2, Some(1e-2))];
        let svg = log_curve("curve", &points).into_string();
        assert!(svg.contains(r#"class="isolated" d="M73 96M157 26""#), "{svg}");
        assert_eq!(svg.matches(r#"<circle class="isolated""#).count(), 2);
    }

    #[test]
    fn equal_values_are_on_the_ground_and_infinite_ones_at_the_top() {
        let svg = log_curve("curve", &[point("a", 0.0, None), point("b", f64::INFINITY, None)]).into_string();
        assert!(svg.contains(r#"class="cumulative" d="M73 260L115 26""#), "{svg}");
    }

    #[test]
    fn the_layer_that_parts_is_marked() {
        let svg = log_curve("curve", &[point("a", 0.0, None), point("b", 1.0, None)]).into_string();
        assert!(svg.contains(r#"<rect class="parts" x="94""#), "{svg}");
        assert_eq!(svg.matches("parts first").count(), 1);
    }
}
