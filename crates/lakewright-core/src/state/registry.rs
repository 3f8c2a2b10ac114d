//! The registry: the stacks that own resources, and the process that is changing them, in one
//! object of the store itself.
//!
//! Every change here is a pure function from one registry to the next. It is written by a `PUT`
//! under `If-Match` of the ETag that was read (`If-None-Match: *` for the first one), so that of
//! two processes that take a lease at the same time one succeeds.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::declaration::{Declaration, Intent, Owned, Recovered, resources};
use super::lease::{Alive, Holder, Lease};
use crate::identity::StackName;
use crate::json::{MAX_BYTES, check_json_size};
use crate::plan::{Plan, Report, Step};
use crate::resource::{Adoption, ResourceId};
use crate::state::Observed;
use crate::{Error, ErrorKind, Result};

/// The registry. It never holds a secret: declarations contain references to secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registry {
    /// The version of this format.
    pub version: RegistryVersion,
    /// Incremented by every change. A plan is valid only for the serial that it was made at.
    pub serial: u64,
    /// The resources that a stack owns.
    #[serde(deserialize_with = "resources")]
    pub resources: BTreeMap<ResourceId, Owned>,
    /// The lease of the process that is applying, or whose apply was interrupted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<Lease>,
}

/// The version of the registry's format. One version exists, and any other is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RegistryVersion;

impl RegistryVersion {
    /// The number in the registry.
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

impl Registry {
    /// The maximum size of a registry in bytes.
    pub const MAX_BYTES: u64 = MAX_BYTES as u64;

    /// Reads a registry.
    ///
    /// # Errors
    /// `Corrupt` when it is no registry, is of another version, or has a declaration that cannot
    /// be read, with the path of each fault.
    pub fn from_json(json: &[u8]) -> Result<Self> {
        let unreadable = |why: String| {
            Error::new(ErrorKind::Corrupt, format!("the registry cannot be read: {why}"))
        };
        check_json_size(json).map_err(unreadable)?;
        serde_json::from_slice(json).map_err(|error| unreadable(error.to_string()).caused_by(error))
    }

    /// Limits the lease by the time at which the registry was written, as the server returned it:
    /// the lease ends [`Lease::TTL`] and [`Lease::SLACK`] after it, so that a holder whose clock is
    /// wrong cannot extend its lease. `None` if the server returned no such time.
    #[must_use]
    pub fn with_write_time(mut self, written: Option<Timestamp>) -> Self {
        if let (Some(lease), Some(written)) = (&mut self.lease, written)
            && let Ok(latest) = written.checked_add(Lease::TTL + Lease::SLACK)
        {
            lease.expires = lease.expires.min(latest);
        }
        self
    }

    /// Writes the registry, indented so that people can read it.
    ///
    /// # Errors
    /// `TooLarge` when it exceeds the limits within which it can be read, 16 MiB and a million
    /// values.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        let json = serde_json::to_vec_pretty(self).map_err(|error| {
            Error::new(ErrorKind::Internal, "the registry cannot be written").caused_by(error)
        })?;
        check_json_size(&json).map_err(|why| {
            let why = format!("the registry could not be read again: {why}");
            Error::new(ErrorKind::TooLarge, why)
        })?;
        Ok(json)
    }

    /// Returns the resources of a stack.
    pub fn of_stack<'a>(
        &'a self,
        stack: &'a StackName,
    ) -> impl Iterator<Item = (ResourceId, &'a Owned)> {
        self.resources
            .iter()
            .filter(move |(_, owned)| owned.stack == *stack)
            .map(|(id, owned)| (id.clone(), owned))
    }

    /// Returns the actions that an expired lease announced, whose resources have to be observed.
    pub fn pending(&self) -> impl Iterator<Item = (&ResourceId, &Intent)> {
        self.lease.iter().flat_map(|lease| &lease.pending)
    }

    /// Returns the changes that an interrupted apply made without recording them, derived from the
    /// resources that exist now. A resource that it was about to create and that exists was created
    /// by it, because its plan had found that the resource did not exist.
    #[must_use]
    pub fn recover(&self, observed: &Observed) -> Vec<Recovered> {
        let Some(lease) = &self.lease else { return Vec::new() };
        let recover = |(id, intent): (&ResourceId, &Intent)| {
            let old = self.resources.get(id);
            let announced = intent.declaration().and_then(Declaration::access_key).cloned();
            let key = announced.or_else(|| old?.access_keys().next());
            let exists = observed.has(id, key.as_ref());
            let owned = lease.entry_after(old, intent, exists);
            (owned.as_ref() != old).then(|| Recovered { resource: id.clone(), owned })
        };
        lease.pending.iter().filter_map(recover).collect()
    }

    /// Returns the registry after the recovery of an expired lease: with the result of
    /// [`Self::recover`] and without the lease. The serial stays, because nothing was written.
    #[must_use]
    pub fn recovered(&self, observed: &Observed) -> Self {
        let mut recovered = self.clone();
        recovered.enter(&self.recover(observed));
        recovered.lease = None;
        recovered
    }

    /// Returns whether [`Self::recover`] can return this entry.
    fn can_recover(&self, entry: &Recovered) -> bool {
        let Some(lease) = &self.lease else { return false };
        lease.pending.get(&entry.resource).is_some_and(|intent| {
            let old = self.resources.get(&entry.resource);
            [true, false]
                .into_iter()
                .any(|exists| lease.entry_after(old, intent, exists) == entry.owned)
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

    /// Takes the lease for a plan: returns the registry to be written before the first step.
    ///
    /// # Errors
    /// `Conflict` when another process holds a lease, or the plan changes a resource of another
    /// stack; `PreconditionFailed` when the registry has changed since the plan was made;
    /// `InvalidInput` when the plan recovers a state that no holder can have left.
    pub fn take_lease(
        &self,
        plan: &Plan,
        holder: Holder,
        token: impl Into<String>,
        now: Timestamp,
        alive: Alive,
    ) -> Result<Self> {
        self.ensure_free(now, alive)?;
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
        if let Some(odd) = plan.recovered.iter().find(|entry| !self.can_recover(entry)) {
            return Err(Error::invalid_input(
                "the plan contains a recovery of this resource that does not follow from an \
                 interrupted apply: plan again",
            )
            .on(odd.resource.to_string()));
        }
        next.enter(&plan.recovered);
        let changed = plan.steps.iter().map(Step::resource).chain(plan.intents.keys().cloned());
        for id in changed {
            if let Some(owned) = next.resources.get(&id).filter(|owned| owned.stack != plan.stack) {
                return Err(owned_by_another(&id, &owned.stack));
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
            seal: None,
        });
        Ok(next)
    }

    /// Checks that no process holds a valid lease.
    ///
    /// # Errors
    /// `Conflict` with the holder.
    pub fn ensure_free(&self, now: Timestamp, alive: Alive) -> Result<()> {
        match &self.lease {
            Some(lease) if lease.is_in_force(now, alive) => Err(lease.refusal()),
            _ => Ok(()),
        }
    }

    /// Extends the lease by another [`Lease::TTL`].
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

    /// Enters the steps that were done so far and keeps the lease. An action that is recorded is
    /// no longer pending, so that a later recovery need not look at its resource.
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
            match intent {
                Intent::Create(wanted) | Intent::Adopt(wanted) | Intent::Change(wanted) => {
                    let old = next.resources.get(id);
                    let since = old.map_or(now, |old| old.since);
                    let (declared, attempted) = if outcome.finished {
                        (Some(wanted.clone()), None)
                    } else {
                        (old.and_then(|old| old.declared.clone()), Some(wanted.clone()))
                    };
                    // A resource whose creation was refused belongs to no stack; one that may
                    // have been created belongs to this one.
                    if outcome.finished || outcome.owned || old.is_some() {
                        let stack = plan.stack.clone();
                        let owned = Owned { stack, declared, attempted, since, seal: None };
                        next.resources.insert(id.clone(), owned);
                    }
                }
                Intent::Delete | Intent::Forget => {
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

    /// Enters the steps that were done and returns the lease.
    ///
    /// # Errors
    /// `Conflict` when the lease was lost.
    pub fn return_lease(
        &self,
        token: &str,
        plan: &Plan,
        report: &Report,
        now: Timestamp,
    ) -> Result<Self> {
        let mut next = self.record(token, plan, report, now)?;
        next.lease = None;
        Ok(next)
    }

    /// Returns a copy of this registry, if its lease has this token.
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
                "the lease was lost: another process took it and returned it in the meantime",
            )
            .on("the registry")),
        }
    }

    /// Enters a resource as owned by a stack, without a declaration: `lakewright adopt`. The caller
    /// has to check that the resource exists. The entry of a resource that the stack owns already
    /// stays as it is. The entry of a service account contains its access key, by which the server
    /// finds the account.
    ///
    /// # Errors
    /// `Conflict` when another stack owns it, or has an entry with the same access key.
    pub fn adopt(&self, adoption: &Adoption, stack: &StackName, now: Timestamp) -> Result<Self> {
        let mut next = self.clone();
        let id = adoption.id();
        match self.resources.get(id) {
            Some(owned) if owned.stack == *stack => return Ok(next),
            Some(owned) => return Err(owned_by_another(id, &owned.stack)),
            None => {}
        }
        let same_key = |owned: &Owned| {
            adoption.access_key().is_some_and(|key| owned.access_keys().any(|known| known == *key))
        };
        if let Some((other, _)) = self.resources.iter().find(|(_, owned)| same_key(owned)) {
            let why = format!("the {other} of a stack has its access key already");
            return Err(Error::new(ErrorKind::Conflict, why).on(id.to_string()));
        }
        // The key is not a complete declaration, so no setting goes back to its default because of
        // it.
        let attempted = adoption.access_key().cloned().map(Declaration::AccessKey);
        next.resources.insert(
            id.clone(),
            Owned { stack: stack.clone(), declared: None, attempted, since: now, seal: None },
        );
        next.serial += 1;
        Ok(next)
    }

    /// Removes the entry of a resource, which itself stays as it is: `lakewright forget`.
    ///
    /// # Errors
    /// `NotFound` when no stack owns it, `Conflict` when another stack does.
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

/// Returns the error for a resource that another stack owns: a resource has one owner.
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
