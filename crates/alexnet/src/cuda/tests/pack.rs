//! `kernels/pack.cu` against index arithmetic, and what it is for: the convolution over blocks is the convolution.

use super::super::Grid;
use super::super::params::{Pack, Packing};
use super::element::Element;
use super::{cxx, numbers};

fn run(element: Element, packing: Packing, source: [usize; 4], x: &[f64]) -> Vec<f64> {
    let [images, channels, ..] = source;
    let per_image = channels * packing.block.iter().product::<usize>() * packing.out.iter().product::<usize>();
    let parameters = Pack::new(packing, source).unwrap().bytes();
    cxx::run_as(element, "pack", Grid::over(per_image, images), &parameters, &[x], images * per_image)
}

/// Element by element of the result, in its order, from the source.
fn expected(packing: Packing, [images, channels, height, width]: [usize; 4], x: &[f64]) -> Vec<f64> {
    let Packing { pads: [top, left], block: [block_height, block_width], out: [rows, columns], channels_last } =
        packing;
    let at = |image: usize, channel: usize, row: usize, column: usize| match (
        row.checked_sub(top),
        column.checked_sub(left),
    ) {
        (Some(row), Some(column)) if row < height && column < width => {
            x[((image * channels + channel) * height + row) * width + column]
        }
        _ => 0.0,
    };
    let depth = block_height * block_width * channels;
    let mut y = Vec::new();
    for image in 0..images {
        for i in 0..rows * columns * depth {
            let (block, place) =
                if channels_last { (i / depth, i % depth) } else { (i % (rows * columns), i / (rows * columns)) };
            let (within, channel) = (place / channels, place % channels);
            let row = block / columns * block_height + within / block_width;
            let column = block % columns * block_width + within % block_width;
            y.push(at(image, channel, row, column));
        }
    }
    y
}

#[test]
fn padding_transposing_and_blocks_agree_with_index_arithmetic() {
    if !cxx::available() {
        return;
    }
    let cases = [
        // Nothing but a copy, channels last, pads on four sides, a crop.
        ([2, 3, 5, 7], [0, 0], [1, 1], [5, 7]),
        ([1, 3, 4, 4], [2, 1], [1, 1], [8, 7]),
        ([3, 2, 5, 5], [0, 1], [1, 1], [3, 4]),
        // Blocks, the last of them cut; one image of one pixel.
        ([2, 3, 11, 11], [0, 0], [4, 4], [3, 3]),
        ([1, 3, 9, 10], [2, 2], [4, 2], [3, 7]),
        ([1, 1, 1, 1], [0, 0], [2, 3], [1, 1]),
    ];
    for (source, pads, block, out) in cases {
        let x = numbers(source.iter().product(), 0);
        for channels_last in [false, true] {
            let packing = Packing { pads, block, out, channels_last };
            for element in Element::ALL {
                let x = element.round(&x);
                assert_eq!(run(element, packing, source, &x), expected(packing, source, &x), "{packing:?} {element:?}");
            }
        }
    }
}

/// Weights `[O, C, kh, kw]` slid over an image `[C, H, W]` with a stride, padded at the top and left: `[rows, columns, O]`.
fn convolution(
    (x, c, [h, w]): (&[f64], usize, [usize; 2]),
    (weights, o, kernel): (&[f64], usize, [usize; 2]),
    (stride, pads, out): (usize, [usize; 2], [usize; 2]),
) -> Vec<f64> {
    let mut y = vec![0.0; out[0] * out[1] * o];
    for (output, y) in y.iter_mut().enumerate() {
        let (channel, position) = (output % o, output / o);
        for tap in 0..c * kernel[0] * kernel[1] {
            let (input, i, j) = (tap / (kernel[0] * kernel[1]), tap / kernel[1] % kernel[0], tap % kernel[1]);
            let row = (position / out[1] * stride + i).checked_sub(pads[0]).filter(|row| *row < h);
            let column = (position % out[1] * stride + j).checked_sub(pads[1]).filter(|column| *column < w);
            if let (Some(row), Some(column)) = (row, column) {
                *y += x[(input * h + row) * w + column] * weights[channel * c * kernel[0] * kernel[1] + tap];
            }
        }
    }
    y
}

/// `[H, W, C]` as `[C, H, W]`, image by image.
fn planar(x: &[f64], pixels: usize, channels: usize) -> Vec<f64> {
    let value = |i: usize| {
        let (image, channel, pixel) = (i / (pixels * channels), i / pixels % channels, i % pixels);
        x[(image * pixels + pixel) * channels + channel]
    };
    (0..x.len()).map(value).collect()
}

#[test]
fn a_strided_convolution_is_one_of_stride_1_over_blocks() {
    if !cxx::available() {
        return;
    }
    // conv1 in small: 11 x 11 every 4 pixels, padded unevenly, and a kernel that fills its blocks.
    for (size, kernel, stride, pads, out) in [([23, 27], 11, 4, [2, 1], [4, 5]), ([9, 8], 4, 2, [0, 0], [3, 3])] {
        let (channels, outputs) = (3, 2);
        let [x, weights] = [(channels * size[0] * size[1], 0), (outputs * channels * kernel * kernel, 1)]
            .map(|(count, seed)| numbers(count, seed));
        let blocks = kernel.div_ceil(stride);
        let depth = stride * stride * channels;
        let grid = [out[0] + blocks - 1, out[1] + blocks - 1];
        let packing = |pads, out| Packing { pads, block: [stride; 2], out, channels_last: true };
        let source = [1, channels, size[0], size[1]];
        let packed_x = run(Element::F64, packing(pads, grid), source, &x);
        let source = [outputs, channels, kernel, kernel];
        let packed_weights = run(Element::F64, packing([0, 0], [blocks; 2]), source, &weights);

        let strided = convolution((&x, channels, size), (&weights, outputs, [kernel; 2]), (stride, pads, out));
        let packed_x = planar(&packed_x, grid[0] * grid[1], depth);
        let packed_weights = planar(&packed_weights, blocks * blocks, depth);
        let over_blocks =
            convolution((&packed_x, depth, grid), (&packed_weights, outputs, [blocks; 2]), (1, [0, 0], out));
        super::assert_close(Element::F64, "convolution", &over_blocks, &strided);
    }
}

#[test]
fn packings_beyond_the_kernels_counting_are_refused() {
    let packing = Packing { pads: [0, 0], block: [1, 1], out: [1 << 16, 1 << 15], channels_last: true };
    assert!(Pack::new(packing, [1, 1, 5, 5]).is_err());
    assert!(Pack::new(Packing { block: [0, 1], out: [5, 5], ..packing }, [1, 1, 5, 5]).is_err());
    assert!(Pack::new(Packing { out: [5, 5], ..packing }, [1, 1, 5, 5]).is_ok());
}
