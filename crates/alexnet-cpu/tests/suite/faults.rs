use crate::support::{Numbers, engine, network, parameters};
use alexnet_cpu::spec::layers::*;
use alexnet_cpu::spec::{Network, Op};
use alexnet_cpu::{Engine, Error, Isa};

fn small() -> Network {
    let conv = Op::from(Conv2d { out: 4, kernel: [2, 2], stride: [1, 1], pads: [0; 4], groups: 1 });
    network([1, 3, 3], [conv, Flatten {}.into(), Linear { out: 2 }.into()])
}

#[test]
fn a_parameter_of_another_size_is_named() {
    let network = small();
    for wrong in ["layer0.weight", "layer0.bias", "layer2.bias"] {
        let mut parameters = parameters(&network, &mut Numbers::new(1));
        parameters.get_mut(wrong).unwrap().pop();
        let error = Engine::new(&network, |name| Ok(parameters[name].clone())).unwrap_err();
        assert!(matches!(&error, Error::Parameter { name, .. } if name == wrong), "{error}");
    }
}

#[test]
fn slices_that_do_not_go_together_are_refused() {
    let network = small();
    let parameters = parameters(&network, &mut Numbers::new(1));
    let engine = engine(&network, Isa::best(), &parameters);
    let matrix = parameters["layer2.weight"].as_slice();
    let (image, mut logits) = ([0.0; 9], [0.0; 2]);
    for (image, matrices, logits) in [
        (&image[..8], &[matrix][..], &mut logits[..]),
        (&image, &[], &mut [0.0; 2]),
        (&image, &[&matrix[1..]], &mut [0.0; 2]),
        (&image, &[matrix], &mut [0.0; 3]),
        (&image, &[matrix], &mut [0.0; 4]),
    ] {
        assert!(matches!(engine.forward(image, matrices, logits), Err(Error::Length { .. })));
    }
    engine.forward(&image, &[matrix], &mut logits).unwrap();
}

#[test]
fn a_network_that_does_not_hold_together_is_refused() {
    let mut network = small();
    network.layers.remove(1);
    assert!(matches!(Engine::<f32>::new(&network, |_| Ok(Vec::new())), Err(Error::Network(_))));
    let network = Network { layers: Vec::new(), ..small() };
    assert!(Engine::<f32>::new(&network, |_| Ok(Vec::new())).is_err());
}
