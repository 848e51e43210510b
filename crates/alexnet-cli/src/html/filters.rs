use crate::array::Array;
use crate::html::picture::Picture;
use alexnet_spec::ChannelOrder;

/// Filters in a row.
const COLUMNS: usize = 16;
/// More filters than any first convolution of the family has, and wider ones, have no room on the page.
const MOST: usize = 256;
const WIDEST: usize = 32;
/// The colour between filters, and of the frame around one that differs.
const PAPER: [u8; 3] = [128, 128, 128];
const FRAME: [u8; 3] = [255, 32, 64];

/// The filters of a first convolution, `[out, in, height, width]`, as one picture; none where they have no picture.
///
/// Three channels are a colour, of which `order` says which comes first; of any others the first is shown in grey. Each
/// filter spans the whole range from black to white, that of `like` where it has a filter of the same size. Filters that
/// differ visibly from `like`'s get a frame.
pub fn filters(weights: &Array, order: ChannelOrder, like: Option<&Array>) -> Option<Picture> {
    let [count, channels, height, width] = *weights.shape.as_slice() else { return None };
    let size = channels.checked_mul(height)?.checked_mul(width).filter(|size| *size > 0)?;
    if height.max(width) > WIDEST {
        return None;
    }
    let count = count.min(MOST);
    let like = like.filter(|other| other.shape == weights.shape);
    let (tall, wide) = (height + 3, width + 3);
    let columns = count.min(COLUMNS);
    let mut picture = Picture::new(columns * wide + 1, count.div_ceil(COLUMNS) * tall + 1, PAPER);
    for (index, filter) in weights.data.chunks(size).take(count).enumerate() {
        let other = like.and_then(|other| other.data.chunks(size).nth(index));
        let (left, top) = ((index % COLUMNS) * wide + 2, (index / COLUMNS) * tall + 2);
        let shade = shades(other.unwrap_or(filter));
        if other.is_some_and(|other| visible(other, filter)) {
            frame(&mut picture, left - 1, top - 1, width + 2, height + 2);
        }
        for y in 0..height {
            for x in 0..width {
                let at = |channel: usize| filter.get((channel * height + y) * width + x).map_or(0, |v| shade(*v));
                let colour = match (channels, order) {
                    (3, ChannelOrder::Rgb) => [at(0), at(1), at(2)],
                    (3, ChannelOrder::Bgr) => [at(2), at(1), at(0)],
                    _ => [at(0); 3],
                };
                picture.set(left + x, top + y, colour);
            }
        }
    }
    Some(picture)
}

/// The part of a filter's range that an eye may notice.
const VISIBLE: f32 = 0.01;

/// How many filters differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Differing {
    /// By more than an eye may notice.
    pub visibly: usize,
    /// By less: the rounding of a coarser type does.
    pub slightly: usize,
}

/// How many filters differ; none where the two can't be held against each other.
pub fn differing(a: &Array, b: &Array) -> Option<Differing> {
    let size = a.shape.iter().skip(1).product::<usize>();
    let pairs = (a.shape == b.shape && size > 0).then(|| a.data.chunks(size).zip(b.data.chunks(size)))?;
    Some(pairs.fold(Differing::default(), |mut differing, (a, b)| {
        differing.visibly += usize::from(visible(a, b));
        differing.slightly += usize::from(a != b && !visible(a, b));
        differing
    }))
}

fn visible(a: &[f32], b: &[f32]) -> bool {
    let (_, span) = range(a);
    // A NaN is within nothing, and so it is visible.
    let within = |(a, b): (&f32, &f32)| (a - b).abs() <= VISIBLE * span;
    !a.iter().zip(b).all(within)
}

/// The least of these values, and how far it is to the largest.
fn range(values: &[f32]) -> (f32, f32) {
    let finite = || values.iter().copied().filter(|v| v.is_finite());
    let low = finite().reduce(f32::min).unwrap_or(0.0);
    (low, finite().reduce(f32::max).unwrap_or(0.0) - low)
}

/// From the least of these values, black, to the largest, white.
fn shades(values: &[f32]) -> impl Fn(f32) -> u8 + use<> {
    let (low, span) = range(values);
    move |value| if span > 0.0 { (255.0 * (value - low) / span).round() as u8 } else { PAPER[0] }
}

fn frame(picture: &mut Picture, left: usize, top: usize, width: usize, height: usize) {
    for x in left..left + width {
        picture.set(x, top, FRAME);
        picture.set(x, top + height - 1, FRAME);
    }
    for y in top..top + height {
        picture.set(left, y, FRAME);
        picture.set(left + width - 1, y, FRAME);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two filters of one pixel.
    fn weights(data: [f32; 6]) -> Array {
        Array { shape: vec![2, 3, 1, 1], data: data.to_vec() }
    }

    #[test]
    fn bgr_filters_are_shown_in_their_true_colours() {
        let mut expected = Picture::new(9, 5, PAPER);
        expected.set(2, 2, [255, 128, 0]);
        expected.set(6, 2, [0, 0, 255]);
        let bgr = weights([-1.0, 0.0, 1.0, 4.0, 2.0, 2.0]);
        assert_eq!(filters(&bgr, ChannelOrder::Bgr, None).unwrap(), expected);
        let rgb = weights([1.0, 0.0, -1.0, 2.0, 2.0, 4.0]);
        assert_eq!(filters(&rgb, ChannelOrder::Rgb, None).unwrap(), expected);
    }

    #[test]
    fn a_filter_that_differs_has_a_frame_and_the_others_scale() {
        let like = weights([0.0, 1.0, 2.0, 0.0, 0.0, 4.0]);
        let other = weights([0.0, 1.0, 2.0, 0.0, 0.0, 2.0]);
        let picture = filters(&other, ChannelOrder::Rgb, Some(&like)).unwrap();
        let mut expected = Picture::new(9, 5, PAPER);
        expected.set(2, 2, [0, 128, 255]);
        frame(&mut expected, 5, 1, 3, 3);
        expected.set(6, 2, [0, 0, 128]);
        assert_eq!(picture, expected);
        assert_eq!(differing(&like, &other), Some(Differing { visibly: 1, slightly: 0 }));
        let rounded = weights([0.0, 1.001, 2.0, 0.0, 0.0, 4.01]);
        assert_eq!(differing(&like, &rounded), Some(Differing { visibly: 0, slightly: 2 }));
    }

    #[test]
    fn weights_of_another_shape_have_no_picture() {
        assert!(filters(&Array { shape: vec![4, 2], data: vec![0.0; 8] }, ChannelOrder::Rgb, None).is_none());
        assert_eq!(differing(&weights([0.0; 6]), &Array { shape: vec![6], data: vec![0.0; 6] }), None);
    }
}
