//! Who wrote a checkpoint: the names and layouts that a framework or a repository gives to the family's parameters.
//!
//! A dialect knows nothing of files, and a format nothing of dialects. A new dialect is one file here and one line in the
//! registry below: where each canonical parameter comes from, and which networks its checkpoints can be.

mod cadene;
mod caffe;
mod caffe2;
mod caffe_tensorflow;
mod canonical;
mod chainer;
mod deepcluster;
mod flax;
mod gluon;
mod gluon_legacy;
mod gluoncv2;
mod heuritech;
mod jiecaoyu;
mod lucid;
mod mxnet;
mod paddle;
mod places365;
mod pytorchcv;
mod slim;
mod theano_alexnet;
mod torchvision;
mod vissl;

use crate::Transform;
use crate::import::Place;

/// One way to spell the family's parameters.
pub struct Dialect {
    /// Its name in reports, as in `torchvision`.
    pub name: &'static str,
    /// One sentence: whose it is.
    pub about: &'static str,
    /// Where a canonical parameter comes from; `None` where the dialect has no such parameter.
    pub origin: fn(parameter: &str) -> Option<Origin>,
    /// Which networks the tensors of a place can be, if the place is this dialect's at all. Any of the names may be missing;
    /// whether they are all there, and have the networks' shapes, is looked at afterwards.
    pub(crate) candidates: fn(&Place<'_>) -> Option<Candidates>,
}

/// The tensors that a parameter is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Origin {
    /// Their names, in the order that the transform takes them.
    pub sources: Vec<String>,
    /// How they become the parameter.
    pub transform: Transform,
}

/// The networks, by their names in the registry, that a dialect's checkpoints can be. Shapes rule most of them out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidates {
    /// The one to believe where its shapes fit.
    pub likely: Option<&'static str>,
    /// Why that is only a guess; `None` where names and shapes settle it.
    pub guessed: Option<&'static str>,
    /// Others of the same names. Where several fit and none is likely, the user is asked.
    pub others: &'static [&'static str],
}

impl Candidates {
    /// The dialect has checkpoints of one network alone.
    const fn only(network: &'static str) -> Candidates {
        Candidates { likely: Some(network), guessed: None, others: &[] }
    }
}

/// Every dialect, the more particular before the more general: the first that recognises a place names it.
pub const ALL: &[Dialect] = &[
    places365::DIALECT,
    deepcluster::DIALECT,
    gluon::DIALECT,
    gluon_legacy::DIALECT,
    gluoncv2::DIALECT,
    lucid::DIALECT,
    torchvision::DIALECT,
    jiecaoyu::DIALECT,
    cadene::DIALECT,
    caffe::DIALECT,
    pytorchcv::DIALECT,
    vissl::DIALECT,
    paddle::DIALECT,
    caffe2::DIALECT,
    mxnet::DIALECT,
    caffe_tensorflow::LISTS,
    caffe_tensorflow::DICTIONARIES,
    caffe_tensorflow::VARIABLES,
    theano_alexnet::DIALECT,
    heuritech::DIALECT,
    chainer::DIALECT,
    flax::TREE,
    flax::PATHS,
    slim::DIALECT,
    canonical::DIALECT,
];

/// The origin of a parameter that only its module's name tells from ours: `table` holds canonical layers and modules.
fn renamed(table: &[(&str, &str)], parameter: &str) -> Option<Origin> {
    let (layer, role) = parameter.split_once('.')?;
    let (_, module) = table.iter().find(|(name, _)| *name == layer)?;
    Some(Origin { sources: vec![format!("{module}.{role}")], transform: Transform::Identity })
}

/// The origin of a parameter whose layer `table` renames, joined to its role by an underscore.
fn underscored(table: &[(&str, &str)], parameter: &str) -> Option<Origin> {
    let (layer, role) = parameter.split_once('.')?;
    let (_, layer) = table.iter().find(|(name, _)| *name == layer)?;
    Some(Origin { sources: vec![format!("{layer}_{role}")], transform: Transform::Identity })
}

/// What becomes of TensorFlow's layout of a layer's weights: kernels are HWIO, matrices `[in, out]`, and the rows of the first
/// matrix those of a 6x6 map flattened as height, width, channel.
fn from_tensorflow(layer: &str) -> Transform {
    match layer {
        "fc6" => Transform::Chain(vec![Transform::Transpose, Transform::FlattenedHwcToChw { height: 6, width: 6 }]),
        _ if layer.starts_with("fc") => Transform::Transpose,
        _ => Transform::Permute(vec![3, 2, 0, 1]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_file_is_registered() {
        let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/dialects")).unwrap();
        let stems = folder.map(|file| file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned());
        let files: BTreeSet<String> = stems.filter(|stem| stem != "mod").collect();
        let registered = ALL.iter().map(|dialect| dialect.name.replace('-', "_")).collect();
        assert_eq!(files, registered);
    }

    #[test]
    fn names_are_the_ones_that_the_repositories_write() {
        let cases = [
            ("torchvision", ["features.0.weight", "features.10.bias", "classifier.1.weight", "classifier.6.bias"]),
            ("places365", ["features.0.weight", "features.10.bias", "classifier.1.weight", "classifier.6.bias"]),
            ("jiecaoyu", ["features.0.weight", "features.12.bias", "classifier.0.weight", "classifier.6.bias"]),
            ("cadene", ["_features.0.weight", "_features.10.bias", "linear0.weight", "last_linear.bias"]),
            ("caffe", ["conv1.0", "conv5.1", "fc6.0", "fc8.1"]),
            ("caffe-tensorflow", ["conv1.0", "conv5.1", "fc6.0", "fc8.1"]),
            ("caffe-tensorflow", ["conv1.weights", "conv5.biases", "fc6.weights", "fc8.biases"]),
            ("caffe-tensorflow", ["conv1/weights", "conv5/biases", "fc6/weights", "fc8/biases"]),
            ("theano-alexnet", ["W_0", "b0_4+b1_4", "W_5", "b_7"]),
            (
                "heuritech",
                [
                    "conv_1/conv_1_W",
                    "conv_5_1/conv_5_1_b+conv_5_2/conv_5_2_b",
                    "dense_1/dense_1_W",
                    "dense_3/dense_3_b",
                ],
            ),
            ("chainer", ["conv1/W", "conv5/b", "fc6/W", "fc8/b"]),
            ("flax", ["Conv_0.kernel", "Conv_4.bias", "Dense_0.kernel", "Dense_2.bias"]),
            ("flax", ["Conv_0/kernel", "Conv_4/bias", "Dense_0/kernel", "Dense_2/bias"]),
            ("canonical", ["conv1.weight", "conv5.bias", "fc6.weight", "fc8.bias"]),
            ("gluon", ["features.0.weight", "features.6.bias", "features.9.weight", "output.bias"]),
            (
                "gluoncv2",
                ["features.0.0.conv.weight", "features.2.2.conv.bias", "output.1.fc1.fc.weight", "output.1.fc3.bias"],
            ),
            ("lucid", ["features.0.weight", "features.10.bias", "fc6.weight", "classifier.bias"]),
            ("gluon-legacy", ["conv0_weight", "conv4_bias", "dense0_weight", "dense2_bias"]),
            ("mxnet", ["conv1_weight", "conv5_bias", "fc6_weight", "fc8_bias"]),
            ("caffe2", ["conv1_w", "conv5_b", "fc6_w", "fc8_b"]),
            ("paddle", ["_conv1._conv.weight", "_conv5._conv.bias", "_fc6.weight", "_fc8.bias"]),
            (
                "pytorchcv",
                [
                    "features.stage1.unit1.conv.weight",
                    "features.stage3.unit3.conv.bias",
                    "output.fc1.fc.weight",
                    "output.fc3.bias",
                ],
            ),
            ("deepcluster", ["features.0.weight", "features.14.bias", "classifier.1.weight", "top_layer.bias"]),
            ("slim", ["conv1/weights", "conv5/biases", "fc6/weights", "fc8/biases"]),
            ("vissl", ["_feature_blocks.0.0.weight", "_feature_blocks.6.0.bias", "", ""]),
        ];
        assert_eq!(cases.len(), ALL.len(), "a dialect is missing here");
        let parameters = ["conv1.weight", "conv5.bias", "fc6.weight", "fc8.bias"];
        for (name, sources) in cases {
            let spelled = |dialect: &Dialect| {
                parameters.map(|parameter| (dialect.origin)(parameter).map_or(String::new(), |o| o.sources.join("+")))
            };
            let found = ALL.iter().filter(|dialect| dialect.name == name).any(|dialect| spelled(dialect) == sources);
            assert!(found, "{name}: {sources:?}");
        }
    }
}
