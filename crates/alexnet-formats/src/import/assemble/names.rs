//! Canonical names for layers that have none of ours yet: conv1, relu1, norm1, pool1, ..., fc6, relu6, drop6, ..., fc8, prob.

use alexnet_spec::Op;
use std::collections::BTreeSet;

/// A name for each operation, by its kind and the convolution or fully connected layer that it follows.
pub(super) fn canonical<'a>(ops: impl IntoIterator<Item = &'a Op>) -> Vec<String> {
    let (mut number, mut taken) = (0usize, BTreeSet::new());
    let mut name = |op: &Op| {
        if op.out().is_some() {
            number = number.saturating_add(1);
        }
        let stem = match op {
            Op::Conv2d(_) => format!("conv{number}"),
            Op::Linear(_) => format!("fc{number}"),
            Op::Relu(_) => format!("relu{number}"),
            Op::LocalResponseNorm(_) | Op::BatchNorm2d(_) => format!("norm{number}"),
            Op::SpatialResponseNorm(_) => format!("cnorm{number}"),
            Op::MaxPool2d(_) => format!("pool{number}"),
            Op::Dropout(_) => format!("drop{number}"),
            Op::AdaptiveAvgPool2d(_) => "avgpool".to_owned(),
            Op::Flatten(_) => "flatten".to_owned(),
            Op::Softmax(_) => "prob".to_owned(),
            other => format!("{}{number}", other.kind().to_ascii_lowercase()),
        };
        let mut free = stem.clone();
        for letter in 'b'..='z' {
            if taken.insert(free.clone()) {
                break;
            }
            free = format!("{stem}{letter}");
        }
        free
    };
    ops.into_iter().map(&mut name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alexnet_spec::networks;

    #[test]
    fn the_registrys_networks_get_the_names_that_they_have() {
        for entry in networks::ALL.iter().filter(|entry| entry.name != "deepcluster") {
            let network = (entry.network)();
            let names: Vec<&str> = network.layers.iter().map(|layer| layer.name.as_str()).collect();
            assert_eq!(canonical(network.layers.iter().map(|layer| &layer.op)), names, "{}", entry.name);
        }
    }

    #[test]
    fn a_second_norm_after_one_convolution_has_a_letter() {
        let network = networks::get("bvlc").unwrap();
        let ops = ["conv1", "norm1", "norm1", "norm1"].map(|name| &network.layer(name).unwrap().op);
        assert_eq!(canonical(ops), ["conv1", "norm1", "norm1b", "norm1c"]);
    }
}
