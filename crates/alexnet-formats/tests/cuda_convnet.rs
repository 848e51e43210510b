//! cuda-convnet's checkpoints: what is read of them, and what of it is in the network's contract.

use alexnet_formats::{Checkpoint, ImportOptions, Limits, MeanFile, Source, import, open};
use alexnet_spec::graph::{Node, NodeOp};
use alexnet_spec::{Graph, Labels, Mean, Op};
use std::fs;
use std::path::{Path, PathBuf};

fn fixture(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/cuda-convnet")).join(name)
}

fn read(path: impl AsRef<Path>) -> Checkpoint {
    let limits = Limits::default();
    open(&Source::open(path, &limits).unwrap(), &limits).unwrap()
}

fn graph(name: &str) -> Graph {
    read(fixture(name)).graph.expect("a graph")
}

fn node<'g>(graph: &'g Graph, name: &str) -> &'g Node {
    graph.nodes.iter().find(|node| node.name == name).unwrap_or_else(|| panic!("no node `{name}`"))
}

#[test]
fn columns_keep_their_inputs_in_the_order_of_each_layer() {
    let graph = graph("layers-145");
    let inputs = |name: &str| node(&graph, name).inputs.clone();
    assert_eq!(inputs("conv4b"), ["conv3b_neuron"]);
    assert_eq!(inputs("conv3b.inputs"), ["pool2a", "pool2b"]);
    assert_eq!(inputs("fc2048ba.inputs"), ["hs1a", "hs1b"]);
    assert_eq!(inputs("fc2048bb.inputs"), ["hs1b", "hs1a"]);
    assert_eq!(node(&graph, "hs2b.keep").op, NodeOp::Scale(0.5));
    assert_eq!(node(&graph, "conv3b").operands[0].sources, ["conv3b.weights[0]", "conv3b.weights[1]"]);
}

#[test]
fn constants_are_those_of_the_configuration() {
    let graph = graph("layers-145");
    let NodeOp::Layer(Op::LocalResponseNorm(norm)) = &node(&graph, "rnorm1a").op else { panic!("no norm") };
    assert_eq!((norm.size, norm.alpha, norm.beta, norm.k), (5, 1e-4, 0.75, 2.0));
    let NodeOp::Layer(Op::SpatialResponseNorm(norm)) = &node(&graph, "cnorm2b").op else { panic!("no norm") };
    assert_eq!((norm.size, norm.alpha, norm.beta, norm.k), (5, 1e-3, 0.75, 1.0));
    // 1 + ceil((224 - 11) / 4) = 55 windows end at pixel 227.
    let NodeOp::Layer(Op::Conv2d(conv)) = &node(&graph, "conv1a").op else { panic!("no convolution") };
    assert_eq!((conv.pads, conv.stride), ([0, 0, 3, 3], [4, 4]));
    let NodeOp::Layer(Op::Conv2d(conv)) = &node(&graph, "conv2a").op else { panic!("no convolution") };
    assert_eq!(conv.pads, [2; 4]);
}

/// Ten convolutions, two of which have two inputs, and five fully connected layers with two inputs each.
#[test]
fn weights_and_biases_are_taken_and_momenta_are_not() {
    let checkpoint = read(fixture("layers-145"));
    assert_eq!(checkpoint.format, "cuda-convnet");
    let [group] = checkpoint.groups.as_slice() else { panic!("{:?}", checkpoint.groups.len()) };
    assert_eq!(group.tensors.len(), 12 + 10 + 10 + 5);
    assert!(group.tensors.iter().all(|(name, _)| !name.contains("Inc")));
}

#[test]
fn a_list_is_followed_by_its_positions_and_not_by_its_stale_layers() {
    let graph = graph("listed.zip");
    assert_eq!(node(&graph, "rnorm1").inputs, ["conv1_neuron"]);
    assert_eq!(node(&graph, "pool1").inputs, ["rnorm1"]);
    // A fork drops features of fc6 itself, before its activation function.
    assert_eq!(node(&graph, "fc6.dropout").op, NodeOp::Scale(0.5));
    assert_eq!(node(&graph, "fc6_neuron").inputs, ["fc6.dropout"]);
}

#[test]
fn classes_are_numbered_by_the_development_kit_where_cuda_convnet2_did_it() {
    // Not 1000 classes: whose they are isn't known.
    assert_eq!(graph("convnet2-dropout2").labels, Some(Labels::Unknown));
    assert_eq!(graph("layers-145").labels, Some(Labels::Unknown));
}

#[test]
fn decaf_sees_images_upside_down_and_its_meta_brings_their_mean_and_the_names() {
    let limits = Limits::default();
    let mean = MeanFile::read(&Source::open(fixture("decaf.meta"), &limits).unwrap(), &limits).unwrap();
    let options = ImportOptions { mean: Some(mean), ..ImportOptions::default() };
    let imported = import(&read(fixture("decaf.epoch90")), &options).unwrap();
    assert_eq!(imported.network.name, "decaf");
    let contract = imported.network.preprocessing;
    assert!(contract.flip_vertical);
    let Mean::Image(image) = contract.mean else { panic!("{:?}", contract.mean) };
    assert_eq!((image.height, image.width), (256, 256));
    // 110 + 20 y + 5 x, ..., 90 + 30 x y for x and y from 0 to 1.
    assert_eq!(image.values[0], 110.0);
    assert_eq!(image.values[255], 115.0);
    assert_eq!(image.values[255 * 256], 130.0);
    assert_eq!(image.values[3 * 256 * 256 - 1], 120.0);
    let Labels::Names(names) = imported.network.labels else { panic!("{:?}", imported.network.labels) };
    assert_eq!((names[0].as_str(), names[9].as_str()), ("class 0", "café"));
    assert!(imported.report.notes.iter().any(|note| note.contains("guessed") && note.contains("upside down")));
}

#[test]
fn images_are_upside_down_for_no_other_program() {
    for name in ["layers-145", "convnet2-dropout", "listed.zip"] {
        assert!(!graph(name).preprocessing.unwrap().flip_vertical, "{name}");
    }
}

#[test]
fn the_newest_checkpoint_of_a_folder_is_the_highest_by_number() {
    let checkpoint = read(fixture("ConvNet__2012-09-13_03.43.56"));
    assert!(
        checkpoint.notes.iter().any(|note| note.contains("2 checkpoints") && note.contains("`10.1` is the newest"))
    );
    let alone = read(fixture("half.gz"));
    for (folder, alone) in checkpoint.groups[0].tensors.iter().zip(&alone.groups[0].tensors) {
        assert_eq!((&folder.0, folder.1.to_bytes()), (&alone.0, alone.1.to_bytes()));
    }
}

#[test]
fn names_in_a_folder_that_are_no_checkpoints_are_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(fixture("tiny-python2.pkl"), folder.path().join("7.12")).unwrap();
    for name in ["8", "9.x", "10.1.tmp", "99999999999999999999.1", ".5"] {
        fs::write(folder.path().join(name), "nothing").unwrap();
    }
    assert!(read(folder.path()).notes.iter().any(|note| note.contains("1 checkpoints") && note.contains("`7.12`")));
}

#[test]
fn a_file_that_is_only_named_like_a_checkpoint_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let pickle = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/pytorch/numpy.pkl"));
    fs::copy(pickle, folder.path().join("7.12")).unwrap();
    let limits = Limits::default();
    let error = open(&Source::open(folder.path(), &limits).unwrap(), &limits).unwrap_err().to_string();
    assert!(
        error.contains("file `7.12`: is named as a checkpoint of cuda-convnet, but is of the format pickle"),
        "{error}"
    );
}

#[test]
fn pickling_again_by_python_3_changes_nothing() {
    let original = read(fixture("tiny-python2.pkl"));
    assert_eq!(original.groups[0].tensors.len(), 4);
    for protocol in [0, 2, 5] {
        let again = read(fixture(&format!("tiny-protocol{protocol}.pkl")));
        assert_eq!(again.format, "cuda-convnet", "{protocol}");
        for ((name, tensor), (other, same)) in original.groups[0].tensors.iter().zip(&again.groups[0].tensors) {
            assert_eq!((name, tensor.to_bytes()), (other, same.to_bytes()), "{protocol}");
        }
        let ops = |checkpoint: &Checkpoint| -> Vec<_> {
            checkpoint
                .graph
                .iter()
                .flat_map(|graph| &graph.nodes)
                .map(|node| (node.name.clone(), node.op.clone()))
                .collect()
        };
        assert_eq!(ops(&original), ops(&again), "{protocol}");
    }
}

#[test]
fn a_mean_that_is_no_square_of_three_colours_is_refused() {
    // {"data_mean": array([1.0, 2.0], dtype=float32)}
    let mut pickle =
        b"\x80\x02}U\x09data_meancnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R".to_vec();
    pickle.extend_from_slice(b"(K\x01K\x02\x85cnumpy\ndtype\nU\x02f4K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x08");
    pickle.extend([1.0f32, 2.0].into_iter().flat_map(f32::to_le_bytes));
    pickle.extend_from_slice(b"tbs.");
    let error =
        MeanFile::read(&Source::from_bytes("batches.meta", pickle), &Limits::default()).unwrap_err().to_string();
    assert_eq!(error, "batches.meta: `data_mean`: an array of shape [2] is no square image of three colours");
}
