use super::{Held, Map, Node, Reader};
use crate::Result;
use crate::import::norm::{Squares, Window as Sum};
use crate::import::value::{Layout, decimal};
use crate::lower::window::Window;
use alexnet_spec::layers::Conv2d;
use alexnet_spec::{Tensor, Transform};

/// Weights that are looked at to tell a norm: a band over far more channels than any network normalises.
const MAX_ELEMENTS: usize = 1 << 22;

/// A convolution; of squares, the sum of a response norm's window.
pub(super) fn read(reader: &mut Reader, node: &Node) -> Result<()> {
    let (input, output) = (node.input(0)?, node.output()?);
    let [_, channels, height, width] = *reader.shape(input)? else {
        return Err(node.unsupported(format!("its input has shape {:?}", reader.shape(input)?)));
    };
    let weight = reader.needed(node, node.input(1)?)?;
    let bias = node.optional(2).map(|name| reader.needed(node, name)).transpose()?;
    let [out, _, kernel_height, kernel_width] = *weight.tensor.shape() else {
        return Err(node.unsupported(format!("its weights have shape {:?}", weight.tensor.shape())));
    };
    let kernel = [kernel_height, kernel_width];
    let window = Window::read(node, Some(kernel), [height, width])?;
    if window.dilation.iter().zip(kernel).any(|(dilation, size)| *dilation != 1 && size > 1) {
        return Err(node.unsupported(format!("its dilations are {:?}; AlexNet's layers have none", window.dilation)));
    }
    // Lowering has seen that they divide the channels.
    let groups = node.int("group")?.and_then(|groups| usize::try_from(groups).ok()).unwrap_or(1);
    if let Held::Squares(squares) = reader.held(node, input)? {
        let sums = sums(squares, &weight.tensor, bias.map(|bias| bias.tensor).as_ref(), &window, groups, channels)?;
        let sums = sums.ok_or_else(|| node.unsupported("it adds up squares, but not as a response norm does"))?;
        return reader.set(node, Held::Squares(sums));
    }
    let map = reader.map(node, input)?;
    let mut pads = window.pads;
    for (pad, more) in pads.iter_mut().zip(map.padding) {
        *pad = pad.saturating_add(more);
    }
    let map = reader.take_first(node, Map { padding: [0; 4], ..map })?;
    let conv = Conv2d { out, kernel, stride: window.stride, pads, groups };
    let mut operands = vec![weight.operand("weight", Transform::Identity)];
    operands.extend(bias.map(|bias| bias.operand("bias", Transform::Identity)));
    reader.emit(node, output, &[map], conv, operands)
}

/// The sums of squares in windows, where one weight stands in a band of channels, or in a square of pixels, and zeros
/// elsewhere.
fn sums(
    squares: Squares,
    weight: &Tensor,
    bias: Option<&Tensor>,
    window: &Window,
    groups: usize,
    channels: usize,
) -> Result<Option<Squares>> {
    let [out, depth, rows, columns] = *weight.shape() else { return Ok(None) };
    let plain = squares.of.layout == Layout::ChannelsFirst && squares.of.slices == 1 && squares.padding == (0, 0);
    if out != channels || window.stride != [1, 1] || !plain || weight.elements() > MAX_ELEMENTS {
        return Ok(None);
    }
    let values = weight.to_f32()?;
    let factor = values.iter().copied().fold(0.0f32, f32::max);
    let same = |value: &f32| *value == factor;
    let offset = match bias.map(Tensor::to_f32).transpose()? {
        None => 0.0,
        Some(bias) => match bias.split_first() {
            Some((first, rest)) if rest.iter().all(|value| value == first) => decimal(*first),
            _ => return Ok(None),
        },
    };
    let sum = if [rows, columns] == [1, 1] && window.pads == [0; 4] {
        // Row r of a group sees columns r - before to r + after of it.
        let row = |at: usize| values.get(at * depth..(at + 1) * depth).unwrap_or_default();
        let Some(after) = row(0).iter().take_while(|value| same(value)).count().checked_sub(1) else { return Ok(None) };
        let before = (0..depth).take_while(|at| row(*at).first().is_some_and(same)).count().saturating_sub(1);
        let band = |r: usize, c: usize| if c + before >= r && c <= r + after { factor } else { 0.0 };
        let banded = (0..out).all(|r| row(r).iter().enumerate().all(|(c, value)| *value == band(r % depth, c)));
        let size = before + after + 1;
        // Of windows that all reach over every channel, this is the smallest: they compute the same.
        if !banded || (before, after) != ((size - 1) / 2, size / 2) {
            return Ok(None);
        }
        Sum::Channels { size, groups, mean: false }
    } else {
        let (before, after) = (rows / 2, rows.saturating_sub(1) / 2);
        let pads = [before, before, after, after];
        if rows != columns || depth != 1 || groups != channels || window.pads != pads || !values.iter().all(same) {
            return Ok(None);
        }
        Sum::Pixels { size: rows }
    };
    Ok(squares.summed(sum, decimal(factor)).and_then(|sums| sums.plus(offset)))
}
