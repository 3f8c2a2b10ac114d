//! `apply`: the steps of a plan, in parallel where they are independent, under a lease.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use jiff::Timestamp;
use lakewright_core::plan::{Action, Outcome, Plan, Report, Step, StepId};
use lakewright_core::state::{IntentKind, Lease, Needs, Owned, Registry};
use lakewright_core::{Error, ErrorKind, ResourceId, Result, Spec};
use tokio::time::{Instant, MissedTickBehavior};

use super::document::{Document, Read};
use super::holder::this_process;
use super::observe::Lookup;
use super::plan::Secrets;
use crate::Provisioner;
use lakewright_client::spawn_background;

/// How often what was done is written down. What a crash leaves out is found again by looking.
const RECORD_EVERY: Duration = Duration::from_secs(1);

/// How far clocks, read in whole seconds, may be apart.
const DISTANCE: Duration = Duration::from_secs(3);

/// How long an apply that is asked to stop waits for the steps under way. Most are one request;
/// what takes longer (emptying a bucket, checking the rows of a table) can be cut off anywhere.
pub const GRACE: Duration = Duration::from_secs(15);

/// With so little left of the lease it is renewed.
const RENEW_AT: Duration =
    Lease::TTL.unsigned_abs().saturating_sub(Lease::RENEW_EVERY.unsigned_abs());

/// Told what an apply is doing.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A step is about to be taken.
    Started(&'a Step),
    /// A step was taken or skipped, and this came of it.
    Ended(&'a Step, &'a Outcome),
}

/// Whoever wants to know what an apply is doing.
pub type Watch<'a> = &'a (dyn Fn(Event<'_>) + Send + Sync);

/// What came of an apply: after a failure some of its steps may be done all the same.
#[derive(Debug)]
#[must_use]
pub struct Applied {
    /// What came of each step.
    pub report: Report,
    /// Why not everything was done, if so.
    pub error: Option<Error>,
    /// It was asked to stop before everything was done. The error says how far it has come.
    pub stopped: bool,
}

impl Provisioner {
    /// Does what a plan says. Steps that do not need each other run at the same time, as many as
    /// the profile allows; what needs a step that failed is skipped. Doing it once more after a
    /// failure or a crash goes on where it ended: plan again for that. `watch` is called between
    /// the steps and must not block: the lease is renewed there too.
    ///
    /// A future that is dropped leaves nothing unsaid: what was done is written down and the
    /// lease given back afterwards, see [`lakewright_client::finish_background_work`].
    ///
    /// # Errors
    /// In [`Applied::error`]: `PreconditionFailed` when the registry has moved since the plan was
    /// made, something that it makes was made by others, something was put into what it deletes,
    /// or it is for another server; `Conflict` when somebody else is applying, or took the lease
    /// away; `Unsupported` on a server that ignores conditions; `PartialApply` with the errors of
    /// the steps that failed. Without a report nothing was changed.
    pub async fn apply(&self, plan: &Plan, watch: Watch<'_>) -> Applied {
        self.apply_until(plan, watch, std::future::pending()).await
    }

    /// As [`Provisioner::apply`], until `stop` comes: then no other step is begun, those under way have
    /// [`GRACE`] to end, what was done is written down and the lease given back.
    ///
    /// # Errors
    /// As [`Provisioner::apply`]; `PartialApply` where it was stopped before everything was done.
    pub async fn apply_until(
        &self,
        plan: &Plan,
        watch: Watch<'_>,
        stop: impl Future<Output = ()> + Send,
    ) -> Applied {
        let mut report = Report::default();
        let mut stopped = false;
        let error = self.applying(plan, watch, stop, &mut report, &mut stopped).await.err();
        let error = error.map(|error| error.during("apply"));
        Applied { report, stopped: stopped && error.is_some(), error }
    }

    async fn applying(
        &self,
        plan: &Plan,
        watch: Watch<'_>,
        stop: impl Future<Output = ()> + Send,
        report: &mut Report,
        stopped: &mut bool,
    ) -> Result<()> {
        let here = self.display_name.clone();
        if plan.endpoint != here {
            let why = format!("the plan is for {}, and this is {here}: plan again", plan.endpoint);
            return Err(Error::new(ErrorKind::PreconditionFailed, why));
        }
        if plan.steps.is_empty() && plan.recovered.is_empty() {
            return Ok(());
        }
        let document = Document::new(self, &plan.registry)?;
        let before = document.read().await?;
        let token = uuid::Uuid::new_v4().to_string();
        let next =
            before.registry.begin(plan, this_process(), &token, document.now(), before.alive())?;
        let run = Run { lake: self, plan, watch, document: &document, token: &token };
        let mut going = Going { run, report, begun: BTreeSet::new(), over: false };
        let done = going.under_lease(&before, next, std::pin::pin!(stop), stopped).await;
        going.over = true;
        done
    }

    /// What has come between the plan and its first step, so that nothing is half done because of
    /// it.
    async fn is_as_planned(&self, plan: &Plan) -> Result<()> {
        self.nothing_was_made(plan).await?;
        let mut lookups: Vec<Lookup<'_, ()>> = Vec::new();
        for step in &plan.steps {
            lookups.push(Box::pin(self.nothing_was_put_in(plan, step)));
        }
        self.at_once(lookups).await.map(drop)
    }

    /// What is to be deleted on the condition that it is empty still is: otherwise the tables in
    /// a bucket would be gone before the bucket, or another table of it, is refused.
    async fn nothing_was_put_in(&self, plan: &Plan, step: &Step) -> Result<()> {
        let name = match (&step.resource, &step.action) {
            (ResourceId::Bucket(name), Action::DeleteBucket { force: false }) => name,
            #[cfg(feature = "tables")]
            (ResourceId::Table(uri), Action::DropTable { force: false }) => {
                return match self.delta.table(uri.clone()).is_empty().await {
                    Ok(false) => Err(has_rows_by_now().on(step.resource.to_string())),
                    // What stands in the way of looking stands in the way of the step too.
                    _ => Ok(()),
                };
            }
            _ => return Ok(()),
        };
        let dropped = plan.steps.iter().filter_map(|step| match (&step.resource, &step.action) {
            (ResourceId::Table(uri), Action::DropTable { .. }) if uri.bucket() == name => Some(uri),
            _ => None,
        });
        match self.s3.bucket(name.clone()).contents(&dropped.cloned().collect()).await {
            Ok(contents) if contents.other => {
                let why = "objects were put into it since the plan was made: plan again";
                Err(Error::new(ErrorKind::PreconditionFailed, why).on(step.resource.to_string()))
            }
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error.on(step.resource.to_string()))
            }
            _ => Ok(()),
        }
    }

    /// What the plan is to make must still not be there: it would be somebody else's, made since
    /// the plan was, and from now on ours.
    async fn nothing_was_made(&self, plan: &Plan) -> Result<()> {
        let mut needs = Needs::default();
        let mut keys = BTreeMap::new();
        for (id, intent) in &plan.intents {
            if intent.kind != IntentKind::Create {
                continue;
            }
            let to_be = Owned {
                stack: plan.stack.clone(),
                declared: intent.declared.clone(),
                attempted: None,
                since: Timestamp::UNIX_EPOCH,
            };
            needs.also(id, Some(&to_be));
            keys.insert(id, to_be.access_keys().next());
        }
        let nothing = Spec::empty(plan.stack.clone());
        let observed = self.observe(&nothing, &needs, &Secrets::new()).await?;
        for (id, key) in keys {
            if observed.has(id, key.as_ref()) {
                let why = "it was made by somebody else since the plan was made: plan again";
                return Err(Error::new(ErrorKind::PreconditionFailed, why).on(id.to_string()));
            }
        }
        Ok(())
    }
}

/// The refusal of a table that was empty when it was planned to be dropped.
#[cfg(feature = "tables")]
pub(super) fn has_rows_by_now() -> Error {
    let why = "rows were written into it since the plan was made: plan again";
    Error::new(ErrorKind::PreconditionFailed, why)
}

/// An apply under its lease.
#[derive(Clone, Copy)]
struct Run<'a> {
    lake: &'a Provisioner,
    plan: &'a Plan,
    watch: Watch<'a>,
    document: &'a Document,
    token: &'a str,
}

/// Steps that wait for others, and who waits for whom.
struct Order {
    missing: BTreeMap<StepId, usize>,
    followers: BTreeMap<StepId, Vec<StepId>>,
    ready: BTreeSet<StepId>,
}

impl Order {
    fn of(plan: &Plan) -> Self {
        let mut order =
            Self { missing: BTreeMap::new(), followers: BTreeMap::new(), ready: BTreeSet::new() };
        for step in &plan.steps {
            if step.after.is_empty() {
                order.ready.insert(step.id);
            } else {
                order.missing.insert(step.id, step.after.len());
            }
            for before in &step.after {
                order.followers.entry(*before).or_default().push(step.id);
            }
        }
        order
    }

    fn followers(&mut self, id: StepId) -> Vec<StepId> {
        self.followers.remove(&id).unwrap_or_default()
    }

    /// The step is done: whoever waited for it alone is ready.
    fn done(&mut self, id: StepId) {
        for follower in self.followers(id) {
            let Some(missing) = self.missing.get_mut(&follower) else { continue };
            *missing -= 1;
            if *missing == 0 {
                self.missing.remove(&follower);
                self.ready.insert(follower);
            }
        }
    }

    /// The step is not done: nobody who waited for it, or for one of those, will be.
    fn given_up(&mut self, id: StepId) -> Vec<(StepId, StepId)> {
        let (mut skipped, mut causes) = (Vec::new(), vec![id]);
        while let Some(cause) = causes.pop() {
            for follower in self.followers(cause) {
                if self.missing.remove(&follower).is_some() {
                    skipped.push((follower, cause));
                    causes.push(follower);
                }
            }
        }
        skipped
    }
}

type Writing<'a> = Pin<Box<dyn Future<Output = Result<Read>> + Send + 'a>>;

/// An apply that is on its way. Dropped before it is over, it says what was done and gives the
/// lease back.
struct Going<'r, 'a> {
    run: Run<'a>,
    report: &'r mut Report,
    /// Steps of which no answer has come yet.
    begun: BTreeSet<StepId>,
    over: bool,
}

impl Drop for Going<'_, '_> {
    fn drop(&mut self) {
        if self.over {
            return;
        }
        self.give_up();
        let (lake, plan) = (self.run.lake.clone(), self.run.plan.clone());
        let (token, report) = (self.run.token.to_owned(), self.report.clone());
        spawn_background(async move {
            if let Err(error) = farewell(&lake, &plan, &token, &report).await {
                tracing::warn!(%error, "what was done could not be written down");
            }
        });
    }
}

/// Writes down what was done and gives the lease back, wherever the registry stands by now.
async fn farewell(lake: &Provisioner, plan: &Plan, token: &str, report: &Report) -> Result<()> {
    /// The last write of the apply may still have been on its way.
    const TRIES: usize = 3;
    let document = Document::new(lake, &plan.registry)?;
    let mut lost = None;
    for _ in 0..TRIES {
        let there = document.read().await?;
        if there.registry.lease.as_ref().is_none_or(|lease| lease.token != token) {
            return lost.map_or(Ok(()), Err);
        }
        let end = there.registry.end(token, plan, report, document.now())?;
        match document.write(&there, end).await {
            Err(error) if error.kind() == ErrorKind::PreconditionFailed => lost = Some(error),
            written => return written.map(drop),
        }
    }
    lost.map_or(Ok(()), Err)
}

impl Going<'_, '_> {
    async fn under_lease(
        &mut self,
        before: &Read,
        next: Registry,
        stop: Pin<&mut (impl Future<Output = ()> + Send)>,
        stopped: &mut bool,
    ) -> Result<()> {
        let document = self.run.document;
        let held = match document.write(before, next).await {
            Err(error) if error.kind() == ErrorKind::PreconditionFailed => {
                // Whoever was faster says who it is.
                let there = document.read().await?;
                there.registry.free(document.now(), there.alive())?;
                return Err(error);
            }
            written => written?,
        };
        let checked = match document.prove_conditions(before, &held).await {
            Ok(()) => self.run.lake.is_as_planned(self.run.plan).await,
            // The server cannot keep a registry at all.
            Err(error) if error.kind() == ErrorKind::Unsupported => return Err(error),
            Err(error) => Err(error),
        };
        if let Err(error) = checked {
            // A lease that cannot be given back ends by itself.
            let _ = self.run.end(held, self.report).await;
            return Err(error);
        }
        self.all(held, stop, stopped).await
    }

    async fn all(
        &mut self,
        mut held: Read,
        mut stop: Pin<&mut (impl Future<Output = ()> + Send)>,
        stopped: &mut bool,
    ) -> Result<()> {
        let run = self.run;
        let mut order = Order::of(run.plan);
        let mut under_way = FuturesUnordered::new();
        let mut failures: Vec<Error> = Vec::new();
        let mut lost: Option<Error> = None;
        // One write at a time; what is done meanwhile goes into the next.
        let mut writing: Option<(usize, Writing<'_>)> = None;
        let mut recorded = 0;
        let mut tick = tokio::time::interval(RECORD_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        tick.reset();
        let mut patience = std::pin::pin!(tokio::time::sleep(GRACE));
        let at_once = run.lake.s3.profile().concurrency();
        loop {
            if !*stopped && stop.as_mut().now_or_never().is_some() {
                *stopped = true;
                patience.as_mut().reset(Instant::now() + GRACE);
            }
            while lost.is_none()
                && !*stopped
                && under_way.len() < at_once
                && run.left(&held) > Duration::ZERO
            {
                let Some(step) = order.ready.pop_first().and_then(|id| run.plan.step(id)) else {
                    break;
                };
                (run.watch)(Event::Started(step));
                self.begun.insert(step.id);
                under_way.push(async move { (step, run.lake.take_step(step).await) });
            }
            let nothing_follows = lost.is_some() || *stopped || order.ready.is_empty();
            if under_way.is_empty() && writing.is_none() && nothing_follows {
                break;
            }
            tokio::select! {
                Some((step, answer)) = under_way.next(), if !under_way.is_empty() => {
                    let outcome = match &answer {
                        Ok(()) => Outcome::Done,
                        Err(error) => Outcome::from(error),
                    };
                    self.note(step, outcome);
                    match answer {
                        Ok(()) => order.done(step.id),
                        Err(error) => {
                            failures.push(error);
                            for (id, because_of) in order.given_up(step.id) {
                                if let Some(step) = run.plan.step(id) {
                                    self.note(step, Outcome::Skipped { because_of });
                                }
                            }
                        }
                    }
                }
                (steps, answer) = async {
                    match &mut writing {
                        Some((steps, writing)) => (*steps, writing.await),
                        None => std::future::pending().await,
                    }
                } => {
                    writing = None;
                    match answer {
                        Ok(read) => (held, recorded) = (read, steps),
                        Err(error) if error.is_retryable() && run.left(&held) > Duration::ZERO => {
                            tracing::warn!(%error, "the registry could not be written; trying on");
                        }
                        Err(error) => lost = Some(error),
                    }
                }
                _ = tick.tick(), if writing.is_none() && lost.is_none() => {
                    let steps = self.report.outcomes.len();
                    if steps > recorded || run.left(&held) <= RENEW_AT {
                        match run.next(&held, self.report) {
                            Ok(next) => writing = Some((steps, run.write(&held, next))),
                            Err(error) => lost = Some(error),
                        }
                    }
                }
                () = stop.as_mut(), if !*stopped => {
                    *stopped = true;
                    patience.as_mut().reset(Instant::now() + GRACE);
                }
                () = patience.as_mut(), if *stopped && !under_way.is_empty() => {
                    under_way.clear();
                    self.give_up();
                }
            }
        }
        drop(under_way);
        let ended = match lost {
            None => run.end(held, self.report).await,
            lost => lost,
        };
        run.conclude(self.report, failures, ended, *stopped)
    }

    fn note(&mut self, step: &Step, outcome: Outcome) {
        self.begun.remove(&step.id);
        (self.run.watch)(Event::Ended(step, &outcome));
        self.report.outcomes.insert(step.id, outcome);
    }

    /// Nobody waits any longer for the steps under way: each may be done.
    fn give_up(&mut self) {
        let unknown = Error::new(ErrorKind::Timeout, "stopped before the server had answered");
        for id in std::mem::take(&mut self.begun) {
            if let Some(step) = self.run.plan.step(id) {
                self.note(step, Outcome::from(&unknown));
            }
        }
    }
}

impl<'a> Run<'a> {
    /// The document with what was done so far and the lease made longer.
    fn next(&self, held: &Read, report: &Report) -> Result<Registry> {
        let now = self.document.now();
        held.registry.record(self.token, self.plan, report, now)?.renew(self.token, now)
    }

    /// Gives the lease back; why not, if so.
    async fn end(&self, held: Read, report: &Report) -> Option<Error> {
        let now = self.document.now();
        match held.registry.end(self.token, self.plan, report, now) {
            Ok(end) => self.document.write(&held, end).await.err(),
            Err(error) => Some(error),
        }
    }

    fn conclude(
        &self,
        report: &Report,
        mut failures: Vec<Error>,
        lost: Option<Error>,
        stopped: bool,
    ) -> Result<()> {
        if let Some(error) = lost {
            let kind = match error.kind() {
                ErrorKind::PreconditionFailed => ErrorKind::Conflict,
                kind => kind,
            };
            let why = format!(
                "{} of {} steps are done, and what was done could not be written down: {}; plan \
                 again, which finds it",
                report.done(),
                self.plan.steps.len(),
                error.message()
            );
            let error = Error::new(kind, why).on(self.plan.registry.to_string()).caused_by(error);
            return Err(error.with_failures(failures));
        }
        if stopped && !report.is_complete(self.plan) {
            let done = report.done();
            let unknown = report.failed(self.plan).count() - failures.len();
            let why = format!(
                "it was stopped: {done} of {} steps are done and written down{}{}; apply again, \
                 which does what is left",
                self.plan.steps.len(),
                if unknown > 0 { format!(", {unknown} may be done") } else { String::new() },
                match failures.len() {
                    0 => String::new(),
                    failed => format!(", {failed} failed"),
                },
            );
            return Err(Error::new(ErrorKind::PartialApply, why).with_failures(failures));
        }
        if failures.is_empty() {
            return Ok(());
        }
        failures.sort_by(|a, b| a.resource().cmp(&b.resource()));
        let why = format!(
            "{} of {} steps are done, {} failed; the first: {}",
            report.done(),
            self.plan.steps.len(),
            failures.len(),
            failures[0]
        );
        Err(Error::new(ErrorKind::PartialApply, why).with_failures(failures))
    }

    fn write(&self, held: &Read, next: Registry) -> Writing<'a> {
        let (document, held) = (self.document, held.clone());
        Box::pin(async move { document.write(&held, next).await })
    }

    /// How long others have to respect the lease, with some distance: nothing is begun after it.
    fn left(&self, held: &Read) -> Duration {
        let Some(lease) = &held.registry.lease else { return Duration::ZERO };
        let left = lease.expires.duration_since(self.document.now());
        Duration::try_from(left).unwrap_or_default().saturating_sub(DISTANCE)
    }
}
