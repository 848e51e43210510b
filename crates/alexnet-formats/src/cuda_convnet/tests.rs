//! Layers that no fixture has, as pickles put together by hand.

use crate::{Limits, Result, Source, open};
use alexnet_spec::Graph;
use alexnet_spec::graph::NodeOp;

fn text(value: &str) -> Vec<u8> {
    [b"U", &[value.len() as u8][..], value.as_bytes()].concat()
}

fn int(value: i32) -> Vec<u8> {
    [b"J", &value.to_le_bytes()[..]].concat()
}

fn float(value: f64) -> Vec<u8> {
    [b"G", &value.to_be_bytes()[..]].concat()
}

fn list(items: &[Vec<u8>]) -> Vec<u8> {
    [b"](", items.concat().as_slice(), b"e"].concat()
}

fn dict(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let entries: Vec<u8> = entries.iter().flat_map(|(key, value)| [text(key), value.clone()].concat()).collect();
    [b"}(", entries.as_slice(), b"u"].concat()
}

/// An array of f4 of the given shape, all ones.
fn ones(rows: i32, columns: i32) -> Vec<u8> {
    let content: Vec<u8> = (0..rows * columns).flat_map(|_| 1f32.to_le_bytes()).collect();
    [
        &b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01"[..],
        &int(rows),
        &int(columns),
        b"\x86cnumpy\ndtype\nU\x02f4K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T",
        &(content.len() as i32).to_le_bytes(),
        &content,
        b"tb",
    ]
    .concat()
}

fn layer(name: &str, kind: &str, inputs: &[i32], fields: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let inputs: Vec<Vec<u8>> = inputs.iter().map(|input| int(*input)).collect();
    let own = [("name", text(name)), ("type", text(kind)), ("inputs", list(&inputs))];
    dict(&[&own, fields].concat())
}

/// A convolution of 1x1 of `channels` maps of 4x4 to four maps, from each of its inputs.
fn conv(name: &str, inputs: &[i32], channels: i32, groups: i32) -> Vec<u8> {
    let each = |value: i32| list(&vec![int(value); inputs.len()]);
    let fields = [
        ("channels", each(channels)),
        ("imgSize", each(4)),
        ("filterSize", each(1)),
        ("stride", each(1)),
        ("padding", each(0)),
        ("groups", each(groups)),
        ("filters", int(4)),
        ("modulesX", int(4)),
        ("weights", list(&vec![ones(channels / groups, 4); inputs.len()])),
        ("biases", ones(4, 1)),
    ];
    layer(name, "conv", inputs, &fields)
}

/// The graph of a list of layers that begins with an image of three channels of 4x4 and a convolution to four maps.
fn described(layers: &[Vec<u8>]) -> Result<Graph> {
    let first = [layer("data", "data", &[], &[("dataIdx", int(0)), ("outputs", int(48))]), conv("conv1", &[0], 3, 1)];
    let pickle = [&b"\x80\x02"[..], &list(&[&first, layers].concat()), b"."].concat();
    let checkpoint = open(&Source::from_bytes("layers", pickle), &Limits::default())?;
    Ok(checkpoint.graph.expect("a graph"))
}

fn neuron(kind: &str, params: &[(&str, Vec<u8>)]) -> Vec<u8> {
    layer("f", "neuron", &[1], &[("neuron", dict(&[("type", text(kind)), ("params", dict(params))]))])
}

fn norm(fields: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let own = [("channels", int(4)), ("imgSize", int(4)), ("scale", float(0.5)), ("pow", float(0.75))];
    layer("norm", "cmrnorm", &[1], &[&own, fields].concat())
}

#[test]
fn functions_that_change_nothing_are_no_layers() {
    let cases = [
        neuron("ident", &[("unused", int(0))]),
        neuron("linear", &[("a", float(1.0)), ("b", float(0.0))]),
        layer("f", "pass", &[1], &[]),
    ];
    for case in cases {
        assert_eq!(described(&[case]).unwrap().nodes.last().unwrap().op, NodeOp::Identity);
    }
}

#[test]
fn inputs_beside_each_other_are_the_channels_of_one() {
    let graph =
        described(&[conv("conv2", &[0], 3, 1), layer("both", "concat", &[2, 1], &[]), conv("conv3", &[3], 8, 1)]);
    let graph = graph.unwrap();
    let both = graph.nodes.iter().find(|node| node.name == "both").unwrap();
    assert_eq!(
        (&both.op, both.inputs.as_slice()),
        (&NodeOp::Concat, ["conv2".to_owned(), "conv1".to_owned()].as_slice())
    );
}

#[test]
fn what_no_network_has_is_refused_by_name() {
    let cases = [
        (neuron("linear", &[("a", float(2.0)), ("b", float(0.0))]), "layer `f`: an activation function `linear`"),
        (neuron("tanh", &[("a", float(1.0))]), "layer `f`: an activation function `tanh`"),
        (neuron("dropout", &[("d", float(0.0))]), "layer `f`: a dropout without a `d` above 0"),
        (norm(&[("size", int(4))]), "layer `norm`: normalises over 4 maps; only odd numbers"),
        (norm(&[("size", int(3)), ("blocked", int(1))]), "layer `norm`: normalises in blocks"),
        (
            norm(&[("size", int(3)), ("minDiv", text("2"))]),
            "layer `norm`: its `minDiv` should be a number, but is a byte",
        ),
        (conv("conv2", &[1, 1], 4, 2), "layer `conv2`: has several inputs, each in groups"),
        (layer("hs", "hs", &[1], &[("keep", float(0.0))]), "layer `hs`: keeps 0 of its features"),
        (layer("crop", "crop", &[1], &[]), "layer `crop`: of type `crop`, which isn't converted"),
        (
            layer("fc", "fc", &[0], &[("outputs", int(2)), ("weights", list(&[ones(48, 2)])), ("biases", ones(1, 2))]),
            "the network has several outputs: `conv1` and `fc`",
        ),
        (
            layer("f", "pass", &[1], &[("dropout", float(1.0))]),
            "layer `f`: drops 1 of its features; it must be from 0 to below 1",
        ),
    ];
    for (case, says) in cases {
        let error = described(&[case]).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn a_scalar_of_numpys_is_a_number() {
    let scalar = [
        &b"cnumpy.core.multiarray\nscalar\ncnumpy\ndtype\nU\x02i8K\x00K\x01\x87R"[..],
        b"(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tbU\x08\x03\0\0\0\0\0\0\0\x86R",
    ];
    let graph = described(&[norm(&[("size", scalar.concat())])]).unwrap();
    let NodeOp::Layer(alexnet_spec::Op::LocalResponseNorm(norm)) = &graph.nodes.last().unwrap().op else {
        panic!("{:?}", graph.nodes)
    };
    assert_eq!((norm.size, norm.alpha, norm.k), (3, 1.5, 1.0));
}
