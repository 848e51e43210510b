//! `alexnet-verify`.

mod check;
mod layers;
mod report;
mod run;
mod text;

use crate::args::verify::Verify;
use crate::compare::Tolerances;
use crate::console::{self, Console};
use crate::exit::Exit;
use crate::files::same_file;
use crate::inputs;
use crate::subject::Subject;
use anyhow::{Result, bail, ensure};
use clap::{CommandFactory, Parser};

pub(crate) use check::check;
pub(crate) use report::Report;
pub(crate) use run::Check;

/// Runs the program with the process's arguments.
pub fn run() -> Result<Exit> {
    let args = Verify::parse();
    if args.common.documents(Verify::command())? {
        return Ok(Exit::Agreed);
    }
    let (Some(a), Some(b)) = (&args.a, &args.b) else { bail!("two files are needed") };
    ensure!(
        !(a.exists() && same_file(a, b)),
        "{} and {} are the same file: that they agree proves nothing",
        a.display(),
        b.display()
    );
    let console = Console::new(args.common.quiet, args.common.verbose);
    let device = alexnet::device(&args.common.device)?;
    let a = Subject::load(a, &args.common)?;
    let b = Subject::load(b, &args.common)?;

    let contract = Subject::contract(&a, &b)?;
    let fixtures = match &args.fixtures {
        Some(path) => inputs::read(path, &contract)?,
        None => inputs::builtin(&contract)?,
    };
    let tolerances = Tolerances { atol: args.atol, rtol: args.rtol };
    if let Some(network) = &contract.network {
        for layer in tolerances.layers().filter(|layer| *layer != "logits") {
            ensure!(network.layer(layer).is_some(), "no layer is called `{layer}` in network `{}`", network.name);
        }
    }
    let report = check(Check {
        a: &a,
        b: &b,
        network: contract.network.as_ref(),
        fixtures: &fixtures,
        runtimes: &args.runtime,
        device: &device,
        tolerances: &tolerances,
        layers: args.layers,
        console,
    })?;
    if args.common.json {
        console::print_json(&report)?;
    } else {
        console::print(text::render(&report, args.common.verbose));
    }
    Ok(if report.agreed { Exit::Agreed } else { Exit::Disagreed })
}
