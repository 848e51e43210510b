//! What a profile lists.

use crate::support::{golden, model, tiny};
use alexnet::spec::Op;
use candle_core::DType;

/// The steps are fused on a CPU in f32, and single layers in any other type.
#[test]
fn a_profile_names_every_layer_that_computes_once_and_in_order() {
    for name in ["torchvision", "bvlc", "caffenet", "single-column-bn"] {
        let network = tiny(name);
        let layers = network.layers.iter().filter(|layer| !matches!(layer.op, Op::Dropout(_) | Op::Flatten(_)));
        let expected: Vec<_> = layers.map(|layer| layer.name.as_str()).collect();
        for (dtype, steps) in [(DType::F32, 1..expected.len()), (DType::F64, expected.len()..100)] {
            let x = golden(name)["input"].to_dtype(dtype).unwrap();
            let profile = model(&network, name, dtype).unwrap().profile(&x).unwrap();
            let listed = profile.iter().flat_map(|(step, _)| step.split('+'));
            let listed: Vec<_> = listed.filter(|layer| expected.contains(layer)).collect();
            assert_eq!(listed, expected, "{name} in {dtype:?}: {profile:?}");
            assert!(steps.contains(&profile.len()), "{name} in {dtype:?}: {profile:?}");
        }
    }
}

#[test]
fn a_profile_refuses_another_input() {
    let network = tiny("torchvision");
    let model = model(&network, "torchvision", DType::F32).unwrap();
    let x = golden("torchvision")["input"].narrow(3, 1, 100).unwrap();
    let message = model.profile(&x).unwrap_err().to_string();
    assert!(message.contains("takes an input of [N, 3, 224, 224], but was given [2, 3, 224, 100]"), "{message}");
}
