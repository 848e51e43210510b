//! The same two runs over a folder of images.

use super::check::Outcome;
use super::report::Report;
use super::run::Check;
use crate::args::verify::Verify;
use crate::images::{self, Job, Listing, Side, Summary};
use crate::inputs::Contract;
use anyhow::{Context, Result};

/// Runs the reference, and what it is compared with first, over the images of `listing`, and puts what comes out in the report.
pub(super) fn over_images(
    what: &Check<'_>,
    outcome: &mut Outcome<'_>,
    listing: Listing,
    contract: &Contract,
    args: &Verify,
) -> Result<()> {
    let runs = || outcome.runs.iter().filter(|run| run.failed.is_none());
    let reference = runs().next().context("there is nothing to run")?;
    let other = runs().skip(1).find(|run| run.launcher.side == "B").or_else(|| runs().nth(1));
    let other = other.context("--images: nothing is compared with A; name B, or two runtimes")?;
    // One file's runtimes share its weights.
    let exact = outcome.report.parameters.as_ref().is_none_or(|parameters| parameters.is_exact());
    let tolerance = what.tolerances.of("logits", other.tolerance(reference, exact));
    let (mut first, mut second) = (what.open(&reference.launcher)?, what.open(&other.launcher)?);
    let identity = |run: &super::run::Run<'_>| {
        let subject = run.launcher.subject;
        subject.sha256().unwrap_or_else(|| subject.path().to_owned())
    };
    let summary = images::run(Job {
        listing,
        journal: args.journal.as_deref(),
        batch: args.batch.map_or(images::BATCH, |batch| batch.get()),
        contract,
        key: args.common.key.as_deref(),
        reference: Side { name: reference.name.clone(), identity: identity(reference), runtime: first.as_mut() },
        other: Side { name: other.name.clone(), identity: identity(other), runtime: second.as_mut() },
        tolerance,
        console: what.console,
    })?;
    outcome.report.add(summary);
    Ok(())
}

impl Report {
    fn add(&mut self, summary: Summary) {
        let Summary { images, compared, within, top1, unverified, .. } = &summary;
        let text = if compared > within {
            let worst = summary.worst.first().map_or("", |image| image.path.as_str());
            format!("on {} of {compared} images the logits part, most on `{}`", compared - within, worst.escape_debug())
        } else if *unverified > 0 {
            format!("{unverified} of {images} images could not be compared")
        } else {
            format!("{images} images, the same top-1 on {top1}")
        };
        self.verdict = match (self.agreed, compared > within, *unverified > 0) {
            (true, true, _) => format!("DISAGREED: {text}"),
            (true, false, true) => format!("INCOMPLETE: {text}; all else agrees"),
            _ => format!("{}; {text}", self.verdict),
        };
        self.agreed &= summary.agrees() && summary.is_complete();
        self.images = Some(summary);
    }
}
