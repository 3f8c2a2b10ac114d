//! `apply`: the steps of a plan, in parallel where they are independent, under a lease.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use jiff::Timestamp;
use lakewright_core::plan::{Outcome, Plan, Report, Step, StepId};
use lakewright_core::state::{IntentKind, Lease, Needs, Owned, Registry};
use lakewright_core::{Error, ErrorKind, Result, Spec};
use tokio::time::MissedTickBehavior;

use super::document::{Document, Read};
use super::holder::this_process;
use super::plan::Secrets;
use crate::Lake;

/// How often what was done is written down. What a crash leaves out is found again by looking.
const RECORD_EVERY: Duration = Duration::from_secs(1);

/// How far clocks, read in whole seconds, may be apart.
const DISTANCE: Duration = Duration::from_secs(3);

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
}

impl Lake {
    /// Does what a plan says. Steps that do not need each other run at the same time, as many as
    /// the profile allows; what needs a step that failed is skipped. Doing it once more after a
    /// failure or a crash goes on where it ended: plan again for that. `watch` is called between
    /// the steps and must not block: the lease is renewed there too.
    ///
    /// # Errors
    /// In [`Applied::error`]: `PreconditionFailed` when the registry has moved since the plan was
    /// made, something that it makes was made by others, or it is for another server; `Conflict` when somebody else is applying, or
    /// took the lease away; `Unsupported` on a server that ignores conditions; `PartialApply`
    /// with the errors of the steps that failed. Without a report nothing was changed.
    pub async fn apply(&self, plan: &Plan, watch: Watch<'_>) -> Applied {
        let mut report = Report::default();
        let error = self.applying(plan, watch, &mut report).await.err();
        Applied { report, error: error.map(|error| error.during("apply")) }
    }

    async fn applying(&self, plan: &Plan, watch: Watch<'_>, report: &mut Report) -> Result<()> {
        let here = self.name();
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
        let held = match document.write(&before, next).await {
            Err(error) if error.kind() == ErrorKind::PreconditionFailed => {
                // Whoever was faster says who it is.
                let there = document.read().await?;
                there.registry.free(document.now(), there.alive())?;
                return Err(error);
            }
            written => written?,
        };
        let run = Run { lake: self, plan, watch, document: &document, token: &token };
        let checked = match document.prove_conditions(&before, &held).await {
            Ok(()) => self.nothing_came_between(plan).await,
            // The server cannot keep a registry at all.
            Err(error) if error.kind() == ErrorKind::Unsupported => return Err(error),
            Err(error) => Err(error),
        };
        if let Err(error) = checked {
            // A lease that cannot be given back ends by itself.
            let _ = run.end(held, report).await;
            return Err(error);
        }
        run.all(held, report).await
    }

    /// What the plan is to make must still not be there: it would be somebody else's, made since
    /// the plan was, and from now on ours.
    async fn nothing_came_between(&self, plan: &Plan) -> Result<()> {
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

/// An apply under its lease.
struct Run<'a> {
    lake: &'a Lake,
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

impl Run<'_> {
    async fn all(&self, mut held: Read, report: &mut Report) -> Result<()> {
        let mut order = Order::of(self.plan);
        let mut under_way = FuturesUnordered::new();
        let mut failures: Vec<Error> = Vec::new();
        let mut lost: Option<Error> = None;
        // One write at a time; what is done meanwhile goes into the next.
        let mut writing: Option<(usize, Writing<'_>)> = None;
        let mut recorded = 0;
        let mut tick = tokio::time::interval(RECORD_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        tick.reset();
        let at_once = self.lake.profile().concurrency();
        loop {
            while lost.is_none() && under_way.len() < at_once && self.left(&held) > Duration::ZERO {
                let Some(step) = order.ready.pop_first().and_then(|id| self.plan.step(id)) else {
                    break;
                };
                (self.watch)(Event::Started(step));
                under_way.push(async move { (step, self.lake.take_step(step).await) });
            }
            let nothing_follows = lost.is_some() || order.ready.is_empty();
            if under_way.is_empty() && writing.is_none() && nothing_follows {
                break;
            }
            tokio::select! {
                Some((step, answer)) = under_way.next(), if !under_way.is_empty() => {
                    let outcome = match &answer {
                        Ok(()) => Outcome::Done,
                        Err(error) => Outcome::from(error),
                    };
                    self.note(report, step, outcome);
                    match answer {
                        Ok(()) => order.done(step.id),
                        Err(error) => {
                            failures.push(error);
                            for (id, because_of) in order.given_up(step.id) {
                                if let Some(step) = self.plan.step(id) {
                                    self.note(report, step, Outcome::Skipped { because_of });
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
                        Err(error) if error.is_retryable() && self.left(&held) > Duration::ZERO => {
                            tracing::warn!(%error, "the registry could not be written; trying on");
                        }
                        Err(error) => lost = Some(error),
                    }
                }
                _ = tick.tick(), if writing.is_none() && lost.is_none() => {
                    let steps = report.outcomes.len();
                    if steps > recorded || self.left(&held) <= RENEW_AT {
                        match self.next(&held, report) {
                            Ok(next) => writing = Some((steps, self.write(&held, next))),
                            Err(error) => lost = Some(error),
                        }
                    }
                }
            }
        }
        drop(under_way);
        let ended = match lost {
            None => self.end(held, report).await,
            lost => lost,
        };
        self.conclude(report, failures, ended)
    }

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

    fn note(&self, report: &mut Report, step: &Step, outcome: Outcome) {
        (self.watch)(Event::Ended(step, &outcome));
        report.outcomes.insert(step.id, outcome);
    }

    fn write(&self, held: &Read, next: Registry) -> Writing<'_> {
        let held = held.clone();
        Box::pin(async move { self.document.write(&held, next).await })
    }

    /// How long others have to respect the lease, with some distance: nothing is begun after it.
    fn left(&self, held: &Read) -> Duration {
        let Some(lease) = &held.registry.lease else { return Duration::ZERO };
        let left = lease.expires.duration_since(self.document.now());
        Duration::try_from(left).unwrap_or_default().saturating_sub(DISTANCE)
    }
}
