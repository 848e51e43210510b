use super::{Held, Map, Node, Reader};
use crate::Result;

/// Zeros around a map, which go into the convolution that reads it; around the channels of squares, into their norm.
pub(super) fn read(reader: &mut Reader, node: &Node) -> Result<()> {
    let input = node.input(0)?;
    let (pads, value) = if node.opset < 11 {
        (node.ints("pads")?.unwrap_or_default().to_vec(), node.float("value")?)
    } else {
        let value = node.optional(2).map(|name| reader.scalar(name)).transpose()?.flatten();
        (reader.inferred().needed_ints(node, node.input(1)?)?, value)
    };
    let refuse = || node.unsupported(format!("pads {pads:?} of value {value:?} aren't zeros around a map"));
    let pads: Vec<usize> =
        pads.iter().map(|pad| usize::try_from(*pad)).collect::<Result<_, _>>().map_err(|_| refuse())?;
    let rank = reader.shape(input)?.len();
    let (Some(before), Some(after)) = (pads.get(..rank), pads.get(rank..)) else { return Err(refuse()) };
    if value.unwrap_or(0.0) != 0.0 {
        return Err(refuse());
    }
    let only = |axes: &[usize]| (0..rank).all(|axis| axes.contains(&axis) || (before[axis], after[axis]) == (0, 0));
    let held = match reader.held(node, input)? {
        Held::Map(map) => {
            let [rows, columns] = map.layout.pixels();
            if rank != 4 || !only(&[rows, columns]) {
                return Err(refuse());
            }
            let mut padding = map.padding;
            for (pad, more) in padding.iter_mut().zip([before[rows], before[columns], after[rows], after[columns]]) {
                *pad = pad.saturating_add(more);
            }
            Held::Map(Map { padding, ..map })
        }
        Held::Squares(mut squares) => {
            // [N, 1, C, ...]: the channels are the third axis.
            if rank < 4 || reader.shape(input)?.get(1) != Some(&1) || !only(&[2]) || !squares.is_bare() {
                return Err(refuse());
            }
            squares.padding = (squares.padding.0.saturating_add(before[2]), squares.padding.1.saturating_add(after[2]));
            Held::Squares(squares)
        }
        Held::Rows(_) => return Err(refuse()),
    };
    reader.set(node, held)
}
