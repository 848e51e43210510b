//! The commands that the README promises do what they did when it was written.

use alexnet_tests::judge::onnx_runtime;
use alexnet_tests::run::Run;
use std::path::Path;
use std::process::Command;

const CONVERT: &str = env!("CARGO_BIN_EXE_alexnet-convert-under-test");
const VERIFY: &str = env!("CARGO_BIN_EXE_alexnet-verify-under-test");

#[test]
fn its_commands_run_in_a_fresh_clone() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folder = tempfile::tempdir().unwrap();
    let readme = std::fs::read_to_string(root.join("README.md")).expect("README.md");
    let mut commands = 0;
    for line in readme.lines() {
        let Some(rest) = line.strip_prefix("cargo run --release --bin ") else { continue };
        let (program, arguments) = rest.split_once(" -- ").unwrap_or_else(|| panic!("`{line}` has no ` -- `"));
        let program = match program {
            "alexnet-convert" => CONVERT,
            "alexnet-verify" => VERIFY,
            other => panic!("`{line}` runs {other}"),
        };
        // What goes to target/ there goes to a folder of the test here.
        let outputs = |argument: &str| match argument.strip_prefix("target/") {
            Some(name) => folder.path().join(name).into_os_string(),
            None => argument.into(),
        };
        let mut command = Command::new(program);
        command.args(arguments.split_whitespace().map(outputs)).current_dir(&root);
        Run::command(&mut command).expect(0);
        commands += 1;
    }
    assert!(commands > 0, "the README shows no command");
}

/// The lines of a transcript come in what the command prints, in their order; lines may be left out between them. Numbers
/// are another machine's.
#[test]
fn its_transcripts_are_what_the_programs_print() {
    let Some(library) = onnx_runtime() else { return };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(root.join("fixtures").canonicalize().unwrap(), folder.path().join("fixtures")).unwrap();
    let readme = std::fs::read_to_string(root.join("README.md")).expect("README.md");
    let (_, rest) = readme.split_once("<!-- transcript -->").expect("a transcript");
    let (transcripts, _) = rest.split_once("<!-- /transcript -->").expect("its end");
    let mut commands = 0;
    for block in transcripts.split("```console\n$ ").skip(1) {
        let (command, rest) = block.split_once('\n').unwrap();
        let (printed, _) = rest.split_once("```").unwrap();
        let mut words = command.split_whitespace();
        let program = match words.next() {
            Some("alexnet-convert") => CONVERT,
            Some("alexnet-verify") => VERIFY,
            other => panic!("`{command}` runs {other:?}"),
        };
        let mut process = Command::new(program);
        process.args(words).current_dir(folder.path()).env("ORT_DYLIB_PATH", &library);
        let run = Run::command(&mut process);
        let all = format!("{}\n{}", run.stderr, run.stdout);
        let mut lines = all.lines().map(without_numbers);
        for line in printed.lines().filter(|line| !line.is_empty()) {
            let expected = without_numbers(line);
            assert!(
                lines.any(|found| found == expected),
                "`{command}` doesn't print this, or not here:\n{line}\n{run}"
            );
        }
        commands += 1;
    }
    assert!(commands > 0, "the README shows no transcript");
}

/// Without what depends on the machine: numbers, the bars that show them, and the room that they take.
fn without_numbers(line: &str) -> String {
    let words = line.split_whitespace().filter(|word| !word.trim_matches(['#', '.', '|']).is_empty());
    let words = words.map(|word| {
        let number = word.trim_matches([',', ';', ':', '[', ']', ')']);
        if number.replace(['e', '-', '.', '/'], "").parse::<u64>().is_ok() { "0" } else { word }
    });
    words.collect::<Vec<_>>().join(" ")
}
