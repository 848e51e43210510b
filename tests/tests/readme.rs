//! The commands that the README promises do what they did when it was written.

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
