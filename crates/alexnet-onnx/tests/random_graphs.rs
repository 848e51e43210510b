//! Whatever a graph says, transcribing and lowering it ends: with a network, or with one line of error.

mod support;

use alexnet_onnx::proto::{GraphProto, ModelProto};
use alexnet_onnx::{Model, lower, read_graph, written_network};
use proptest::prelude::*;
use prost::Message;
use support::*;

/// One of each exporter, and one of each operator's models.
fn seeds() -> Vec<Vec<u8>> {
    let foreign = [
        "zoo-3",
        "zoo-12",
        "caffe-torchscript-9-dynamic",
        "caffe-torchscript-13-dynamic",
        "caffe-dynamo-18",
        "torchvision-torchscript-17-fixed",
    ];
    let mut paths: Vec<_> = foreign.iter().map(|name| beside(&format!("foreign/{name}.onnx"))).collect();
    let ours = ["towers-slice", "small-operators", "channels-last", "int8-weights", "normalised"];
    paths.extend(ours.iter().map(|name| fixture(&format!("onnx/{name}.onnx"))));
    let operators = std::fs::read_dir(beside("operators")).unwrap().map(|entry| entry.unwrap().path());
    paths.extend(operators.filter(|path| path.extension().is_some_and(|extension| extension == "onnx")));
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

fn ends(bytes: Vec<u8>) {
    let decoded = Model::decode(bytes.into(), &mut |_| Err(std::io::ErrorKind::NotFound.into()));
    let said = |error: alexnet_onnx::Error| {
        let message = error.to_string();
        assert!(!message.chars().any(char::is_control), "{message}");
    };
    match decoded {
        Ok(model) => {
            written_network(&model).map(|_| ()).unwrap_or_else(said);
            read_graph(&model).map(|_| ()).unwrap_or_else(said);
            lower(&model, 1, &[]).map(|_| ()).unwrap_or_else(said);
        }
        Err(error) => said(error),
    }
}

/// A change of what nodes say.
#[derive(Clone, Debug)]
enum Change {
    /// An integer of an attribute or of a constant of integers.
    Integer(usize, i64),
    /// What a node reads.
    Input(usize, usize),
    /// What a node computes.
    Operator(usize, usize),
    /// A dimension of the input or of an initializer.
    Dimension(usize, i64),
    /// A node less.
    Without(usize),
}

fn change() -> impl Strategy<Value = Change> {
    let number = prop_oneof![
        -3i64..14,
        Just(i64::MIN),
        Just(i64::MAX),
        Just(1 << 15),
        Just(1 << 31),
        Just(i64::from(i32::MIN)),
        any::<i64>(),
    ];
    let any = any::<usize>();
    prop_oneof![
        (any, number.clone()).prop_map(|(at, value)| Change::Integer(at, value)),
        (any, any).prop_map(|(at, from)| Change::Input(at, from)),
        (any, any).prop_map(|(at, from)| Change::Operator(at, from)),
        (any, number).prop_map(|(at, value)| Change::Dimension(at, value)),
        any.prop_map(Change::Without),
    ]
}

fn apply(graph: &mut GraphProto, change: Change) {
    fn pick<T>(items: impl Iterator<Item = T>, at: usize) -> Option<T> {
        let mut items: Vec<T> = items.collect();
        (!items.is_empty()).then(|| items.swap_remove(at % items.len()))
    }
    match change {
        Change::Integer(at, value) => {
            let attributes = graph.node.iter_mut().flat_map(|node| &mut node.attribute);
            let numbers = attributes.flat_map(|attribute| attribute.ints.iter_mut().chain(attribute.i.as_mut()));
            let constants = graph.initializer.iter_mut().flat_map(|tensor| tensor.int64_data.iter_mut());
            if let Some(number) = pick(numbers.chain(constants), at) {
                *number = value;
            }
        }
        Change::Input(at, from) => {
            let names = graph.node.iter().flat_map(|node| &node.output).cloned();
            let names = names.chain(graph.initializer.iter().map(|tensor| tensor.name().to_owned()));
            let name = pick(names, from);
            let input = pick(graph.node.iter_mut().flat_map(|node| &mut node.input), at);
            if let (Some(input), Some(name)) = (input, name) {
                *input = name;
            }
        }
        Change::Operator(at, from) => {
            let operator = pick(graph.node.iter().map(|node| node.op_type.clone()), from).flatten();
            if let Some(node) = pick(graph.node.iter_mut(), at) {
                node.op_type = operator;
            }
        }
        Change::Dimension(at, value) => {
            if let Some(size) = pick(graph.initializer.iter_mut().flat_map(|tensor| &mut tensor.dims), at) {
                *size = value;
            }
        }
        Change::Without(at) => {
            if !graph.node.is_empty() {
                graph.node.remove(at % graph.node.len());
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn any_change_of_what_nodes_say_ends_in_a_network_or_an_error(
        seed in any::<usize>(), changes in proptest::collection::vec(change(), 1..5),
    ) {
        let seeds = seeds();
        let mut model = ModelProto::decode(&*seeds[seed % seeds.len()]).unwrap();
        if let Some(graph) = &mut model.graph {
            changes.into_iter().for_each(|change| apply(graph, change));
        }
        ends(model.encode_to_vec());
    }

    #[test]
    fn any_change_of_bytes_ends_in_a_network_or_an_error(
        seed in any::<usize>(), changes in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..6),
        cut in proptest::option::of(any::<usize>()),
    ) {
        let seeds = seeds();
        let mut bytes = seeds[seed % seeds.len()].clone();
        for (at, value) in changes {
            let length = bytes.len();
            bytes[at % length] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut % (bytes.len() + 1));
        }
        ends(bytes);
    }
}
