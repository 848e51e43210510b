mod relatives;

use super::*;
use crate::layers::{BatchNorm2d, LocalResponseNorm, Op};
use crate::{ChannelOrder, Labels, PixelRange, Result};
use safetensors::SafeTensors;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Name and shape of every tensor of a fixture that PyTorch wrote.
fn pytorch(path: &str) -> BTreeMap<String, Vec<usize>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(path);
    let bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let file = SafeTensors::deserialize(&bytes).unwrap();
    file.iter().map(|(name, tensor)| (name.to_owned(), tensor.shape().to_vec())).collect()
}

fn network(name: &str) -> Network {
    get(name).unwrap_or_else(|| panic!("no network {name}"))
}

/// A network of the registry as the fixtures have it.
fn tiny(name: &str) -> Network {
    let weights = pytorch(&format!("networks/{name}.safetensors"));
    network(name).fitted(|parameter| weights.get(parameter).map(Vec::as_slice)).unwrap()
}

#[test]
fn parameters_have_the_names_and_shapes_of_pytorchs_modules() -> Result<()> {
    for entry in ALL {
        let network = tiny(entry.name);
        let ours: BTreeMap<_, _> = network.parameters()?.into_iter().map(|p| (p.name, p.shape)).collect();
        assert_eq!(ours, pytorch(&format!("networks/{}.safetensors", entry.name)), "{}", entry.name);
    }
    Ok(())
}

#[test]
fn every_layers_output_has_the_shape_pytorch_gives() -> Result<()> {
    for entry in ALL {
        let network = tiny(entry.name);
        let mut theirs = pytorch(&format!("goldens/{}.safetensors", entry.name));
        theirs.remove("logits").unwrap();
        for step in network.trace()? {
            let name = &step.layer.name;
            let shape = theirs.remove(name).unwrap_or_else(|| panic!("{}: PyTorch has no {name}", entry.name));
            assert_eq!([&[1], &step.output.dims()[..]].concat(), shape, "{} of {}", name, entry.name);
        }
        assert!(theirs.is_empty(), "{} lacks {theirs:?}", entry.name);
    }
    Ok(())
}

/// Output side, outputs, inputs of one group and kernel side of the five convolutions.
type Convolutions = [(u64, u64, u64, u64); 5];

const TORCHVISION: Convolutions =
    [(55, 64, 3, 11), (27, 192, 64, 5), (13, 384, 192, 3), (13, 256, 384, 3), (13, 256, 256, 3)];
const GROUPED: Convolutions =
    [(55, 96, 3, 11), (27, 256, 48, 5), (13, 384, 256, 3), (13, 384, 192, 3), (13, 256, 192, 3)];
const COLUMN: Convolutions =
    [(55, 96, 3, 11), (27, 256, 96, 5), (13, 384, 256, 3), (13, 384, 384, 3), (13, 256, 384, 3)];

/// Inputs and outputs of the fully connected layers, the same in the whole family.
const CONNECTED: [(u64, u64); 3] = [(256 * 6 * 6, 4096), (4096, 4096), (4096, 1000)];

/// Of the batch norms after conv1 and conv2.
const BATCH_NORM: u64 = 4 * (96 + 256);

/// The totals that the literature and the model zoos give: 61.1, 61.0 and 62.4 million parameters; 714, 724 and 1135
/// million multiply-adds, of which the convolutions have 656, 666 and 1077.
const TOTALS: [(&str, Convolutions, u64, u64, u64); 7] = [
    ("torchvision", TORCHVISION, 61_100_840, 655_566_528, 714_188_480),
    ("bvlc", GROUPED, 60_965_224, 665_784_864, 724_406_816),
    ("caffenet", GROUPED, 60_965_224, 665_784_864, 724_406_816),
    ("paper", GROUPED, 60_965_224, 665_784_864, 724_406_816),
    ("krizhevsky-2012", GROUPED, 60_965_224, 665_784_864, 724_406_816),
    ("single-column", COLUMN, 62_378_344, 1_076_634_144, 1_135_256_096),
    ("single-column-bn", COLUMN, 62_378_344 + BATCH_NORM, 1_076_634_144, 1_135_256_096),
];

#[test]
fn counts_are_those_of_the_literature() -> Result<()> {
    assert_eq!(TOTALS.len() + relatives::TABLE.len(), ALL.len());
    for (name, convolutions, parameters, in_convolutions, multiply_adds) in TOTALS {
        let by_hand: u64 =
            convolutions.iter().map(|(side, out, group, kernel)| side * side * out * group * kernel * kernel).sum();
        assert_eq!(by_hand, in_convolutions, "{name}");
        let connected: u64 = CONNECTED.iter().map(|(inputs, outputs)| inputs * outputs).sum();
        assert_eq!(by_hand + connected, multiply_adds, "{name}");
        let weights = |(_, out, group, kernel): &(u64, u64, u64, u64)| out * group * kernel * kernel + out;
        let trained: u64 = convolutions.iter().map(weights).sum::<u64>()
            + CONNECTED.iter().map(|(inputs, outputs)| inputs * outputs + outputs).sum::<u64>();
        let norms = if name == "single-column-bn" { BATCH_NORM } else { 0 };
        assert_eq!(trained + norms, parameters, "{name}");

        let network = network(name);
        assert_eq!(network.parameter_count()?, parameters, "{name}");
        assert_eq!(network.multiply_adds()?, multiply_adds, "{name}");
        let features = network.features_only();
        assert_eq!(features.multiply_adds()?, in_convolutions, "{name}");
    }
    Ok(())
}

#[test]
fn maps_shrink_from_55_to_27_13_and_6() -> Result<()> {
    for entry in ALL.iter().filter(|entry| relatives::TABLE.iter().all(|row| row.name != entry.name)) {
        let network = (entry.network)();
        let sides = ["conv1", "pool1", "pool2", "pool5"].map(|name| {
            let step = network.trace().unwrap().into_iter().find(|step| step.layer.name == name).unwrap();
            let dims = step.output.dims();
            assert_eq!(dims[1], dims[2], "{}", entry.name);
            dims[1]
        });
        assert_eq!(sides, [55, 27, 13, 6], "{}", entry.name);
    }
    Ok(())
}

/// The layers' order in each source: `features` and `classifier` of torchvision's module, Caffe's two prototxts, the
/// paper's sections 3.1 to 3.5, layers-145.cfg (whose conv1 and conv5 are linear, ReLU on the pools after them).
#[test]
fn layers_stand_in_the_order_of_their_source() {
    let middle = "conv3 relu3 conv4 relu4 conv5 relu5 pool5";
    let classifier = "flatten fc6 relu6 drop6 fc7 relu7 drop7 fc8";
    let norm_pool = "conv1 relu1 norm1 pool1 conv2 relu2 norm2 pool2";
    let cases = [
        (
            "torchvision",
            format!("conv1 relu1 pool1 conv2 relu2 pool2 {middle} avgpool flatten drop5 fc6 relu6 drop6 fc7 relu7 fc8"),
        ),
        ("bvlc", format!("{norm_pool} {middle} {classifier}")),
        ("caffenet", format!("conv1 relu1 pool1 norm1 conv2 relu2 pool2 norm2 {middle} {classifier}")),
        ("paper", format!("{norm_pool} {middle} {classifier}")),
        (
            "krizhevsky-2012",
            format!(
                "conv1 norm1 pool1 relu1 conv2 relu2 norm2 cnorm2 pool2 \
                 conv3 relu3 conv4 relu4 conv5 pool5 relu5 {classifier}"
            ),
        ),
        ("single-column", format!("{norm_pool} {middle} {classifier}")),
        ("single-column-bn", format!("{norm_pool} {middle} {classifier}")),
    ];
    assert_eq!(cases.len() + relatives::TABLE.len(), ALL.len());
    for (name, order) in cases {
        let layers: Vec<_> = network(name).layers.into_iter().map(|layer| layer.name).collect();
        assert_eq!(layers.join(" "), order, "{name}");
    }
}

/// alpha on the plain sum of squares, k, and the slices of the channels, per source.
#[test]
fn response_norms_have_the_constants_of_their_source() {
    let cases = [
        ("torchvision", None),
        ("bvlc", Some((2e-5, 1.0, 1))),
        ("caffenet", Some((2e-5, 1.0, 1))),
        ("paper", Some((1e-4, 2.0, 2))),
        ("krizhevsky-2012", Some((2e-5, 2.0, 2))),
        ("single-column", Some((1e-4, 2.0, 1))),
        ("single-column-bn", None),
    ];
    assert_eq!(cases.len() + relatives::TABLE.len(), ALL.len());
    for (name, expected) in cases {
        let network = network(name);
        let norms: Vec<_> = network.local_response_norms().collect();
        assert_eq!(norms.len(), if expected.is_some() { 2 } else { 0 }, "{name}");
        for (layer, norm) in norms {
            let (alpha, k, groups) = expected.unwrap();
            assert!((norm.effective_alpha() - alpha).abs() < 1e-12, "{layer} of {name}");
            assert_eq!((norm.size, norm.beta, norm.k, norm.groups), (5, 0.75, k, groups), "{layer} of {name}");
        }
    }
}

#[test]
fn the_spatial_norm_of_2012_divides_its_alpha_by_25() {
    let network = network("krizhevsky-2012");
    let Some(Op::SpatialResponseNorm(norm)) = network.layer("cnorm2").map(|layer| &layer.op) else {
        panic!("cnorm2 is no spatial norm")
    };
    assert!((norm.effective_alpha() - 1e-3 / 25.0).abs() < 1e-15);
    assert_eq!((norm.size, norm.beta, norm.k), (5, 0.75, 1.0));
}

#[test]
fn batch_norms_stand_where_the_response_norms_were() {
    let (column, normed) = (network("single-column"), network("single-column-bn"));
    for (before, after) in column.layers.iter().zip(&normed.layers) {
        match (&before.op, &after.op) {
            (Op::LocalResponseNorm(_), Op::BatchNorm2d(norm)) => assert_eq!(*norm, BatchNorm2d { eps: 1e-5 }),
            _ => assert_eq!(before, after),
        }
    }
}

/// Side, channel order and range.
#[test]
fn inputs_are_what_each_network_was_trained_on() {
    use {ChannelOrder::*, PixelRange::*};
    let cases = [
        ("torchvision", 224, Rgb, Unit),
        ("bvlc", 227, Bgr, Byte),
        ("caffenet", 227, Bgr, Byte),
        ("paper", 224, Rgb, Byte),
        ("krizhevsky-2012", 224, Rgb, Byte),
        ("single-column", 224, Rgb, Unit),
        ("single-column-bn", 224, Rgb, Unit),
    ];
    for (name, side, order, range) in cases {
        let network = network(name);
        assert_eq!((network.input.channels, network.input.height, network.input.width), (3, side, side), "{name}");
        assert_eq!((network.preprocessing.channel_order, network.preprocessing.range), (order, range), "{name}");
        assert_eq!(network.labels, Labels::Wnid, "{name}");
    }
}

/// conv1 of the released program sees 224 pixels and zeros to the right and at the bottom alone.
#[test]
fn the_networks_of_2012_pad_conv1_on_two_sides() {
    for name in ["paper", "krizhevsky-2012"] {
        let Some(Op::Conv2d(conv)) = network(name).layer("conv1").map(|layer| layer.op.clone()) else {
            panic!("{name}")
        };
        assert_eq!(conv.pads, [0, 0, 3, 3], "{name}");
    }
}

#[test]
fn every_network_survives_json() -> Result<()> {
    for entry in ALL {
        for network in [(entry.network)(), (entry.network)().shrunk(16, 10)?, (entry.network)().features_only()] {
            assert_eq!(Network::from_json(&network.to_json())?, network, "{}", entry.name);
        }
        assert_eq!((entry.network)().name, entry.name);
    }
    Ok(())
}

#[test]
fn an_undivided_alpha_is_multiplied_by_the_window() {
    let norm = LocalResponseNorm::undivided(5, 1e-4, 0.75, 2.0);
    assert!((norm.alpha - 5e-4).abs() < 1e-18);
}
