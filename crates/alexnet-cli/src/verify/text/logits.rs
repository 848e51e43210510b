use super::distinct;
use crate::compare::{Metrics, at_least};
use crate::look::Look;
use crate::verify::report::{Comparison, Ran, Report};
use std::fmt::Write;

/// What comparisons call outputs that another program recorded.
const RECORDED: &str = "recorded";

/// One line a run: how long it took, how far it is from the reference, and how far from what was recorded.
pub(super) fn logits(out: &mut String, report: &Report, verbose: bool, look: Look) {
    let (own, others) = against_first(report);
    let runs = runs(report);
    let width = runs.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0).max(24);
    let recorded: Vec<&Comparison> = report.truth.iter().collect();
    let consistency = own.first().map(|row| format!("consistency, against {}", row.reference));
    let sources = distinct(recorded.iter().map(|row| row.reference.as_str())).join(" and ");
    let truth =
        (!recorded.is_empty()).then(|| format!("truth, against {}", sources.replace(RECORDED, "what was recorded")));

    let inputs = report.fixtures.len();
    let plural = if inputs == 1 { "" } else { "s" };
    let mut head = format!("{:<width$} {:>8}", format!("logits of {inputs} input{plural}"), "ms");
    let mut columns = " ".repeat(head.chars().count());
    for title in [&consistency, &truth].into_iter().flatten() {
        let _ = write!(head, "   {title:<34}");
        let _ = write!(columns, "   {:>8} {:>8} {:>7} {:>8}", "rtol", "allowed", "top-1", "top-5");
    }
    let _ = writeln!(out, "\n{}\n{}", look.heading(head.trim_end()), look.faint(&columns));
    for (name, run) in &runs {
        let (consistent, recorded) = (of(&own, name), of(&recorded, name));
        let time = run.milliseconds.map_or("-".into(), |ms| format!("{ms:.1}"));
        let _ = write!(out, "{name:<width$} {time:>8}");
        for (rows, _) in [(&consistent, &consistency), (&recorded, &truth)].into_iter().filter(|(_, t)| t.is_some()) {
            let _ = write!(out, "   {}", cells(rows));
        }
        let _ = writeln!(out, " {}", mark(&consistent, &recorded, run.failed.as_deref(), look));
        if verbose {
            consistent.iter().chain(&recorded).for_each(|row| details(out, row, width));
        }
    }
    at_risk(out, report, look);
    folded(out, &others, look);
}

/// The comparisons with the first run, and those of a run with itself: in a batch, after its softmax.
fn against_first(report: &Report) -> (Vec<&Comparison>, Vec<&Comparison>) {
    let runs = runs(report);
    report.consistency.iter().partition(|row| runs.iter().any(|(name, _)| *name == row.reference))
}

/// Everything that ran, by the name that comparisons have for it.
fn runs(report: &Report) -> Vec<(String, &Ran)> {
    let of = |name: &'static str, side| {
        let runs: &[Ran] = side;
        runs.iter().map(move |run| (format!("{name}: {}", run.runtime), run))
    };
    of("A", &report.a.runs).chain(of("B", report.b.as_ref().map_or(&[], |b| &b.runs))).collect()
}

fn of<'a>(rows: &[&'a Comparison], runtime: &str) -> Vec<&'a Comparison> {
    rows.iter().copied().filter(|row| row.runtime == runtime).collect()
}

/// The worst of some comparisons: the tolerance that all of them would pass, what they are held to, and the classes.
fn cells(rows: &[&Comparison]) -> String {
    let Some(worst) = rows.iter().max_by(|a, b| a.severity().total_cmp(&b.severity())) else {
        return format!("{:>8} {:>8} {:>7} {:>8}", "-", "", "", "");
    };
    let Some(m) = &worst.metrics else { return format!("{:>8} {:>8} {:>7} {:>8}", "none", "", "", "") };
    let classes: Vec<_> = rows.iter().filter_map(|row| row.classes).collect();
    let share = |count: usize, of: usize| if of == 0 { "-".to_owned() } else { format!("{count}/{of}") };
    format!(
        "{:>8} {:>8} {:>7} {:>8}",
        passing(rows).map_or_else(|| "none".into(), at_least),
        format!("{:.1e}", m.tolerance.rtol),
        share(classes.iter().filter(|c| c.top1).count(), classes.len()),
        share(classes.iter().map(|c| c.top5).sum(), classes.len() * 5),
    )
}

/// The smallest `rtol` that all of them would pass.
fn passing(rows: &[&Comparison]) -> Option<f64> {
    let mut needed = rows.iter().map(|row| row.metrics.as_ref()?.passing_rtol);
    needed.try_fold(0.0, |most: f64, own| own.map(|own| most.max(own)))
}

fn mark(consistent: &[&Comparison], recorded: &[&Comparison], failed: Option<&str>, look: Look) -> String {
    let differs = |rows: &[&Comparison]| rows.iter().any(|row| !row.agrees());
    let why = || consistent.iter().chain(recorded).find_map(|row| row.why.as_deref());
    match (failed.or_else(why), differs(consistent), differs(recorded)) {
        (Some(why), ..) => look.bad(&format!("<- {why}")),
        (None, false, false) => String::new(),
        (None, true, false) => look.bad("<- differs"),
        (None, false, true) => look.bad("<- differs from the truth"),
        (None, true, true) => look.bad("<- differs from both"),
    }
}

/// One comparison in full.
fn details(out: &mut String, row: &Comparison, width: usize) {
    let name = format!("  {}", row.fixture);
    let Some(Metrics { max_abs, rms, p99_9, cosine, ulps, .. }) = &row.metrics else {
        let _ = writeln!(out, "{name:<width$} {}", row.why.as_deref().unwrap_or_default());
        return;
    };
    let ulps = ulps.max.map_or("-".into(), |max| max.to_string());
    let _ = write!(
        out,
        "{name:<width$} max {max_abs:.2e}  rms {rms:.1e}  p99.9 {p99_9:.1e}  cosine {cosine:.7}  ulps {ulps}"
    );
    if let Some(classes) = row.classes {
        let kl = classes.kl.map_or("-".into(), |kl| format!("{kl:.1e}"));
        let _ = write!(out, "  KL {kl}  margin {:.1e}", classes.margin);
    }
    let reference = if row.reference == RECORDED { "  (recorded)" } else { "" };
    let _ = writeln!(out, "{reference}");
}

/// Answers that the differences found could turn over, though they are allowed.
fn at_risk(out: &mut String, report: &Report, look: Look) {
    let (own, _) = against_first(report);
    let risky = |row: &&Comparison| row.agrees() && row.classes.is_some_and(|classes| classes.at_risk);
    let names = distinct(own.into_iter().chain(&report.truth).filter(risky).map(|row| row.fixture.as_str()));
    if !names.is_empty() {
        let text = format!("margin at risk: differences like these can change the answer on {}", names.join(", "));
        let _ = writeln!(out, "{}", look.warning(&text));
    }
}

/// Runs against themselves: one line for all that agree, one for each that doesn't.
fn folded(out: &mut String, rows: &[&Comparison], look: Look) {
    let (right, wrong): (Vec<&Comparison>, Vec<&Comparison>) = rows.iter().partition(|row| row.agrees());
    let kind = |row: &Comparison| row.runtime.rsplit_once(", ").map_or_else(String::new, |(_, kind)| kind.to_owned());
    let kinds: Vec<String> = right.iter().map(|row| kind(row)).collect();
    for kind in distinct(kinds.iter().map(String::as_str)) {
        let own: Vec<&&Comparison> = right.iter().filter(|row| row.runtime.ends_with(kind)).collect();
        let reference = own.first().map_or("", |row| row.reference.as_str());
        let worst = own.iter().map(|row| row.severity()).fold(0.0, f64::max);
        let text = format!("{kind}: as {reference}, up to {:.1} % of what is allowed", worst * 100.0);
        let _ = writeln!(out, "{}", look.faint(&text));
    }
    for row in wrong {
        let why = match (&row.why, &row.metrics) {
            (None, Some(m)) => format!("it would pass at rtol {}", m.passing_rtol.map_or("none".into(), at_least)),
            (why, _) => why.clone().unwrap_or_default(),
        };
        let text = format!("{}: differs from {} on `{}`; {why}", row.runtime, row.reference, row.fixture);
        let _ = writeln!(out, "{}", look.bad(&text));
    }
}
