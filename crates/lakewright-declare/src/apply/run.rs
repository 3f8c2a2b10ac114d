//! Carries out the commands of the [machine](super::machine): starts requests and steps, waits
//! for the next event, and gives it to the machine.

use std::future::Future;
use std::pin::Pin;

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use lakewright_core::plan::{Plan, Report, Step, StepId, StepStatus};
use lakewright_core::{Error, ErrorKind, Result};
use tokio::time::{Interval, MissedTickBehavior, Sleep};

use super::super::registry_store::Snapshot;
use super::checks::check_plan;
use super::machine::{self, Command, End, LeaseTime, Reason, State};
use super::order::Order;
use super::record::{RECORD_EVERY, Recorder};
use super::{Event, GRACE, Watch};
use crate::Provisioner;

/// The result of the one request that is in flight besides the steps.
enum Response {
    Lease(Result<Snapshot>),
    Conditions(Result<()>),
    Plan(Result<()>),
    Record(Result<Snapshot>),
    Return(Result<Snapshot>),
}

/// An occurrence that an apply waits for, with its data.
#[expect(clippy::large_enum_variant, reason = "one exists at a time, and is handled at once")]
enum Occurrence<'a> {
    Step(&'a Step, Result<()>),
    Response(Response),
    Tick,
    Stop,
    Deadline,
}

/// An apply with everything that is in flight. When it is dropped before its end, a background task
/// records what was done and returns the lease.
pub(super) struct Run<'a> {
    provisioner: &'a Provisioner,
    plan: &'a Plan,
    watch: Watch<'a>,
    recorder: Recorder<'a>,
    report: &'a mut Report,
    state: State,
    request: Option<BoxFuture<'a, Response>>,
    steps: FuturesUnordered<BoxFuture<'a, (&'a Step, Result<()>)>>,
    deadline: Option<Pin<Box<Sleep>>>,
    /// The errors of the steps that failed.
    failures: Vec<Error>,
    /// The reason why no step was started.
    refusal: Option<Error>,
    /// The last failure to write the registry.
    unrecorded: Option<Error>,
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        self.enter(machine::Event::Dropped);
    }
}

impl<'a> Run<'a> {
    pub(super) fn new(
        provisioner: &'a Provisioner,
        plan: &'a Plan,
        watch: Watch<'a>,
        recorder: Recorder<'a>,
        report: &'a mut Report,
    ) -> Self {
        Self {
            provisioner,
            plan,
            watch,
            recorder,
            report,
            state: State::new(Order::of(plan), provisioner.s3.profile().concurrency()),
            request: None,
            steps: FuturesUnordered::new(),
            deadline: None,
            failures: Vec::new(),
            refusal: None,
            unrecorded: None,
        }
    }

    /// Runs from the first state to the last. Sets `stopped` when a stop was requested.
    pub(super) async fn finish(
        mut self,
        mut stop: Pin<&mut (impl Future<Output = ()> + Send)>,
        stopped: &mut bool,
    ) -> Result<()> {
        let mut tick = tokio::time::interval(RECORD_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        tick.reset();
        self.enter(machine::Event::Begin);
        loop {
            if let State::Ended(end) = self.state {
                return self.conclude(end, *stopped);
            }
            let occurrence = self.next(&mut tick, stop.as_mut(), *stopped).await;
            let event = self.event(occurrence);
            // A stop that was requested before this event counts before it, so that the end of a
            // step does not start another one.
            let requested = event == machine::Event::StopRequested
                || !*stopped && self.state.can_stop() && stop.as_mut().now_or_never().is_some();
            if requested {
                *stopped = true;
                self.enter(machine::Event::StopRequested);
            }
            if event != machine::Event::StopRequested {
                self.enter(event);
            }
        }
    }

    /// Waits for the next occurrence.
    async fn next(
        &mut self,
        tick: &mut Interval,
        stop: Pin<&mut (impl Future<Output = ()> + Send)>,
        stopped: bool,
    ) -> Occurrence<'a> {
        let can_stop = !stopped && self.state.can_stop();
        let (steps, request, deadline) = (&mut self.steps, &mut self.request, &mut self.deadline);
        tokio::select! {
            Some((step, result)) = steps.next(), if !steps.is_empty() => {
                Occurrence::Step(step, result)
            }
            response = optional(request.as_mut()) => {
                self.request = None;
                Occurrence::Response(response)
            }
            () = optional(deadline.as_mut()) => {
                self.deadline = None;
                Occurrence::Deadline
            }
            () = stop, if can_stop => Occurrence::Stop,
            _ = tick.tick() => Occurrence::Tick,
        }
    }

    /// Stores the data of an occurrence and returns the event for the machine.
    fn event(&mut self, occurrence: Occurrence<'a>) -> machine::Event {
        use machine::Event as To;
        match occurrence {
            Occurrence::Tick => To::Tick,
            Occurrence::Stop => To::StopRequested,
            Occurrence::Deadline => To::DeadlineReached,
            Occurrence::Step(step, Ok(())) => {
                self.end_step(step.id, StepStatus::Done);
                To::StepDone(step.id)
            }
            Occurrence::Step(step, Err(error)) => {
                self.end_step(step.id, StepStatus::from(&error));
                self.failures.push(error);
                To::StepFailed(step.id)
            }
            Occurrence::Response(Response::Lease(Ok(written))) => {
                self.recorder.hold(written);
                To::LeaseTaken
            }
            Occurrence::Response(Response::Lease(Err(error))) => {
                self.refusal = Some(error);
                To::LeaseRefused
            }
            Occurrence::Response(Response::Conditions(Ok(()))) => To::ConditionsProven,
            Occurrence::Response(Response::Plan(Ok(()))) => To::PlanIsCurrent,
            Occurrence::Response(Response::Conditions(Err(error))) => {
                let ignored = error.kind() == ErrorKind::Unsupported;
                self.refusal = Some(error);
                if ignored { To::ConditionsIgnored } else { To::CheckFailed }
            }
            Occurrence::Response(Response::Plan(Err(error))) => {
                self.refusal = Some(error);
                To::CheckFailed
            }
            Occurrence::Response(Response::Record(Ok(written))) => {
                self.recorder.hold(written);
                To::Recorded
            }
            Occurrence::Response(Response::Record(Err(error))) => {
                let retryable = error.is_retryable();
                if retryable && self.recorder.lease_time() != LeaseTime::Over {
                    tracing::warn!(%error, "the registry could not be written; it is retried");
                }
                self.unrecorded = Some(error);
                To::RecordFailed { retryable }
            }
            Occurrence::Response(Response::Return(Ok(_))) => To::LeaseReturned,
            Occurrence::Response(Response::Return(Err(error))) => {
                self.unrecorded = Some(error);
                To::LeaseNotReturned
            }
        }
    }

    /// Gives an event to the machine and carries out its commands.
    fn enter(&mut self, event: machine::Event) {
        let lease = self.recorder.lease_time();
        let state = std::mem::replace(&mut self.state, State::Ended(End::Dropped));
        let (state, commands) = state.transition(event, lease);
        self.state = state;
        for command in commands {
            self.carry_out(command);
        }
    }

    fn carry_out(&mut self, command: Command) {
        let (provisioner, plan, recorder) = (self.provisioner, self.plan, &self.recorder);
        match command {
            Command::TakeLease => {
                self.request = Some(recorder.take_lease().map(Response::Lease).boxed());
            }
            Command::ProveConditions => {
                self.request = Some(recorder.prove_conditions().map(Response::Conditions).boxed());
            }
            Command::CheckPlan => {
                self.request = Some(check_plan(provisioner, plan).map(Response::Plan).boxed());
            }
            Command::Record => {
                self.request = Some(recorder.record(self.report).map(Response::Record).boxed());
            }
            Command::ReturnLease => {
                let returned = recorder.return_lease(self.report);
                self.request = Some(returned.map(Response::Return).boxed());
            }
            Command::ReturnLeaseInBackground => recorder.return_lease_in_background(self.report),
            Command::SetDeadline => self.deadline = Some(Box::pin(tokio::time::sleep(GRACE))),
            Command::Start(id) => {
                if let Some(step) = plan.step(id) {
                    (self.watch)(Event::Started(step));
                    self.steps
                        .push(provisioner.take_step(step).map(move |done| (step, done)).boxed());
                }
            }
            Command::Skip { step, because_of } => {
                self.end_step(step, StepStatus::Skipped { because_of });
            }
            Command::Abandon(id) => {
                // All steps in flight are abandoned together.
                self.steps.clear();
                let why = "stopped before the server had answered";
                let error = Error::new(ErrorKind::Timeout, why)
                    .with_outcome(lakewright_core::Outcome::Unknown);
                self.end_step(id, StepStatus::from(&error));
            }
        }
    }

    fn end_step(&mut self, id: StepId, outcome: StepStatus) {
        if let Some(step) = self.plan.step(id) {
            (self.watch)(Event::Ended(step, &outcome));
            self.report.outcomes.insert(id, outcome);
        }
    }

    /// Returns the result of an apply that has ended.
    fn conclude(&mut self, end: End, stopped: bool) -> Result<()> {
        let failures = std::mem::take(&mut self.failures);
        match (end, self.refusal.take(), self.unrecorded.take()) {
            (_, Some(refusal), _) => Err(refusal),
            (
                End::LeaseLost | End::NotReturned(Reason::Stopped | Reason::Completed),
                None,
                Some(error),
            ) => Err(self.not_recorded(error, failures)),
            _ if stopped && !self.report.is_complete(self.plan) => Err(self.interrupted(failures)),
            _ if failures.is_empty() => Ok(()),
            _ => Err(self.partly_failed(failures)),
        }
    }

    fn not_recorded(&self, error: Error, failures: Vec<Error>) -> Error {
        let kind = match error.kind() {
            ErrorKind::PreconditionFailed => ErrorKind::Conflict,
            kind => kind,
        };
        let why = format!(
            "{} of {} steps are done, and what was done could not be written down: {}; plan \
             again, which finds it",
            self.report.done(),
            self.plan.steps.len(),
            error.message()
        );
        let error = error.wrap(kind, why).on(self.plan.registry.to_string());
        error.with_failures(failures)
    }

    fn interrupted(&self, failures: Vec<Error>) -> Error {
        let unknown = self.report.failed(self.plan).count() - failures.len();
        let why = format!(
            "it was stopped: {} of {} steps are done and written down{}{}; apply again, which \
             does what is left",
            self.report.done(),
            self.plan.steps.len(),
            if unknown > 0 { format!(", {unknown} may be done") } else { String::new() },
            match failures.len() {
                0 => String::new(),
                failed => format!(", {failed} failed"),
            },
        );
        Error::new(ErrorKind::PartialApply, why).with_failures(failures)
    }

    fn partly_failed(&self, mut failures: Vec<Error>) -> Error {
        failures.sort_by(|a, b| a.resource().cmp(&b.resource()));
        let first = failures.first().map(ToString::to_string).unwrap_or_default();
        let why = format!(
            "{} of {} steps are done, {} failed; the first: {first}",
            self.report.done(),
            self.plan.steps.len(),
            failures.len(),
        );
        Error::new(ErrorKind::PartialApply, why).with_failures(failures)
    }
}

/// Waits for a future, if there is one; for ever otherwise.
async fn optional<F: Future + Unpin>(future: Option<F>) -> F::Output {
    match future {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}
