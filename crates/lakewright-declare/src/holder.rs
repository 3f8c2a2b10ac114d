//! The identity of this process in a lease, and the lookup of other processes.

use std::fs;

use lakewright_core::state::{Holder, ProcessLookup};
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

/// Returns the identity of this process, for other processes on this machine and elsewhere.
pub(super) fn this_process() -> Holder {
    Holder {
        host: line("/proc/sys/kernel/hostname"),
        machine_id: line("/etc/machine-id"),
        boot_id: line("/proc/sys/kernel/random/boot_id"),
        pid_namespace: fs::read_link("/proc/self/ns/pid")
            .map(|target| target.to_string_lossy().into_owned())
            .unwrap_or_default(),
        pid: std::process::id(),
        process_start: match stat("self") {
            Some(ProcessLookup::StartedAt(start)) => start,
            _ => 0,
        },
        user: std::env::var("USER").ok().filter(|user| !user.is_empty()),
    }
}

/// Looks up a process id. The kernel reports for every id whether a process has it, and `/proc`
/// when that process started, unless `/proc` hides the processes of other users (`hidepid`, which
/// systemd calls `ProtectProc=`) or was mounted for another namespace.
pub(super) fn look_up(pid: u32) -> ProcessLookup {
    let Some(id) = i32::try_from(pid).ok().and_then(Pid::from_raw) else {
        return ProcessLookup::Hidden;
    };
    if test_kill_process(id) == Err(Errno::SRCH) {
        return ProcessLookup::NotFound;
    }
    let ours = fs::read_link("/proc/self")
        .is_ok_and(|me| me.to_str().and_then(|me| me.parse().ok()) == Some(std::process::id()));
    let found = if ours { stat(&pid.to_string()) } else { None };
    match found {
        Some(found) => found,
        // The process may have ended between the two lookups.
        None if test_kill_process(id) == Err(Errno::SRCH) => ProcessLookup::NotFound,
        None => ProcessLookup::Hidden,
    }
}

/// Reads the state of a process from `/proc` (`proc_pid_stat(5)`), where it is readable.
fn stat(process: &str) -> Option<ProcessLookup> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The second field is the program's name in parentheses and may contain any character.
    let remainder = stat.rsplit_once(')')?.1;
    let mut fields = remainder.split_whitespace(); // from the third on
    match fields.next()? {
        "Z" | "X" => Some(ProcessLookup::NotFound), // ended, and not yet waited for by its parent
        _ => Some(ProcessLookup::StartedAt(fields.nth(18)?.parse().ok()?)),
    }
}

/// Returns the only line of a file; an empty text if the file cannot be read.
fn line(path: &str) -> String {
    fs::read_to_string(path).map(|text| text.trim().to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_process_is_found_until_it_has_ended() {
        let here = this_process();
        assert_eq!(look_up(here.pid), ProcessLookup::StartedAt(here.process_start));
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        assert!(matches!(look_up(child.id()), ProcessLookup::StartedAt(_)));
        child.kill().unwrap();
        let ended = || look_up(child.id()) == ProcessLookup::NotFound;
        assert!((0..500).any(|_| ended() || {
            std::thread::sleep(std::time::Duration::from_millis(10));
            false
        }));
        child.wait().unwrap();
        assert_eq!(look_up(child.id()), ProcessLookup::NotFound);
        assert_eq!((look_up(0), look_up(u32::MAX)), (ProcessLookup::Hidden, ProcessLookup::Hidden));
    }
}
