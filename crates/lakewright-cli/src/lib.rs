//! The `lakewright` command as a library: the binary and the console script of the Python wheel
//! both call [`main`].
//!
//! Modules depend only on modules above them in this list:
//!
//! 1. `human`, `stderr`, `address`, `duration`, `log`: text, arguments and logging
//! 2. `failure`, `progress`, `input`, `output`, `global`: what commands read and print
//! 3. `context`: the environment of a running command
//! 4. `cmd`: the verbs, a file for each with its arguments and its function
//! 5. `args`: the grammar, assembled from the arguments of the verbs
//! 6. `run`: runtime, signals and exit code

mod address;
mod args;
mod cmd;
mod context;
mod duration;
mod failure;
mod global;
mod human;
mod input;
mod log;
mod output;
mod progress;
mod run;
mod stderr;

use std::ffi::OsString;

use clap::{CommandFactory, FromArgMatches};

/// Runs the command line `argv`, program name first, and returns the exit code.
///
/// It may be called from any thread, more than once, and never ends the process. It creates a
/// runtime of its own and starts logging if the process has no global subscriber. After the first
/// call, the process no longer ends by itself on SIGINT and SIGTERM.
///
/// Results are printed on stdout, everything else on stderr. The exit code is 0 for success, 1 when
/// the operation failed, 2 for invalid input, 3 for differences from the spec, 130 and 143 after
/// SIGINT and SIGTERM.
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

/// Forbids memory dumps of this process, which would contain the secrets that it uses, and, as the
/// kernel has one setting for both, debuggers of other processes of the same user. To be called by
/// programs that run nothing but the command: a library must not decide it for its process.
pub fn forbid_core_dumps() {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    // A kernel that refuses it, such as one that is emulated, runs the command as well.
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

/// Returns the grammar of the command line, for tools that generate documentation.
#[must_use]
pub fn command() -> clap::Command {
    args::Cli::command()
}
