//! `apply`: the steps of a plan, in parallel where they are independent, under a lease.
//!
//! - `machine.rs` has the states and transitions, without I/O, and their diagram.
//! - `order.rs` has the dependency order of the steps.
//! - `run.rs` carries out the commands of the machine and gives their results back to it.
//! - `record.rs` writes the registry: takes the lease, records, renews, returns.
//! - `checks.rs` compares the server with what the plan was made from, before the first step.

use std::future::Future;
use std::time::Duration;

use lakewright_core::plan::{Plan, Report, Step, StepStatus};
use lakewright_core::{Error, ErrorKind, Result};

use super::registry_store::RegistryStore;
use crate::Provisioner;

mod checks;
mod machine;
mod order;
mod record;
mod run;

#[cfg(feature = "tables")]
pub(super) use checks::has_rows_by_now;
use record::Recorder;
use run::Run;

/// The time that the steps in flight have to end after a stop was requested. Most steps are one
/// request; longer ones (emptying a bucket, checking the rows of a table) can be cut off at any
/// point.
pub const GRACE: Duration = Duration::from_secs(15);

/// The progress of an apply.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A step is started.
    Started(&'a Step),
    /// A step has ended or was skipped, with its outcome.
    Ended(&'a Step, &'a StepStatus),
}

/// A callback for the progress of an apply.
pub type Watch<'a> = &'a (dyn Fn(Event<'_>) + Send + Sync);

/// The result of an apply. After an error some of its steps may be done all the same.
#[derive(Debug)]
#[must_use]
pub struct Applied {
    /// The outcome of each step.
    pub report: Report,
    /// The error, if not every step is done.
    pub error: Option<Error>,
    /// Whether a stop was requested before every step was done. The error has the progress.
    pub stopped: bool,
}

impl Provisioner {
    /// Applies a plan. Steps that do not depend on each other run at the same time, up to the
    /// concurrency of the profile; a step that depends on one that failed is skipped. After a
    /// failure or a crash, a new plan contains the steps that are left. `watch` is called between
    /// the steps and must not block: the lease is renewed in the same task.
    ///
    /// A future that is dropped loses nothing: a background task records what was done and
    /// returns the lease, see [`lakewright_client::finish_background_work`].
    ///
    /// # Errors
    /// The error is in [`Applied::error`]: `PreconditionFailed` when the registry has changed since
    /// the plan was made, a resource to be created exists, a resource to be deleted while empty is
    /// not empty, or the plan is for another server; `Conflict` when another process is applying,
    /// or took the lease; `Unsupported` on a server that ignores conditions; `PartialApply` with
    /// the errors of the steps that failed. An empty report means that nothing was changed.
    pub async fn apply(&self, plan: &Plan, watch: Watch<'_>) -> Applied {
        self.apply_until(plan, watch, std::future::pending()).await
    }

    /// Applies a plan as [`Provisioner::apply`] does, until `stop` completes: then no other step is
    /// started, those in flight have [`GRACE`] to end, the steps that were done are recorded and
    /// the lease is returned.
    ///
    /// # Errors
    /// As [`Provisioner::apply`]; `PartialApply` when it was stopped before every step was done.
    pub async fn apply_until(
        &self,
        plan: &Plan,
        watch: Watch<'_>,
        stop: impl Future<Output = ()> + Send,
    ) -> Applied {
        let mut report = Report::default();
        let mut stopped = false;
        let error = apply(self, plan, watch, stop, &mut report, &mut stopped).await.err();
        let error = error.map(|error| error.during("apply"));
        Applied { report, stopped: stopped && error.is_some(), error }
    }
}

async fn apply(
    provisioner: &Provisioner,
    plan: &Plan,
    watch: Watch<'_>,
    stop: impl Future<Output = ()> + Send,
    report: &mut Report,
    stopped: &mut bool,
) -> Result<()> {
    let here = provisioner.display_name.clone();
    if plan.endpoint != here {
        let why = format!("the plan is for {}, and this is {here}: plan again", plan.endpoint);
        return Err(Error::new(ErrorKind::PreconditionFailed, why));
    }
    if plan.steps.is_empty() && plan.recovered.is_empty() {
        return Ok(());
    }
    let store = RegistryStore::new(provisioner, &plan.registry)?;
    let recorder = Recorder::open(&store, plan).await?;
    Run::new(provisioner, plan, watch, recorder, report).finish(std::pin::pin!(stop), stopped).await
}
