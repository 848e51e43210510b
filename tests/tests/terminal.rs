//! What the verifier prints on a terminal, and what when piped.

use alexnet_tests::fixture;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::process::Command;

const VERIFY: &str = env!("CARGO_BIN_EXE_alexnet-verify-under-test");

fn command() -> Command {
    let mut command = Command::new(VERIFY);
    let files = ["pytorch/jiecaoyu.pth.tar", "mutants/alpha-not-divided.onnx"].map(fixture);
    command.args(files).args(["--runtime", "candle-onnx"]);
    for variable in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "LC_CTYPE", "LANG"] {
        command.env_remove(variable);
    }
    command.env("TERM", "xterm").env("LC_ALL", "C.UTF-8");
    command
}

/// What a command prints on a terminal of its own.
fn on_a_terminal(mut command: Command) -> String {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap();
    let program = OpenOptions::new().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    let mut child = command.stdout(program).spawn().unwrap();
    // The command holds the program's end too, and would keep it open.
    drop(command);
    let mut printed = Vec::new();
    // Linux reports an error, not the end, once the other end is closed.
    let _ = File::from(terminal).read_to_end(&mut printed);
    assert_eq!(child.wait().unwrap().code(), Some(1));
    String::from_utf8(printed).unwrap()
}

#[test]
fn a_terminal_gets_colours_and_drawn_bars() {
    let printed = on_a_terminal(command());
    assert!(printed.contains("\u{1b}[1m\u{1b}[31m") && printed.contains("██████████│"), "{printed}");
}

#[test]
fn a_user_who_wants_no_colours_gets_none() {
    let mut command = command();
    command.env("NO_COLOR", "1");
    let printed = on_a_terminal(command);
    assert!(!printed.contains('\u{1b}') && printed.contains("██████████│"), "{printed}");
}

#[test]
fn a_terminal_of_another_encoding_gets_ascii() {
    let mut command = command();
    command.env("LC_ALL", "C");
    let printed = on_a_terminal(command);
    assert!(printed.is_ascii() && printed.contains("##########|"), "{printed}");
}

#[test]
fn a_pipe_gets_plain_text() {
    let output = command().output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(printed.is_ascii() && !printed.contains('\u{1b}') && printed.contains("##########|"), "{printed}");
}
