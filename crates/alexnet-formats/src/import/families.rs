//! Other networks that are often taken for AlexNet, told by their tensors' names: a refusal that says what a file *is* saves
//! its owner the search.

use super::place::Names;

struct Family {
    what: &'static str,
    /// A tensor whose name ends like this...
    name: &'static str,
    /// ...and whose shape this takes.
    shape: fn(&[usize]) -> bool,
}

const ANY: fn(&[usize]) -> bool = |_| true;

const FAMILIES: &[Family] = &[
    Family {
        what: "the linear heads of LPIPS: its backbone is torchvision's alexnet, whose own checkpoint converts",
        name: "lin0.model.1.weight",
        shape: ANY,
    },
    Family {
        what: "a DeepCluster AlexNet without the sobel filter that makes its two input channels",
        name: "features.0.weight",
        shape: |shape| matches!(shape, [_, 2, 11, 11]),
    },
    Family {
        what: "VISSL's DeepCluster AlexNet, whose sobel filter was taken out; DeepCluster's own checkpoint.pth.tar converts",
        name: "_feature_blocks.0.0.weight",
        shape: |shape| matches!(shape, [_, 2, 11, 11]),
    },
    Family {
        what: "VISSL's colorization AlexNet, which sees lightness alone and has batch norm",
        name: "_feature_blocks.0.0.weight",
        shape: |shape| matches!(shape, [_, 1, 11, 11]),
    },
    Family {
        what: "a RotNet AlexNet, which has batch norm after each convolution",
        name: "_feature_blocks.0.1.weight",
        shape: ANY,
    },
    Family {
        what: "VISSL's jigsaw AlexNet, whose conv1 has a stride of 2 and conv3 to conv5 batch norm",
        name: "_feature_blocks.4.1.weight",
        shape: ANY,
    },
    Family {
        what: "a jigsaw AlexNet of fair_self_supervision_benchmark, whose conv3 to conv5 have batch norm",
        name: "conv3_s0_bn_s",
        shape: ANY,
    },
    Family { what: "a ResNet", name: "layer1.0.conv1.weight", shape: ANY },
    Family { what: "a VGG", name: "features.0.weight", shape: |shape| matches!(shape, [_, 3, 3, 3]) },
    Family { what: "a SqueezeNet", name: "features.3.squeeze.weight", shape: ANY },
    Family { what: "a DenseNet", name: "features.denseblock1.denselayer1.conv1.weight", shape: ANY },
    Family { what: "a MobileNet", name: "features.1.conv.0.0.weight", shape: ANY },
    Family { what: "a vision transformer", name: "patch_embed.proj.weight", shape: ANY },
    Family {
        what: "TF-slim's alexnet_v2, whose fc6 is a 5x5 convolution; not supported yet",
        name: "fc6.weight",
        shape: |shape| matches!(shape, [4096, 256, 5, 5]),
    },
    Family {
        what: "an AlexNet whose fc6 is a convolution; not supported yet: reshape it to [4096, 9216]",
        name: "fc6.weight",
        shape: |shape| matches!(shape, [_, _, 6, 6]),
    },
];

/// What the tensors of a group belong to, where it is known, and the name that tells.
pub(super) fn recognise<'a>(names: &'a Names<'_>) -> Option<(&'static str, &'a str)> {
    FAMILIES.iter().find_map(|family| {
        let tells = |(name, source): (&'a str, super::place::Source<'_>)| {
            let head = name.strip_suffix(family.name)?;
            let whole = head.is_empty() || head.ends_with('.');
            (whole && (family.shape)(source.tensor.shape())).then_some((family.what, name))
        };
        names.iter().find_map(tells)
    })
}
