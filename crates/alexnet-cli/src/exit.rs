//! What the programs tell the shell.

use std::process::ExitCode;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done, and everything that was compared agreed.
    Agreed,
    /// The check said no.
    Disagreed,
    /// It could not be done: bad input or bad usage.
    Failed,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(match exit {
            Exit::Agreed => 0,
            Exit::Disagreed => 1,
            Exit::Failed => 2,
        })
    }
}

/// Runs a program and turns what it returns into an exit code; an error becomes one line on stderr.
pub fn run(program: fn() -> anyhow::Result<Exit>) -> ExitCode {
    program()
        .unwrap_or_else(|error| {
            crate::console::error(&error);
            Exit::Failed
        })
        .into()
}
