//! The `lakewright` command as a library: the binary and the Python wheel's console script both
//! call [`main`].

mod address;
mod args;
mod cmd;
mod context;
mod failure;
mod human;
mod input;
mod log;
mod output;
mod progress;
pub mod readable;
mod run;

use std::ffi::OsString;

use clap::{CommandFactory, FromArgMatches};

/// Runs the command line `argv`, program name first, and returns the exit code.
///
/// It may be called from any thread of any process: it ends nothing but itself, brings its own
/// runtime, and a second call finds the logging of the first. What it changes for good is what
/// the process does on SIGINT and SIGTERM.
///
/// stdout carries the answer, stderr everything else. 0 done, 1 the service or the state of
/// things said no, 2 the question was wrong, 130 and 143 after SIGINT and SIGTERM.
///
/// ```
/// assert_eq!(lakewright_cli::main(["lakewright", "no-such-noun"].map(Into::into)), 2);
/// ```
pub fn main(argv: impl IntoIterator<Item = OsString>) -> u8 {
    let argv: Vec<OsString> = argv.into_iter().collect();
    let parsed = command()
        .try_get_matches_from(&argv)
        .and_then(|matches| args::Cli::from_arg_matches(&matches));
    match parsed {
        Ok(cli) => run::run(cli),
        Err(error) => failure::report_usage(&error, &argv),
    }
}

/// The grammar of the command line, for tools that make something of it: completions, manual
/// pages, documentation.
#[must_use]
pub fn command() -> clap::Command {
    args::Cli::command()
}
