//! Who owns what, and who is changing it right now: one document in the store itself.
//!
//! Everything here is a pure function from one document to the next. Writing it is a `PUT` under
//! `If-Match` of the ETag that it was read with (`If-None-Match: *` for the first), so of two
//! who take a lease at once one succeeds.

use std::collections::BTreeMap;
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};

use crate::identity::{AccessKey, StackName};
use crate::plan::{Plan, Report};
use crate::resource::{Adoption, ResourceId};
use crate::state::Observed;
use crate::text::printable;
use crate::{Error, ErrorKind, Result};

/// The registry. It never holds a secret: declarations have references to them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registry {
    /// The version of this format.
    pub version: RegistryVersion,
    /// Goes up with every change. A plan is bound to the serial that it was made at.
    pub serial: u64,
    /// What somebody owns.
    pub resources: BTreeMap<ResourceId, Owned>,
    /// Who is applying, if somebody is or was cut off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<Lease>,
}

/// The version of the registry's format. There is one, and another is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RegistryVersion;

impl RegistryVersion {
    /// The number that stands in the document.
    pub const NUMBER: u64 = 1;
}

impl Serialize for RegistryVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(Self::NUMBER)
    }
}

impl<'de> Deserialize<'de> for RegistryVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u64::deserialize(deserializer)? {
            Self::NUMBER => Ok(Self),
            other => Err(serde::de::Error::custom(format!(
                "version {other} of the registry is not known; this lakewright knows version {}",
                Self::NUMBER
            ))),
        }
    }
}

/// A resource that a stack owns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Owned {
    /// Which stack.
    pub stack: StackName,
    /// The declaration that was last applied as a whole; none if none was yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declared: Option<Value>,
    /// A declaration of which some steps were or may have been done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempted: Option<Value>,
    /// Since when.
    pub since: Timestamp,
}

impl Owned {
    /// Every declaration that may have left something behind, the last applied one first.
    pub fn declarations(&self) -> impl Iterator<Item = &Value> {
        self.declared.iter().chain(&self.attempted)
    }

    /// The access keys that its declarations named, for a service account.
    pub fn access_keys(&self) -> impl Iterator<Item = AccessKey> {
        self.declarations()
            .filter_map(|declared| AccessKey::new(declared.get("access_key")?.as_str()?).ok())
    }
}

/// The right to change things, held by one process at a time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lease {
    /// Made up by the holder for this lease; whoever finds another one there has lost it.
    pub token: String,
    /// Which process.
    pub holder: Holder,
    /// What it applies.
    pub stack: StackName,
    /// When it began.
    pub taken: Timestamp,
    /// When it ends unless it is renewed.
    pub expires: Timestamp,
    /// What it is about to do and has not recorded as done.
    pub pending: BTreeMap<ResourceId, Intent>,
}

/// A process, as others can look for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holder {
    /// The name of its machine, for people.
    pub host: String,
    /// What tells machines apart: `/etc/machine-id` (machine-id(5)).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub machine_id: String,
    /// What tells one start of the machine from the next:
    /// `/proc/sys/kernel/random/boot_id` (random(4)).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub boot_id: String,
    /// In which namespace its process id counts: the target of `/proc/self/ns/pid`
    /// (pid_namespaces(7)).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub pid_namespace: String,
    /// Its process id.
    pub pid: u32,
    /// When it started, in clock ticks since boot: field 22 of `/proc/PID/stat` (proc(5)). Ids
    /// are used again.
    pub process_start: u64,
    /// Its user, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

/// What a holder says of itself is shown in error lines: it neither turns them around nor fills
/// them.
impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// Longer than any name of a machine or a user (characters).
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

/// What is known about a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alive {
    /// It runs.
    Yes,
    /// It ran on this machine, and does not any more.
    Gone,
    /// It is, or was, somewhere that we cannot look.
    Unknown,
}

/// What is to be seen of a process id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// No process has it.
    Nothing,
    /// A process that started then, in clock ticks since boot.
    Since(u64),
    /// A process may have it, and nobody tells us which: `/proc` hides those of other users
    /// (`hidepid`), or is none of ours.
    Hidden,
}

impl Holder {
    /// Whether the process still runs. `look` is asked for a process id of this machine.
    pub fn alive(&self, here: &Self, look: impl FnOnce(u32) -> Sight) -> Alive {
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
        match look(self.pid) {
            Sight::Nothing => Alive::Gone,
            Sight::Since(start) if start == self.process_start => Alive::Yes,
            // It could not tell when it started itself.
            Sight::Since(_) if self.process_start == 0 => Alive::Unknown,
            Sight::Since(_) => Alive::Gone,
            Sight::Hidden => Alive::Unknown,
        }
    }
}

/// Something that is about to happen to a resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intent {
    /// What.
    pub kind: IntentKind,
    /// The declaration that is applied; none for an end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declared: Option<Value>,
}

/// What is about to happen to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntentKind {
    /// It was not there, and is made.
    Create,
    /// It was there and nobody's, and is taken over.
    Adopt,
    /// It is ours, and is changed.
    Change,
    /// It is ours, and is taken away.
    Delete,
    /// It is ours on paper only, and is struck off.
    Forget,
}

impl Lease {
    /// How long a lease holds without being renewed. A holder that crashed keeps others waiting
    /// no longer than this.
    pub const TTL: SignedDuration = SignedDuration::from_secs(30);
    /// How often its holder renews it: twice may fail.
    pub const RENEW_EVERY: SignedDuration = SignedDuration::from_secs(10);
    /// How far the holder's idea of the server's time may be ahead of the server's own: both are
    /// told in whole seconds, and not always by the same node.
    pub const SLACK: SignedDuration = SignedDuration::from_secs(5);

    /// Whether it still holds. `now` is the server's clock where it is known (the `Date` of its
    /// answers): machines disagree about the time, and all of them talk to one server.
    #[must_use]
    pub fn is_in_force(&self, now: Timestamp, alive: Alive) -> bool {
        alive != Alive::Gone && now < self.expires
    }

    /// What the entry of a resource becomes that the holder was about to do this to, by whether
    /// it is there now.
    fn left(&self, old: Option<&Owned>, intent: &Intent, there: bool) -> Option<Owned> {
        match (intent.kind, old) {
            (IntentKind::Create, None) if there => Some(Owned {
                stack: self.stack.clone(),
                declared: None,
                attempted: intent.declared.clone(),
                since: self.taken,
            }),
            (IntentKind::Create | IntentKind::Adopt, None) => None,
            (IntentKind::Delete | IntentKind::Forget, _) if !there => None,
            (IntentKind::Create | IntentKind::Change | IntentKind::Adopt, Some(old)) => {
                Some(Owned { attempted: intent.declared.clone(), ..old.clone() })
            }
            (IntentKind::Delete | IntentKind::Forget | IntentKind::Change, old) => old.cloned(),
        }
    }

    fn refusal(&self) -> Error {
        Error::new(
            ErrorKind::Conflict,
            format!(
                "{} is applying the stack {} since {}; its lease ends at {} unless it is renewed",
                self.holder,
                self.stack,
                seconds(self.taken),
                seconds(self.expires)
            ),
        )
        .on("the registry")
    }
}

/// A time without fractions, for people.
fn seconds(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second()).unwrap_or(time).to_string()
}

/// What the registry finds out about a resource after its last holder was cut off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recovered {
    /// Which resource.
    pub resource: ResourceId,
    /// What its entry becomes; none for no entry.
    pub owned: Option<Owned>,
}

impl Registry {
    /// Reads the document.
    ///
    /// # Errors
    /// `Corrupt` when it is no registry or one of another version.
    pub fn from_json(json: &[u8]) -> Result<Self> {
        serde_json::from_slice(json).map_err(|error| {
            Error::new(ErrorKind::Corrupt, format!("the registry cannot be read: {error}"))
                .caused_by(error)
        })
    }

    /// The document as it counts, by when the server says that it was written: a lease ends a
    /// [`Lease::TTL`] after that, whatever the clock of its holder made it say. `None` where the
    /// server does not say.
    #[must_use]
    pub fn written(mut self, at: Option<Timestamp>) -> Self {
        if let (Some(lease), Some(at)) = (&mut self.lease, at)
            && let Ok(latest) = at.checked_add(Lease::TTL + Lease::SLACK)
        {
            lease.expires = lease.expires.min(latest);
        }
        self
    }

    /// Writes the document, for people to read too.
    ///
    /// # Errors
    /// `Internal` when it cannot be written, which has no known cause.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        serde_json::to_vec_pretty(self).map_err(|error| {
            Error::new(ErrorKind::Internal, "the registry cannot be written").caused_by(error)
        })
    }

    /// What a stack owns.
    pub fn of_stack<'a>(
        &'a self,
        stack: &'a StackName,
    ) -> impl Iterator<Item = (ResourceId, &'a Owned)> {
        self.resources
            .iter()
            .filter(move |(_, owned)| owned.stack == *stack)
            .map(|(id, owned)| (id.clone(), owned))
    }

    /// The resources that a dead lease was working on, for observing them.
    pub fn pending(&self) -> impl Iterator<Item = (&ResourceId, &Intent)> {
        self.lease.iter().flat_map(|lease| &lease.pending)
    }

    /// What a holder that was cut off had done without recording it, judged by what is there
    /// now. What it was about to make and is there, it made: the plan had found nothing there.
    #[must_use]
    pub fn recover(&self, observed: &Observed) -> Vec<Recovered> {
        let Some(lease) = &self.lease else { return Vec::new() };
        let judge = |(id, intent): (&ResourceId, &Intent)| {
            let old = self.resources.get(id);
            let key = intent.declared.as_ref().or_else(|| old?.declared.as_ref());
            let key = key.and_then(|declared| declared.get("access_key")?.as_str());
            let key = key.and_then(|key| AccessKey::new(key).ok());
            let there = observed.has(id, key.as_ref());
            let owned = lease.left(old, intent, there);
            (owned.as_ref() != old).then(|| Recovered { resource: id.clone(), owned })
        };
        lease.pending.iter().filter_map(judge).collect()
    }

    /// The registry with a dead lease settled: what [`Self::recover`] found is entered, and the
    /// lease is gone. The serial stays, for nothing was written.
    #[must_use]
    pub fn settled(&self, observed: &Observed) -> Self {
        let mut settled = self.clone();
        settled.enter(&self.recover(observed));
        settled.lease = None;
        settled
    }

    /// Whether [`Self::recover`] could come to this.
    fn could_have_left(&self, entry: &Recovered) -> bool {
        let Some(lease) = &self.lease else { return false };
        lease.pending.get(&entry.resource).is_some_and(|intent| {
            let old = self.resources.get(&entry.resource);
            [true, false].into_iter().any(|there| lease.left(old, intent, there) == entry.owned)
        })
    }

    fn enter(&mut self, recovered: &[Recovered]) {
        for Recovered { resource, owned } in recovered {
            match owned {
                Some(owned) => self.resources.insert(resource.clone(), owned.clone()),
                None => self.resources.remove(resource),
            };
        }
    }

    /// Takes the lease for a plan: the document to be written before its first step.
    ///
    /// # Errors
    /// `Conflict` when somebody else holds a lease, or the plan touches what another stack owns;
    /// `PreconditionFailed` when the registry is not what it was when the plan was made;
    /// `InvalidInput` when the plan settles what no holder has left.
    pub fn begin(
        &self,
        plan: &Plan,
        holder: Holder,
        token: impl Into<String>,
        now: Timestamp,
        alive: Alive,
    ) -> Result<Self> {
        self.free(now, alive)?;
        if self.serial != plan.registry_serial {
            return Err(Error::new(
                ErrorKind::PreconditionFailed,
                format!(
                    "the plan was made at serial {} of the registry, which is at {} now: plan again",
                    plan.registry_serial, self.serial
                ),
            )
            .on("the registry"));
        }
        let mut next = self.clone();
        // A plan may come from a file, and files can be written by hand.
        if let Some(odd) = plan.recovered.iter().find(|entry| !self.could_have_left(entry)) {
            return Err(Error::invalid_input(
                "the plan says that an apply that was cut off left this, and none could have: \
                 plan again",
            )
            .on(odd.resource.to_string()));
        }
        next.enter(&plan.recovered);
        let touched = plan.steps.iter().map(|step| &step.resource).chain(plan.intents.keys());
        for id in touched {
            if let Some(owned) = next.resources.get(id).filter(|owned| owned.stack != plan.stack) {
                return Err(owned_by_another(id, &owned.stack));
            }
        }
        next.serial += 1;
        next.lease = Some(Lease {
            token: token.into(),
            holder,
            stack: plan.stack.clone(),
            taken: now,
            expires: now + Lease::TTL,
            pending: plan.intents.clone(),
        });
        Ok(next)
    }

    /// Nobody holds a lease.
    ///
    /// # Errors
    /// `Conflict`, saying who does.
    pub fn free(&self, now: Timestamp, alive: Alive) -> Result<()> {
        match &self.lease {
            Some(lease) if lease.is_in_force(now, alive) => Err(lease.refusal()),
            _ => Ok(()),
        }
    }

    /// Makes the lease last for another [`Lease::TTL`].
    ///
    /// # Errors
    /// `Conflict` when the lease was lost.
    pub fn renew(&self, token: &str, now: Timestamp) -> Result<Self> {
        let mut next = self.held(token)?;
        if let Some(lease) = &mut next.lease {
            lease.expires = now + Lease::TTL;
        }
        next.serial += 1;
        Ok(next)
    }

    /// Enters what was done so far and keeps the lease: the less is pending, the less has to be
    /// found out after a crash.
    ///
    /// # Errors
    /// `Conflict` when the lease was lost.
    pub fn record(
        &self,
        token: &str,
        plan: &Plan,
        report: &Report,
        now: Timestamp,
    ) -> Result<Self> {
        let mut next = self.held(token)?;
        let progress = report.progress(plan);
        for (id, intent) in &plan.intents {
            let Some(outcome) = progress.get(id).filter(|outcome| outcome.started) else {
                continue;
            };
            let old = next.resources.get(id).cloned();
            let since = old.as_ref().map_or(now, |old| old.since);
            let fresh = |declared, attempted| Owned {
                stack: plan.stack.clone(),
                declared,
                attempted,
                since,
            };
            match intent.kind {
                IntentKind::Create | IntentKind::Adopt | IntentKind::Change => {
                    let owned = if outcome.finished {
                        fresh(intent.declared.clone(), None)
                    } else {
                        fresh(old.and_then(|old| old.declared), intent.declared.clone())
                    };
                    // What was refused is nobody's; what may have been made is ours.
                    if outcome.finished || outcome.owned || next.resources.contains_key(id) {
                        next.resources.insert(id.clone(), owned);
                    }
                }
                IntentKind::Delete | IntentKind::Forget => {
                    if outcome.finished {
                        next.resources.remove(id);
                    }
                }
            }
            if outcome.finished
                && let Some(lease) = &mut next.lease
            {
                lease.pending.remove(id);
            }
        }
        next.serial += 1;
        Ok(next)
    }

    /// Enters what was done and gives the lease back.
    ///
    /// # Errors
    /// `Conflict` when the lease was lost.
    pub fn end(&self, token: &str, plan: &Plan, report: &Report, now: Timestamp) -> Result<Self> {
        let mut next = self.record(token, plan, report, now)?;
        next.lease = None;
        Ok(next)
    }

    /// This document, if the lease in it is ours.
    fn held(&self, token: &str) -> Result<Self> {
        match &self.lease {
            Some(lease) if lease.token == token => Ok(self.clone()),
            Some(lease) => Err(Error::new(
                ErrorKind::Conflict,
                format!("the lease was lost: {} has taken it since", lease.holder),
            )
            .on("the registry")),
            None => Err(Error::new(
                ErrorKind::Conflict,
                "the lease was lost: somebody took it in the meantime and gave it back",
            )
            .on("the registry")),
        }
    }

    /// Enters a resource as a stack's own, without a declaration: `lakewright adopt`. Whether it
    /// is there is the caller's to know. What is the stack's own already stays as it is. Of a
    /// service account the access key is kept, by which it will be found.
    ///
    /// # Errors
    /// `Conflict` when another stack owns it, or has an entry with the same access key.
    pub fn adopt(&self, what: &Adoption, stack: &StackName, now: Timestamp) -> Result<Self> {
        let mut next = self.clone();
        let id = what.id();
        match self.resources.get(id) {
            Some(owned) if owned.stack == *stack => return Ok(next),
            Some(owned) => return Err(owned_by_another(id, &owned.stack)),
            None => {}
        }
        let same_key = |owned: &Owned| {
            what.access_key().is_some_and(|key| owned.access_keys().any(|known| known == *key))
        };
        if let Some((other, _)) = self.resources.iter().find(|(_, owned)| same_key(owned)) {
            let why = format!("the {other} of a stack has its access key already");
            return Err(Error::new(ErrorKind::Conflict, why).on(id.to_string()));
        }
        // Not a whole declaration: nothing goes back to a default because of it.
        let attempted = what.access_key().map(|key| json!({ "access_key": key }));
        next.resources.insert(
            id.clone(),
            Owned { stack: stack.clone(), declared: None, attempted, since: now },
        );
        next.serial += 1;
        Ok(next)
    }

    /// Lets go of a resource, which stays as it is: `lakewright forget`.
    ///
    /// # Errors
    /// `NotFound` when nobody owns it, `Conflict` when another stack does.
    pub fn forget(&self, id: &ResourceId, stack: &StackName) -> Result<Self> {
        let mut next = self.clone();
        match self.resources.get(id) {
            Some(owned) if owned.stack == *stack => {
                next.resources.remove(id);
                next.serial += 1;
                Ok(next)
            }
            Some(owned) => Err(owned_by_another(id, &owned.stack)),
            None => Err(Error::new(ErrorKind::NotFound, "no stack owns it").on(id.to_string())),
        }
    }
}

/// Two stacks cannot own one thing.
pub(crate) fn owned_by_another(id: &ResourceId, stack: &StackName) -> Error {
    Error::new(
        ErrorKind::Conflict,
        format!(
            "it belongs to the stack {stack}; take it out of that stack's declaration and run \
             `lakewright forget {} --stack {stack}`, or take it out of this one",
            id.address()
        ),
    )
    .on(id.to_string())
}
