use crate::support::{check, network};
use alexnet_cpu::spec::layers::*;
use alexnet_cpu::spec::{Op, networks};

fn conv(out: usize, kernel: [usize; 2], stride: [usize; 2], pads: [usize; 4], groups: usize) -> Op {
    Conv2d { out, kernel, stride, pads, groups }.into()
}

fn relu() -> Op {
    Relu {}.into()
}

fn pool() -> Op {
    MaxPool2d::overlapping().into()
}

/// Something that brings an image into blocks of channels, and leaves it as it is.
fn nothing() -> Op {
    MaxPool2d { kernel: [1, 1], stride: [1, 1], pads: [0; 4], rounding: Rounding::Floor }.into()
}

#[test]
fn convolutions_of_images_are_exact_at_every_width_of_a_tile() {
    for width in 1..=30 {
        check(&network([3, 3, width + 2], [conv(32, [3, 3], [1, 1], [0; 4], 1)]), 1, width as u64);
    }
}

#[test]
fn convolutions_of_blocks_are_exact_at_every_width_of_a_tile() {
    for width in 1..=30 {
        check(&network([16, 2, width], [nothing(), conv(48, [1, 1], [1, 1], [0; 4], 1)]), 1, width as u64);
    }
}

#[test]
fn convolutions_are_exact_for_any_number_of_channels() {
    for (inputs, outputs) in [(1, 1), (3, 5), (15, 17), (16, 16), (17, 31), (32, 33), (40, 48), (64, 96), (5, 80)] {
        for first in [None, Some(nothing())] {
            let layers = first.into_iter().chain([conv(outputs, [3, 2], [1, 1], [1, 0, 1, 1], 1)]);
            check(&network([inputs, 5, 7], layers), 1, inputs as u64);
        }
    }
}

#[test]
fn groups_end_anywhere_within_a_block() {
    for (groups, inputs, outputs) in
        [(2, 2, 2), (2, 6, 10), (3, 9, 48), (2, 96, 256), (4, 20, 36), (2, 48, 24), (8, 64, 64)]
    {
        for first in [None, Some(nothing())] {
            let layers = first.into_iter().chain([conv(outputs, [3, 3], [1, 1], [1; 4], groups), relu()]);
            check(&network([inputs, 4, 6], layers), 1, groups as u64);
        }
    }
}

#[test]
fn strides_and_asymmetric_pads_are_those_of_the_layer() {
    for stride in [[1, 1], [2, 2], [4, 4], [3, 1], [1, 5]] {
        for pads in [[0; 4], [2; 4], [0, 1, 2, 3], [3, 0, 1, 0]] {
            for first in [None, Some(nothing())] {
                let layers = first.into_iter().chain([conv(20, [5, 3], stride, pads, 1)]);
                check(&network([4, 9, 11], layers), 1, stride[0] as u64);
            }
        }
    }
}

#[test]
fn a_convolution_finds_its_padding_behind_every_kind_of_layer() {
    let before: [Op; 7] = [
        conv(18, [3, 3], [1, 1], [1; 4], 1),
        relu(),
        pool(),
        BatchNorm2d { eps: 1e-5 }.into(),
        LocalResponseNorm { size: 5, alpha: 1.0, beta: 0.75, k: 1.0, groups: 1 }.into(),
        SpatialResponseNorm { size: 3, alpha: 1.0, beta: 0.75, k: 1.0 }.into(),
        AdaptiveAvgPool2d { output: [5, 4] }.into(),
    ];
    for op in before {
        let after = conv(17, [3, 3], [1, 1], [1, 2, 1, 0], 1);
        // Twice, since buffers are used again.
        check(&network([18, 9, 8], [op, Dropout { p: 0.5 }.into(), relu(), after, relu()]), 2, 7);
    }
}

#[test]
fn norms_across_channels_are_exact_for_any_window_and_group() {
    for (channels, groups) in [(5, 1), (16, 1), (40, 1), (96, 2), (12, 3), (64, 4)] {
        for size in [1, 2, 3, 5, 6, 16, 33, 50] {
            for (beta, k) in [(0.75, 2.0), (0.5, 1.0), (1.3, 0.7)] {
                let norm = LocalResponseNorm { size, alpha: 3.0, beta, k, groups };
                check(&network([channels, 3, 5], [norm.into()]), 1, size as u64);
            }
        }
    }
}

#[test]
fn norms_over_pixels_are_exact_for_any_window() {
    for size in [1, 2, 3, 5, 9, 20] {
        let norm = SpatialResponseNorm { size, alpha: 2.0, beta: 0.75, k: 1.0 };
        check(&network([19, 7, 6], [norm.into()]), 1, size as u64);
    }
}

#[test]
fn pools_cut_their_windows_at_the_border() {
    for (kernel, stride) in [([3, 3], [2, 2]), ([2, 2], [2, 2]), ([3, 2], [1, 3]), ([5, 4], [3, 3])] {
        for pads in [[0; 4], [1; 4], [1, 0, 0, 1]] {
            for rounding in [Rounding::Floor, Rounding::Ceil] {
                let op = MaxPool2d { kernel, stride, pads, rounding };
                check(&network([18, 10, 9], [op.into()]), 1, kernel[0] as u64);
            }
        }
    }
}

#[test]
fn means_cover_inputs_of_any_size() {
    for output in [[1, 1], [6, 6], [3, 7], [13, 2]] {
        check(&network([17, 9, 11], [AdaptiveAvgPool2d { output }.into()]), 1, 1);
    }
}

#[test]
fn fully_connected_layers_are_exact_for_any_size_and_batch() {
    for (inputs, outputs) in [(1, 1), (16, 16), (7, 5), (33, 29), (100, 130), (2400, 30), (4700, 3)] {
        for batch in [1, 2, 3, 4, 5, 16, 17, 33] {
            let layers: [Op; 4] =
                [Flatten {}.into(), Linear { out: outputs }.into(), relu(), Linear { out: 10 }.into()];
            check(&network([1, 1, inputs], layers), batch, batch as u64);
        }
    }
}

#[test]
fn vectors_are_normalised_and_rectified() {
    for batch in [1, 6] {
        let layers: [Op; 6] = [
            Flatten {}.into(),
            BatchNorm2d { eps: 1e-3 }.into(),
            Linear { out: 20 }.into(),
            BatchNorm2d { eps: 1e-5 }.into(),
            relu(),
            relu(),
        ];
        check(&network([3, 2, 4], layers), batch, 3);
    }
}

#[test]
fn every_network_of_the_registry_is_run_whole() {
    for name in networks::ALL.iter().map(|entry| entry.name) {
        let mut network = networks::get(name).unwrap().shrunk(16, 5).unwrap();
        // The smallest side that leaves something for the last pool, in all of them.
        (network.input.height, network.input.width) = (99, 131);
        match network.trace() {
            Ok(_) => check(&network, 2, 5),
            Err(_) => check(&networks::get(name).unwrap().shrunk(16, 5).unwrap(), 1, 5),
        }
    }
}
