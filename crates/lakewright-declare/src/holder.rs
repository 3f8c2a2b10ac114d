//! This process, as others look for it in a lease.

use std::fs;

use lakewright_core::state::{Holder, Sight};
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

/// What identifies this process to others on this machine and elsewhere.
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
            Some(Sight::Since(start)) => start,
            _ => 0,
        },
        user: std::env::var("USER").ok().filter(|user| !user.is_empty()),
    }
}

/// What is to be seen of a process id. The kernel says of every id whether a process has it, and
/// `/proc` which: but not where it hides the processes of others (`hidepid`, which systemd calls
/// `ProtectProc=`), nor where it was mounted for another namespace.
pub(super) fn seen(pid: u32) -> Sight {
    let Some(id) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return Sight::Hidden };
    if test_kill_process(id) == Err(Errno::SRCH) {
        return Sight::Nothing;
    }
    let ours = fs::read_link("/proc/self")
        .is_ok_and(|me| me.to_str().and_then(|me| me.parse().ok()) == Some(std::process::id()));
    let told = if ours { stat(&pid.to_string()) } else { None };
    match told {
        Some(sight) => sight,
        // It may have ended in between.
        None if test_kill_process(id) == Err(Errno::SRCH) => Sight::Nothing,
        None => Sight::Hidden,
    }
}

/// What `/proc` says about a process (`proc_pid_stat(5)`), if it does.
fn stat(process: &str) -> Option<Sight> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The second field is the program's name in parentheses and may hold anything.
    let behind = stat.rsplit_once(')')?.1;
    let mut fields = behind.split_whitespace(); // from the third on
    match fields.next()? {
        "Z" | "X" => Some(Sight::Nothing), // dead, and not yet fetched by its parent
        _ => Some(Sight::Since(fields.nth(18)?.parse().ok()?)),
    }
}

/// The one line of a file, empty where there is none.
fn line(path: &str) -> String {
    fs::read_to_string(path).map(|text| text.trim().to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use lakewright_core::state::Alive;

    use super::*;

    /// The process that [`what_is_hidden_is_not_taken_for_gone`] looks for from a hiding place.
    const LOOK_FOR: &str = "LAKEWRIGHT_TEST_LOOK_FOR";
    const CHILD: &str = "declared::holder::tests::from_a_hiding_place";
    const FOREIGN: &str = "LAKEWRIGHT_TEST_FOREIGN_PROC";
    const FOREIGN_CHILD: &str = "declared::holder::tests::with_a_foreign_proc";

    #[test]
    fn a_process_is_found_until_it_has_ended() {
        let here = this_process();
        assert_eq!(seen(here.pid), Sight::Since(here.process_start));
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        assert!(matches!(seen(child.id()), Sight::Since(_)));
        child.kill().unwrap();
        let ended = || seen(child.id()) == Sight::Nothing;
        assert!((0..500).any(|_| ended() || {
            std::thread::sleep(std::time::Duration::from_millis(10));
            false
        }));
        child.wait().unwrap();
        assert_eq!(seen(child.id()), Sight::Nothing);
        assert_eq!((seen(0), seen(u32::MAX)), (Sight::Hidden, Sight::Hidden));
    }

    /// Not a test of its own: it is started where `/proc` shows no processes of others.
    #[test]
    fn from_a_hiding_place() {
        let Ok(pid) = std::env::var(LOOK_FOR) else { return };
        let pid: u32 = pid.parse().unwrap();
        assert!(!fs::exists(format!("/proc/{pid}/stat")).unwrap(), "it is not hidden");
        let here = this_process();
        assert_ne!(here.process_start, 0);
        assert_eq!(seen(here.pid), Sight::Since(here.process_start));
        let holder = Holder { pid, process_start: 1, ..here.clone() };
        assert_eq!(holder.alive(&here, seen), Alive::Unknown);
        // What is gone is gone for everybody.
        let mut ended = Command::new("true").spawn().unwrap();
        let holder = Holder { pid: ended.id(), ..holder };
        ended.wait().unwrap();
        assert_eq!(holder.alive(&here, seen), Alive::Gone);
    }

    /// Not a test of its own: it is started in a namespace whose `/proc` is that of another.
    #[test]
    fn with_a_foreign_proc() {
        if std::env::var_os(FOREIGN).is_none() {
            return;
        }
        let here = this_process();
        assert_ne!(fs::read_link("/proc/self").unwrap().to_str(), Some(&*here.pid.to_string()));
        // The number is another process's there.
        assert_eq!(seen(here.pid), Sight::Hidden);
        assert_eq!(here.alive(&here, seen), Alive::Unknown);
    }

    /// Process ids of a namespace of its own mean others in the `/proc` that it inherits.
    #[test]
    fn a_foreign_proc_is_not_believed() {
        let done = Command::new("unshare")
            .args(["--pid", "--fork"])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", FOREIGN_CHILD, "--nocapture"])
            .env(FOREIGN, "1")
            .output();
        match done {
            Ok(done) if done.status.success() => {}
            Ok(done) if done.status.code() == Some(101) => {
                panic!("{}", String::from_utf8_lossy(&done.stderr))
            }
            _ => eprintln!("SKIPPED: there are no namespaces of processes here"),
        }
    }

    /// `/proc` with `hidepid=2`, as services with `ProtectProc=invisible` have it: for a process
    /// without privileges those of other users are not there.
    #[test]
    fn what_is_hidden_is_not_taken_for_gone() {
        let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups"];
        let Ok(mut holder) = Command::new("setpriv").args(nobody).args(["sleep", "60"]).spawn()
        else {
            return eprintln!("SKIPPED: there is no setpriv");
        };
        // Still root, so that it may read this program, but with none of root's rights.
        let hiding = "mount -t proc -o hidepid=2 proc /proc || exit 77
            exec setpriv --regid=65533 --clear-groups --bounding-set=-all --inh-caps=-all \"$@\"";
        let done = Command::new("unshare")
            .args(["--mount", "sh", "-c", hiding, "sh"])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", CHILD, "--nocapture"])
            .env(LOOK_FOR, holder.id().to_string())
            .output();
        let runs = holder.try_wait().unwrap().is_none();
        holder.kill().unwrap();
        holder.wait().unwrap();
        match done {
            Ok(done) if done.status.success() => assert!(runs),
            Ok(done) if done.status.code() == Some(101) => {
                panic!("{}", String::from_utf8_lossy(&done.stderr))
            }
            _ => eprintln!("SKIPPED: /proc cannot be mounted with hidepid here"),
        }
    }
}
