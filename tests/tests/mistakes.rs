//! Every known mistake, made in a graph, is called by its name: docs/MISTAKES.md is what the program says.
//! `UPDATE_DOCS=1` writes it anew.

#[path = "mutations/chain.rs"]
#[expect(dead_code, reason = "the mutations need more of it")]
mod chain;

use alexnet_tests::fixture;
use alexnet_tests::judge::onnx_runtime;
use alexnet_tests::run::Run;
use chain::{Chain, float, int, ints};
use serde_json::Value;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

const CONVERT: &str = env!("CARGO_BIN_EXE_alexnet-convert-under-test");
const VERIFY: &str = env!("CARGO_BIN_EXE_alexnet-verify-under-test");

/// A network of fixtures/networks, or the grouped one of fixtures/mutants.
const GROUPED: &str = "bvlc";
const ONE_COLUMN: &str = "torchvision";
const NORMALISED: &str = "single-column-bn";
const UNPADDED: &str = "slim";

/// A known mistake, the network it is made in, what was done, and how.
type Made = (&'static str, &'static str, &'static str, fn(&Chain) -> Chain);

const MISTAKES: &[Made] = &[
    ("alpha-not-divided", GROUPED, "norm1's alpha is five times as large", |g| lrn(g, &[("alpha", 5e-4)])),
    ("alpha-divided-twice", GROUPED, "norm1's alpha is a fifth", |g| lrn(g, &[("alpha", 2e-5)])),
    ("alpha", GROUPED, "norm1's alpha is 3e-4", |g| lrn(g, &[("alpha", 3e-4)])),
    ("k", GROUPED, "norm1's bias is 2", |g| lrn(g, &[("bias", 2.0)])),
    ("beta", GROUPED, "norm1's beta is 0.5", |g| lrn(g, &[("beta", 0.5)])),
    ("norm-constants", GROUPED, "norm1 has the paper's constants", |g| lrn(g, &[("alpha", 5e-4), ("bias", 2.0)])),
    ("norm-window", GROUPED, "norm1's size is 3", |g| at(g, "norm1", |node| chain::set(node, int("size", 3)))),
    ("layers-swapped", GROUPED, "pool1 comes before norm1", |g| g.swapped(place(g, "norm1"))),
    ("layer-missing", GROUPED, "norm2 is not there", |g| g.without(place(g, "norm2"))),
    ("layer-doubled", GROUPED, "norm1 is there twice", |g| g.doubled(place(g, "norm1"))),
    ("activation", GROUPED, "a Relu follows fc8", |g| g.with_behind(place(g, "fc8"), "Relu", Vec::new())),
    ("channels-reversed", GROUPED, "conv1's input channels are reversed", |g| {
        weights(g, "conv1", |w, [o, i, h, k]| moved(w, [o, i, h, k], |[o, c, y, x]| [o, i - 1 - c, y, x]))
    }),
    ("kernels-turned", GROUPED, "conv3's kernels are turned by 180 degrees", |g| {
        weights(g, "conv3", |w, [o, i, h, k]| moved(w, [o, i, h, k], |[o, c, y, x]| [o, c, h - 1 - y, k - 1 - x]))
    }),
    ("weights-transposed", GROUPED, "fc7's square matrix is transposed", |g| {
        weights(g, "fc7", |w, shape| moved(w, shape, |[o, i, y, x]| [i, o, y, x]))
    }),
    ("towers", GROUPED, "conv4's filters of one tower are the other's", |g| {
        weights(g, "conv4", |w, [o, i, h, k]| moved(w, [o, i, h, k], |[f, c, y, x]| [(f + o / 2) % o, c, y, x]))
    }),
    ("pad-side", GROUPED, "conv2's padding of 2 on all sides is at the bottom and right", |g| {
        at(g, "conv2", |node| chain::set(node, ints("pads", &[0, 0, 4, 4])))
    }),
    ("stride", GROUPED, "conv1's strides are 4 and 3", |g| at(g, "conv1", |n| chain::set(n, ints("strides", &[4, 3])))),
    ("dilation", ONE_COLUMN, "conv3's kernels are dilated", |g| {
        at(g, "conv3", |node| chain::set(node, ints("dilations", &[2, 2])))
    }),
    ("flatten-order", GROUPED, "the maps are flattened with their channels last", |g| {
        g.with_before(place(g, "flatten"), "Transpose", vec![ints("perm", &[0, 2, 3, 1])])
    }),
    ("dropout-factor", GROUPED, "fc7's weights are twice as large", |g| {
        weights(g, "fc7", |w, _| w.iter_mut().for_each(|value| *value *= 2.0))
    }),
    ("bias", GROUPED, "conv3's bias is zero", |g| values(g, "conv3", 2, |b| b.fill(0.0))),
    ("pool-rounding", UNPADDED, "pool1's size is rounded up", |g| {
        at(g, "pool1", |node| chain::set(node, int("ceil_mode", 1)))
    }),
    ("pool-window", ONE_COLUMN, "pool1's window is 2x2", |g| {
        at(g, "pool1", |node| chain::set(node, ints("kernel_shape", &[2, 2])))
    }),
    ("pool-padding", ONE_COLUMN, "pool1 has a padding of 1", |g| {
        at(g, "pool1", |node| chain::set(node, ints("pads", &[1, 1, 1, 1])))
    }),
    ("pool-average", ONE_COLUMN, "pool1 averages", |g| {
        at(g, "pool1", |node| {
            node.op_type = Some("AveragePool".into());
            node.attribute.retain(|attribute| ["kernel_shape", "strides", "pads"].contains(&attribute.name()));
        })
    }),
    ("batch-norm-eps", NORMALISED, "norm1's epsilon is 1e-3", |g| {
        at(g, "norm1", |node| chain::set(node, float("epsilon", 1e-3)))
    }),
    ("batch-norm-statistics", NORMALISED, "norm1's variance is a standard deviation", |g| {
        values(g, "norm1", 4, |variance| variance.iter_mut().for_each(|v| *v = (*v + 1e-5).sqrt()))
    }),
    ("softmax", GROUPED, "two softmaxes follow fc8", |g| {
        let once = g.with_behind(place(g, "fc8"), "Softmax", vec![int("axis", 1)]);
        once.with_behind(place(g, "fc8"), "Softmax", vec![int("axis", 1)])
    }),
    ("constant-output", GROUPED, "conv3's weights and biases are zero", |g| {
        values(&weights(g, "conv3", |w, _| w.fill(0.0)), "conv3", 2, |b| b.fill(0.0))
    }),
    ("other-parameters", ONE_COLUMN, "conv4 and conv5 have each other's biases", |g| {
        g.exchanged(place(g, "conv4"), place(g, "conv5"), &[2])
    }),
    ("parameter-scaled", GROUPED, "conv4's weights are 1 % larger", |g| {
        weights(g, "conv4", |w, _| w.iter_mut().for_each(|value| *value *= 1.01))
    }),
    ("output-scaled", GROUPED, "fc6's alpha and beta are 3", |g| {
        at(g, "fc6", |node| {
            chain::set(node, float("alpha", 3.0));
            chain::set(node, float("beta", 3.0));
        })
    }),
    ("channel-order", GROUPED, "fc8's classes 1 and 4 have each other's places", |g| {
        let rows = weights(g, "fc8", |w, shape| moved(w, shape, |[o, i, y, x]| [exchanged(o), i, y, x]));
        values(&rows, "fc8", 2, |b| b.swap(1, 4))
    }),
    ("one-weight", GROUPED, "one of conv3's weights is 1 % larger", |g| weights(g, "conv3", |w, _| w[163] *= 1.01)),
    ("bias-values", GROUPED, "one of conv3's biases is three times as large", |g| {
        values(g, "conv3", 2, |b| b[7] *= 3.0)
    }),
    ("one-channel", GROUPED, "one of conv3's filters is another", |g| {
        weights(g, "conv3", |w, [_, i, h, k]| w[5 * i * h * k..6 * i * h * k].reverse())
    }),
    ("image-turned", GROUPED, "conv1's image is transposed", |g| {
        let turned = weights(g, "conv1", |w, shape| moved(w, shape, |[o, c, y, x]| [o, c, x, y]));
        turned.with_behind(place(g, "conv1"), "Transpose", vec![ints("perm", &[0, 1, 3, 2])])
    }),
];

fn place(graph: &Chain, layer: &str) -> usize {
    graph.layers.iter().position(|name| name == layer).unwrap_or_else(|| panic!("no {layer}"))
}

fn at(graph: &Chain, layer: &str, change: impl Fn(&mut alexnet_onnx::proto::NodeProto)) -> Chain {
    graph.with_node(place(graph, layer), change)
}

fn lrn(graph: &Chain, constants: &[(&str, f32)]) -> Chain {
    at(graph, "norm1", |node| constants.iter().for_each(|(name, value)| chain::set(node, float(name, *value))))
}

/// With input `which` of a layer, a parameter, changed.
fn values(graph: &Chain, layer: &str, which: usize, change: impl Fn(&mut [f32])) -> Chain {
    let name = &graph.nodes()[place(graph, layer)].input[which];
    let index = graph.parameters().iter().position(|tensor| tensor.name() == name).unwrap();
    graph.with_values(index, |values| change(values))
}

/// With the weights of a layer changed; a matrix has a height and width of one.
fn weights(graph: &Chain, layer: &str, change: impl Fn(&mut [f32], [usize; 4])) -> Chain {
    let name = &graph.nodes()[place(graph, layer)].input[1];
    let tensor = graph.parameters().iter().find(|tensor| tensor.name() == name).unwrap();
    let mut shape = [1; 4];
    tensor.dims.iter().zip(&mut shape).for_each(|(size, own)| *own = usize::try_from(*size).unwrap());
    values(graph, layer, 1, |values| change(values, shape))
}

/// Each element from where `source` says.
fn moved(values: &mut [f32], [out, inputs, height, width]: [usize; 4], source: impl Fn([usize; 4]) -> [usize; 4]) {
    let index = |[o, i, y, x]: [usize; 4]| ((o * inputs + i) * height + y) * width + x;
    let old = values.to_vec();
    for o in 0..out {
        for i in 0..inputs {
            for y in 0..height {
                for x in 0..width {
                    values[index([o, i, y, x])] = old[index(source([o, i, y, x]))];
                }
            }
        }
    }
}

fn exchanged(class: usize) -> usize {
    match class {
        1 => 4,
        4 => 1,
        other => other,
    }
}

/// The checkpoint of a network, from the repository's root, and a right graph of it.
fn base(network: &str, folder: &Path) -> (String, PathBuf) {
    if network == GROUPED {
        return ("fixtures/pytorch/jiecaoyu.pth.tar".into(), fixture("mutants/right.onnx"));
    }
    let (weights, graph) = (format!("networks/{network}.safetensors"), folder.join("right.onnx"));
    let mut command = Command::new(CONVERT);
    command.arg(fixture(&weights)).arg(&graph).args(["--no-verify", "--force", "--network", network]);
    Run::command(&mut command).expect(0);
    (format!("fixtures/{weights}"), graph)
}

#[test]
fn every_known_mistake_is_called_by_its_name() {
    let Some(library) = onnx_runtime() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (mut wrong, mut sections) = (Vec::new(), String::new());
    for (mistake, network, what, make) in MISTAKES {
        let (checkpoint, right) = base(network, folder.path());
        let graph = folder.path().join("wrong.onnx");
        std::fs::write(&graph, make(&Chain::read(&right)).bytes()).unwrap();
        let verify = |options: &[&str]| {
            let mut command = Command::new(VERIFY);
            command.env("ORT_DYLIB_PATH", &library).current_dir(fixture("").join(".."));
            command.arg(&checkpoint).arg(&graph).args(["--network", network, "--runtime", "ort"]).args(options);
            Run::command(&mut command)
        };
        let report: Value = serde_json::from_str(&verify(&["--json"]).stdout).unwrap_or_default();
        if report["diagnosis"]["mistake"] != *mistake {
            wrong.push(format!("{mistake} ({what}): {} {}", report["diagnosis"], report["verdict"]));
        }
        let run = verify(&[]);
        let verdict = run.stdout.find("DISAGREED").map_or("", |start| run.stdout[start..].trim_end());
        let command = format!("alexnet-verify {checkpoint} wrong.onnx --network {network} --runtime ort");
        let _ = write!(
            sections,
            "\n## {mistake}\n\nIn the graph, {what}.\n\n```console\n$ {command}\n...\n{verdict}\n```\n"
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    keep(&sections);
}

fn keep(sections: &str) {
    let page = format!(
        "# Known mistakes, and what the verifier says of them\n\n\
         Where two networks part, `alexnet-verify` makes every mistake that it knows on purpose, in a small network of the layers \
         concerned, and names the one that gives what the other side gave. A mistake is a file in \
         [`diagnose/mistakes`](../crates/alexnet-cli/src/diagnose/mistakes). Each was made here in a graph that was right \
         (`tests/tests/mistakes.rs`); the tables above the verdict are left out.\n{sections}"
    );
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/MISTAKES.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, page).unwrap();
        return;
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    let line = written.lines().zip(page.lines()).position(|(a, b)| a != b);
    assert!(written == page, "{}: line {line:?}: set UPDATE_DOCS=1 to write it anew", path.display());
}
