//! Networks that files describe themselves, node by node: towers become groups, whatever the order they are listed in.

mod common;

use alexnet_formats::{Checkpoint, ImportOptions, Imported, Transform, import};
use alexnet_spec::graph::{Node, NodeOp, Operand};
use alexnet_spec::layers::{
    AdaptiveAvgPool2d, BatchNorm2d, Conv2d, Flatten, Linear, LocalResponseNorm, MaxPool2d, Relu, Softmax,
};
use alexnet_spec::{Graph, Input, Op, Tensor};

fn counting(shape: &[usize], from: usize) -> Tensor {
    let values: Vec<f32> = (0..shape.iter().product::<usize>()).map(|i| (from + i) as f32).collect();
    Tensor::from_f32(shape.to_vec(), &values).unwrap()
}

fn weighted(name: &str, inputs: &[&str], op: impl Into<NodeOp>, shape: &[usize], from: usize) -> Node {
    plain(name, inputs, op)
        .with(Operand::new("weight", format!("{name}.w"), counting(shape, from), Transform::Identity))
        .with(Operand::new("bias", format!("{name}.b"), counting(&shape[..1], 900 + from), Transform::Identity))
}

fn plain(name: &str, inputs: &[&str], op: impl Into<NodeOp>) -> Node {
    Node::new(name, inputs.iter().map(|&input| input.to_owned()).collect(), op)
}

fn conv(out: usize, kernel: usize) -> Conv2d {
    Conv2d { out, kernel: [kernel; 2], stride: [1; 2], pads: [0; 4], groups: 1 }
}

fn graph(input: [usize; 3], nodes: Vec<Node>) -> Graph {
    let [channels, height, width] = input;
    Graph {
        dialect: "test",
        name: Some("My Net".into()),
        input_name: "data".into(),
        input: Some(Input { channels, height, width }),
        preprocessing: None,
        labels: None,
        nodes,
        notes: Vec::new(),
    }
}

fn try_read(graph: Graph) -> alexnet_formats::Result<Imported> {
    import(&Checkpoint::described("test", graph, Vec::new()), &ImportOptions::default())
}

fn read(graph: Graph) -> Imported {
    try_read(graph).unwrap()
}

fn refusal(graph: Graph) -> String {
    try_read(graph).unwrap_err().to_string()
}

fn values(imported: &Imported, name: &str) -> Vec<f32> {
    imported.weights.get(name).unwrap().to_f32().unwrap()
}

fn op<'a>(imported: &'a Imported, name: &str) -> &'a Op {
    &imported.network.layer(name).unwrap_or_else(|| panic!("no {name}: {:?}", imported.network.layers)).op
}

/// data -> a, b (2 channels each) -> norms -> a2 of a, b2 of b -> both.
fn towers() -> Vec<Node> {
    let norm = LocalResponseNorm { size: 3, alpha: 1.0, beta: 0.75, k: 2.0, groups: 1 };
    vec![
        weighted("a", &["data"], conv(2, 1), &[2, 3, 1, 1], 0),
        weighted("b", &["data"], conv(2, 1), &[2, 3, 1, 1], 100),
        plain("a.norm", &["a"], norm.clone()),
        plain("b.norm", &["b"], norm),
        weighted("a2", &["a.norm"], conv(1, 1), &[1, 2, 1, 1], 200),
        weighted("b2", &["b.norm"], conv(1, 1), &[1, 2, 1, 1], 300),
    ]
}

#[test]
fn towers_fed_by_one_tower_each_are_groups() {
    let mut nodes = towers();
    nodes.push(plain("out", &["a2", "b2"], NodeOp::Concat));
    let imported = read(graph([3, 4, 4], nodes));
    let Op::Conv2d(first) = op(&imported, "conv1") else { panic!() };
    let Op::LocalResponseNorm(norm) = op(&imported, "norm1") else { panic!() };
    let Op::Conv2d(second) = op(&imported, "conv2") else { panic!() };
    assert_eq!((first.out, first.groups, norm.groups, second.out, second.groups), (4, 1, 2, 2, 2));
    assert_eq!(values(&imported, "conv2.weight"), [200., 201., 300., 301.]);
    assert_eq!(values(&imported, "conv1.bias"), [900., 901., 1000., 1001.]);
    assert_eq!(imported.network.name, "my-net");
}

/// A convolution that lists the towers in reverse has its columns in reverse.
#[test]
fn columns_follow_the_order_in_which_towers_are_listed() {
    let mut nodes = towers();
    nodes.truncate(2);
    nodes.push(plain("ab", &["a", "b"], NodeOp::Concat));
    nodes.push(plain("ba", &["b", "a"], NodeOp::Concat));
    nodes.push(weighted("c", &["ab"], conv(1, 1), &[1, 4, 1, 1], 0));
    nodes.push(weighted("d", &["ba"], conv(1, 1), &[1, 4, 1, 1], 10));
    nodes.push(plain("out", &["c", "d"], NodeOp::Concat));
    let imported = read(graph([3, 4, 4], nodes));
    // d's columns 10, 11 belong to b's channels 2 and 3.
    assert_eq!(values(&imported, "conv2.weight"), [0., 1., 2., 3., 12., 13., 10., 11.]);
}

#[test]
fn the_order_of_the_nodes_tells_nothing() {
    let mut nodes = towers();
    nodes.push(plain("out", &["a2", "b2"], NodeOp::Concat));
    nodes.swap(0, 1);
    nodes.swap(4, 5);
    let imported = read(graph([3, 4, 4], nodes.clone()));
    assert_eq!(values(&imported, "conv2.weight"), [200., 201., 300., 301.]);
    assert_eq!(values(&imported, "conv1.bias"), [900., 901., 1000., 1001.]);
}

#[test]
fn a_convolution_over_the_whole_map_is_fully_connected() {
    let nodes = vec![
        weighted("fc", &["data"], conv(2, 3), &[2, 2, 3, 3], 0),
        plain("relu", &["fc"], Relu {}),
        weighted("score", &["relu"], conv(1, 1), &[1, 2, 1, 1], 50),
        plain("flat", &["score"], Flatten {}),
        plain("prob", &["flat"], Softmax {}),
    ];
    let imported = read(graph([2, 3, 3], nodes));
    let kinds: Vec<&str> = imported.network.layers.iter().map(|layer| layer.op.kind()).collect();
    assert_eq!(kinds, ["Flatten", "Linear", "Relu", "Linear"]);
    assert_eq!(imported.weights.get("fc1.weight").unwrap().shape(), [2, 18]);
    assert_eq!(values(&imported, "fc2.weight"), [50., 51.]);
    assert!(imported.report.notes.iter().any(|note| note.contains("softmax")));
}

/// A 1x2 map of two channels, flattened pixel by pixel: the features are (pixel 0: c0, c1), (pixel 1: c0, c1).
#[test]
fn features_in_the_order_of_pixels_are_brought_into_that_of_channels() {
    let nodes =
        vec![plain("flat", &["data"], NodeOp::FlattenHwc), weighted("fc", &["flat"], Linear { out: 1 }, &[1, 4], 0)];
    assert_eq!(values(&read(graph([2, 1, 2], nodes)), "fc1.weight"), [0., 2., 1., 3.]);
}

#[test]
fn a_factor_reaches_the_next_weights_through_what_keeps_it() {
    let nodes = vec![
        plain("flat", &["data"], Flatten {}),
        weighted("fc", &["flat"], Linear { out: 2 }, &[2, 1], 1),
        plain("half", &["fc"], NodeOp::Scale(0.5)),
        plain("relu", &["half"], Relu {}),
        weighted("out", &["relu"], Linear { out: 1 }, &[1, 2], 4),
    ];
    let imported = read(graph([1, 1, 1], nodes));
    assert_eq!(values(&imported, "fc2.weight"), [2., 2.5]);
    assert_eq!(values(&imported, "fc2.bias"), [904.]);
}

fn batch_norm(name: &str, input: &str, channels: usize, from: usize) -> Node {
    let roles = [("weight", 0), ("bias", 100), ("running_mean", 200), ("running_var", 300)];
    roles.into_iter().fold(plain(name, &[input], BatchNorm2d { eps: 1e-3 }), |node, (role, more)| {
        let tensor = counting(&[channels], from + more);
        node.with(Operand::new(role, format!("{name}.{role}"), tensor, Transform::Identity))
    })
}

/// One that reads towers in another order than they are written in, and one for each tower.
#[test]
fn a_batch_norm_of_towers_follows_the_order_of_the_layer() {
    let fc = |name: &str, from| weighted(name, &["flat"], Linear { out: 2 }, &[2, 1], from);
    let nodes = |rest: Vec<Node>| {
        let mut nodes = vec![plain("flat", &["data"], Flatten {}), fc("a", 0), fc("b", 10)];
        nodes.extend(rest);
        graph([1, 1, 1], nodes)
    };
    let joined = || plain("ba", &["b", "a"], NodeOp::Concat);
    let last = |input: &str| weighted("out", &[input], Linear { out: 1 }, &[1, 4], 20);
    let imported = read(nodes(vec![joined(), batch_norm("norm", "ba", 4, 0), last("norm")]));
    let rows = values(&imported, "fc1.weight");
    let means = values(&imported, "norm1.running_mean");
    let columns = values(&imported, "fc2.weight");
    // Whichever tower stands first: b's rows are 10 and 11, and what reads them 200, 201 and 20, 21.
    let pairs: Vec<_> =
        rows.iter().zip(means).zip(columns).map(|((a, b), c)| (*a as u32, b as u32, c as u32)).collect();
    for pair in [(10, 200, 20), (11, 201, 21), (0, 202, 22), (1, 203, 23)] {
        assert!(pairs.contains(&pair), "{pairs:?}");
    }

    let each = vec![batch_norm("na", "a", 2, 0), batch_norm("nb", "b", 2, 50)];
    let rest = vec![plain("nba", &["nb", "na"], NodeOp::Concat), last("nba")];
    let imported = read(nodes(each.into_iter().chain(rest).collect()));
    let rows = values(&imported, "fc1.weight");
    let scales = values(&imported, "norm1.weight");
    let columns = values(&imported, "fc2.weight");
    let pairs: Vec<_> =
        rows.iter().zip(scales).zip(columns).map(|((a, b), c)| (*a as u32, b as u32, c as u32)).collect();
    for pair in [(10, 50, 20), (11, 51, 21), (0, 0, 22), (1, 1, 23)] {
        assert!(pairs.contains(&pair), "{pairs:?}");
    }
}

#[test]
fn a_batch_norm_after_a_convolution_over_the_whole_map_is_one_of_features() {
    let nodes = vec![
        weighted("fc", &["data"], conv(2, 3), &[2, 2, 3, 3], 0),
        batch_norm("norm", "fc", 2, 0),
        plain("average", &["norm"], AdaptiveAvgPool2d { output: [1, 1] }),
        weighted("score", &["average"], conv(1, 1), &[1, 2, 1, 1], 50),
    ];
    let imported = read(graph([2, 3, 3], nodes));
    let kinds: Vec<&str> = imported.network.layers.iter().map(|layer| layer.op.kind()).collect();
    assert_eq!(kinds, ["Flatten", "Linear", "BatchNorm2d", "Linear"]);
    assert_eq!(values(&imported, "norm1.bias"), [100., 101.]);
}

/// TensorFlow's `SAME` for 11x11 at stride 4 on 224 pixels: 56 outputs, 7 pixels, of which 3 come first.
#[test]
fn same_padding_puts_the_odd_pixel_last() {
    let convolution = Conv2d { stride: [4; 2], ..conv(1, 11) };
    let nodes = vec![
        weighted("conv", &["data"], NodeOp::Same(convolution.into()), &[1, 1, 11, 11], 0),
        plain("pool", &["conv"], NodeOp::Same(MaxPool2d::overlapping().into())),
    ];
    let imported = read(graph([1, 224, 224], nodes));
    let Op::Conv2d(conv) = op(&imported, "conv1") else { panic!() };
    let Op::MaxPool2d(pool) = op(&imported, "pool1") else { panic!() };
    assert_eq!((conv.pads, pool.pads), ([3, 3, 4, 4], [0, 0, 1, 1]));
}

#[test]
fn what_is_left_out_has_its_usual_value() {
    let bare = |name: &str| Operand::new("running_mean", name, counting(&[3], 0), Transform::Identity);
    let norm = plain("norm", &["data"], BatchNorm2d { eps: 1e-3 })
        .with(bare("mean"))
        .with(Operand { role: "running_var", ..bare("var") });
    let imported = read(graph([3, 2, 2], vec![norm]));
    assert_eq!(values(&imported, "norm0.weight"), [1.0; 3]);
    assert_eq!(values(&imported, "norm0.bias"), [0.0; 3]);
    assert!(imported.report.notes.iter().any(|note| note.contains("has no weight")));
}

#[test]
fn an_image_of_more_channels_than_memory_has_room_for_is_refused() {
    let flat = vec![plain("flat", &["data"], Flatten {}), plain("softmax", &["flat"], Softmax {})];
    assert!(refusal(graph([1 << 50, 1, 1], flat)).contains("an image of 1125899906842624 channels"));
}

#[test]
fn statistics_of_a_flattened_map_are_brought_into_the_order_of_its_channels() {
    let count = 12;
    let operand = |role| Operand::new(role, role, counting(&[count], 0), Transform::Identity);
    let norm = ["weight", "bias", "running_mean", "running_var"]
        .into_iter()
        .fold(plain("norm", &["flat"], BatchNorm2d { eps: 1e-3 }), |norm, role| norm.with(operand(role)));
    let fc = weighted("fc", &["norm"], Linear { out: 1 }, &[1, count], 0);
    let imported = read(graph([3, 2, 2], vec![plain("flat", &["data"], NodeOp::FlattenHwc), norm, fc]));
    // Pixel by pixel, three channels each: the first channel's are every third.
    let by_channel = [0.0, 3.0, 6.0, 9.0, 1.0, 4.0, 7.0, 10.0, 2.0, 5.0, 8.0, 11.0];
    for name in ["norm0.weight", "norm0.bias", "norm0.running_mean", "norm0.running_var", "fc1.weight"] {
        assert_eq!(values(&imported, name), by_channel, "{name}");
    }
}

#[test]
fn what_is_no_line_of_layers_is_refused_by_name() {
    let first = || weighted("a", &["data"], conv(2, 1), &[2, 3, 1, 1], 0);
    let second = |name: &str, input: &str| weighted(name, &[input], conv(2, 1), &[2, 2, 1, 1], 0);
    let both = |a: &str, b: &str| plain("ab", &[a, b], NodeOp::Concat);
    let cases = [
        ("a connection past a layer", vec![first(), second("b", "a"), both("a", "b")], "several layers back"),
        ("a loop", vec![first(), second("b", "c"), second("c", "b")], "nothing before it computes"),
        ("two outputs", vec![first(), second("b", "a"), second("c", "a")], "2 outputs: `b`, `c`"),
        (
            "branches that differ",
            vec![first(), second("b", "a"), plain("p", &["a"], MaxPool2d::overlapping()), both("b", "p")],
            "`b` and `p` run side by side",
        ),
        ("a factor before a norm", vec![plain("s", &["data"], NodeOp::Scale(0.5)), plain("n", &["s"], Softmax {})], ""),
        ("a factor of zero", vec![plain("s", &["data"], NodeOp::Scale(0.0))], "multiplies by 0"),
        ("two of a name", vec![first(), first()], "two layers are called `a`"),
        ("channels that aren't there", vec![plain("s", &["data"], NodeOp::Slice { start: 2, end: 9 })], "2 to 9"),
        (
            "half of the channels",
            vec![plain("s", &["data"], NodeOp::Slice { start: 0, end: 1 })],
            "not the last layer's",
        ),
        ("no weight", vec![plain("a", &["data"], conv(2, 1))], "`a` has no weight"),
        ("another shape", vec![weighted("a", &["data"], conv(2, 1), &[2, 4, 1, 1], 0)], "needs [2, 3, 1, 1]"),
    ];
    for (what, nodes, says) in cases {
        let message = refusal(graph([3, 4, 4], nodes));
        assert!(message.contains(says), "{what}: {message}");
    }
}
