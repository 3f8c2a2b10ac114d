//! The lookup of processes where `/proc` hides them or belongs to another namespace. Each test starts
//! this program again in such a place, as the process that looks others up.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::fs;
use std::io;
use std::process::{Command, ExitCode, Output};

use lakewright_core::state::{Alive, Holder, ProcessLookup};
use libtest_mimic::{Arguments, Completion, Failed, Trial};

// The module is private to the library, so it is compiled here again, without its own tests.
#[allow(unused, reason = "the tests of the library belong to another harness")]
#[path = "../src/holder.rs"]
mod holder;

use holder::{look_up, this_process};

/// The environment variables that make this program the process that looks others up.
const LOOK_FOR: &str = "LAKEWRIGHT_TEST_LOOK_FOR";
const FOREIGN: &str = "LAKEWRIGHT_TEST_FOREIGN_PROC";

fn main() -> ExitCode {
    if let Ok(pid) = std::env::var(LOOK_FOR) {
        look_up_a_hidden_process(pid.parse().unwrap());
        return ExitCode::SUCCESS;
    }
    if std::env::var_os(FOREIGN).is_some() {
        look_up_in_a_foreign_proc();
        return ExitCode::SUCCESS;
    }
    let tests = vec![
        Trial::ignorable_test("a_foreign_proc_is_ignored", a_foreign_proc_is_ignored),
        Trial::ignorable_test(
            "a_hidden_process_is_not_taken_for_ended",
            a_hidden_process_is_not_taken_for_ended,
        ),
    ];
    libtest_mimic::run(&Arguments::from_args(), tests).exit_code()
}

/// Runs where `/proc` shows no processes of other users.
fn look_up_a_hidden_process(pid: u32) {
    assert!(!fs::exists(format!("/proc/{pid}/stat")).unwrap(), "it is not hidden");
    let here = this_process();
    assert_ne!(here.process_start, 0);
    assert_eq!(look_up(here.pid), ProcessLookup::StartedAt(here.process_start));
    let holder = Holder { pid, process_start: 1, ..here.clone() };
    assert_eq!(holder.alive(&here, look_up), Alive::Unknown);
    // A process that has ended is found in no `/proc`.
    let mut ended = Command::new("true").spawn().unwrap();
    let holder = Holder { pid: ended.id(), ..holder };
    ended.wait().unwrap();
    assert_eq!(holder.alive(&here, look_up), Alive::Ended);
}

/// Runs in a namespace whose `/proc` belongs to another.
fn look_up_in_a_foreign_proc() {
    let here = this_process();
    assert_ne!(fs::read_link("/proc/self").unwrap().to_str(), Some(&*here.pid.to_string()));
    // The other `/proc` assigns this process id to a different process.
    assert_eq!(look_up(here.pid), ProcessLookup::Hidden);
    assert_eq!(here.alive(&here, look_up), Alive::Unknown);
}

/// Returns the result of a test from the output of the process that it started, which exits with
/// 101 when it panics.
fn completion(output: io::Result<Output>, skip: &str) -> Result<Completion, Failed> {
    match output {
        Ok(output) if output.status.success() => Ok(Completion::Completed),
        Ok(output) if output.status.code() == Some(101) => {
            Err(String::from_utf8_lossy(&output.stderr).into())
        }
        _ => Ok(Completion::ignored_with(skip)),
    }
}

/// In the `/proc` that a new namespace inherits, its process ids belong to other processes.
fn a_foreign_proc_is_ignored() -> Result<Completion, Failed> {
    let output = Command::new("unshare")
        .args(["--pid", "--fork"])
        .arg(std::env::current_exe().unwrap())
        .env(FOREIGN, "1")
        .output();
    completion(output, "process namespaces cannot be created here")
}

/// `/proc` with `hidepid=2`, as services with `ProtectProc=invisible` have it, shows a process
/// without privileges no processes of other users.
fn a_hidden_process_is_not_taken_for_ended() -> Result<Completion, Failed> {
    let unprivileged = ["--reuid=65534", "--regid=65534", "--clear-groups"];
    let Ok(mut holder) = Command::new("setpriv").args(unprivileged).args(["sleep", "60"]).spawn()
    else {
        return Ok(Completion::ignored_with("setpriv is not installed"));
    };
    // Root without capabilities: it may read this program and has no other right of root.
    let hiding = "mount -t proc -o hidepid=2 proc /proc || exit 77
        exec setpriv --regid=65533 --clear-groups --bounding-set=-all --inh-caps=-all \"$@\"";
    let output = Command::new("unshare")
        .args(["--mount", "sh", "-c", hiding, "sh"])
        .arg(std::env::current_exe().unwrap())
        .env(LOOK_FOR, holder.id().to_string())
        .output();
    let runs = holder.try_wait().unwrap().is_none();
    holder.kill().unwrap();
    holder.wait().unwrap();
    let completion = completion(output, "/proc cannot be mounted with hidepid here")?;
    if matches!(completion, Completion::Completed) {
        assert!(runs);
    }
    Ok(completion)
}
