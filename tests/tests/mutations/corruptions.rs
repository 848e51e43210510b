//! Everything that is done to a graph, one thing at a time.

use super::chain::{Chain, float, int, integers, ints, number, set, text};
use alexnet_onnx::proto::NodeProto;

/// A graph with one thing wrong.
pub struct Corruption {
    /// What kind of thing.
    pub kind: &'static str,
    /// What exactly.
    pub what: String,
    /// The layers of which any is the right one to name.
    pub layers: Vec<String>,
    /// The graph.
    pub graph: Chain,
}

pub fn all(right: &Chain) -> Vec<Corruption> {
    [parameters, attributes, swaps, removals, doublings, exchanges, strangers]
        .iter()
        .flat_map(|make| make(right))
        .collect()
}

fn parameters(right: &Chain) -> Vec<Corruption> {
    let mut all = Vec::new();
    for (index, tensor) in right.parameters().iter().enumerate() {
        let name = tensor.name();
        let layers = vec![right.layer_of(name)];
        let role = if tensor.dims.len() > 1 { "weights" } else { "vector" };
        all.push(Corruption {
            kind: "a parameter 1 % larger",
            what: format!("{}, all {role}", called(right, name)),
            layers: layers.clone(),
            graph: right.with_values(index, |values| values.iter_mut().for_each(|value| *value *= 1.01)),
        });
        // Two elements of every parameter, each far from the other.
        for (part, which) in [(3, "a third"), (7, "a seventh")] {
            all.push(Corruption {
                kind: "one element 1 % larger",
                what: format!("{}, the element {which} of the way through", called(right, name)),
                layers: layers.clone(),
                graph: right.with_values(index, |values| {
                    let start = values.len() / part;
                    let other = values.iter().skip(start).position(|value| *value != 0.0);
                    values[start + other.expect("a value that isn't zero")] *= 1.01;
                }),
            });
        }
    }
    all
}

/// A parameter by its layer and role, whatever the exporter calls it.
fn called(right: &Chain, name: &str) -> String {
    let role = name.rsplit('.').next().unwrap_or(name);
    format!("{}.{role}", right.layer_of(name))
}

fn attributes(right: &Chain) -> Vec<Corruption> {
    let mut all = Vec::new();
    for (index, node) in right.nodes().iter().enumerate() {
        let layer = &right.layers[index];
        let mut add = |what: String, change: &dyn Fn(&mut NodeProto)| {
            all.push(Corruption {
                kind: "an attribute one step off",
                what: format!("{layer}: {what}"),
                layers: vec![layer.clone()],
                graph: right.with_node(index, change),
            });
        };
        match node.op_type() {
            "Conv" => {
                steps(node, "pads", &[0; 4], 0, &mut add);
                steps(node, "strides", &[1; 2], 1, &mut add);
                steps(node, "dilations", &[1; 2], 1, &mut add);
                let groups = integers(node, "group", &[1])[0];
                let other = if groups == 1 { 2 } else { 1 };
                add(format!("group {other} for {groups}"), &|node| set(node, int("group", other)));
                padded_automatically(&mut add);
            }
            "MaxPool" => {
                steps(node, "kernel_shape", &[], 1, &mut add);
                steps(node, "pads", &[0; 4], 0, &mut add);
                steps(node, "strides", &[1; 2], 1, &mut add);
                steps(node, "dilations", &[1; 2], 1, &mut add);
                let ceil = integers(node, "ceil_mode", &[0])[0];
                add(format!("ceil_mode {} for {ceil}", 1 - ceil), &|node| set(node, int("ceil_mode", 1 - ceil)));
                padded_automatically(&mut add);
            }
            "LRN" => {
                let size = integers(node, "size", &[])[0];
                for other in [size - 2, size - 1, size + 1, size + 2] {
                    add(format!("size {other} for {size}"), &|node| set(node, int("size", other)));
                }
                numbers(node, "alpha", 1e-4, &[5.0, 0.2, 1.01], &mut add);
                numbers(node, "beta", 0.75, &[2.0 / 3.0, 4.0 / 3.0, 1.01], &mut add);
                numbers(node, "bias", 1.0, &[2.0, 0.5, 1.01], &mut add);
            }
            "Gemm" => {
                numbers(node, "alpha", 1.0, &[1.01, 2.0, 0.5], &mut add);
                numbers(node, "beta", 1.0, &[1.01, 2.0, 0.0], &mut add);
                add("transB 0 for 1".into(), &|node| set(node, int("transB", 0)));
            }
            "BatchNormalization" => numbers(node, "epsilon", 1e-5, &[100.0, 10.0], &mut add),
            "AveragePool" => steps(node, "kernel_shape", &[], 1, &mut add),
            "Flatten" => {
                for axis in [0, 2] {
                    add(format!("axis {axis} for 1"), &|node| set(node, int("axis", axis)));
                }
            }
            _ => {}
        }
    }
    all
}

type Add<'a> = dyn FnMut(String, &dyn Fn(&mut NodeProto)) + 'a;

/// Each integer of an attribute one more, and one less where that is no less than `least`.
fn steps(node: &NodeProto, name: &str, default: &[i64], least: i64, add: &mut Add<'_>) {
    let own = integers(node, name, default);
    for at in 0..own.len() {
        for step in [1, -1].into_iter().filter(|step| own[at] + step >= least) {
            let mut other = own.clone();
            other[at] += step;
            add(format!("{name} {other:?} for {own:?}"), &|node| set(node, ints(name, &other)));
        }
    }
}

/// A number times each of some factors.
fn numbers(node: &NodeProto, name: &str, default: f32, factors: &[f32], add: &mut Add<'_>) {
    let own = number(node, name, default);
    for factor in factors {
        add(format!("{name} times {factor:.3}"), &|node| set(node, float(name, own * factor)));
    }
}

fn padded_automatically(add: &mut Add<'_>) {
    for how in ["SAME_UPPER", "SAME_LOWER", "VALID"] {
        add(format!("auto_pad {how}"), &|node| {
            node.attribute.retain(|attribute| attribute.name() != "pads");
            set(node, text("auto_pad", how));
        });
    }
}

fn swaps(right: &Chain) -> Vec<Corruption> {
    let pairs = right.layers.windows(2).enumerate();
    let swap = |(index, pair): (usize, &[String])| Corruption {
        kind: "two neighbours swapped",
        what: format!("{} and {}", pair[0], pair[1]),
        layers: pair.to_vec(),
        graph: right.swapped(index),
    };
    pairs.map(swap).collect()
}

fn removals(right: &Chain) -> Vec<Corruption> {
    let remove = |(index, layer): (usize, &String)| Corruption {
        kind: "a layer left out",
        what: layer.clone(),
        layers: vec![layer.clone()],
        graph: right.without(index),
    };
    right.layers.iter().enumerate().map(remove).collect()
}

fn doublings(right: &Chain) -> Vec<Corruption> {
    let double = |(index, layer): (usize, &String)| Corruption {
        kind: "a layer twice",
        what: layer.clone(),
        layers: vec![layer.clone()],
        graph: right.doubled(index),
    };
    right.layers.iter().enumerate().map(double).collect()
}

/// Two layers of one operator that take each other's parameters.
fn exchanges(right: &Chain) -> Vec<Corruption> {
    let mut all = Vec::new();
    for (one, node) in right.nodes().iter().enumerate() {
        let later = right.nodes().iter().enumerate().skip(one + 1);
        for (other, _) in later.filter(|(_, other)| node.op_type() == other.op_type() && other.input.len() > 1) {
            let [first, second] = [&right.layers[one], &right.layers[other]];
            let own: Vec<usize> = (1..node.input.len()).collect();
            for (which, what) in
                [(&own[..], "parameters"), (&own[..1], "first parameter"), (&own[1..2], "second parameter")]
            {
                all.push(Corruption {
                    kind: "parameters of two layers exchanged",
                    what: format!("{first} and {second}: {what}"),
                    layers: vec![first.clone(), second.clone()],
                    graph: right.exchanged(one, other, which),
                });
            }
        }
    }
    all
}

/// Operators that aren't the network's.
fn strangers(right: &Chain) -> Vec<Corruption> {
    let mut all = Vec::new();
    for (index, node) in right.nodes().iter().enumerate() {
        let layer = &right.layers[index];
        let mut add = |what: String, graph: Chain| {
            // What lies between two layers belongs to either.
            let between = graph.nodes().len() - right.nodes().len();
            let layers = right.layers.iter().skip(index).take(1 + between).cloned().collect();
            all.push(Corruption { kind: "another operator", what: format!("{layer}: {what}"), layers, graph });
        };
        match node.op_type() {
            "Relu" => {
                for other in ["LeakyRelu", "Tanh", "Sigmoid", "Abs"] {
                    let change = |node: &mut NodeProto| node.op_type = Some(other.into());
                    add(format!("{other} for Relu"), right.with_node(index, change));
                }
            }
            "MaxPool" => {
                let average = |node: &mut NodeProto| {
                    node.op_type = Some("AveragePool".into());
                    node.attribute.retain(|attribute| !["dilations", "storage_order"].contains(&attribute.name()));
                };
                add("AveragePool for MaxPool".into(), right.with_node(index, average));
                let turned = vec![ints("perm", &[0, 1, 3, 2])];
                add("its rows and columns exchanged".into(), right.with_behind(index, "Transpose", turned));
            }
            "Flatten" => {
                let last = vec![ints("perm", &[0, 2, 3, 1])];
                add("the channels last before it".into(), right.with_before(index, "Transpose", last));
            }
            "Conv" => add("a Sigmoid behind it".into(), right.with_behind(index, "Sigmoid", Vec::new())),
            "Gemm" => {
                add("a Relu behind it".into(), right.with_behind(index, "Relu", Vec::new()));
                add("a Neg behind it".into(), right.with_behind(index, "Neg", Vec::new()));
            }
            _ => {}
        }
    }
    all
}
