use crate::{Limits, Source, open};
use alexnet_spec::graph::NodeOp;
use alexnet_spec::layers::{Dropout, LocalResponseNorm, MaxPool2d, Rounding};
use alexnet_spec::{DType, Op, Transform};

fn int(value: i32) -> Vec<u8> {
    value.to_le_bytes().to_vec()
}

fn text(value: &str) -> Vec<u8> {
    [int(2), int(value.len() as i32), value.as_bytes().to_vec()].concat()
}

fn number(value: f64) -> Vec<u8> {
    [int(1), value.to_le_bytes().to_vec()].concat()
}

/// A table with its number of entries.
fn fields(index: i32, entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = [int(3), int(index), int(entries.len() as i32)].concat();
    for (key, value) in entries {
        bytes.extend([text(key), value.clone()].concat());
    }
    bytes
}

fn object(index: i32, class: &str, content: Vec<u8>) -> Vec<u8> {
    let class = [int(class.len() as i32), class.as_bytes().to_vec()].concat();
    [int(4), int(index), int(3), b"V 1".to_vec(), class, content].concat()
}

fn longs(values: &[i64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn storage(index: i32, values: &[f32]) -> Vec<u8> {
    let values: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    object(index, "torch.FloatStorage", [longs(&[values.len() as i64 / 4]), values].concat())
}

/// A tensor of f32; its objects are `index` and the one after.
fn tensor(index: i32, sizes: &[i64], strides: &[i64], offset: i64, values: &[f32]) -> Vec<u8> {
    let head = [int(sizes.len() as i32), longs(sizes), longs(strides), longs(&[offset])].concat();
    object(index, "torch.FloatTensor", [head, storage(index + 1, values)].concat())
}

fn says(bytes: Vec<u8>) -> String {
    let said = open(&Source::from_bytes("x.t7", bytes), &Limits::default()).map(|_| ()).unwrap_err().to_string();
    assert!(!said.chars().any(char::is_control), "{said}");
    said
}

#[test]
fn tensors_are_views_of_storages_that_they_may_share() {
    let shared = [int(4), int(3)].concat();
    let second = [int(1), longs(&[2]), longs(&[3]), longs(&[2]), shared].concat();
    let bytes = fields(
        1,
        &[
            ("a", tensor(2, &[2, 2], &[1, 2], 3, &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0])),
            ("b", object(4, "torch.FloatTensor", second)),
            ("empty", object(5, "torch.FloatTensor", [int(0), longs(&[1]), int(0)].concat())),
        ],
    );
    let source = Source::from_bytes("x.t7", bytes);
    let checkpoint = open(&source, &Limits::default()).unwrap();
    assert_eq!(checkpoint.format, "torch7");
    let [group] = &checkpoint.groups[..] else { panic!("{} groups", checkpoint.groups.len()) };
    assert_eq!(group.get("a").unwrap().to_f32().unwrap(), [2.0, 4.0, 3.0, 5.0]);
    assert_eq!(group.get("b").unwrap().to_f32().unwrap(), [1.0, 4.0]);
    assert_eq!(group.get("a").unwrap().dtype(), DType::F32);
    assert_eq!(group.unreadable[0].reason, "is empty");
}

#[test]
fn modules_become_layers_with_torchs_constants() {
    let size = |value: f64| number(value);
    let window = |more: &[(&'static str, Vec<u8>)]| {
        let own =
            ["kW", "kH"].map(|name| (name, size(3.0))).into_iter().chain(["dW", "dH"].map(|name| (name, size(2.0))));
        own.chain(more.iter().cloned()).collect::<Vec<_>>()
    };
    let truth = [int(5), int(1)].concat();
    let modules = [
        ("nn.SpatialMaxPooling", window(&[("padW", size(1.0)), ("padH", size(0.0))])),
        ("cudnn.SpatialMaxPooling", window(&[("ceil_mode", truth.clone())])),
        ("nn.SpatialCrossMapLRN", vec![("size", size(5.0)), ("alpha", size(2e-4)), ("k", size(2.0))]),
        ("nn.Dropout", vec![("p", size(0.25)), ("v2", truth)]),
        ("nn.Dropout", vec![("p", size(0.25))]),
        ("nn.Threshold", vec![("threshold", size(0.0)), ("val", size(0.0))]),
        ("nn.Identity", vec![]),
    ];
    let count = modules.len() as i32;
    let mut list = [int(3), int(3), int(count)].concat();
    for (index, (class, own)) in (0i32..).zip(&modules) {
        list.extend(
            [number(f64::from(index) + 1.0), object(10 + 2 * index, class, fields(11 + 2 * index, own))].concat(),
        );
    }
    let network = object(1, "nn.Sequential", fields(2, &[("modules", list)]));
    let checkpoint = open(&Source::from_bytes("x.t7", network), &Limits::default()).unwrap();
    let graph = checkpoint.graph.unwrap();
    let ops: Vec<NodeOp> = graph.nodes.iter().map(|node| node.op.clone()).collect();
    let pool = |pads, rounding| MaxPool2d { kernel: [3, 3], stride: [2, 2], pads, rounding };
    let expected: Vec<NodeOp> = vec![
        pool([0, 1, 0, 1], Rounding::Floor).into(),
        pool([0; 4], Rounding::Ceil).into(),
        LocalResponseNorm { size: 5, alpha: 2e-4, beta: 0.75, k: 2.0, groups: 1 }.into(),
        Dropout { p: 0.25 }.into(),
        NodeOp::Scale(0.75),
        alexnet_spec::layers::Relu {}.into(),
    ];
    assert_eq!(ops, expected);
    assert_eq!((graph.nodes[1].inputs[0].as_str(), graph.nodes[1].name.as_str()), ("net.1", "net.2"));
}

#[test]
fn a_convolution_kept_as_a_matrix_is_given_its_shape() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/torch7/alexnetowt.t7");
    let source = Source::open(path, &Limits::default()).unwrap();
    let graph = open(&source, &Limits::default()).unwrap().graph.unwrap();
    let first = &graph.nodes[0];
    let NodeOp::Layer(Op::Conv2d(conv)) = &first.op else { panic!("{:?}", first.op) };
    assert_eq!((conv.out, conv.pads), (2, [2; 4]));
    let weight = &first.operands[0];
    assert_eq!(
        (weight.tensors[0].shape(), &weight.transform),
        (&[2, 363][..], &Transform::Reshape(vec![2, 3, 11, 11]))
    );
    // All parameters are views of one storage in the file.
    let at = weight.tensors[0].as_contiguous().unwrap().as_ptr() as usize - source.bytes().as_ptr() as usize;
    assert!(at < source.bytes().len());
}

#[test]
fn what_contradicts_itself_is_refused() {
    let one = |value: Vec<u8>| fields(1, &[("w", value)]);
    let view = |sizes: &[i64], strides: &[i64], offset| one(tensor(2, sizes, strides, offset, &[0.0; 4]));
    let odd = |class: &str, content: Vec<u8>| one(object(2, class, content));
    let mut deep = Vec::new();
    for index in 1..2000 {
        deep.extend([int(3), int(index), int(1), text("t")].concat());
    }
    deep.extend(int(0));
    let itself = object(
        1,
        "nn.Sequential",
        fields(2, &[("modules", [int(3), int(3), int(1), number(1.0), int(4), int(1)].concat())]),
    );
    // Each holds the one within it twice.
    let mut doubling = object(1000, "nn.Identity", fields(1001, &[]));
    for level in 0..60 {
        let index = 10 + level * 3;
        let again = if level == 0 { 1000 } else { index - 3 };
        let list = [int(3), int(index + 2), int(2), number(1.0), doubling, number(2.0), int(4), int(again)].concat();
        doubling = object(index, "nn.Sequential", fields(index + 1, &[("modules", list)]));
    }
    doubling[4..8].copy_from_slice(&int(1));
    let cases = [
        (view(&[2, 3], &[3, 1], 1), "the view reaches outside its storage"),
        (view(&[4], &[1], 2), "the view reaches outside its storage"),
        (view(&[4], &[1], 0), "from element 0 on"),
        (view(&[-4], &[1], 1), "a tensor of sizes [-4]"),
        (view(&[4], &[-1], 4), "with strides [-1]"),
        (view(&[i64::MAX, 2], &[0, 0], 1), "overflow"),
        (view(&[1 << 20, 4], &[0, 1], 1), "shows 4194304 elements of the 4 in its storage"),
        (view(&[1; 40], &[1; 40], 1), "a tensor of 40 dimensions exceeds the limit `dimensions`"),
        (odd("torch.FloatTensor", int(-1)), "a tensor of -1 dimensions"),
        (odd("torch.FloatTensor", [int(0), longs(&[1]), number(1.0)].concat()), "whose storage is something else"),
        (odd("torch.FloatStorage", longs(&[-1])), "a storage of -1 elements"),
        (odd("torch.DoubleStorage", longs(&[i64::MAX])), "a storage of 9223372036854775807 elements"),
        (odd("torch.FloatStorage", longs(&[5])), "a storage of 20 bytes, but 0 are left"),
        (odd("torch.Timer", vec![]), "`torch.Timer`: is a class whose layout isn't known"),
        (odd("tds.Hash", number(1.0)), "`tds.Hash` isn't written as a table of fields"),
        (one([int(2), int(-5)].concat()), "a text of -5"),
        (one(int(9)), "an object of type 9"),
        ([one(number(1.0)), vec![0]].concat(), "1 bytes after the object"),
        (one(number(1.0)), "holds no network and no tensors"),
        (deep, "objects nested deeper exceeds the limit `depth`"),
        (itself, "modules nested deeper exceeds the limit `depth`"),
        (doubling, "one more module exceeds the limit `tensors`"),
        (object(1, "nn.Sequential", fields(2, &[])), "the network, a `nn.Sequential`, has no layers"),
        (object(1, "nn.SpatialMaxPooling", fields(2, &[("kW", number(1.5)), ("kH", number(3.0))])), "its kW is 1.5"),
        (object(1, "nn.Linear", fields(2, &[])), "module net (`nn.Linear`): has no weight"),
        (object(1, "nn.SpatialAveragePooling", fields(2, &[])), "is no module of the AlexNets that are converted"),
        (object(1, "nn.SpatialCrossMapLRN", fields(2, &[("size", number(4.0))])), "a window of 4 channels"),
    ];
    for (bytes, expected) in cases {
        let said = says(bytes);
        assert!(said.contains(expected), "{said}\nisn't: {expected}");
    }
}

#[test]
fn a_file_cut_anywhere_is_an_error() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/torch7/two.t7");
    let bytes = Source::open(path, &Limits::default()).unwrap().bytes();
    for length in 20..bytes.len() {
        assert!(open(&Source::from_bytes("x.t7", bytes.slice(..length)), &Limits::default()).is_err(), "{length}");
    }
}
