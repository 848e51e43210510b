//! What was written, run against what was read, before it gets its name.

use super::write::StagedOutputs;
use crate::args::convert::Convert;
use crate::compare::{Tolerances, parameters};
use crate::console::Console;
use crate::graph::{Graph, is_onnx};
use crate::inputs::{Contract, Fixture, builtin};
use crate::staging::Staged;
use crate::subject::Subject;
use crate::verify::{Check, Report, check as verify};
use alexnet_formats::{ImportOptions, Limits, Source};
use alexnet_onnx::ExportOptions;
use alexnet_spec::{Network, Weights};
use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use candle_core::Device;
use std::path::Path;

/// How the outputs were made.
pub(super) struct Made<'a> {
    pub args: &'a Convert,
    pub options: &'a ExportOptions,
    /// What a calibration saw first, where there was one.
    pub examples: Option<Vec<Fixture>>,
}

/// A report for each output, and one for the source where it is a graph itself.
///
/// Every graph is run beside the candle model of the source's weights. A safetensors file is read back: it must describe
/// the same network and hold the same values, and it is run as well where no graph is.
pub(super) fn check(
    staged: &StagedOutputs,
    input: &Path,
    network: &Network,
    weights: &Weights,
    made: Made<'_>,
    device: &Device,
    console: Console,
) -> Result<Vec<Report>> {
    let Made { args, options, examples } = made;
    let source = Subject::weights(input.display().to_string(), network.clone(), weights.clone());
    let contract = Contract {
        input: network.input.clone(),
        preprocessing: Some(network.preprocessing.clone()),
        network: Some(network.clone()),
    };
    // What lies beyond the ranges of a calibration is cut off, as it should be.
    let fixtures = match examples {
        Some(examples) => examples,
        None => builtin(&contract)?,
    };
    let run = |written: &Subject| {
        let what = Check {
            a: &source,
            b: Some(written),
            network: Some(network),
            fixtures: &fixtures,
            runtimes: &[],
            device,
            tolerances: &Tolerances::default(),
            batch: 1,
            batches: false,
            speed: false,
            layers: false,
            console,
        };
        anyhow::Ok(verify(&what)?.report)
    };
    let mut reports = Vec::new();
    for output in &staged.safetensors {
        let written = read_back(output, network)?;
        if staged.onnx.is_empty() {
            reports.push(run(&written)?);
        } else {
            let values = parameters(&source.parameters(None)?, &written.parameters(None)?)?;
            if let Some(difference) = values.differences.first().or(values.not_found.first()) {
                bail!("{}: it was written wrongly: {difference}", output.target().display());
            }
        }
    }
    for output in &staged.onnx {
        let bytes = mapped(output)?;
        let path = output.target().display().to_string();
        let graph = Graph::decode(&path, bytes, |location| {
            let named = |other: &&Staged| other.target().file_name().is_some_and(|name| name == location);
            match staged.safetensors.iter().find(named) {
                Some(data) => mapped(data).map_err(std::io::Error::other),
                None => Err(std::io::Error::other("the graph points to a file that is not written beside it")),
            }
        })?;
        alexnet_onnx::check(&graph.model, network, options)
            .with_context(|| format!("{path}: it was written wrongly"))?;
        let report = run(&Subject::of_graph(graph))?;
        let compared = report.parameters.as_ref().map_or(0, |p| p.compared);
        let expected = network.parameters()?.len();
        ensure!(compared == expected, "{path}: {compared} of {expected} parameters were found in it");
        reports.push(report);
    }
    reports.extend(source_graph(input, network, args, console)?.and_then(|graph| {
        let path = graph.path.clone();
        let report = run(&Subject::of_graph(graph));
        report.map_err(|error| console.say(format_args!("note: {path}: it was not run itself: {error:#}"))).ok()
    }));
    Ok(reports)
}

/// The source, where it is a graph that takes what the network takes: what it computes owes nothing to how it was read.
fn source_graph(input: &Path, network: &Network, args: &Convert, console: Console) -> Result<Option<Graph>> {
    if input.is_dir() {
        return Ok(None);
    }
    let source = Source::open(input, &Limits::default())?;
    if !is_onnx(input, &source.bytes()) {
        return Ok(None);
    }
    let graph = Graph::load(input, &source)?;
    let why = if args.common.rgb {
        "its channels are in another order (--rgb)"
    } else if graph.input().ok().as_ref() != Some(&network.input) {
        "it takes images in another shape"
    } else {
        return Ok(Some(graph));
    };
    console.say(format_args!("note: {}: it is not run beside what was made of it: {why}", graph.path));
    Ok(None)
}

fn mapped(output: &Staged) -> Result<Bytes> {
    Ok(Source::open(output.path(), &Limits::default())?.bytes())
}

fn read_back(output: &Staged, network: &Network) -> Result<Subject> {
    let path = output.target().display().to_string();
    let limits = Limits::default();
    let source = Source::open(output.path(), &limits)?;
    let checkpoint = alexnet_formats::open(&source, &limits).with_context(|| format!("{path}: read back"))?;
    let imported = alexnet_formats::import(&checkpoint, &ImportOptions::default())
        .with_context(|| format!("{path}: read back"))?;
    ensure!(imported.network == *network, "{path}: it was written wrongly: it describes another network");
    Ok(Subject::weights(path, imported.network, imported.weights))
}
