//! docs/MUTATIONS.md.

use super::{Corruption, Verdict, same};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// What became of the corruptions of one network.
pub struct Section {
    total: Count,
    kinds: String,
    rows: String,
    unchanged: String,
}

/// Graphs of one kind on candle-onnx and ONNX Runtime.
#[derive(Clone, Copy, Default)]
struct Count {
    graphs: usize,
    refused: usize,
    caught: [usize; 2],
    named: [usize; 2],
}

impl Count {
    fn add(&mut self, corruption: &Corruption, verdicts: &[Verdict; 2]) {
        self.graphs += 1;
        self.refused += usize::from(verdicts[0].refused);
        for (index, verdict) in verdicts.iter().enumerate() {
            self.caught[index] += usize::from(verdict.caught);
            self.named[index] += usize::from(verdict.is_right(corruption));
        }
    }

    fn columns(&self) -> String {
        let Count { graphs, refused, caught: [a, b], named: [x, y] } = self;
        format!("{graphs} | {a} | {x} | {refused} | {b} | {y} |")
    }
}

pub fn section(
    name: &str,
    about: &str,
    judged: &[(&Corruption, [Verdict; 2])],
    unchanged: &[(Corruption, PathBuf)],
) -> Section {
    let mut kinds: Vec<(&str, Count)> = Vec::new();
    let mut total = Count::default();
    let mut rows = format!(
        "\n## {name}\n\nThe graph is {about}.\n\n| What is wrong | candle-onnx names | ONNX Runtime names | As |\n|---|---|---|---|\n"
    );
    for (corruption, verdicts) in judged {
        if kinds.iter().all(|(kind, _)| *kind != corruption.kind) {
            kinds.push((corruption.kind, Count::default()));
        }
        let own = kinds.iter_mut().filter(|(kind, _)| *kind == corruption.kind);
        own.for_each(|(_, count)| count.add(corruption, verdicts));
        total.add(corruption, verdicts);
        let [candle, ort] = verdicts.each_ref().map(|verdict| match verdict {
            verdict if verdict.refused => "(refused)".to_owned(),
            verdict if verdict.is_right(corruption) => verdict.named.join(", "),
            verdict => format!("{} (wrong)", verdict.named.join(", ")),
        });
        let mistake = verdicts.iter().find_map(|verdict| verdict.mistake.as_deref()).unwrap_or_default();
        let _ = writeln!(rows, "| {}: {} | {candle} | {ort} | {mistake} |", corruption.kind, corruption.what);
    }
    let mut table = String::new();
    for (kind, count) in &kinds {
        let _ = writeln!(table, "| {name} | {kind} | {}", count.columns());
    }
    let mut excluded = String::new();
    for (corruption, _) in unchanged {
        let why = same::why(name, corruption).unwrap_or_default();
        let _ = writeln!(excluded, "| {name} | {}: {} | {why} |", corruption.kind, corruption.what);
    }
    Section { total, kinds: table, rows, unchanged: excluded }
}

/// Compares the page with what it must be, or writes it.
pub fn keep(sections: &[Section]) {
    let all = |part: fn(&Section) -> &str| sections.iter().map(part).collect::<String>();
    let sum = |part: fn(&Count) -> usize| sections.iter().map(|section| part(&section.total)).sum::<usize>();
    let (graphs, refused) = (sum(|count| count.graphs), sum(|count| count.refused));
    let (on_candle, on_ort) = (sum(|count| count.named[0]), sum(|count| count.named[1]));
    let rate = |named: usize, of: usize| named as f64 * 100.0 / of as f64;
    let page = format!(
        "# What a wrong graph can't hide\n\n\
         {graphs} graphs with one thing wrong in each, verified by `alexnet-verify CHECKPOINT GRAPH` without further options. **All \
         are caught (exit 1). The verdict names the right layer in {on_ort} of {graphs} on ONNX Runtime ({:.1} %), and in {on_candle} of \
         {} on candle-onnx ({:.1} %)**, which refuses the other {refused} since it lacks what they ask for (exit 2). \
         `cargo test -p alexnet-tests --test mutations` makes and judges them all; this page is what it found.\n\n\
         Of two layers that are swapped or exchange parameters, either is right, and so it is of two with a stranger between them. A layer that was left out has no output that could \
         differ: it is named where the verdict says that the one it names should come after it. \"As\" is the known mistake that the \
         verifier recognised, where it did.\n\n\
         | Network | What is wrong | Graphs | Caught, candle-onnx | Right layer | Refused | Caught, ONNX Runtime | Right layer |\n\
         |---|---|---:|---:|---:|---:|---:|---:|\n{}\n\
         ## No corruption\n\n\
         What leaves the function as it is, is right: ONNX Runtime's outputs are the same to the last bit. These are left out above, \
         and the test fails if one of them changes a bit, or anything else doesn't.\n\n\
         | Network | What was done | Why nothing changes |\n|---|---|---|\n{}{}",
        rate(on_ort, graphs),
        graphs - refused,
        rate(on_candle, graphs - refused),
        all(|section| &section.kinds),
        all(|section| &section.unchanged),
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
