use super::Mark;
use super::figure::{Figure, escaped, figures, side, size};
use crate::{Network, Result};
use std::fmt::Write;

const WIDTH: f64 = 420.0;
/// The middle of the boxes.
const AXIS: f64 = 72.0;
/// Where the captions begin.
const CAPTIONS: f64 = 150.0;
/// From one row to the next.
const ROW: f64 = 26.0;
const FRAME: &str = "#d6334c";

/// The network from top to bottom.
pub(super) fn draw(network: &Network, marks: &[Mark<'_>]) -> Result<String> {
    let figures = figures(network)?;
    let mut body = String::new();
    for (index, figure) in figures.iter().enumerate() {
        let y = 4.0 + ROW * index as f64;
        let mark = marks.iter().find(|mark| escaped(mark.layer) == figure.name);
        row(&mut body, figure, y, mark);
    }
    let height = 8.0 + ROW * figures.len() as f64;
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH:.0} {height:.0}\" font-family=\"sans-serif\" \
         font-size=\"12\" role=\"img\" aria-label=\"{}\">\n{body}</svg>\n",
        description(network, marks)
    ))
}

fn row(body: &mut String, figure: &Figure, y: f64, mark: Option<&Mark<'_>>) {
    if mark.is_some() {
        let _ = writeln!(
            body,
            "<rect x=\"1\" y=\"{:.1}\" width=\"{:.1}\" height=\"{ROW}\" rx=\"4\" fill=\"{FRAME}\" fill-opacity=\"0.12\" \
             stroke=\"{FRAME}\" stroke-width=\"1.5\"/>",
            y,
            WIDTH - 2.0
        );
    }
    // Boxes as wide as the maps, thin bars for what changes no size.
    let (width, height) = match figure.output {
        Some(output) => ((8.0 + 8.4 * (side(output) as f64).sqrt()).min(2.0 * AXIS - 8.0), 18.0),
        None => (60.0, 6.0),
    };
    let groups = figure.groups.clamp(1, 8);
    let each = width / groups as f64;
    for group in 0..groups {
        let inset = if groups > 1 { 1.5 } else { 0.0 };
        let _ = writeln!(
            body,
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{height}\" rx=\"2\" fill=\"{}\" stroke=\"#666\"/>",
            AXIS - width / 2.0 + each * group as f64 + inset,
            y + (ROW - height) / 2.0,
            each - 2.0 * inset,
            figure.fill
        );
    }
    let size = figure.output.map(|output| format!(" → {}", size(output))).unwrap_or_default();
    let note = mark.map(|mark| format!(" <tspan font-weight=\"bold\">◀ {}</tspan>", escaped(mark.note)));
    let _ = writeln!(
        body,
        "<text x=\"{CAPTIONS}\" y=\"{:.1}\" fill=\"currentColor\"><tspan font-weight=\"bold\">{}</tspan> {}{size}{}</text>",
        y + ROW / 2.0 + 4.0,
        figure.name,
        figure.what,
        note.unwrap_or_default()
    );
}

/// For those who don't see the picture.
fn description(network: &Network, marks: &[Mark<'_>]) -> String {
    let notes = marks.iter().map(|mark| format!("; {}: {}", mark.layer, mark.note));
    escaped(&format!("{}, {} layers{}", network.name, network.layers.len(), notes.collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::networks;

    #[test]
    fn a_marked_layer_has_a_frame_and_its_note() {
        let network = networks::get("bvlc").unwrap();
        let plain = draw(&network, &[]).unwrap();
        let marked = draw(&network, &[Mark { layer: "norm1", note: "parts <first>" }]).unwrap();
        assert_eq!((plain.matches(FRAME).count(), marked.matches(&format!("stroke=\"{FRAME}\"")).count()), (0, 1));
        assert!(marked.contains("◀ parts &lt;first&gt;</tspan>") && !marked.contains("<first>"));
    }

    #[test]
    fn a_convolution_in_two_groups_is_two_boxes() {
        let boxes = |name: &str| draw(&networks::get(name).unwrap(), &[]).unwrap().matches("#cfe3f7").count();
        assert_eq!(boxes("bvlc"), 5 + 3, "conv2, conv4 and conv5 are split");
        assert_eq!(boxes("torchvision"), 5);
    }

    #[test]
    fn networks_of_the_same_layers_have_the_same_rows() {
        let rows = |name: &str| draw(&networks::get(name).unwrap(), &[]).unwrap().matches("<text").count();
        assert_eq!(rows("bvlc"), rows("caffenet"));
    }
}
