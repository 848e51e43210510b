//! The report for people.

use super::report::{Comparison, LayerComparison, Report};
use crate::compare::at_least;
use std::fmt::Write;

/// The report as a compact table; `verbose` adds a line for each input.
pub(super) fn render(report: &Report, verbose: bool) -> String {
    let mut out = String::new();
    for (name, side) in std::iter::once(("A", &report.a)).chain(report.b.iter().map(|b| ("B", b))) {
        let network = side.network.as_deref().unwrap_or("unknown network");
        let _ = writeln!(out, "{name}  {}  ({network}; {})", side.path, side.runtimes());
    }
    if let Some(parameters) = &report.parameters {
        let _ = match parameters.differences.as_slice() {
            _ if parameters.compared == 0 => {
                writeln!(out, "\nparameters   not compared: none has a name that both sides know")
            }
            [] if parameters.equal == parameters.compared => {
                writeln!(out, "\nparameters   {} compared, all equal", parameters.compared)
            }
            [] => writeln!(
                out,
                "\nparameters   {} compared, {} equal, the others as rounding explains",
                parameters.compared, parameters.equal
            ),
            [first, rest @ ..] => {
                writeln!(out, "\nparameters   {} compared, {} differ: {first}", parameters.compared, 1 + rest.len())
            }
        };
        if !parameters.not_found.is_empty() && parameters.compared > 0 {
            let _ = writeln!(out, "             not found in B: {}", parameters.not_found.join(", "));
        }
    }
    table(&mut out, "logits, against A", &report.consistency, verbose);
    table(&mut out, "logits, against recorded ones", &report.truth, verbose);
    layers(&mut out, &report.layers);
    for missing in &report.unavailable {
        let _ = writeln!(out, "\nnot used: {} ({})", missing.runtime, missing.why);
    }
    let _ = writeln!(out, "\n{}", report.verdict);
    if let Some(diagnosis) = &report.diagnosis {
        let _ = writeln!(out, "try: {}", diagnosis.remedy);
    }
    out.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

fn table(out: &mut String, title: &str, rows: &[Comparison], verbose: bool) {
    if rows.is_empty() {
        return;
    }
    let _ = writeln!(
        out,
        "\n{title:<30} {:>6} {:>10} {:>10} {:>10} {:>10} {:>6} {:>6}",
        "inputs", "max", "rtol", "allowed", "cosine", "top-1", "top-5"
    );
    for runtime in distinct(rows.iter().map(|row| row.runtime.as_str())) {
        let own: Vec<&Comparison> = rows.iter().filter(|r| r.runtime == runtime).collect();
        let _ = writeln!(out, "{}", line(runtime, &own));
        if verbose {
            for row in &own {
                let _ = writeln!(out, "{}", line(&format!("  {}", row.fixture), &[row]));
            }
        }
    }
}

/// The worst of some comparisons in one line.
fn line(name: &str, rows: &[&Comparison]) -> String {
    if let Some(why) = rows.iter().find_map(|r| r.why.as_ref()) {
        return format!("{name:<30} {:>6} {why}", rows.len());
    }
    let Some(worst) = rows.iter().max_by(|a, b| a.severity().total_cmp(&b.severity())) else { return String::new() };
    let Some(m) = &worst.metrics else { return String::new() };
    let rtol = m.passing_rtol.map_or("none".into(), at_least);
    let classes: Vec<_> = rows.iter().filter_map(|r| r.classes).collect();
    let share = |count: usize, of: usize| if of == 0 { "-".to_owned() } else { format!("{count}/{of}") };
    format!(
        "{name:<30} {:>6} {:>10.2e} {rtol:>10} {:>10.1e} {:>10.7} {:>6} {:>6} {}",
        rows.len(),
        m.max_abs,
        m.tolerance.rtol,
        m.cosine,
        share(classes.iter().filter(|c| c.top1).count(), classes.len()),
        share(classes.iter().map(|c| c.top5).sum(), classes.len() * 5),
        if rows.iter().all(|r| r.agrees()) { "" } else { "<- differs" },
    )
}

fn layers(out: &mut String, rows: &[LayerComparison]) {
    for runtime in distinct(rows.iter().map(|row| row.runtime.as_str())) {
        let title = format!("layers, {runtime}");
        let _ = writeln!(out, "\n{title:<40} {:>10} {:>10} {:>10}", "cumulative", "isolated", "allowed");
        for row in rows.iter().filter(|row| row.runtime == runtime) {
            let relative = |m: &Option<crate::compare::Metrics>| match m {
                Some(m) if m.scale > 0.0 && m.max_abs.is_finite() => format!("{:.1e}", m.max_abs / m.scale),
                Some(m) => format!("{:.1e}", m.max_abs),
                None => "-".into(),
            };
            let mark = match &row.why {
                Some(why) => format!("<- {why}"),
                None if row.differs() => "<- differs".into(),
                None => String::new(),
            };
            let allowed = row.cumulative.as_ref().map_or(String::new(), |m| format!("{:.1e}", m.tolerance.rtol));
            let _ = writeln!(
                out,
                "  {:<38} {:>10} {:>10} {allowed:>10} {mark}",
                row.layer,
                relative(&row.cumulative),
                relative(&row.isolated)
            );
        }
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
