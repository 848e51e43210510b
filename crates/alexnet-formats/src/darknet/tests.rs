use super::*;
use crate::{Companions, Source, open};
use alexnet_spec::graph::NodeOp;
use alexnet_spec::{Labels, Mean, Op, Transform};

/// A `[net]` of 3 channels and what follows it.
fn cfg(height: usize, layers: &str) -> String {
    format!("[net]\nchannels=3\nheight={height}\nwidth={height}\n{layers}")
}

/// A header of version 0.2 and `count` numbers from 0 up.
fn weights(count: usize) -> Bytes {
    let mut bytes = [0u32, 2, 0, 7, 0].map(u32::to_le_bytes).concat();
    bytes.extend((0..count).flat_map(|n| (n as f32).to_le_bytes()));
    bytes.into()
}

fn read(cfg: &str, weights: &Bytes) -> Result<(Graph, Group)> {
    describe(cfg.as_bytes(), &Limits::default())?.fill(weights)
}

fn ops(graph: &Graph) -> Vec<&Op> {
    let layer = |node: &'_ Node| matches!(node.op, NodeOp::Layer(_)).then_some(());
    assert!(graph.nodes.iter().all(|node| layer(node).is_some()));
    graph.nodes.iter().filter_map(|node| if let NodeOp::Layer(op) = &node.op { Some(op) } else { None }).collect()
}

#[test]
fn arrays_lie_in_the_order_of_darknets_loaders_without_a_copy() {
    let layers = "[convolutional]\nfilters=2\nsize=1\nbatch_normalize=1\nactivation=relu\n\
                  [connected]\noutput=2\nactivation=linear\n";
    // 2 biases, 2 scales, 2 means, 2 variances, 2x3 weights; 2 biases, 2x2 weights.
    let bytes = weights(20);
    let (graph, group) = read(&cfg(1, layers), &bytes).unwrap();
    let names: Vec<(&str, f32)> =
        group.tensors.iter().map(|(name, tensor)| (name.as_str(), tensor.to_f32().unwrap()[0])).collect();
    let expected = [
        ("0.convolutional.biases", 0.0),
        ("0.convolutional.scales", 2.0),
        ("0.convolutional.rolling_mean", 4.0),
        ("0.convolutional.rolling_variance", 6.0),
        ("0.convolutional.weights", 8.0),
        ("1.connected.biases", 14.0),
        ("1.connected.weights", 16.0),
    ];
    assert_eq!(names, expected);
    let first = group.tensors[0].1.as_contiguous().unwrap();
    assert_eq!(first.as_ptr() as usize, bytes.as_ptr() as usize + 20);

    let roles = |node: &Node| {
        node.operands.iter().map(|operand| (operand.role, operand.sources[0].clone())).collect::<Vec<_>>()
    };
    let normalised = graph.nodes.iter().find(|node| node.name == "0.convolutional.batchnorm").unwrap();
    let sources =
        ["scales", "rolling_mean", "rolling_variance", "biases"].map(|name| format!("0.convolutional.{name}"));
    let expected: Vec<_> = ["weight", "running_mean", "running_var", "bias"].into_iter().zip(sources).collect();
    assert_eq!(roles(normalised), expected);
    // The bias comes after the normalisation, so the convolution has none.
    assert_eq!(roles(&graph.nodes[0]), [("weight", "0.convolutional.weights".to_owned())]);
}

/// `load_connected_weights` reads the statistics last, `load_convolutional_weights` before the weights.
#[test]
fn a_connected_layers_statistics_lie_behind_its_weights() {
    let layers = "[connected]\noutput=2\nbatch_normalize=1\nactivation=relu\n[batchnorm]\n";
    // 2 biases, 2x3 weights, 2 scales, 2 means, 2 variances; 2 scales, 2 means, 2 variances.
    let (graph, group) = read(&cfg(1, layers), &weights(20)).unwrap();
    let names: Vec<(&str, f32)> =
        group.tensors.iter().map(|(name, tensor)| (name.as_str(), tensor.to_f32().unwrap()[0])).collect();
    let expected = [
        ("0.connected.biases", 0.0),
        ("0.connected.weights", 2.0),
        ("0.connected.scales", 8.0),
        ("0.connected.rolling_mean", 10.0),
        ("0.connected.rolling_variance", 12.0),
        ("1.batchnorm.scales", 14.0),
        ("1.batchnorm.rolling_mean", 16.0),
        ("1.batchnorm.rolling_variance", 18.0),
    ];
    assert_eq!(names, expected);
    let names: Vec<&str> = graph.nodes.iter().map(|node| node.name.as_str()).collect();
    let expected = ["0.connected.flatten", "0.connected", "0.connected.batchnorm", "0.connected.relu", "1.batchnorm"];
    assert_eq!(names, expected);
    assert_eq!(graph.nodes[1].operands.len(), 1);
    assert!(graph.nodes[2].operands.iter().any(|operand| operand.role == "bias"));
}

#[test]
fn a_header_is_as_long_as_its_version_says() {
    let header = |words: &[u32]| Header::read(&words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>());
    let cases = [
        (&[0, 1, 0, 5][..], 16, false, "written by Darknet 0.1.0 after 5 images"),
        (&[0, 2, 0, 5, 1], 20, false, "written by Darknet 0.2.0 after 4294967301 images"),
        (&[1, 0, 0, 5, 0], 20, false, "written by Darknet 1.0.0 after 5 images"),
        (&[0, 1002, 0, 5], 16, true, "written by Darknet 0.1002.0 after 5 images"),
        (&[1001, 0, 0, 5], 16, true, "written by Darknet 1001.0.0 after 5 images"),
    ];
    for (words, length, transposed, shown) in cases {
        let header = header(words).unwrap();
        assert_eq!((header.length, header.transposed, header.to_string().as_str()), (length, transposed, shown));
    }
    assert!(header(&[0, 2, 0, 5]).is_err());
}

#[test]
fn matrices_and_kernels_of_other_layouts_are_turned() {
    let layers = "[convolutional]\nfilters=2\nflipped=1\nactivation=linear\n[connected]\noutput=4\nactivation=linear\n";
    let mut bytes = weights(2 + 6 + 4 + 8).to_vec();
    bytes.splice(..20, [0u32, 1002, 0, 7].map(u32::to_le_bytes).concat());
    let (graph, group) = read(&cfg(1, layers), &bytes.into()).unwrap();
    assert_eq!(group.get("0.convolutional.weights").unwrap().shape(), [3, 1, 1, 2]);
    assert_eq!(group.get("1.connected.weights").unwrap().shape(), [2, 4]);
    let transform = |index: usize| graph.nodes[index].operands[0].transform.clone();
    assert_eq!((transform(0), transform(2)), (Transform::Permute(vec![3, 0, 1, 2]), Transform::Transpose));
}

/// `make_maxpool_layer`'s and `make_convolutional_layer`'s sizes.
#[test]
fn padding_is_what_darknet_makes_of_it() {
    let cases = [
        (13, "[maxpool]\nsize=3\nstride=2\n", [1, 1, 1, 1]),
        (13, "[maxpool]\nsize=2\nstride=2\n", [0, 0, 1, 1]),
        (13, "[maxpool]\nstride=2\n", [0, 0, 1, 1]),
        (13, "[maxpool]\nsize=3\nstride=2\npadding=0\n", [0; 4]),
        (13, "[conv]\nsize=5\npad=1\nactivation=linear\n", [2; 4]),
        (13, "[conv]\nsize=5\npad=1\npadding=9\nactivation=linear\n", [2; 4]),
        (13, "[conv]\nsize=5\npadding=1\nactivation=linear\n", [1; 4]),
        (13, "[conv]\nsize=5\nactivation=linear\n", [0; 4]),
    ];
    for (size, layers, expected) in cases {
        let plan = describe(cfg(size, layers).as_bytes(), &Limits::default()).unwrap().0;
        let pads = match &plan.nodes[0].op {
            NodeOp::Layer(Op::Conv2d(conv)) => conv.pads,
            NodeOp::Layer(Op::MaxPool2d(pool)) => pool.pads,
            other => panic!("{other:?}"),
        };
        assert_eq!(pads, expected, "{layers}");
    }
}

#[test]
fn a_crop_is_preprocessing() {
    let layers = "[crop]\ncrop_height=4\ncrop_width=4\nflip=1\n[conn]\noutput=1000\nactivation=linear\n";
    for (more, mean) in [("", 0.5), ("noadjust=1\n", 0.0)] {
        let cfg = cfg(6, &layers.replace("flip=1\n", more));
        let (graph, _) = read(&cfg, &weights(1000 + 48_000)).unwrap();
        assert_eq!(ops(&graph).len(), 2);
        let input = graph.input.unwrap();
        assert_eq!((input.height, input.width), (4, 4));
        assert_eq!(graph.preprocessing.unwrap().mean, Mean::PerChannel(vec![mean; 3]));
        assert_eq!(graph.labels, Some(Labels::Devkit));
    }
}

#[test]
fn the_numbers_must_be_as_many_as_the_layers_need() {
    let layers = "[connected]\noutput=2\nactivation=linear\n";
    let cases = [
        (weights(7), "has 7 numbers after its header, but the layers of the .cfg need 8"),
        (weights(9), "has 9 numbers after its header, but the layers of the .cfg need 8"),
        (weights(8).slice(..51), "has 7 numbers and 3 bytes after its header, but the layers of the .cfg need 8"),
        (weights(0), "has 0 numbers"),
        (weights(0).slice(..12), "the bytes end too early"),
    ];
    for (bytes, says) in cases {
        let error = read(&cfg(1, layers), &bytes).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn what_is_not_converted_is_named() {
    let conv = "[convolutional]\nfilters=2\nsize=1\nactivation=linear\n";
    let cases = [
        ("[conv]\n".into(), "layer `0.convolutional`: activation `logistic` isn't converted"),
        ("[conv]\nactivation=ramp\n".into(), "activation `ramp`"),
        ("[conv]\nactivation=leaky\n".into(), "activation `leaky` isn't converted; relu and linear are"),
        (format!("{conv}[lrn]\n"), "layer `1.normalization`: [normalization] isn't a layer"),
        (format!("{conv}[route]\nlayers=-1\n"), "[route] isn't a layer"),
        (format!("{conv}[local]\n"), "[local] isn't a layer"),
        (format!("{conv}[crop]\n"), "[crop] is converted only right after [net]"),
        (format!("{conv}[\u{1b}[2J]\n"), "[\\u{1b}[2J] isn't a layer"),
        (format!("{conv}[softmax]\ntree=9k.tree\n"), "of a tree"),
        (format!("{conv}[softmax]\ntemperature=3\n"), "temperature"),
        ("[conv]\nxnor=1\n".into(), "xnor=1"),
        ("[conv]\ndontload=1\n".into(), "dontload=1"),
        ("[conv]\nfilters=x\n".into(), "filters is `x`"),
        ("[conv]\nfilters=-1\n".into(), "filters is `-1`"),
        ("[conv]\nsize=3\nsize=5\n".into(), "line 7: `size` is `5` here and `3` before"),
        ("[conv]\nsize=3\nstride=0\nactivation=linear\n".into(), "kernel and stride must be at least 1"),
        ("[conv]\nsize=99\nactivation=linear\n".into(), "the kernel's height of 99 is larger"),
        ("[maxpool]\nsize=2\npadding=9\n".into(), "padding of 5 is not smaller than the window"),
        ("[conv]\nfilters=4\nsize\n".into(), "line 7: `size` is neither a section nor an option"),
        ("[conv\n".into(), "line 5: a section that isn't closed"),
        ("[conn]\noutput=1\nactivation=linear\n[maxpool]\n".into(), "but the input is a vector of 1"),
        ("[conv]\nfilters=18446744073709551615\nactivation=linear\n".into(), "too large"),
        ("[conn]\noutput=4294967296\nactivation=linear\n".repeat(3), "more numbers than a file can hold"),
    ];
    for (layers, says) in cases {
        let error = read(&cfg(9, &layers), &weights(0)).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(says), "{layers}: {error}");
        assert!(!error.chars().any(char::is_control), "{error}");
    }
    for (cfg, says) in [
        (&b"[conv]\n"[..], "doesn't begin with [net]"),
        (b"", "doesn't begin with [net]"),
        (b"x=1\n[net]\n", "line 1: `x=1` is neither"),
        (b"[net]\n\xff\xfe\n", "line 2: is no text"),
        (b"[net]\nheight=1\nwidth=1\n", "channels is missing or zero"),
    ] {
        let error = describe(cfg, &Limits::default()).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn weights_are_recognised_beside_a_cfg_alone() {
    let limits = Limits::default();
    let (network, bytes) = (cfg(1, "[connected]\noutput=2\nactivation=linear\n"), weights(8));
    let alone = Source::from_bytes("x.weights", bytes.clone());
    let error = open(&alone, &limits).unwrap_err().to_string();
    assert!(error.contains("Darknet's .weights") && error.contains("try --cfg FILE"), "{error}");

    let with = |source: Source, cfg: &str| {
        let cfg = Source::from_bytes("x.cfg", cfg.to_owned());
        source.with_companions(Companions { cfg: Some(cfg), ..Companions::default() })
    };
    let checkpoint = open(&with(alone.clone(), &network), &limits).unwrap();
    assert_eq!((checkpoint.format, checkpoint.groups.len()), ("darknet", 1));
    assert_eq!(checkpoint.graph.unwrap().name.as_deref(), Some("x"));
    let error = open(&with(alone, "[net]"), &limits).unwrap_err().to_string();
    assert!(error.starts_with("x.cfg: "), "{error}");

    let commented = Source::from_bytes("x.cfg", format!("# mine\n\n; too\n{network}"));
    let error = open(&commented, &limits).unwrap_err().to_string();
    assert!(error.contains("a Darknet .cfg, which lists layers and holds no weights"), "{error}");
    // Another program's file doesn't become Darknet's by a --cfg.
    let other = Source::from_bytes("x.bz2", &b"BZh\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"[..]);
    let error = open(&with(other, &network), &limits).unwrap_err().to_string();
    assert!(error.contains("compressed by bzip2"), "{error}");
}
