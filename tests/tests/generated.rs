//! What documents say of formats, dialects, networks and fixtures is what these are: the tables and pictures are made here.
//! `UPDATE_DOCS=1 cargo test -p alexnet-tests --test generated` writes them anew.

use alexnet_formats::{dialects, formats};
use alexnet_spec::layers::Rounding;
use alexnet_spec::{ChannelOrder, Labels, Network, Op, PixelRange, diagram, networks};
use alexnet_tests::manifest::{Case, Expect, Fixture, manifest};
use alexnet_tests::run::Run;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

const CONVERT: &str = env!("CARGO_BIN_EXE_alexnet-convert-under-test");
const VERIFY: &str = env!("CARGO_BIN_EXE_alexnet-verify-under-test");

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// Compares a file with what it must be, or writes it.
fn keep(path: &str, expected: &str) {
    let path = root(path);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, expected).unwrap();
        return;
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    let line = written.lines().zip(expected.lines()).position(|(a, b)| a != b);
    assert!(written == expected, "{}: line {line:?}: set UPDATE_DOCS=1 to write it anew", path.display());
}

/// The text of a file with `body` between two markers.
fn with_block(path: &str, name: &str, body: &str) -> String {
    let text = std::fs::read_to_string(root(path)).unwrap();
    let (open, close) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let (head, rest) = text.split_once(&open).unwrap_or_else(|| panic!("{path} has no {open}"));
    let (_, tail) = rest.split_once(&close).unwrap_or_else(|| panic!("{path} has no {close}"));
    format!("{head}{open}{body}{close}{tail}")
}

fn rows<'a>(heading: &str, entries: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let mut table = format!("| {heading} | What it is |\n|---|---|\n");
    for (name, about) in entries {
        let _ = writeln!(table, "| `{name}` | {about} |");
    }
    table
}

fn format_rows() -> String {
    rows("Format", formats::FORMATS.iter().map(|format| (format.name, format.about.to_owned())))
}

fn network_rows() -> String {
    rows("Network", networks::ALL.iter().map(|entry| (entry.name, (entry.network)().description)))
}

#[test]
fn the_readme_lists_the_formats_and_networks_that_there_are() {
    keep("README.md", &with_block("README.md", "supported", &format!("{}\n{}", format_rows(), network_rows())));
}

#[test]
fn every_network_has_its_picture() {
    for entry in networks::ALL {
        keep(&format!("docs/networks/{}.svg", entry.name), &diagram::svg(&(entry.network)()).unwrap());
    }
}

/// How the networks differ, in the order in which the differences bite.
#[test]
fn the_page_of_the_family_says_what_the_tables_say() {
    let mut table = String::from(
        "| Network | Input | Convolutions | Groups | After conv1 | Norm | α on the plain sum | k | Pools | Sizes | Classes | Parameters |\n\
         |---|---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for entry in networks::ALL {
        let _ = writeln!(table, "| {} |", columns(&(entry.network)()).join(" | "));
    }
    keep("docs/alexnets.md", &with_block("docs/alexnets.md", "family", &table));
}

fn columns(network: &Network) -> Vec<String> {
    let input = &network.input;
    let order = if network.preprocessing.channel_order == ChannelOrder::Bgr { "BGR" } else { "RGB" };
    let range = if network.preprocessing.range == PixelRange::Byte { "0..255" } else { "0..1" };
    let convolutions = || {
        network.layers.iter().filter_map(|layer| match &layer.op {
            Op::Conv2d(conv) if layer.name.starts_with("conv") => Some(conv),
            _ => None,
        })
    };
    let joined = |values: Vec<usize>| values.iter().map(usize::to_string).collect::<Vec<_>>().join("-");
    let between = network.layers.iter().skip_while(|layer| layer.name != "conv1").skip(1);
    let after: Vec<&str> = between
        .take_while(|layer| layer.name != "conv2")
        .map(|layer| match layer.op {
            Op::Relu(_) => "ReLU",
            Op::MaxPool2d(_) => "pool",
            _ => "norm",
        })
        .collect();
    let norm = network.local_response_norms().next().map(|(_, norm)| norm);
    let batch_norm = network.layers.iter().any(|layer| matches!(layer.op, Op::BatchNorm2d(_)));
    let kind = match norm {
        Some(norm) if norm.groups > 1 => "LRN, in each tower",
        Some(_) => "LRN",
        None if batch_norm => "batch norm",
        None => "none",
    };
    let up = network.layers.iter().any(|layer| matches!(&layer.op, Op::MaxPool2d(p) if p.rounding == Rounding::Ceil));
    let steps = network.trace().unwrap();
    let side = |name: &str| {
        let step = steps.iter().find(|step| step.layer.name == name);
        step.map(|step| step.output.dims()[1].to_string()).unwrap_or_default()
    };
    let labels = match network.labels {
        Labels::Wnid => "by WordNet id",
        Labels::Devkit => "by devkit id",
        _ => "",
    };
    vec![
        format!("[`{0}`](networks/{0}.svg)", network.name),
        format!("{}×{} {order} {range}", input.height, input.width),
        joined(convolutions().map(|conv| conv.out).collect()),
        joined(convolutions().map(|conv| conv.groups).collect()),
        after.join(", "),
        kind.to_owned(),
        norm.map(|norm| format!("{:e}", (norm.effective_alpha() * 1e9).round() / 1e9)).unwrap_or_default(),
        norm.map(|norm| norm.k.to_string()).unwrap_or_default(),
        if up { "up" } else { "down" }.to_owned(),
        ["conv1", "pool1", "pool2", "pool5"].map(side).join("-"),
        labels.to_owned(),
        format!("{:.1} M", network.parameter_count().unwrap() as f64 / 1e6),
    ]
}

fn arguments(fixture: &Fixture, case: &Case) -> Vec<PathBuf> {
    let input = Path::new("fixtures").join(case.input.as_ref().unwrap_or(&fixture.path));
    std::iter::once(input).chain(case.relative_arguments()).collect()
}

fn run(arguments: &[PathBuf]) -> Run {
    let mut command = std::process::Command::new(CONVERT);
    Run::command(command.args(arguments).current_dir(root("")))
}

/// Format, dialect, network, and the fixtures that show it.
fn proofs() -> String {
    let mut seen: BTreeMap<[String; 3], Vec<String>> = BTreeMap::new();
    for (fixture, case) in manifest().cases(Expect::Ok) {
        let mut arguments = arguments(fixture, case);
        arguments.extend(["--inspect", "--json"].map(PathBuf::from));
        let inspected: Value = serde_json::from_str(&run(&arguments).expect(0).stdout).unwrap();
        let report = &inspected["becomes"];
        let word = |field| report[field].as_str().unwrap_or_else(|| panic!("{}: no {field}", fixture.path)).to_owned();
        let key = ["format", "dialect", "network"].map(word);
        let path = case.input.as_ref().unwrap_or(&fixture.path);
        let options = case.options.join(" ");
        let shown = format!("[`{path}`](../fixtures/{path}){}{options}", if options.is_empty() { "" } else { " " });
        let paths = seen.entry(key).or_default();
        if !paths.contains(&shown) {
            paths.push(shown);
        }
    }
    let mut table = String::from("| Format | Dialect | Network | Fixtures |\n|---|---|---|---|\n");
    for ([format, dialect, network], paths) in seen {
        let listed = paths.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
        let more = paths.len().saturating_sub(3);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let _ = writeln!(table, "| {format} | {dialect} | {network} | {listed}{more} |");
    }
    table
}

/// What is refused, and the sentence that its owner gets.
fn refusals() -> String {
    let mut table = String::from("| File | What it prints |\n|---|---|\n");
    for expect in [Expect::Ambiguous, Expect::Refused] {
        for (fixture, case) in manifest().cases(expect) {
            let mut arguments = arguments(fixture, case);
            let folder = tempfile::tempdir().unwrap();
            let output = folder.path().join("out.safetensors");
            arguments.push(output);
            let run = run(&arguments).expect(2);
            let error = run.stderr.lines().find(|line| line.starts_with("error")).unwrap_or_default();
            // The file's name stands in the first column.
            let message = error.trim_start_matches("error: ");
            let message =
                message.split_once(": ").map_or(message, |(_, rest)| rest).replace('|', "\\|").replace('<', "&lt;");
            let path = case.input.as_ref().unwrap_or(&fixture.path);
            let options = case.options.join(" ");
            let _ = writeln!(table, "| `{path}` {options} | {message} |");
        }
    }
    table
}

#[test]
fn what_is_supported_is_what_the_fixtures_show() {
    let path = "docs/SUPPORTED.md";
    let blocks = [
        ("formats", format_rows()),
        ("dialects", rows("Dialect", dialects::ALL.iter().map(|dialect| (dialect.name, dialect.about.to_owned())))),
        ("networks", network_rows()),
        ("proofs", proofs()),
        ("refusals", refusals()),
    ];
    for (name, body) in blocks {
        keep(path, &with_block(path, name, &body));
    }
}

#[test]
fn the_tolerances_are_those_that_the_verifier_lists() {
    let run = Run::of(VERIFY, ["--list-tolerances", "--json"]).expect(0);
    let listed: Value = serde_json::from_str(&run.stdout).unwrap();
    let mut table = String::from("| Precision | Device | Holds for | atol | rtol | Why |\n|---|---|---|---|---|---|\n");
    for row in listed["tolerances"].as_array().unwrap() {
        let word = |field: &str| row[field].as_str().unwrap_or("any").to_owned();
        let number = |field: &str| format!("{:e}", row[field].as_f64().unwrap());
        let mut holds = Vec::new();
        if row["alone"] == true {
            holds.push("a layer compared alone".to_owned());
        }
        if row["reorders_sums"] == true {
            holds.push(row["layer"].as_str().map_or("reordered sums".into(), |layer| format!("a sliding {layer}")));
        }
        let holds = if holds.is_empty() { "all".to_owned() } else { holds.join(", ") };
        let (precision, device, reason) = (word("precision"), word("device"), word("reason"));
        let (atol, rtol) = (number("atol"), number("rtol"));
        let _ = writeln!(table, "| {precision} | {device} | {holds} | {atol} | {rtol} | {reason} |");
    }
    keep("docs/VERIFY.md", &with_block("docs/VERIFY.md", "tolerances", &table));
}
