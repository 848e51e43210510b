//! A graph with one thing wrong in it must not pass, whatever that thing is, and the verdict must name its layer.
//!
//! Every parameter, every attribute of every node and every pair of neighbours is corrupted, one at a time, in graphs that
//! other programs wrote. `UPDATE_DOCS=1` writes docs/MUTATIONS.md anew.

mod chain;
mod corruptions;
mod same;
mod table;

use alexnet_tests::fixture;
use alexnet_tests::judge::{Job, judge, onnx_runtime, present};
use alexnet_tests::run::Run;
use chain::Chain;
use corruptions::Corruption;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

const CONVERT: &str = env!("CARGO_BIN_EXE_alexnet-convert-under-test");
const VERIFY: &str = env!("CARGO_BIN_EXE_alexnet-verify-under-test");

/// A checkpoint, and a right graph of its network.
struct Base {
    name: &'static str,
    about: &'static str,
    checkpoint: PathBuf,
    graph: PathBuf,
}

/// Three networks that have no layer in common but the last: grouped with response norms, PyTorch's exporter's with names of
/// its own, and one with batch norms.
fn bases(folder: &Path) -> [Base; 3] {
    let convert = |input: &Path, output: &Path, options: &[&str]| {
        let mut command = Command::new(CONVERT);
        Run::command(command.arg(input).arg(output).arg("--no-verify").args(options)).expect(0);
    };
    let exported = fixture("onnx/torchvision-torchscript-17.onnx");
    let of_export = folder.join("torchvision.safetensors");
    convert(&exported, &of_export, &[]);
    let normalised = fixture("networks/single-column-bn.safetensors");
    let named = folder.join("single-column-bn.safetensors");
    convert(&normalised, &named, &["--network", "single-column-bn"]);
    let of_normalised = folder.join("single-column-bn.onnx");
    convert(&normalised, &of_normalised, &["--network", "single-column-bn"]);
    [
        Base {
            name: "bvlc",
            about: "built node by node with onnx (fixtures/make/mutants.py), named as the layers",
            checkpoint: fixture("pytorch/jiecaoyu.pth.tar"),
            graph: fixture("mutants/right.onnx"),
        },
        Base {
            name: "torchvision",
            about: "written by PyTorch's exporter, with names of its own",
            checkpoint: of_export,
            graph: exported,
        },
        Base { name: "single-column-bn", about: "written by alexnet-convert", checkpoint: named, graph: of_normalised },
    ]
}

/// What the verifier made of a corrupted graph.
struct Verdict {
    caught: bool,
    /// The runtime lacks what the graph asks for, and the program said so: it could not do it, which is no verdict.
    refused: bool,
    /// The layers that it named.
    named: Vec<String>,
    /// The known mistake that it named.
    mistake: Option<String>,
    text: String,
}

impl Verdict {
    fn is_right(&self, corruption: &Corruption) -> bool {
        self.caught && self.named.iter().any(|name| corruption.layers.contains(name))
    }

    fn of(run: &Run) -> Verdict {
        let report: Value = serde_json::from_str(&run.stdout).unwrap_or_default();
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut named = Vec::new();
        let first = &report["first_difference"];
        if first.is_object() {
            named.push(word(&first["layer"]));
            let rows = report["layers"].as_array().into_iter().flatten();
            let own = rows.filter(|row| row["layer"] == first["layer"] && row["runtime"] == first["runtime"]);
            named.extend(own.flat_map(|row| row["unseen"].as_array().into_iter().flatten().map(word)));
        } else {
            // Where no layer differs by more than engines do, the parameter that does says which layer it is.
            let difference = word(&report["parameters"]["differences"][0]);
            named.extend(difference.split_once('.').map(|(layer, _)| layer.to_owned()));
        }
        let verdict = report["verdict"].as_str();
        Verdict {
            caught: run.code == Some(1),
            refused: run.code == Some(2) && run.stderr.contains("can't run it"),
            named,
            mistake: report["diagnosis"]["mistake"].as_str().map(str::to_owned),
            text: verdict.map_or_else(|| run.to_string(), str::to_owned),
        }
    }
}

/// Verifies every corrupted graph on a runtime, two at a time.
fn verdicts(base: &Base, corrupted: &[(Corruption, PathBuf)], runtime: &str, library: Option<&Path>) -> Vec<Verdict> {
    let next = AtomicUsize::new(0);
    let found: Mutex<Vec<(usize, Verdict)>> = Mutex::default();
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some((_, graph)) = corrupted.get(index) else { return };
            let mut command = Command::new(VERIFY);
            command.arg(&base.checkpoint).arg(graph).args(["--json", "--runtime", runtime]);
            command.envs(library.map(|library| ("ORT_DYLIB_PATH", library)));
            let verdict = Verdict::of(&Run::command(&mut command));
            found.lock().unwrap_or_else(PoisonError::into_inner).push((index, verdict));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(work);
        }
    });
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.sort_by_key(|(index, _)| *index);
    found.into_iter().map(|(_, verdict)| verdict).collect()
}

/// Writes every corruption of a graph into a file of its own.
fn write(base: &Base, folder: &Path) -> Vec<(Corruption, PathBuf)> {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let corruptions = corruptions::all(&Chain::read(&base.graph)).into_iter().enumerate();
    let write = |(index, corruption): (usize, Corruption)| {
        let what: String = corruption.what.chars().map(plain).collect();
        let path = folder.join(format!("{}-{index}-{what}.onnx", base.name));
        std::fs::write(&path, corruption.graph.bytes()).unwrap();
        (corruption, path)
    };
    corruptions.map(write).collect()
}

/// Changed values are a corruption whatever comes out. Of anything else ONNX Runtime is asked whether it changes a bit of what
/// comes out: it must, or be known not to.
fn jobs<'a>(base: &'a Base, corrupted: &'a [(Corruption, PathBuf)]) -> impl Iterator<Item = Job<'a>> {
    let structural = corrupted.iter().filter(|(corruption, _)| !corruption.kind.ends_with("1 % larger"));
    structural.map(|(corruption, path)| {
        let same = same::why(base.name, corruption).is_some();
        Job::SameFunction { path, reference: &base.graph, same }
    })
}

#[test]
fn every_corruption_is_caught_and_its_layer_named() {
    let folder = tempfile::tempdir().unwrap();
    let bases = bases(folder.path()).map(|base| {
        let corrupted = write(&base, folder.path());
        (base, corrupted)
    });
    if present() {
        judge(&bases.iter().flat_map(|(base, corrupted)| jobs(base, corrupted)).collect::<Vec<_>>());
    }
    let library = onnx_runtime();
    let mut sections = Vec::new();
    for (base, corrupted) in bases {
        let (same, corrupted): (Vec<_>, Vec<_>) =
            corrupted.into_iter().partition(|(corruption, _)| same::why(base.name, corruption).is_some());
        let candle = verdicts(&base, &corrupted, "candle-onnx", None);
        holds(&base, "candle-onnx", &corrupted, &candle);
        let Some(library) = &library else { continue };
        let ort = verdicts(&base, &corrupted, "ort", Some(library));
        holds(&base, "ort", &corrupted, &ort);
        assert!(ort.iter().all(|verdict| !verdict.refused), "ONNX Runtime has every operator");
        let pairs = candle.into_iter().zip(ort);
        let judged = corrupted.iter().zip(pairs).map(|((corruption, _), (candle, ort))| (corruption, [candle, ort]));
        sections.push(table::section(base.name, base.about, &judged.collect::<Vec<_>>(), &same));
    }
    if library.is_some() {
        table::keep(&sections);
    }
}

/// Fails unless everything is caught, and the right layer named in 95 of 100.
fn holds(base: &Base, runtime: &str, corrupted: &[(Corruption, PathBuf)], verdicts: &[Verdict]) {
    let judged = || corrupted.iter().map(|(corruption, _)| corruption).zip(verdicts).filter(|(_, v)| !v.refused);
    let listed = |wrong: &dyn Fn(&Corruption, &Verdict) -> bool| {
        let wrong = judged().filter(|(corruption, verdict)| wrong(corruption, verdict));
        let line = |(corruption, verdict): (&Corruption, &Verdict)| {
            format!("{}, {}: {}", corruption.kind, corruption.what, verdict.text)
        };
        wrong.map(line).collect::<Vec<_>>()
    };
    let passed = listed(&|_, verdict| !verdict.caught);
    assert!(passed.is_empty(), "{} on {runtime}: {} pass:\n{}", base.name, passed.len(), passed.join("\n"));
    let misnamed = listed(&|corruption, verdict| !verdict.is_right(corruption));
    let (named, all) = (judged().count() - misnamed.len(), judged().count());
    let lines = misnamed.join("\n");
    assert!(named * 100 >= all * 95, "{} on {runtime}: {named} of {all} are named:\n{lines}", base.name);
}
