//! The two programs, run as a user runs them.

use std::ffi::OsStr;
use std::fmt;
use std::path::Path;
use std::process::{Command, Output};

/// How a run of a program ended, and what it said.
pub struct Run {
    command: String,
    /// The exit code; `None` where a signal ended it.
    pub code: Option<i32>,
    /// What it printed as its result.
    pub stdout: String,
    /// What it said to people.
    pub stderr: String,
}

impl Run {
    /// Runs `program` (`env!("CARGO_BIN_EXE_...")`) with `arguments`.
    pub fn of<A: AsRef<OsStr>>(program: &str, arguments: impl IntoIterator<Item = A>) -> Run {
        let mut command = Command::new(program);
        command.args(arguments);
        Run::command(&mut command)
    }

    /// Runs any command.
    pub fn command(command: &mut Command) -> Run {
        let Output { status, stdout, stderr } = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
        Run {
            command: format!("{command:?}"),
            code: status.code(),
            stdout: String::from_utf8(stdout).expect("UTF-8 on stdout"),
            stderr: String::from_utf8(stderr).expect("UTF-8 on stderr"),
        }
    }

    /// Fails the test unless the exit code is `code`; for chaining.
    #[track_caller]
    pub fn expect(self, code: i32) -> Run {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    /// Fails the test unless an error of one line says `words`.
    #[track_caller]
    pub fn says(self, words: &str) -> Run {
        assert!(self.stderr.contains(words), "no `{words}` in:\n{self}");
        let errors = self.stderr.lines().filter(|line| line.starts_with("error")).count();
        assert_eq!(errors, 1, "errors have one line:\n{self}");
        self
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\nexit {:?}\n{}{}", self.command, self.code, self.stdout, self.stderr)
    }
}

/// The names of all files in `folder`, sorted.
pub fn files(folder: &Path) -> Vec<String> {
    let entries = folder.read_dir().unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().expect("a name in UTF-8")).collect();
    names.sort();
    names
}
