//! Weights against the parameter table, and the metadata that travels with them.

use alexnet_spec::{DType, Metadata, Network, Provenance, Tensor, Weights, networks};
use std::collections::BTreeMap;

fn network() -> Network {
    networks::get("torchvision").unwrap().shrunk(16, 10).unwrap()
}

fn zeros(network: &Network) -> BTreeMap<String, Tensor> {
    let zero = |shape: Vec<usize>| Tensor::from_f32(shape.clone(), &vec![0.0; shape.iter().product()]).unwrap();
    network.parameters().unwrap().into_iter().map(|p| (p.name, zero(p.shape))).collect()
}

#[test]
fn complete_weights_are_accepted_in_any_floating_point_type() {
    let (network, mut tensors) = (network(), zeros(&network()));
    tensors.insert("fc8.bias".into(), Tensor::new(DType::BF16, vec![10], vec![0; 20].into()).unwrap());
    let weights = Weights::new(&network, tensors).unwrap();
    assert_eq!(weights.iter().count(), 16);
    assert_eq!(weights.byte_len(DType::F16) as u64, 2 * network.parameter_count().unwrap());
    assert_eq!(weights.get("fc8.bias").unwrap().dtype(), DType::BF16);
    assert!(weights.get("fc9.bias").is_none());
}

#[test]
fn every_fault_is_listed_at_once() {
    let mut tensors = zeros(&network());
    tensors.remove("conv1.weight");
    tensors.insert("conv2.bias".into(), Tensor::from_f32(vec![3], &[0.0; 3]).unwrap());
    tensors.insert("fc8.bias".into(), Tensor::new(DType::I32, vec![10], vec![0; 40].into()).unwrap());
    tensors.insert("fc9.bias".into(), Tensor::from_f32(vec![1], &[0.0]).unwrap());
    let message = Weights::new(&network(), tensors).unwrap_err().to_string();
    for fault in
        ["`conv1.weight` is missing", "`conv2.bias` has shape [3]", "[12]", "`fc8.bias` holds i32", "`fc9.bias`"]
    {
        assert!(message.contains(fault), "`{message}` lacks `{fault}`");
    }
}

#[test]
fn metadata_brings_the_network_back() {
    let provenance = Provenance {
        source: "in.pth".into(),
        sha256: Some("00ff".into()),
        format: "pytorch-zip".into(),
        dialect: "torchvision".into(),
    };
    let metadata = Metadata::new(&network(), &provenance);
    assert_eq!(metadata.network().unwrap(), Some(network()));
    assert_eq!(metadata.0["alexnet.source.sha256"], "00ff");
    assert_eq!(metadata.0["alexnet.source.file"], "in.pth");
    let without = Metadata::new(&network(), &Provenance::default());
    assert!(!without.0.contains_key("alexnet.source.sha256"));

    assert_eq!(Metadata::default().network().unwrap(), None);
    let broken = Metadata([(Metadata::NETWORK.to_owned(), "{}".to_owned())].into());
    broken.network().unwrap_err();
}
