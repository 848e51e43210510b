//! Spellings of parameter names.

use alexnet_spec::naming::{self, Naming};
use alexnet_spec::{Network, networks};

/// torchvision.models.alexnet().state_dict(), first to last.
const TORCHVISION: [&str; 16] = [
    "features.0.weight",
    "features.0.bias",
    "features.3.weight",
    "features.3.bias",
    "features.6.weight",
    "features.6.bias",
    "features.8.weight",
    "features.8.bias",
    "features.10.weight",
    "features.10.bias",
    "classifier.1.weight",
    "classifier.1.bias",
    "classifier.4.weight",
    "classifier.4.bias",
    "classifier.6.weight",
    "classifier.6.bias",
];

fn torchvision() -> Network {
    networks::get("torchvision").unwrap()
}

#[test]
fn parameters_are_spelled_as_torchvision_spells_them() {
    let network = torchvision();
    let canonical: Vec<String> = network.parameters().unwrap().into_iter().map(|p| p.name).collect();
    let spelled: Vec<String> =
        canonical.iter().map(|name| Naming::Torchvision.spell(&network, name).unwrap()).collect();
    assert_eq!(spelled, TORCHVISION);
    for name in &canonical {
        assert_eq!(naming::from_torchvision(&naming::torchvision(name).unwrap()).as_ref(), Some(name));
        assert_eq!(Naming::Canonical.spell(&network, name).unwrap(), *name);
    }
}

#[test]
fn what_torchvision_has_no_name_for_has_none() {
    for name in ["norm1.weight", "conv6.weight", "conv1", "", "."] {
        assert_eq!(naming::torchvision(name), None, "{name}");
    }
    for name in ["features.1.weight", "classifier.0.weight", "features.0", "0.weight", "features.00.weight", ""] {
        assert_eq!(naming::from_torchvision(name), None, "{name}");
    }
}

#[test]
fn only_torchvisions_own_network_has_its_names() {
    let variants =
        [torchvision().shrunk(16, 10).unwrap(), torchvision().with_classes(3).unwrap(), torchvision().features_only()];
    for network in variants {
        Naming::Torchvision.spell(&network, "conv1.weight").unwrap();
    }
    let mut unpadded = torchvision();
    let layers = unpadded.to_json().replacen(
        "2,\n        2,\n        2,\n        2",
        "1,\n        1,\n        1,\n        1",
        1,
    );
    unpadded = Network::from_json(&layers).unwrap();
    assert_ne!(unpadded, torchvision());
    let others = networks::ALL.iter().filter(|entry| entry.name != "torchvision").map(|entry| (entry.network)());
    for network in others.chain([unpadded]) {
        let message = Naming::Torchvision.spell(&network, "conv1.weight").unwrap_err().to_string();
        assert!(message.contains(&network.name) && message.contains("canonical"), "{message}");
    }
}
