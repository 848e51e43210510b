use super::{Held, Layout, Map, Node, Reader};
use crate::Result;
use alexnet_spec::graph::NodeOp;
use alexnet_spec::layers::Flatten;

/// `Flatten`, `Reshape`, `Squeeze` and `Unsqueeze`: all are told by the shapes before and after.
pub(super) fn read(reader: &mut Reader, node: &Node) -> Result<()> {
    let (input, output) = (node.input(0)?, node.output()?);
    let (from, to) = (reader.shape(input)?.to_vec(), reader.shape(output)?.to_vec());
    match reader.held(node, input)? {
        Held::Map(map) => reshape(reader, node, map, &from, &to),
        // Axes of one element, and pixels in one row, are how exporters pool over channels.
        Held::Squares(squares) => match (&*rows(&from), &*rows(&to)) {
            (a, b) if a == b => reader.set(node, Held::Squares(squares)),
            _ => Err(node.unsupported(format!("it brings squares of features from {from:?} to {to:?}"))),
        },
        Held::Rows(_) => Err(node.unsupported("it stands within an adaptive pool")),
    }
}

/// Batch, channels and all pixels of squares, wherever exporters put axes of one element.
fn rows(shape: &[usize]) -> Vec<usize> {
    match *shape {
        [n, 1, channels, ref pixels @ ..] if !pixels.is_empty() => vec![n, channels, pixels.iter().product()],
        [n, channels, height, width] => vec![n, channels, height * width],
        _ => shape.to_vec(),
    }
}

/// Features in another shape: flattened, with their channels in slices, or as they are.
pub(super) fn reshape(reader: &mut Reader, node: &Node, map: Map, from: &[usize], to: &[usize]) -> Result<()> {
    let output = node.output()?;
    if from == to {
        reader.hold(output, map);
        return Ok(());
    }
    match (from, to, map.layout) {
        ([n, rest @ ..], [m, _], layout) if n == m && rest.len() == 3 => {
            let map = reader.take(node, map)?;
            match layout {
                Layout::ChannelsFirst => reader.emit(node, output, &[map], Flatten {}, Vec::new()),
                Layout::ChannelsLast => reader.emit(node, output, &[map], NodeOp::FlattenHwc, Vec::new()),
            }
        }
        // Without pixels, only the place of the channels changes.
        ([n, 1, 1, c], [m, d, 1, 1], Layout::ChannelsLast) if (n, c) == (m, d) => {
            reader.hold(output, Map { layout: Layout::ChannelsFirst, ..map });
            Ok(())
        }
        ([n, c, 1, 1], [m, 1, 1, d], Layout::ChannelsFirst) if (n, c) == (m, d) => {
            reader.hold(output, Map { layout: Layout::ChannelsLast, ..map });
            Ok(())
        }
        ([n, c, height, width], [m, d, rows, columns], Layout::ChannelsFirst)
            if (height, width) == (rows, columns) && *d > 0 && n * map.slices > 0 =>
        {
            // [N, C, H, W] to [N * slices, C / slices, H, W], or back.
            let channels = c * map.slices;
            let examples = n / map.slices;
            let slices = channels / d;
            if slices == 0 || slices * d != channels || examples * slices != *m {
                return Err(node.unsupported(format!("it brings features from {from:?} to {to:?}")));
            }
            reader.hold(output, Map { slices, ..map });
            Ok(())
        }
        _ => Err(node.unsupported(format!("it brings features from {from:?} to {to:?}, which is no flattening"))),
    }
}
