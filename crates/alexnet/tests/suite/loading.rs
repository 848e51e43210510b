//! Loading models from files and from weights, and what is said where that fails.

use crate::support::{error, fixtures, golden, tensors, tiny};
use alexnet::AlexNet;
use alexnet::spec::naming;
use alexnet::spec::{self, Metadata, Network, Provenance, Weights};
use candle_core::{DType, Device, Tensor};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The fixture's weights with other names and metadata, as a file.
fn write(folder: &TempDir, tensors: HashMap<String, Tensor>, pairs: BTreeMap<String, String>) -> PathBuf {
    let path = folder.path().join("model.safetensors");
    safetensors::serialize_to_file(tensors, Some(pairs.into_iter().collect()), &path).unwrap();
    path
}

fn weights(network: &str) -> HashMap<String, Tensor> {
    tensors(fixtures().join("networks").join(format!("{network}.safetensors")))
}

fn metadata(network: &Network) -> BTreeMap<String, String> {
    Metadata::new(network, &Provenance::default()).0
}

fn check_logits(model: &AlexNet, name: &str) {
    let golden = golden(name);
    assert!(error(&model.forward(&golden["input"]).unwrap(), &golden["logits"]) < 1e-5);
}

fn fault(path: &Path) -> String {
    let message = AlexNet::load(path, &Device::Cpu).unwrap_err().to_string();
    assert!(message.starts_with(path.to_str().unwrap()) && !message.contains('\n'), "{message}");
    message
}

#[test]
fn a_file_with_its_network_loads() {
    let folder = TempDir::new().unwrap();
    for name in ["bvlc", "caffenet", "single-column-bn"] {
        let path = write(&folder, weights(name), metadata(&tiny(name)));
        let model = AlexNet::load(&path, &Device::Cpu).unwrap();
        assert_eq!(model.network(), &tiny(name));
        check_logits(&model, name);
    }
}

#[test]
fn torchvision_names_load() {
    let folder = TempDir::new().unwrap();
    let spelled =
        weights("torchvision").into_iter().map(|(name, t)| (naming::torchvision(&name).unwrap(), t)).collect();
    let mut pairs = metadata(&tiny("torchvision"));
    pairs.insert(Metadata::NAMES.into(), "torchvision".into());
    check_logits(&AlexNet::load(write(&folder, spelled, pairs), &Device::Cpu).unwrap(), "torchvision");
}

#[test]
fn weights_are_converted_to_the_type_asked_for() {
    let folder = TempDir::new().unwrap();
    for stored in [DType::F64, DType::F32, DType::F16, DType::BF16] {
        let tensors: HashMap<_, _> =
            weights("paper").into_iter().map(|(name, t)| (name, t.to_dtype(stored).unwrap())).collect();
        let expected = tensors.clone();
        let path = write(&folder, tensors, metadata(&tiny("paper")));
        for asked in [DType::F64, DType::F32, DType::F16, DType::BF16] {
            let model = AlexNet::load_with_dtype(&path, asked, &Device::Cpu).unwrap();
            assert_eq!(model.dtype(), asked);
            // candle's conversion, weight by weight: a linear layer gives its weights for unit inputs.
            let units = Tensor::eye(256, asked, &Device::Cpu).unwrap();
            let rows = model.forward_layer("fc8", &units).unwrap();
            let weight = expected["fc8.weight"].to_dtype(asked).unwrap().t().unwrap();
            let bias = expected["fc8.bias"].to_dtype(asked).unwrap();
            assert_eq!(error(&rows, &weight.broadcast_add(&bias).unwrap()), 0.0, "{stored:?} as {asked:?}");
        }
    }
}

#[test]
fn weights_in_memory_make_the_same_model() {
    for name in ["torchvision", "krizhevsky-2012"] {
        let tensors = weights(name)
            .into_iter()
            .map(|(name, t)| {
                let values = t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
                (name, spec::Tensor::from_f32(t.dims().to_vec(), &values).unwrap())
            })
            .collect();
        let weights = Weights::new(&tiny(name), tensors).unwrap();
        check_logits(&AlexNet::from_weights(&tiny(name), &weights, DType::F32, &Device::Cpu).unwrap(), name);
    }
}

/// The view of a Caffe file whose channels were turned and whose kernels lie in another order.
#[test]
fn strided_weights_are_gathered() {
    let network = tiny("bvlc");
    let mut tensors = BTreeMap::new();
    for (name, t) in weights("bvlc") {
        let tensor = if name == "conv1.weight" {
            let turned = t.permute((3, 2, 1, 0)).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
            let (o, i, h, w) = t.dims4().unwrap();
            spec::Tensor::from_f32(vec![w, h, i, o], &turned).unwrap().permute(&[3, 2, 1, 0]).unwrap()
        } else {
            spec::Tensor::from_f32(t.dims().to_vec(), &t.flatten_all().unwrap().to_vec1::<f32>().unwrap()).unwrap()
        };
        tensors.insert(name, tensor);
    }
    let weights = Weights::new(&network, tensors).unwrap();
    check_logits(&AlexNet::from_weights(&network, &weights, DType::F32, &Device::Cpu).unwrap(), "bvlc");
}

#[test]
fn a_file_without_a_network_names_the_converter() {
    let message = fault(&fixtures().join("networks/bvlc.safetensors"));
    assert!(message.contains("alexnet.network") && message.contains("try `alexnet-convert"), "{message}");
}

#[test]
fn files_that_are_no_safetensors_are_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("model.safetensors");
    for bytes in [&b""[..], b"PK\x03\x04 and so on", &[255; 64], b"\x02\0\0\0\0\0\0\0[]", b"\x02\0\0\0\0\0\0\0{"] {
        std::fs::write(&path, bytes).unwrap();
        assert!(fault(&path).contains("not a safetensors file"), "{bytes:?}");
    }
    std::fs::remove_file(&path).unwrap();
    fault(&path);
}

#[test]
fn a_cut_file_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = write(&folder, weights("paper"), metadata(&tiny("paper")));
    let bytes = std::fs::read(&path).unwrap();
    for length in [bytes.len() - 1, bytes.len() / 2] {
        std::fs::write(&path, &bytes[..length]).unwrap();
        assert!(fault(&path).contains("cut or damaged"));
    }
    std::fs::write(&path, [&bytes[..], b"x"].concat()).unwrap();
    assert!(fault(&path).contains("cut or damaged"));
}

#[test]
fn tensors_that_do_not_fit_the_network_are_refused() {
    let folder = TempDir::new().unwrap();
    let refused = |change: &dyn Fn(&mut HashMap<String, Tensor>)| {
        let mut tensors = weights("paper");
        change(&mut tensors);
        fault(&write(&folder, tensors, metadata(&tiny("paper"))))
    };
    let message = refused(&|tensors| {
        tensors.remove("conv3.bias");
    });
    assert!(message.contains("missing") && message.contains("conv3.bias"), "{message}");
    let message = refused(&|tensors| {
        tensors.insert("conv9.bias".into(), tensors["conv3.bias"].clone());
    });
    assert!(message.contains("conv9.bias"), "{message}");
    let message = refused(&|tensors| {
        tensors.insert("conv3.bias".into(), tensors["conv1.bias"].clone());
    });
    assert!(message.contains("`conv3.bias` has shape [6], but") && message.contains("[24]"), "{message}");
    let message = refused(&|tensors| {
        tensors.insert("conv3.bias".into(), tensors["conv3.bias"].to_dtype(DType::I64).unwrap());
    });
    assert!(message.contains("`conv3.bias`") && message.contains("I64"), "{message}");
}

#[test]
fn metadata_that_makes_no_sense_is_refused() {
    let folder = TempDir::new().unwrap();
    for (key, value, says) in [
        (Metadata::NETWORK, "{}", "missing field"),
        (Metadata::NETWORK, "no json", "not a network description"),
        (Metadata::NAMES, "klingon", "klingon"),
        (Metadata::NAMES, "torchvision", "no torchvision name"),
    ] {
        let mut pairs = metadata(&tiny("paper"));
        pairs.insert(key.into(), value.into());
        let message = fault(&write(&folder, weights("paper"), pairs));
        assert!(message.contains(says), "{message}");
    }
}

/// 1e5 is no half-precision number; weights that silently became infinite would be found only in the logits.
#[test]
fn a_weight_too_large_for_the_type_is_an_error() {
    let folder = TempDir::new().unwrap();
    let mut tensors = weights("paper");
    tensors.insert("conv1.bias".into(), Tensor::full(1e5f32, 6, &Device::Cpu).unwrap());
    let path = write(&folder, tensors, metadata(&tiny("paper")));
    assert!(AlexNet::load(&path, &Device::Cpu).is_ok());
    let message = AlexNet::load_with_dtype(&path, DType::F16, &Device::Cpu).unwrap_err().to_string();
    assert!(message.contains("conv1.bias") && message.contains("f16"), "{message}");
}

#[test]
fn inputs_outside_the_contract_are_refused() {
    let model = crate::support::model(&tiny("bvlc"), "bvlc", DType::F32).unwrap();
    for dims in [&[1, 3, 224, 224][..], &[3, 227, 227], &[1, 1, 227, 227], &[1, 227, 227, 3]] {
        let x = Tensor::zeros(dims, DType::F32, &Device::Cpu).unwrap();
        let message = model.forward(&x).unwrap_err().to_string();
        assert!(message.contains("[N, 3, 227, 227]") && message.contains(&format!("{dims:?}")), "{message}");
    }
    let x = Tensor::zeros((1, 3, 227, 227), DType::F64, &Device::Cpu).unwrap();
    assert!(model.forward(&x).unwrap_err().to_string().contains("to_dtype"));
    let x = Tensor::zeros((1, 6), DType::F32, &Device::Cpu).unwrap();
    assert!(model.forward_layer("fc8", &x).unwrap_err().to_string().contains("[N, 256]"));
    assert!(model.forward_layer("fc9", &x).unwrap_err().to_string().contains("fc8"));
}

#[test]
fn a_tap_that_fails_stops_the_pass() {
    let model = crate::support::model(&tiny("bvlc"), "bvlc", DType::F32).unwrap();
    let x = Tensor::zeros((1, 3, 227, 227), DType::F32, &Device::Cpu).unwrap();
    let mut seen = 0;
    let result = model.forward_with_taps(&x, &mut |name, _| {
        seen += 1;
        if name == "norm1" { candle_core::bail!("enough") } else { Ok(()) }
    });
    assert!(result.unwrap_err().to_string().contains("enough"));
    assert_eq!(seen, 3);
}

/// A file of a few hundred bytes whose one convolution pads its input to 16 million pixels a side.
#[test]
fn a_network_that_asks_for_all_memory_is_refused() {
    let mut network = tiny("torchvision").features_only();
    network.layers.truncate(1);
    if let spec::Op::Conv2d(conv) = &mut network.layers[0].op {
        conv.pads = [1 << 23; 4];
    }
    let tensors = weights("torchvision").into_iter().filter(|(name, _)| name.starts_with("conv1")).collect();
    let folder = TempDir::new().unwrap();
    let path = write(&folder, tensors, metadata(&network));
    let message = AlexNet::load(&path, &Device::Cpu).unwrap_err().to_string();
    assert!(message.contains("`conv1`") && message.contains("refused"), "{message}");
}

#[test]
fn models_cross_threads() {
    fn crosses<T: Send + Sync + Clone + 'static>() {}
    crosses::<AlexNet>();
    crosses::<alexnet::Classifier>();
}
