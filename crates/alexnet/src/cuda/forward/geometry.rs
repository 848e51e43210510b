//! How a convolution is put before cuDNN: in which order its tensors lie, and what is made of its input and weights first.

use super::program::Convolution;
use crate::cuda::params::Packing;

/// The order of a tensor's axes in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Axes {
    /// `[N, C, H, W]`, as candle has it.
    Planar,
    /// `[N, H, W, C]`, as tensor cores take it.
    ChannelsLast,
}

/// A convolution as cuDNN is told it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Geometry {
    /// What makes its input from the network's; nothing where it is the output of the step before, or needs no change.
    pub(crate) packing: Option<Packing>,
    /// What makes its weights from the layer's `[O, C / groups, kernel height, kernel width]`.
    pub(crate) weights: Option<Packing>,
    /// Channels, height and width.
    pub(crate) input: [usize; 3],
    /// Channels, height and width.
    pub(crate) output: [usize; 3],
    pub(crate) kernel: [usize; 2],
    pub(crate) stride: [usize; 2],
    /// Rows above and below, columns left and right.
    pub(crate) pads: [usize; 2],
    pub(crate) groups: usize,
}

/// Tensor cores take channels by eights in 16 bits.
const CHANNELS_AT_ONCE: usize = 8;

impl Geometry {
    /// The geometry of `convolution`. Of the first one the network's input can be packed, which takes care of any padding.
    pub(crate) fn new(convolution: &Convolution, first: bool, axes: Axes) -> Geometry {
        let Convolution { spec, input, output, .. } = convolution;
        let [top, left, bottom, right] = spec.pads;
        let plain = Geometry {
            packing: None,
            weights: None,
            input: *input,
            output: *output,
            kernel: spec.kernel,
            stride: spec.stride,
            pads: [top, left],
            groups: spec.groups,
        };
        let channels_last = axes == Axes::ChannelsLast;
        let repacked = |block, out| Packing { pads: [0, 0], block, out, channels_last };
        let even = top == bottom && left == right;
        if !first || !channels_last && even {
            return Geometry { weights: channels_last.then(|| repacked([1, 1], spec.kernel)), ..plain };
        }
        if channels_last && spec.groups == 1 && input[0] < CHANNELS_AT_ONCE && spec.stride != [1, 1] {
            let block = spec.stride;
            let kernel = [0, 1].map(|axis| spec.kernel[axis].div_ceil(block[axis]));
            let blocks = [0, 1].map(|axis| output[axis + 1] + kernel[axis] - 1);
            return Geometry {
                packing: Some(Packing { pads: [top, left], ..repacked(block, blocks) }),
                weights: Some(repacked(block, kernel)),
                input: [input[0] * block[0] * block[1], blocks[0], blocks[1]],
                kernel,
                stride: [1, 1],
                pads: [0, 0],
                ..plain
            };
        }
        let padded = [input[1] + top + bottom, input[2] + left + right];
        Geometry {
            packing: Some(Packing { pads: [top, left], ..repacked([1, 1], padded) }),
            weights: channels_last.then(|| repacked([1, 1], spec.kernel)),
            input: [input[0], padded[0], padded[1]],
            pads: [0, 0],
            ..plain
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::program::{Step, steps};
    use super::*;
    use alexnet_spec::networks;

    fn convolutions(name: &str) -> Vec<Convolution> {
        let of = |step| match step {
            Step::Convolution(convolution) => Some(*convolution),
            Step::Linear(_) => None,
        };
        steps(&networks::get(name).unwrap()).unwrap().into_iter().filter_map(of).collect()
    }

    /// cuDNN computes the output's size itself, and refuses another.
    #[test]
    fn outputs_are_of_the_size_that_cudnn_computes() {
        for &networks::Entry { name, network } in networks::ALL {
            if steps(&network()).is_err() {
                continue;
            }
            for (index, convolution) in convolutions(name).iter().enumerate() {
                for axes in [Axes::Planar, Axes::ChannelsLast] {
                    let g = Geometry::new(convolution, index == 0, axes);
                    for axis in [0, 1] {
                        let reach = g.input[axis + 1] + 2 * g.pads[axis] - g.kernel[axis];
                        assert_eq!(1 + reach / g.stride[axis], g.output[axis + 1], "{name} {g:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn conv1_becomes_48_channels_of_3_by_3_for_tensor_cores() {
        let conv1 = &convolutions("torchvision")[0];
        let g = Geometry::new(conv1, true, Axes::ChannelsLast);
        assert_eq!((g.input, g.kernel, g.stride, g.pads), ([48, 57, 57], [3, 3], [1, 1], [0, 0]));
        let packing = Packing { pads: [2, 2], block: [4, 4], out: [57, 57], channels_last: true };
        assert_eq!(g.packing, Some(packing));
        assert_eq!(g.weights, Some(Packing { pads: [0, 0], out: [3, 3], ..packing }));
    }

    #[test]
    fn what_candle_has_already_is_not_copied() {
        for convolution in convolutions("torchvision") {
            let g = Geometry::new(&convolution, convolution.layer == 0, Axes::Planar);
            assert_eq!((g.packing, g.weights), (None, None));
        }
        // The paper's conv1 is padded at the right and below alone.
        let g = Geometry::new(&convolutions("paper")[0], true, Axes::Planar);
        assert_eq!((g.input, g.pads, g.weights), ([3, 227, 227], [0, 0], None));
        assert!(g.packing.is_some_and(|packing| !packing.channels_last && packing.out == [227, 227]));
    }
}
