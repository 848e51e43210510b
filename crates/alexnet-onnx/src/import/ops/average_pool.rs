use super::{Held, Node, Reader};
use crate::Result;
use crate::import::norm::{Squares, Window as Sum};
use crate::lower::window::Window;
use alexnet_spec::layers::AdaptiveAvgPool2d;

/// An adaptive pool, where its windows are those of one; of squares, the mean of a response norm's window.
pub(super) fn read(reader: &mut Reader, node: &Node) -> Result<()> {
    let (input, output) = (node.input(0)?, node.output()?);
    if let Held::Squares(squares) = reader.held(node, input)? {
        let means = means(reader, node, squares)?;
        let means = means.ok_or_else(|| node.unsupported("it averages squares, but not as a response norm does"))?;
        return reader.set(node, Held::Squares(means));
    }
    let map = reader.channels_first(node, input)?;
    let (from, to) = (reader.shape(input)?.to_vec(), reader.shape(output)?.to_vec());
    let ([_, _, height, width], [_, _, rows, columns]) = (from.as_slice(), to.as_slice()) else {
        return Err(node.unsupported(format!("its input has shape {from:?}")));
    };
    let window = Window::read(node, None, [*height, *width])?;
    let counts_padding = node.int("count_include_pad")?.unwrap_or(0) != 0 && window.pads != [0; 4];
    let seen = |axis: usize, at: usize, size: usize| {
        let start = at.saturating_mul(window.stride[axis]);
        let end = start.saturating_add(window.kernel[axis]).saturating_sub(window.pads[axis]).min(size);
        start.saturating_sub(window.pads[axis])..end
    };
    let adaptive = |axis: usize, windows: usize, size: usize| {
        (0..windows).all(|at| seen(axis, at, size) == AdaptiveAvgPool2d::range(at, windows, size))
    };
    if counts_padding || !adaptive(0, *rows, *height) || !adaptive(1, *columns, *width) {
        return Err(node.unsupported(format!(
            "it averages {height}x{width} to {rows}x{columns} by windows that aren't those of an adaptive pool"
        )));
    }
    reader.emit(node, output, &[map], AdaptiveAvgPool2d { output: [*rows, *columns] }, Vec::new())
}

/// The means of squares over channels, which lie on the third axis: `[N, 1, C, H, W]` or `[N, 1, C, H * W]`.
fn means(reader: &Reader, node: &Node, squares: Squares) -> Result<Option<Squares>> {
    let shape = reader.shape(node.input(0)?)?;
    let (kernel, rank) = (node.ints("kernel_shape")?.unwrap_or_default(), shape.len());
    let [size, rest @ ..] = kernel else { return Ok(None) };
    let size = usize::try_from(*size).unwrap_or(0);
    let ones = |values: Option<&[i64]>| values.is_none_or(|values| values.iter().all(|value| *value == 1));
    if shape.get(1) != Some(&1)
        || rank < 4
        || size == 0
        || rest.iter().any(|k| *k != 1)
        || !ones(node.ints("strides")?)
        || !ones(node.ints("dilations")?)
        || node.int("ceil_mode")?.unwrap_or(0) != 0
        || node.string("auto_pad")?.is_some_and(|auto| auto != "NOTSET")
    {
        return Ok(None);
    }
    let own = node.ints("pads")?.unwrap_or_default();
    let end = |at: usize| own.get(at).and_then(|pad| usize::try_from(*pad).ok()).unwrap_or(0);
    let (first, last) = (end(0), end(kernel.len()));
    let elsewhere = own.iter().enumerate().any(|(at, pad)| at != 0 && at != kernel.len() && *pad != 0);
    let counted = (first, last) == (0, 0) || node.int("count_include_pad")?.unwrap_or(0) != 0;
    let padding = (squares.padding.0.saturating_add(first), squares.padding.1.saturating_add(last));
    if elsewhere || !counted || padding != ((size - 1) / 2, size / 2) {
        return Ok(None);
    }
    let groups = squares.of.slices;
    Ok(squares.summed(Sum::Channels { size, groups, mean: true }, 1.0))
}
