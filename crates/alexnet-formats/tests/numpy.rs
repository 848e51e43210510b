//! What NumPy's, Chainer's, Theano's and Flax's files hold, by name, shape and value, and that it isn't copied.

use alexnet_formats::{Checkpoint, Group, ImportOptions, Limits, Source, import, open};
use alexnet_spec::{DType, Tensor};
use std::path::Path;

fn source(name: &str) -> Source {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/numpy"));
    Source::open(folder.join(name), &Limits::default()).unwrap()
}

fn read(name: &str) -> Checkpoint {
    open(&source(name), &Limits::default()).unwrap()
}

fn group<'a>(checkpoint: &'a Checkpoint, key: &str) -> &'a Group {
    checkpoint.groups.iter().find(|group| group.key == key).unwrap_or_else(|| panic!("no group `{key}`"))
}

/// Whether a tensor's elements are read where they lie in the mapped file.
fn is_view(tensor: &Tensor, source: &Source) -> bool {
    let (file, data) = (source.bytes(), tensor.as_contiguous().expect("a tensor in order"));
    file.as_ptr_range().contains(&data.as_ptr())
}

#[test]
fn arrays_that_are_not_compressed_are_views_of_the_file() {
    let files = [
        ("flax.npz", "", "params/Dense_0/kernel"),
        ("flax.msgpack", "params", "Dense_0.kernel"),
        ("caffe-tensorflow-dictionaries.npy", "", "fc6.weights"),
        ("caffe-tensorflow-lists.npy", "", "fc6.0"),
    ];
    for (file, key, name) in files {
        let source = source(file);
        let checkpoint = open(&source, &Limits::default()).unwrap();
        let tensor = group(&checkpoint, key).get(name).unwrap_or_else(|| panic!("{file} has no `{name}`"));
        assert!(is_view(tensor, &source), "{file}: `{name}` was copied");
    }
}

#[test]
fn fortran_order_and_big_endian_numbers_are_what_numpy_reads() {
    let plain = read("plain.npz");
    let hwio = read("caffe-tensorflow-dictionaries.npy");
    for (index, layer) in ["conv1", "conv2", "conv3", "conv4", "conv5"].into_iter().enumerate() {
        let plain = |role: char| group(&plain, "").get(&format!("{role}{index}")).unwrap().clone();
        let kernel = group(&hwio, "").get(&format!("{layer}.weights")).unwrap().permute(&[3, 2, 0, 1]).unwrap();
        assert!(!plain('w').is_contiguous() && plain('w').dtype() == DType::F32);
        assert_eq!(plain('w').to_f32().unwrap(), kernel.to_f32().unwrap(), "{layer}");
        let bias = group(&hwio, "").get(&format!("{layer}.biases")).unwrap();
        assert_eq!(plain('c').to_f32().unwrap(), bias.to_f32().unwrap(), "{layer}");
    }
}

#[test]
fn a_trainers_snapshot_keeps_its_optimizer_apart() {
    let checkpoint = read("chainer-snapshot.npz");
    let model = group(&checkpoint, "updater/model:main");
    assert_eq!(model.tensors.len(), 16);
    assert!(model.get("predictor/conv1/W").is_some());
    let optimizer = group(&checkpoint, "updater/optimizer:main");
    assert!(optimizer.get("predictor/conv1/W/v").is_some());
}

#[test]
fn the_newest_epoch_of_theano_is_taken_by_number() {
    let checkpoint = read("theano");
    let [group] = &checkpoint.groups[..] else { panic!("one group") };
    assert_eq!(group.tensors.len(), 22);
    assert_eq!(checkpoint.notes, ["the newest of 2 epochs: 65"]);
    // Epoch 9, which text would sort behind 65, is all zeros.
    assert!(group.get("W_0").unwrap().to_f32().unwrap().iter().any(|value| *value != 0.0));
}

#[test]
fn chunks_of_a_flax_array_are_put_together() {
    let (whole, chunks) = (read("flax.msgpack"), read("flax-train-state.msgpack"));
    let keys: Vec<&str> = chunks.groups.iter().map(|group| group.key.as_str()).collect();
    assert_eq!(keys, ["opt_state", "params"]);
    for (name, tensor) in &group(&whole, "params").tensors {
        let other = group(&chunks, "params").get(name).unwrap();
        assert_eq!((other.shape(), other.to_f32().unwrap()), (tensor.shape(), tensor.to_f32().unwrap()), "{name}");
    }
}

#[test]
fn the_report_says_what_became_of_theanos_weights() {
    let imported = import(&read("theano"), &ImportOptions::default()).unwrap();
    let report = imported.report.to_string();
    let lines = [
        "conv2.weight from W0_1, W1_1: concatenated along axis 3, then axes in the order [3, 0, 1, 2], then turned by 180 degrees",
        "fc6.weight from W_5: transposed",
        "fc7.weight from W_6: transposed, then times 0.5",
        "fc8.weight from W_7: transposed, then times 0.5",
    ];
    for line in lines {
        assert!(report.lines().any(|found| found.trim() == line), "{line}\n{report}");
    }
}

#[test]
fn variables_of_caffe_tensorflow_are_what_its_dictionaries_are() {
    let lists = read("caffe-tensorflow-dictionaries.npy");
    let options = ImportOptions { network: alexnet_spec::networks::get("bvlc"), ..ImportOptions::default() };
    let expected = import(&lists, &options).unwrap();
    let [group] = &lists.groups[..] else { panic!("one dictionary") };
    let mut variables = Group::default();
    for (name, tensor) in &group.tensors {
        variables.tensors.push((name.replace('.', "/"), tensor.clone()));
    }
    // What TensorFlow's training counts, and NumPy's users: of no layer.
    let count = Tensor::new(DType::I64, vec![], bytes::Bytes::from_static(&[7; 8])).unwrap();
    variables.tensors.push(("epoch".into(), count));
    let variables = Checkpoint::new("tensorflow", vec![variables]);
    assert_eq!(import(&variables, &ImportOptions::default()).unwrap_err().kind(), alexnet_formats::Kind::Ambiguous);
    let imported = import(&variables, &options).unwrap();
    assert_eq!(imported.dialect, "caffe-tensorflow");
    assert_eq!(imported.report.unused.len(), 1);
    for (name, tensor) in expected.weights.iter() {
        let own = imported.weights.get(name).unwrap();
        assert_eq!((own.shape(), own.to_f32().unwrap()), (tensor.shape(), tensor.to_f32().unwrap()), "{name}");
    }
}
