//! `alexnet-convert`.

mod calibrate;
mod check;
mod inspect;
mod outputs;
mod report;
mod write;

use crate::args::convert::{Convert, Integers};
use crate::console::{self, Console};
use crate::exit::Exit;
use crate::files::read_text;
use crate::{checkpoint, quantity, staging};
use alexnet_formats::{ImportOptions, Imported, Limits, Source};
use alexnet_onnx::Quantization;
use alexnet_spec::{Labels, Metadata, Network, Provenance, networks};
use anyhow::{Context, Result, bail, ensure};
use check::Made;
use clap::{CommandFactory, Parser};
use outputs::Outputs;
use report::Report;
use std::path::Path;

/// Runs the program with the process's arguments.
pub fn run() -> Result<Exit> {
    let args = Convert::parse();
    if args.common.documents(Convert::command())? {
        return Ok(Exit::Agreed);
    }
    if args.list_networks {
        list_networks(args.common.json)?;
        return Ok(Exit::Agreed);
    }
    let Some(input) = &args.input else { bail!("an input is needed") };
    if args.inspect {
        inspect::inspect(input, &args)?;
        return Ok(Exit::Agreed);
    }
    convert(input, &args)
}

/// Reads, writes, checks, and gives the outputs their names.
fn convert(input: &Path, args: &Convert) -> Result<Exit> {
    let console = Console::new(args.common.quiet, args.common.verbose);
    let device = alexnet::device(&args.common.device)?;
    let outputs = Outputs::plan(input, args)?;
    let limits = Limits::default();
    let source = checkpoint::open(input, &args.common, &limits)?;
    let (mut imported, sha256) = read(&source, &limits, args)?;
    imported.report.record_conversion(&imported.weights, outputs.dtype);
    if console.is_verbose() {
        console.say(imported.report.to_string().trim_end());
    } else {
        for guess in &imported.report.guessed {
            console.say(format_args!("guessed: {}, because {}; {}", guess.what, guess.why, guess.settle));
        }
        for note in &imported.report.notes {
            console.say(format_args!("note: {note}"));
        }
    }
    let network = labelled(imported.network.clone(), args.labels.as_deref())?;
    let provenance = Provenance {
        source: source.file_name(),
        sha256: Some(sha256),
        format: imported.report.format.clone(),
        dialect: imported.dialect.to_owned(),
    };
    let metadata = Metadata::new(&network, &provenance);
    let calibration = match &args.calibrate {
        Some(path) => Some(calibrate::calibrate(path, &network, &imported.weights, &device, console)?),
        None => None,
    };
    let (quantize, examples) = match (args.quantize, calibration) {
        (None, _) => (None, None),
        (Some(Integers::Int8), None) => (Some(Quantization::Weights), None),
        (Some(Integers::Int8), Some(calibration)) => (Some(calibration.quantization), Some(calibration.examples)),
    };
    let options = write::export_options(args, quantize);
    let staged = write::write(&outputs, &network, &imported.weights, &metadata, &options, console)?;
    let made = Made { args, options: &options, examples };
    let verification = match args.no_verify {
        true => Vec::new(),
        false => check::check(&staged, input, &network, &imported.weights, made, &device, console)
            .context("the outputs could not be checked, and nothing was written; --no-verify writes them unchecked")?,
    };
    let agreed = verification.iter().all(|report| report.agreed);
    let report = Report::new(&source, &provenance, &network, &imported.report, &staged, verification);
    if agreed {
        staging::publish(staged.into_files(), args.force)?;
    }
    if args.common.json {
        console::print_json(&report)?;
    } else if !args.common.quiet || !agreed {
        console::print(report.text(agreed))?;
    }
    Ok(if agreed { Exit::Agreed } else { Exit::Disagreed })
}

/// Opens and imports the source, and looks at every weight, while another thread takes its checksum.
fn read(source: &Source, limits: &Limits, args: &Convert) -> Result<(Imported, String)> {
    let options = checkpoint::options(source, &args.common, limits)?;
    std::thread::scope(|scope| {
        let beside = std::thread::Builder::new().spawn_scoped(scope, || source.sha256());
        let imported = import(source, limits, &options)?;
        // Where no thread is to be had, the checksum is taken now.
        let sha256 = beside.ok().and_then(|thread| thread.join().ok());
        Ok((imported, sha256.unwrap_or_else(|| source.sha256())))
    })
}

fn import(source: &Source, limits: &Limits, options: &ImportOptions) -> Result<Imported> {
    let checkpoint = alexnet_formats::open(source, limits)?;
    crate::checkpoint::check_companions(source, &checkpoint)?;
    let imported = alexnet_formats::import(&checkpoint, options);
    let finite = imported.and_then(|imported| alexnet_formats::check_finite(&imported.weights).map(|()| imported));
    finite.with_context(|| source.path().display().to_string())
}

/// The network with the user's class names.
fn labelled(mut network: Network, file: Option<&Path>) -> Result<Network> {
    let Some(file) = file else { return Ok(network) };
    let text = read_text("--labels", file, "list of names")?;
    let names: Vec<String> = text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect();
    let classes = network.class_count();
    ensure!(
        classes == Some(names.len()),
        "--labels {}: {} names, but the network has {} classes; give one name a line, in the order of the outputs",
        file.display(),
        names.len(),
        classes.map_or_else(|| "no".into(), |n| n.to_string())
    );
    network.labels = Labels::Names(names);
    Ok(network)
}

fn list_networks(json: bool) -> Result<()> {
    let all = networks::ALL.iter().map(|entry| (entry.network)());
    if json {
        return console::print_json(&all.collect::<Vec<_>>());
    }
    for network in all {
        console::print(format_args!(
            "{:18} {:>11} parameters {:>6} M multiply-adds  {}x{}  {}",
            network.name,
            quantity::grouped(network.parameter_count()?),
            network.multiply_adds()? / 1_000_000,
            network.input.height,
            network.input.width,
            network.description
        ))?;
    }
    Ok(())
}
