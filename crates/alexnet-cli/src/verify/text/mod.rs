//! The report for people.

mod bar;
mod cost;
mod layers;
mod logits;

use super::report::Report;
use crate::look::Look;
use std::fmt::Write;

/// The report as compact tables; `verbose` adds a line for each input.
pub(super) fn render(report: &Report, verbose: bool, look: Look) -> String {
    let mut out = String::new();
    for (name, side) in [("A", Some(&report.a)), ("B", report.b.as_ref())] {
        let Some(side) = side else { continue };
        let network = side.network.as_deref().unwrap_or("unknown network");
        let _ = writeln!(out, "{}  {}  ({network})", look.heading(name), side.path);
    }
    parameters(&mut out, report, look);
    logits::logits(&mut out, report, verbose, look);
    layers::layers(&mut out, report, look);
    if let Some(images) = &report.images {
        let _ = write!(out, "\n{}", crate::images::render(images, look));
    }
    if let Some(cost) = &report.cost {
        cost::cost(&mut out, cost, look);
    }
    if let Some(folder) = &report.saved {
        let _ = writeln!(out, "\n{}   {}", look.heading("recorded"), folder.display());
    }
    for missing in &report.unavailable {
        let _ = writeln!(out, "\n{}", look.faint(&format!("not used: {} ({})", missing.runtime, missing.why)));
    }
    let verdict = if report.agreed { look.good(&report.verdict) } else { look.bad(&report.verdict) };
    let _ = writeln!(out, "\n{verdict}");
    if let Some(diagnosis) = &report.diagnosis {
        let _ = writeln!(out, "try: {}", diagnosis.remedy);
    }
    if let Some(reduced) = &report.reduced {
        let _ = writeln!(out, "reduced to {reduced}");
    }
    out.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

fn parameters(out: &mut String, report: &Report, look: Look) {
    let Some(check) = &report.parameters else { return };
    let line = match check.differences.as_slice() {
        _ if check.compared == 0 => "not compared: none has a name that both sides know".to_owned(),
        [] if check.equal == check.compared => format!("{} compared, all equal", check.compared),
        [] => format!("{} compared, {} equal, the others as rounding explains", check.compared, check.equal),
        [first, rest @ ..] => {
            look.bad(&format!("{} compared, {} differ: {first}", check.compared, rest.len().saturating_add(1)))
        }
    };
    let _ = writeln!(out, "\n{}   {line}", look.heading("parameters"));
    if !check.not_found.is_empty() && check.compared > 0 {
        let _ = writeln!(out, "             not found in B: {}", check.not_found.join(", "));
    }
}

/// Each name once, in the order of first appearance.
fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    names.fold(Vec::new(), |mut seen, name| {
        if !seen.contains(&name) {
            seen.push(name);
        }
        seen
    })
}
