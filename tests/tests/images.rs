//! `alexnet-verify --images`: two networks over a folder of images, stopped and resumed, with files that are none.

use alexnet_tests::fixture;
use alexnet_tests::run::Run;
use serde_json::Value;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const VERIFY: &str = env!("CARGO_BIN_EXE_alexnet-verify-under-test");

/// Below `fixtures/images`, what no decoder reads.
const UNREADABLE: [&str; 3] = ["a/broken/cut.jpg", "a/broken/text.jpg", "b/empty.png"];

/// The images that can be read, as often as `times` says.
fn readable(times: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for copy in 0..times {
        copy_all(&fixture("images"), &folder.path().join(format!("{copy}")));
        for name in UNREADABLE {
            fs::remove_file(folder.path().join(format!("{copy}/{name}"))).unwrap();
        }
    }
    folder
}

fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in from.read_dir().unwrap().map(|entry| entry.unwrap()) {
        match entry.path().is_dir() {
            true => copy_all(&entry.path(), &to.join(entry.file_name())),
            false => drop(fs::copy(entry.path(), to.join(entry.file_name())).unwrap()),
        }
    }
}

/// The checkpoint against the graph that another program made of it, or that of a mutant.
fn command(graph: &str, images: &Path, options: &[&dyn AsRef<OsStr>]) -> Command {
    let mut command = Command::new(VERIFY);
    command.arg(fixture("pytorch/jiecaoyu.pth.tar")).arg(fixture(graph)).args(["--runtime", "candle-onnx"]);
    command.arg("--images").arg(images).args(options.iter().map(|option| option.as_ref()));
    command
}

fn run(graph: &str, images: &Path, options: &[&dyn AsRef<OsStr>]) -> Run {
    Run::command(&mut command(graph, images, options))
}

/// What is reported of the images; but for the pace, it is the same whenever it runs.
fn summary(run: &Run) -> Value {
    let mut report: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}:\n{run}"));
    let mut images = report["images"].take();
    images.as_object_mut().unwrap_or_else(|| panic!("no images:\n{run}")).remove("run");
    images
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// OpenCV decodes JPEG a little differently; PNG is exact.
#[test]
fn a_mutant_differs_on_every_image_as_onnx_runtime_says() {
    let text = fs::read_to_string(fixture("images/expected.json")).unwrap();
    let expected: Value = serde_json::from_str(&text).unwrap();
    let expected = expected.as_object().unwrap();
    let folder = readable(1);
    let found = run("mutants/alpha-not-divided.onnx", folder.path(), &[&"--json"]).expect(1);
    let found = summary(&found);
    let same = |image: &&Value| image["classes"][0] == image["classes"][1];
    let total = expected.len();
    assert_eq!(found["compared"], total);
    assert_eq!(found["within"], 0);
    assert_eq!(found["top1"], expected.values().filter(same).count());
    let top5 = expected.values().map(|image| number(&image["top5"])).sum::<f64>() / (5 * total) as f64;
    assert!((number(&found["top5"]) - top5).abs() < 1e-12, "{} for {top5}", found["top5"]);
    let kl = expected.values().map(|image| number(&image["kl"])).sum::<f64>() / total as f64;
    assert!((number(&found["mean_kl"]) / kl - 1.0).abs() < 0.02, "{} for {kl}", found["mean_kl"]);
    for list in ["worst", "flipped"] {
        let images = found[list].as_array().unwrap();
        assert_eq!(images.len(), 12, "{list}");
        for image in images {
            let path = image["path"].as_str().unwrap().strip_prefix("0/").unwrap();
            let expected = &expected[path];
            assert_eq!(
                [&image["reference"]["index"], &image["other"]["index"]],
                [&expected["classes"][0], &expected["classes"][1]]
            );
            let allowed = if path.ends_with(".png") { 1e-4 } else { 0.1 };
            for key in ["max_abs", "max_rel", "margin", "kl"] {
                let (found, expected) = (number(&image[key]), number(&expected[key]));
                let near = (found - expected).abs() < allowed * expected.abs().max(0.5);
                assert!(near, "{path}: {key} is {found}, not {expected}");
            }
        }
    }
    let by_difference =
        |list: &Value| list.as_array().unwrap().iter().map(|i| number(&i["max_rel"])).collect::<Vec<_>>();
    assert!(by_difference(&found["worst"]).is_sorted_by(|a, b| a >= b));
}

#[test]
fn images_that_cannot_be_read_are_listed_and_the_run_is_not_a_pass() {
    let run = run("mutants/right.onnx", &fixture("images"), &[]).expect(2);
    for name in UNREADABLE {
        assert!(run.stdout.contains(name), "{name} isn't listed:\n{run}");
    }
    assert!(run.stdout.contains("INCOMPLETE: 3 of 29 images"), "{run}");
    assert!(run.stdout.contains("26 of 26 (100.000 %)"), "{run}");
}

#[test]
fn a_folder_without_images_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("notes.txt"), "none").unwrap();
    run("mutants/right.onnx", folder.path(), &[]).expect(2).says("no images");
}

/// How many batches the journal holds.
fn batches(journal: &Path) -> usize {
    fs::read(journal).map_or(0, |content| content.iter().filter(|byte| **byte == b'\n').count().saturating_sub(1))
}

/// Starts the command and kills it, without a chance to tidy up, once the journal holds so many batches.
fn kill_after(count: usize, command: &mut Command, journal: &Path) {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    while batches(journal) < count {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it could be killed");
        assert!(start.elapsed() < Duration::from_secs(300), "no {count} batches within five minutes");
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn killed_and_resumed_it_comes_to_the_same_to_the_bit() {
    let (folder, place) = (readable(3), tempfile::tempdir().unwrap());
    let graph = "mutants/alpha-not-divided.onnx";
    let options = |journal: &PathBuf| -> Vec<Box<dyn AsRef<OsStr>>> {
        vec![Box::new("--journal"), Box::new(journal.clone()), Box::new("--batch"), Box::new("4"), Box::new("--json")]
    };
    let with = |journal: &PathBuf| {
        let options = options(journal);
        let options: Vec<&dyn AsRef<OsStr>> = options.iter().map(|option| option.as_ref()).collect();
        command(graph, folder.path(), &options)
    };
    let whole = Run::command(&mut with(&place.path().join("whole"))).expect(1);
    let journal = place.path().join("killed");
    for count in [1, 6, 13] {
        kill_after(count, &mut with(&journal), &journal);
    }
    // What a kill in the middle of a write leaves.
    let mut content = fs::read(&journal).unwrap();
    content.extend_from_slice(b"{\"batch\":19,\"images\":[{\"ind");
    fs::write(&journal, content).unwrap();
    let resumed = Run::command(&mut with(&journal)).expect(1);
    assert!(resumed.stderr.contains("of 78 images are done already"), "{resumed}");
    assert_eq!(summary(&resumed), summary(&whole));
    // Once more: nothing is left to do.
    let again = Run::command(&mut with(&journal)).expect(1);
    assert!(again.stderr.contains("78 of 78 images are done already"), "{again}");
    assert_eq!(summary(&again), summary(&whole));

    // An image that changed is done again, and one that can't be read any more is seen.
    fs::write(folder.path().join("1/b/grey.png"), "no image").unwrap();
    let changed = Run::command(&mut with(&journal)).expect(1);
    assert!(changed.stderr.contains("74 of 78 images are done already"), "{changed}");
    assert_eq!(summary(&changed)["unverified_images"][0]["path"], "1/b/grey.png");
}

#[test]
fn the_journal_of_another_run_is_refused() {
    let (folder, place) = (readable(1), tempfile::tempdir().unwrap());
    let journal = place.path().join("journal");
    run("mutants/right.onnx", folder.path(), &[&"--journal", &journal]).expect(0);
    let before = fs::read(&journal).unwrap();
    for (what, run) in [
        ("`b` is", run("mutants/one-weight.onnx", folder.path(), &[&"--journal", &journal])),
        ("`tolerance` is", run("mutants/right.onnx", folder.path(), &[&"--journal", &journal, &"--rtol", &"0.1"])),
        ("`batch` is", run("mutants/right.onnx", folder.path(), &[&"--journal", &journal, &"--batch", &"3"])),
    ] {
        run.expect(2).says("belongs to another run").says(what);
    }
    fs::copy(folder.path().join("0/b/grey.png"), folder.path().join("0/one-more.png")).unwrap();
    run("mutants/right.onnx", folder.path(), &[&"--journal", &journal])
        .expect(2)
        .says("`images` is 26 there and 27 here");
    assert_eq!(fs::read(&journal).unwrap(), before, "a journal that is refused is left as it is");
}

/// The most memory that the program had, in kB.
#[cfg(target_os = "linux")]
fn peak(command: &mut Command) -> u64 {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        peak = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok()).unwrap_or(peak);
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(peak > 0);
    peak
}

#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_grow_with_the_images() {
    let of = |times: usize| {
        let folder = readable(times);
        peak(&mut command("mutants/right.onnx", folder.path(), &[&"--batch", &"2"]))
    };
    let (few, many) = (of(1), of(8));
    assert!(many < few + few / 5, "{few} kB for 26 images, {many} kB for 208");
}
