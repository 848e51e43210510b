//! Window arithmetic against the sizes that PyTorch gives.

use alexnet_spec::Shape;
use alexnet_spec::layers::{Infer, MaxPool2d, Rounding};

fn output(size: usize, kernel: usize, stride: usize, pads: [usize; 4], rounding: Rounding) -> Option<usize> {
    let pool = MaxPool2d { kernel: [kernel, 1], stride: [stride, 1], pads, rounding };
    match pool.output(Shape::Map { channels: 1, height: size, width: 1 }) {
        Ok(shape) => Some(shape.dims()[1]),
        Err(_) => None,
    }
}

#[test]
fn pools_have_the_sizes_of_pytorchs_max_pool2d() {
    let table = include_str!("../../../fixtures/tables/pool-sizes.tsv");
    let mut dropped = 0;
    for line in table.lines() {
        let fields: Vec<Option<usize>> = line.split('\t').map(|field| field.parse().ok()).collect();
        let [Some(size), Some(kernel), Some(stride), Some(pad), floor, ceil] = fields[..] else { panic!("{line}") };
        let pads = [pad, 0, pad, 0];
        assert_eq!(output(size, kernel, stride, pads, Rounding::Floor), floor, "{line}");
        // A single window that is larger than the whole padded input is refused here, in either rounding.
        let ceil = if floor.is_none() { None } else { ceil };
        assert_eq!(output(size, kernel, stride, pads, Rounding::Ceil), ceil, "{line}");
        let unlimited = (size + 2 * pad).saturating_sub(kernel).div_ceil(stride) + 1;
        dropped += usize::from(ceil.is_some_and(|ceil| ceil < unlimited));
    }
    assert!(dropped > 20, "the table has {dropped} windows that start in the padding");
}

/// As ONNX specifies: ceil((size + before + after - kernel) / stride) + 1, less a window that starts in the padding after.
#[test]
fn padding_may_differ_between_the_sides() {
    let cases = [
        (224, 11, 4, [0, 0, 3, 0], Rounding::Floor, 55),
        (224, 11, 4, [0, 0, 0, 0], Rounding::Floor, 54),
        (224, 3, 2, [0, 0, 1, 0], Rounding::Floor, 112),
        (6, 3, 2, [1, 0, 0, 0], Rounding::Floor, 3),
        // (6 + 2 - 3) / 2 = 2.5: the window rounded up starts at 6, in the padding after the input.
        (6, 3, 2, [0, 0, 2, 0], Rounding::Ceil, 3),
        // The same sum of pads before: the last window starts at 6 - 2 = 4, inside.
        (6, 3, 2, [2, 0, 0, 0], Rounding::Ceil, 4),
    ];
    for (size, kernel, stride, pads, rounding, expected) in cases {
        let pool = MaxPool2d { kernel: [kernel, 1], stride: [stride, 1], pads, rounding };
        let shape = pool.output(Shape::Map { channels: 1, height: size, width: 1 }).unwrap();
        assert_eq!(shape.dims()[1], expected, "{size} {kernel} {stride} {pads:?} {rounding:?}");
    }
}
