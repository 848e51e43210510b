//! `alexnet-verify`.

mod at_once;
mod check;
mod cost;
mod layers;
mod over_images;
mod page;
mod report;
mod run;
mod save;
mod text;
mod within;

use crate::args::verify::Verify;
use crate::compare::{Tolerances, list_tolerances};
use crate::console::{self, Console};
use crate::exit::Exit;
use crate::files::same_file;
use crate::images::Listing;
use crate::inputs::{self, Fixture};
use crate::look::Look;
use crate::reduce::{check_target, reduce_found};
use crate::subject::Subject;
use alexnet_spec::Network;
use anyhow::{Result, bail, ensure};
use clap::{CommandFactory, Parser};
use over_images::over_images;
use page::Page;
use save::Recording;
use std::path::Path;

pub(crate) use check::{Outcome, check};
pub(crate) use cost::{Cost, OnRuntime};
pub(crate) use report::{Comparison, FirstDifference, LayerComparison, Ran, Report, Side};
pub(crate) use run::Check;

/// Runs the program with the process's arguments.
pub fn run() -> Result<Exit> {
    let args = Verify::parse();
    if args.common.documents(Verify::command())? {
        return Ok(Exit::Agreed);
    }
    if args.list_tolerances {
        list_tolerances(args.common.json)?;
        return Ok(Exit::Agreed);
    }
    let report = verify(&args)?;
    if args.common.json {
        console::print_json(&report)?;
    } else {
        console::print(text::render(&report, args.common.verbose, Look::of_stdout()))?;
    }
    Ok(report.exit())
}

/// Compares what the arguments name, and writes what they ask for.
fn verify(args: &Verify) -> Result<Report> {
    let Some(a) = args.a.as_deref() else { bail!("a file is needed") };
    let console = Console::new(args.common.quiet, args.common.verbose);
    let device = alexnet::device(&args.common.device)?;
    // What can't be written, or read over, is found before anything runs.
    let (page, recording) = (args.report.as_deref().map(Page::create), args.save.as_deref().map(Recording::new));
    let (page, recording) = (page.transpose()?, recording.transpose()?);
    args.reduce.as_deref().map(check_target).transpose()?;
    let listing = args.images.as_deref().map(Listing::of).transpose()?;

    let (a, b) = load(a, args)?;
    let contract = Subject::contract(&a, b.as_ref())?;
    let tolerances = tolerances(args, contract.network.as_ref())?;
    let fixtures = match &args.fixtures {
        Some(path) => inputs::read(path, &contract)?,
        None => inputs::builtin(&contract)?,
    };
    let mut what = Check {
        a: &a,
        b: b.as_ref(),
        network: contract.network.as_ref(),
        fixtures: &fixtures,
        runtimes: &args.runtime,
        device: &device,
        tolerances: &tolerances,
        batch: args.batch.map_or(1, |batch| batch.get()),
        batches: true,
        speed: true,
        layers: args.layers || contract.network.as_ref().is_some_and(|network| wants_layers(args, network, &fixtures)),
        console,
    };
    let kept;
    if args.fixtures.is_none() {
        let (fixtures, left_out) = within::within(&what)?;
        left_out.iter().for_each(|note| console.say(format_args!("note: {note}")));
        kept = fixtures;
        what.fixtures = &kept;
    }
    let mut outcome = check(&what)?;
    if let Some(target) = args.reduce.as_deref().filter(|_| !outcome.report.agreed) {
        // That there is nothing to write is no second verdict: the first one stands.
        match reduce_found(&what, &outcome).and_then(|reduced| reduced.write(target)) {
            Ok(reduction) => outcome.report.reduced = Some(reduction),
            Err(error) => console.say(format_args!("--reduce: nothing was written: {error:#}")),
        }
    }
    if let Some(recording) = recording {
        outcome.report.saved = Some(recording.write(&what, &outcome)?);
    }
    if let Some(listing) = listing {
        over_images(&what, &mut outcome, listing, &contract, args)?;
    }
    if let Some(page) = page {
        page.write(&what, &outcome)?;
    }
    Ok(outcome.report)
}

/// Whether the layers are walked without the user's asking: for pages and reductions, and where layers were recorded.
fn wants_layers(args: &Verify, network: &Network, fixtures: &[Fixture]) -> bool {
    let recorded = |fixture: &Fixture| fixture.golden.keys().any(|name| network.layer(name).is_some());
    args.report.is_some() || args.reduce.is_some() || fixtures.iter().any(recorded)
}

/// The user's tolerances. Errs where one is for a layer that isn't there.
fn tolerances(args: &Verify, network: Option<&Network>) -> Result<Tolerances> {
    let tolerances = Tolerances { atol: args.atol.clone(), rtol: args.rtol.clone() };
    for layer in tolerances.layers().filter(|layer| *layer != "logits") {
        let known = network.is_none_or(|network| network.layer(layer).is_some());
        let name = network.map_or("", |network| network.name.as_str());
        ensure!(known, "no layer is called `{layer}` in network `{name}`");
    }
    Ok(tolerances)
}

/// Reads both sides. Errs where they are the same file, or copies of one.
fn load(a: &Path, args: &Verify) -> Result<(Subject, Option<Subject>)> {
    let Some(b) = args.b.as_deref() else { return Ok((Subject::load(a, &args.common)?, None)) };
    let nothing = "that they agree proves nothing; leave one out to compare its runtimes with each other";
    ensure!(!(a.exists() && same_file(a, b)), "{} and {} are the same file: {nothing}", a.display(), b.display());
    let (first, second) = (Subject::load(a, &args.common)?, Subject::load(b, &args.common)?);
    ensure!(
        !first.is_copy_of(&second),
        "{} and {} are the same file, byte for byte: {nothing}",
        a.display(),
        b.display()
    );
    Ok((first, Some(second)))
}
