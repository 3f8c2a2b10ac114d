//! The writes of an apply to the registry: the lease is taken, the steps that were done are
//! recorded, the lease is renewed with every record, and returned with the last one.

use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use lakewright_core::plan::{Plan, Report};
use lakewright_core::state::{Lease, Registry};
use lakewright_core::{Error, ErrorKind, Result};

use super::super::holder::this_process;
use super::super::registry_store::{RegistryStore, Snapshot};
use super::machine::LeaseTime;
use lakewright_client::spawn_background;

/// The interval between two records. After a crash, the next plan finds what the last record
/// lacks by observing the server.
pub(super) const RECORD_EVERY: Duration = Duration::from_secs(1);

/// The time before the end of a lease in which no step is started: the clocks of the server and
/// of its responses count whole seconds.
const MARGIN: Duration = Duration::from_secs(3);

/// The remaining time at which the lease is renewed.
const RENEW_AT: Duration =
    Lease::TTL.unsigned_abs().saturating_sub(Lease::RENEW_EVERY.unsigned_abs());

/// The registry as an apply last read or wrote it.
pub(super) struct Recorder<'a> {
    store: &'a RegistryStore,
    plan: &'a Plan,
    token: String,
    /// The registry before the lease was taken.
    before: Snapshot,
    /// The registry to write in order to take the lease.
    with_lease: Registry,
    /// The last registry that was written.
    held: Snapshot,
}

impl<'a> Recorder<'a> {
    /// Reads the registry and prepares a lease for the plan.
    ///
    /// # Errors
    /// Those of [`Registry::take_lease`], and of reading.
    pub(super) async fn open(store: &'a RegistryStore, plan: &'a Plan) -> Result<Self> {
        let before = store.read().await?;
        store.check_seals(&before.registry, &plan.stack)?;
        let token = uuid::Uuid::new_v4().to_string();
        let (now, alive) = (store.now(), before.alive());
        let with_lease = before.registry.take_lease(plan, this_process(), &token, now, alive)?;
        let held = before.clone();
        Ok(Self { store, plan, token, before, with_lease, held })
    }

    /// Stores the registry that was written last.
    pub(super) fn hold(&mut self, written: Snapshot) {
        self.held = written;
    }

    /// Takes the lease. If another process was faster, the error has its holder.
    pub(super) fn take_lease(&self) -> BoxFuture<'a, Result<Snapshot>> {
        let (store, before, next) = (self.store, self.before.clone(), self.with_lease.clone());
        async move {
            match store.write(&before, next).await {
                Err(error) if error.kind() == ErrorKind::PreconditionFailed => {
                    let current = store.read().await?;
                    current.registry.ensure_free(store.now(), current.alive())?;
                    Err(error)
                }
                written => written,
            }
        }
        .boxed()
    }

    /// Proves that the server honours the conditions of a `PUT`.
    pub(super) fn prove_conditions(&self) -> BoxFuture<'a, Result<()>> {
        let (store, before, held) = (self.store, self.before.clone(), self.held.clone());
        async move { store.prove_conditions(&before, &held).await }.boxed()
    }

    /// Records what was done so far and renews the lease.
    pub(super) fn record(&self, report: &Report) -> BoxFuture<'a, Result<Snapshot>> {
        let now = self.store.now();
        let recorded = self.held.registry.record(&self.token, self.plan, report, now);
        self.write(recorded.and_then(|next| next.renew(&self.token, now)))
    }

    /// Records what was done and returns the lease.
    pub(super) fn return_lease(&self, report: &Report) -> BoxFuture<'a, Result<Snapshot>> {
        let now = self.store.now();
        self.write(self.held.registry.return_lease(&self.token, self.plan, report, now))
    }

    fn write(&self, next: Result<Registry>) -> BoxFuture<'a, Result<Snapshot>> {
        let (store, held) = (self.store, self.held.clone());
        async move { store.write(&held, next?).await }.boxed()
    }

    /// Records what was done and returns the lease in a background task.
    pub(super) fn return_lease_in_background(&self, report: &Report) {
        let (store, plan) = (self.store.clone(), self.plan.clone());
        let (token, report) = (self.token.clone(), report.clone());
        spawn_background(async move {
            if let Err(error) = return_lease_of(&store, &plan, &token, &report).await {
                tracing::warn!(%error, "what was done could not be recorded");
            }
        });
    }

    /// Returns the state of the lease, by the server's clock.
    pub(super) fn lease_time(&self) -> LeaseTime {
        let Some(lease) = &self.held.registry.lease else { return LeaseTime::Over };
        let left = lease.expires.duration_since(self.store.now());
        let left = Duration::try_from(left).unwrap_or_default().saturating_sub(MARGIN);
        if left.is_zero() {
            LeaseTime::Over
        } else if left <= RENEW_AT {
            LeaseTime::RenewalDue
        } else {
            LeaseTime::Valid
        }
    }
}

/// Records what was done and returns the lease, from the registry as it is then: the last write of
/// the apply may still be in flight, so the registry is read again.
async fn return_lease_of(
    store: &RegistryStore,
    plan: &Plan,
    token: &str,
    report: &Report,
) -> Result<()> {
    const ATTEMPTS: usize = 3;
    let mut lost: Option<Error> = None;
    for _ in 0..ATTEMPTS {
        let current = store.read().await?;
        if current.registry.lease.as_ref().is_none_or(|lease| lease.token != token) {
            break;
        }
        let next = current.registry.return_lease(token, plan, report, store.now())?;
        match store.write(&current, next).await {
            Err(error) if error.kind() == ErrorKind::PreconditionFailed => lost = Some(error),
            written => return written.map(drop),
        }
    }
    lost.map_or(Ok(()), Err)
}
