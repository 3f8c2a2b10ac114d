//! This process, as others look for it in a lease.

use std::fs;

use lakewright_core::state::Holder;

/// What identifies this process to others on this machine and elsewhere.
pub(super) fn this_process() -> Holder {
    let pid = std::process::id();
    Holder {
        host: line("/proc/sys/kernel/hostname"),
        machine_id: line("/etc/machine-id"),
        boot_id: line("/proc/sys/kernel/random/boot_id"),
        pid_namespace: fs::read_link("/proc/self/ns/pid")
            .map(|target| target.to_string_lossy().into_owned())
            .unwrap_or_default(),
        pid,
        process_start: started(pid).unwrap_or_default(),
        user: std::env::var("USER").ok().filter(|user| !user.is_empty()),
    }
}

/// When the process of this id started, in clock ticks since boot, if there is one.
pub(super) fn started(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in parentheses and may hold anything.
    let behind = stat.rsplit_once(')')?.1;
    let mut fields = behind.split_whitespace(); // from the third on
    match fields.next()? {
        "Z" | "X" => None, // dead, and not yet fetched by its parent
        _ => fields.nth(18)?.parse().ok(),
    }
}

/// The one line of a file, empty where there is none.
fn line(path: &str) -> String {
    fs::read_to_string(path).map(|text| text.trim().to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_found_until_it_has_ended() {
        let here = this_process();
        assert_eq!(started(here.pid), Some(here.process_start));
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        assert!(started(child.id()).is_some());
        child.kill().unwrap();
        let ended = || started(child.id()).is_none();
        assert!((0..500).any(|_| ended() || {
            std::thread::sleep(std::time::Duration::from_millis(10));
            false
        }));
        child.wait().unwrap();
    }
}
