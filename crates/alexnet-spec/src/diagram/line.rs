use super::figure::{Figure, escaped, figures, side, size};
use crate::{Network, Result, Shape};
use std::fmt::Write;

/// Between two things in the line, in pixels.
const GAP: f64 = 10.0;
/// Left of the line, where the first captions end.
const MARGIN: f64 = 130.0;
/// The middle of the line.
const AXIS: f64 = 150.0;
const HEIGHT: f64 = 450.0;

/// The network from left to right.
pub(super) fn draw(network: &Network) -> Result<String> {
    let mut drawing = Drawing { body: String::new(), x: MARGIN };
    for figure in figures(network)? {
        match figure.output {
            Some(output) => drawing.shape(&figure, output),
            None => drawing.chip(&figure),
        }
    }
    let width = drawing.x + 20.0;
    let title = escaped(&network.name);
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {HEIGHT:.0}\" width=\"{width:.0}\" \
         height=\"{HEIGHT:.0}\" font-family=\"sans-serif\" font-size=\"11\" role=\"img\" aria-label=\"{title}\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
         <text x=\"20\" y=\"22\" font-size=\"15\" font-weight=\"bold\">{title}</text>\n{}</svg>\n",
        drawing.body
    ))
}

struct Drawing {
    body: String,
    /// Where the next thing begins.
    x: f64,
}

impl Drawing {
    /// A box with its name and size below.
    fn shape(&mut self, figure: &Figure, output: Shape) {
        let channels = match output {
            Shape::Map { channels, .. } => channels,
            Shape::Vector(_) => 64,
        };
        // Square roots keep both a map of 224 and one of 6 visible.
        let (width, height) = (6.0 + 1.6 * (channels as f64).sqrt(), 12.0 + 12.0 * (side(output) as f64).sqrt());
        let groups = figure.groups.clamp(1, 8);
        let each = height / groups as f64;
        for group in 0..groups {
            let y = AXIS - height / 2.0 + each * group as f64;
            let inset = if groups > 1 { 2.0 } else { 0.0 };
            let _ = writeln!(
                self.body,
                "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{:.1}\" fill=\"{}\" stroke=\"#444\"/>",
                self.x,
                y + inset,
                each - 2.0 * inset,
                figure.fill
            );
        }
        let middle = self.x + width / 2.0;
        self.caption(
            middle,
            &format!("<tspan font-weight=\"bold\">{}</tspan> {} → {}", figure.name, figure.what, size(output)),
        );
        self.x += width + GAP;
    }

    /// A thin bar for what changes no size.
    fn chip(&mut self, figure: &Figure) {
        let _ = writeln!(
            self.body,
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"6\" height=\"70\" rx=\"3\" fill=\"{}\" stroke=\"#999\"/>",
            self.x,
            AXIS - 35.0,
            figure.fill
        );
        self.caption(self.x + 3.0, &format!("<tspan fill=\"#777\">{} {}</tspan>", figure.name, figure.what));
        self.x += 6.0 + GAP;
    }

    /// Text below the line, turned so that neighbours don't meet.
    fn caption(&mut self, x: f64, text: &str) {
        let y = AXIS + 108.0;
        let _ = writeln!(
            self.body,
            "<text transform=\"translate({x:.1} {y:.1}) rotate(-58)\" text-anchor=\"end\" font-size=\"9.5\">{text}</text>"
        );
    }
}
