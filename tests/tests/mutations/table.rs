//! docs/MUTATIONS.md.

use super::{Corruption, Verdict, same};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// What became of the corruptions of one network.
pub struct Section {
    total: usize,
    named: usize,
    kinds: String,
    rows: String,
    same: String,
}

pub fn section(
    name: &str,
    about: &str,
    judged: Vec<(&Corruption, &Verdict)>,
    unchanged: &[(Corruption, PathBuf)],
) -> Section {
    let mut kinds: Vec<(&str, usize, usize, usize)> = Vec::new();
    let mut rows = format!("\n## {name}\n\nThe graph is {about}.\n\n| What is wrong | Named | As |\n|---|---|---|\n");
    for (corruption, verdict) in &judged {
        if kinds.last().is_none_or(|(kind, ..)| *kind != corruption.kind) {
            kinds.push((corruption.kind, 0, 0, 0));
        }
        if let Some((_, total, caught, named)) = kinds.last_mut() {
            *total += 1;
            *caught += usize::from(verdict.caught);
            *named += usize::from(verdict.is_right(corruption));
        }
        let layer = verdict.named.first().map_or("-", String::as_str);
        let right = if verdict.is_right(corruption) { "" } else { " (wrong)" };
        let mistake = verdict.mistake.as_deref().unwrap_or_default();
        let _ = writeln!(rows, "| {}: {} | {layer}{right} | {mistake} |", corruption.kind, corruption.what);
    }
    let mut table = String::new();
    for (kind, total, caught, named) in &kinds {
        let _ = writeln!(table, "| {name} | {kind} | {total} | {caught} | {named} |");
    }
    let mut excluded = String::new();
    for (corruption, _) in unchanged {
        let why = same::why(name, corruption).unwrap_or_default();
        let _ = writeln!(excluded, "| {name} | {}: {} | {why} |", corruption.kind, corruption.what);
    }
    Section {
        total: judged.len(),
        named: judged.iter().filter(|(corruption, verdict)| verdict.is_right(corruption)).count(),
        kinds: table,
        rows,
        same: excluded,
    }
}

/// Compares the page with what it must be, or writes it.
pub fn keep(sections: &[Section]) {
    let all = |part: fn(&Section) -> &str| sections.iter().map(part).collect::<String>();
    let (total, named) = sections.iter().fold((0, 0), |(t, n), section| (t + section.total, n + section.named));
    let page = format!(
        "# What a wrong graph can't hide\n\n\
         {total} graphs with one thing wrong in each, verified by `alexnet-verify CHECKPOINT GRAPH --runtime candle-onnx` without \
         further options: **all {total} are caught, and in {named} ({:.1} %) the verdict names the right layer**. ONNX Runtime, where \
         it is at hand, has to do as well: all caught, at least 95 % named. `cargo test -p alexnet-tests --test mutations` makes \
         and judges them all; this page is what it found.\n\n\
         Of two layers that are swapped or exchange parameters, either is right. A layer that was left out has no output that could \
         differ: it is named where the verdict says that the next one should come after it. \"As\" is the mistake that the verifier \
         recognised ([MISTAKES.md](MISTAKES.md)), where it did.\n\n\
         | Network | What is wrong | Graphs | Caught | Right layer |\n|---|---|---:|---:|---:|\n{}\n\
         What leaves the function as it is, is no corruption: ONNX Runtime's outputs are the same to the last bit. These are left \
         out, and the test fails if one of them changes a bit or anything else doesn't.\n\n\
         | Network | What was done | Why nothing changes |\n|---|---|---|\n{}{}",
        named as f64 * 100.0 / total as f64,
        all(|section| &section.kinds),
        all(|section| &section.same),
        all(|section| &section.rows),
    );
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/MUTATIONS.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, page).unwrap();
        return;
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    let line = written.lines().zip(page.lines()).position(|(a, b)| a != b);
    assert!(written == page, "{}: line {line:?}: set UPDATE_DOCS=1 to write it anew", path.display());
}
