//! What people read: results on stdout, messages and progress on stderr.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{ErrorKind, IsTerminal, Write};

/// How much a program says.
#[derive(Clone, Copy, Debug, Default)]
pub struct Console {
    quiet: bool,
    verbose: bool,
}

impl Console {
    /// A console from the options `--quiet` and `--verbose`.
    pub fn new(quiet: bool, verbose: bool) -> Console {
        Console { quiet, verbose: verbose && !quiet }
    }

    /// Whether details are wanted.
    pub fn is_verbose(self) -> bool {
        self.verbose
    }

    /// A message for people.
    pub fn say(self, message: impl std::fmt::Display) {
        if !self.quiet {
            eprintln!("{message}");
        }
    }

    /// A message for people who asked for details.
    pub fn detail(self, message: impl std::fmt::Display) {
        if self.verbose {
            eprintln!("{message}");
        }
    }

    /// A bar over `total` bytes; drawn on a terminal alone.
    pub fn bar(self, total: u64, what: &str) -> ProgressBar {
        if self.quiet || !std::io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let style = ProgressStyle::with_template("{msg:20} {bar:40} {bytes:>10} / {total_bytes} {eta:>4}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        ProgressBar::new(total).with_style(style).with_message(what.to_owned())
    }

    /// A bar over `total` things, with their pace; drawn on a terminal alone.
    pub fn count(self, total: u64, what: &str) -> ProgressBar {
        if self.quiet || !std::io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let style =
            ProgressStyle::with_template("{msg:10} {bar:40} {human_pos:>10} / {human_len} {per_sec:>12} {eta:>4}")
                .unwrap_or_else(|_| ProgressStyle::default_bar());
        ProgressBar::new(total).with_style(style).with_message(what.to_owned())
    }
}

/// A result on stdout. A reader that has gone away (`| head`) is no error; a disk that is full is one.
pub fn print(text: impl std::fmt::Display) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).context("stdout"),
        _ => Ok(()),
    }
}

/// A value on stdout as indented JSON.
pub fn print_json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    print(serde_json::to_string_pretty(value)?)
}

/// An error on stderr, its causes on the same line. A cause that repeats what was said already is left out, and so is what
/// candle adds below an error's first line: a backtrace, where the environment asks for one.
pub fn error(error: &anyhow::Error) {
    let mut line = String::new();
    for cause in error.chain().map(|cause| cause.to_string().lines().next().unwrap_or_default().to_owned()) {
        if line.is_empty() {
            line = cause;
        } else if !line.contains(&cause) {
            line = format!("{line}: {cause}");
        }
    }
    eprintln!("error: {line}");
}
