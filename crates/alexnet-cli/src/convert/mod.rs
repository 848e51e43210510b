//! `alexnet-convert`.

mod calibrate;
mod check;
mod inspect;
mod outputs;
mod report;
mod stream;
mod write;

use crate::args::convert::{Convert, Integers};
use crate::console::{self, Console};
use crate::exit::Exit;
use crate::files::read_text;
use crate::{checkpoint, quantity, staging};
use alexnet_formats::{Checkpoint, Imported, Limits, Published, Source};
use alexnet_onnx::Quantization;
use alexnet_spec::{Labels, Metadata, Network, Provenance, Weights, networks};
use anyhow::{Context, Result, bail, ensure};
use check::Made;
use clap::{CommandFactory, Parser};
use outputs::Outputs;
use report::Report;
use std::num::NonZero;
use std::path::Path;
use std::thread;
use write::{Headless, Job};

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
    let (checkpoint, mut imported) = read(&source, &limits, args)?;
    imported.report.record_conversion(&imported.weights, outputs.dtype);
    let network = labelled(imported.network.clone(), args.labels.as_deref())?;
    let mut provenance = Provenance {
        source: source.file_name(),
        sha256: (!args.no_hash).then(|| "0".repeat(64)),
        format: imported.report.format.clone(),
        dialect: imported.dialect.to_owned(),
    };
    let draft = Metadata::new(&network, &provenance);
    let calibration = match &args.calibrate {
        Some(path) => {
            look(&source, &checkpoint, &imported.weights)?;
            Some(calibrate::calibrate(path, &network, &imported.weights, &device, console)?)
        }
        None => None,
    };
    let (quantize, examples) = match (args.quantize, calibration) {
        (None, _) => (None, None),
        (Some(Integers::Int8), None) => (Some(Quantization::Weights), None),
        (Some(Integers::Int8), Some(calibration)) => (Some(calibration.quantization), Some(calibration.examples)),
    };
    let options = write::export_options(args, quantize);
    let weights = &imported.weights;
    let job = Job { outputs: &outputs, network: &network, weights, options: &options, source: &source, console };
    let (headless, sha256) = write_and_look(&job, &draft, &checkpoint, !args.no_hash)?;
    provenance.sha256 = sha256;
    let staged = headless.finish(&Metadata::new(&network, &provenance))?;
    name_published(&mut imported.report, &source, provenance.sha256.as_ref());
    say(&imported.report, console);
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

/// Opens and imports the source. The weights are not looked at yet.
fn read(source: &Source, limits: &Limits, args: &Convert) -> Result<(Checkpoint, Imported)> {
    let options = checkpoint::options(&args.common, limits)?;
    let checkpoint = alexnet_formats::open_unread(source, limits)?;
    crate::checkpoint::check_companions(source, &checkpoint)?;
    let imported = checkpoint::import(source, &checkpoint, &options);
    if imported.is_err() {
        // That a file is damaged explains whatever else is wrong with it.
        checkpoint.verify_checksums().with_context(|| source.file_name())?;
    }
    Ok((checkpoint, imported.with_context(|| source.path().display().to_string())?))
}

/// Writes the outputs, but for their heads, while other threads take the source's checksum and look at what is written.
fn write_and_look<'a>(
    job: &Job<'a>,
    draft: &Metadata,
    checkpoint: &Checkpoint,
    hash: bool,
) -> Result<(Headless<'a>, Option<String>)> {
    let look = || look(job.source, checkpoint, job.weights);
    thread::scope(|scope| {
        // Copying and hashing keep two threads busy, and of the two hashing takes longer: with no third one, the looking comes
        // after the copying.
        let free = thread::available_parallelism().map_or(1, NonZero::get).saturating_sub(usize::from(hash));
        let hashing = hash.then(|| thread::Builder::new().spawn_scoped(scope, || job.source.sha256()));
        let looking = (free > 1).then(|| thread::Builder::new().spawn_scoped(scope, look));
        let written = write::write(job, draft);
        // Where no thread was to be had, it is done now. What is wrong with the source explains what is wrong with an output.
        looking.and_then(|thread| thread.ok()?.join().ok()).unwrap_or_else(look)?;
        let written = written?;
        let digest = hashing.map(|thread| thread.ok().and_then(|thread| thread.join().ok()));
        let digest = digest.map(|digest| digest.unwrap_or_else(|| job.source.sha256()));
        job.source.check_unchanged()?;
        Ok((written, digest))
    })
}

/// Errs where the source is damaged, or holds what no network computes with.
fn look(source: &Source, checkpoint: &Checkpoint, weights: &Weights) -> Result<()> {
    checkpoint.verify_checksums().with_context(|| source.file_name())?;
    alexnet_formats::check_finite(weights).with_context(|| source.path().display().to_string())
}

/// Says which published file the source is. Where the network wasn't settled, that was asked before.
fn name_published(report: &mut alexnet_formats::Report, source: &Source, sha256: Option<&String>) {
    let Some(sha256) = sha256 else { return };
    let published = Published::recognise_read(source, &report.format, &report.network, sha256.clone());
    let note = published.map(Published::note).filter(|note| !report.notes.contains(note));
    report.notes.splice(0..0, note);
}

fn say(report: &alexnet_formats::Report, console: Console) {
    if console.is_verbose() {
        console.say(report.to_string().trim_end());
        return;
    }
    for guess in &report.guessed {
        console.say(format_args!("guessed: {}, because {}; {}", guess.what, guess.why, guess.settle));
    }
    for note in &report.notes {
        console.say(format_args!("note: {note}"));
    }
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
