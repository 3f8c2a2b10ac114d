//! The lease of the registry: the right of one process to change it, and whether the process that
//! holds it still runs.

use std::collections::BTreeMap;
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::declaration::{Intent, Owned, pending};
use super::seal::Seal;
use crate::identity::StackName;
use crate::resource::ResourceId;
use crate::text::printable;
use crate::{Error, ErrorKind};

/// The right to apply, held by one process at a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lease {
    /// A random text that the holder chose for this lease. A holder that finds another token in the
    /// registry has lost its lease.
    pub token: String,
    /// The process that holds the lease.
    pub holder: Holder,
    /// The stack that is applied.
    pub stack: StackName,
    /// The time at which the lease was taken.
    pub taken: Timestamp,
    /// The time at which the lease ends unless it is renewed.
    pub expires: Timestamp,
    /// The actions that are announced and not yet recorded as done.
    #[serde(deserialize_with = "pending")]
    pub pending: BTreeMap<ResourceId, Intent>,
    /// The proof that a holder of the registry key announced these actions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<Seal>,
}

impl Lease {
    /// The time for which a lease is valid without renewal. A holder that crashed blocks others no
    /// longer than this.
    pub const TTL: SignedDuration = SignedDuration::from_secs(30);
    /// The interval between renewals: two renewals in a row may fail.
    pub const RENEW_EVERY: SignedDuration = SignedDuration::from_secs(10);
    /// The time by which the holder's estimate of the server's time may be ahead of the server's
    /// clock: both count whole seconds, and they do not always come from the same node.
    pub const SLACK: SignedDuration = SignedDuration::from_secs(5);

    /// Returns whether the lease is still valid. `now` is the server's clock where it is known (the
    /// `Date` of its responses): machines disagree about the time, and all of them use one server.
    #[must_use]
    pub fn is_in_force(&self, now: Timestamp, alive: Alive) -> bool {
        alive != Alive::Ended && now < self.expires
    }

    /// Returns the entry of a resource after the apply of the holder was interrupted, from the old
    /// entry, the announced action and whether the resource exists now.
    pub(super) fn entry_after(
        &self,
        old: Option<&Owned>,
        intent: &Intent,
        exists: bool,
    ) -> Option<Owned> {
        match (intent, old) {
            (Intent::Create(declared), None) if exists => Some(Owned {
                stack: self.stack.clone(),
                declared: None,
                attempted: Some(declared.clone()),
                since: self.taken,
                seal: None,
            }),
            (Intent::Create(_) | Intent::Adopt(_), None) => None,
            (Intent::Delete | Intent::Forget, _) if !exists => None,
            (
                Intent::Create(declared) | Intent::Change(declared) | Intent::Adopt(declared),
                Some(old),
            ) => Some(Owned { attempted: Some(declared.clone()), ..old.clone() }),
            (Intent::Delete | Intent::Forget | Intent::Change(_), old) => old.cloned(),
        }
    }

    /// Returns the error for another process that wants to change the registry.
    pub(super) fn refusal(&self) -> Error {
        Error::new(
            ErrorKind::Conflict,
            format!(
                "{} is applying the stack {} since {}; its lease ends at {} unless it is renewed",
                self.holder,
                self.stack,
                whole_seconds(self.taken),
                whole_seconds(self.expires)
            ),
        )
        .on("the registry")
    }
}

/// Returns a time without fractions of seconds, for people.
fn whole_seconds(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second()).unwrap_or(time).to_string()
}

/// A process, described so that another process can look for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holder {
    /// The name of the machine, for people.
    pub host: String,
    /// The identity of the machine: `/etc/machine-id` (machine-id(5)).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub machine_id: String,
    /// The identity of the machine's boot: `/proc/sys/kernel/random/boot_id` (random(4)).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub boot_id: String,
    /// The namespace of the process id: the target of `/proc/self/ns/pid` (pid_namespaces(7)).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub pid_namespace: String,
    /// The process id.
    pub pid: u32,
    /// The start of the process in clock ticks since boot: field 22 of `/proc/PID/stat` (proc(5)).
    /// It is recorded because the kernel reuses process ids.
    pub process_start: u64,
    /// The user of the process, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

/// Shows the holder in error lines. Its texts come from another process, so they are escaped and
/// their length is bounded.
impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// The maximum length of a name in characters, longer than any real one.
        const MAX_SHOWN: usize = 64;
        let shown = |text: &str| {
            let short: String = text.chars().take(MAX_SHOWN).collect();
            printable(&short).into_owned()
        };
        if let Some(user) = &self.user {
            write!(f, "{}@", shown(user))?;
        }
        write!(f, "{} (process {})", shown(&self.host), self.pid)
    }
}

/// Whether a holder's process still runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alive {
    /// The process runs.
    Yes,
    /// The process ran on this machine and has ended.
    Ended,
    /// The process is, or was, on another machine, in another boot or in another namespace.
    Unknown,
}

/// The result of looking up a process id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessLookup {
    /// No process has the id.
    NotFound,
    /// A process that started at this time has the id (clock ticks since boot).
    StartedAt(u64),
    /// A process may have the id and its start cannot be read: `/proc` hides the processes of other
    /// users (`hidepid`), or belongs to another namespace.
    Hidden,
}

impl Holder {
    /// Returns whether the process still runs. `look_up` looks up a process id of this machine.
    pub fn alive(&self, here: &Self, look_up: impl FnOnce(u32) -> ProcessLookup) -> Alive {
        if self.machine_id.is_empty() || self.machine_id != here.machine_id {
            return Alive::Unknown;
        }
        // Machines that were cloned share their machine id, so another boot may be another machine.
        if self.boot_id.is_empty() || self.boot_id != here.boot_id {
            return Alive::Unknown;
        }
        if self.pid_namespace.is_empty() || self.pid_namespace != here.pid_namespace {
            return Alive::Unknown;
        }
        match look_up(self.pid) {
            ProcessLookup::NotFound => Alive::Ended,
            ProcessLookup::StartedAt(start) if start == self.process_start => Alive::Yes,
            // The holder could not read its own start.
            ProcessLookup::StartedAt(_) if self.process_start == 0 => Alive::Unknown,
            ProcessLookup::StartedAt(_) => Alive::Ended,
            ProcessLookup::Hidden => Alive::Unknown,
        }
    }
}
