//! The states of an apply and the transitions between them. Nothing here does I/O: an event comes
//! in, and the next state and the commands to carry out go out. `run.rs` carries them out.
//!
//! ```text
//!  Planned
//!    │ Begin                                   / TakeLease
//!    ▼
//!  TakingLease ───────── LeaseRefused ────────────────────────────▶ Ended(NotStarted)
//!    │ LeaseTaken                              / ProveConditions
//!    ▼
//!  ProvingConditions ─── ConditionsIgnored ───────────────────────▶ Ended(NotStarted)
//!    │         └──────── CheckFailed           / ReturnLease ─────▶ ReturningLease(Refused)
//!    │ ConditionsProven                        / CheckPlan
//!    ▼
//!  CheckingPlan ──────── CheckFailed           / ReturnLease ─────▶ ReturningLease(Refused)
//!    │         └──────── StopRequested         / ReturnLease ─────▶ ReturningLease(Stopped)
//!    │ PlanIsCurrent                           / Start…
//!    ▼
//!  Running ───────────── all steps have ended  / ReturnLease ─────▶ ReturningLease(Completed)
//!    │   │  ▲ └───────── StepDone, Recorded    / Start…
//!    │   │  │            StepFailed            / Skip…, Start…
//!    │   │  └─────────── Tick                  / Record (also renews the lease)
//!    │   │ RecordFailed: the lease is lost
//!    │   ▼
//!    │ LeaseLost ─────── no step in flight     / – ───────────────▶ Ended(LeaseLost)
//!    │   │ StopRequested                       / SetDeadline
//!    │   ▼
//!    │ StoppingWithoutLease ─ no step in flight / – ──────────────▶ Ended(LeaseLost)
//!    │   ▲     └───────── DeadlineReached      / Abandon… ────────▶ Ended(LeaseLost)
//!    │   │ RecordFailed: the lease is lost
//!    │   │
//!    ▼ StopRequested                           / SetDeadline
//!  Stopping ──────────── no step in flight     / ReturnLease ─────▶ ReturningLease(Stopped)
//!        └────────────── DeadlineReached       / Abandon…, then as above
//!
//!  ReturningLease(why) ─ LeaseReturned         / – ───────────────▶ Ended(Returned(why))
//!        └────────────── LeaseNotReturned      / – ───────────────▶ Ended(NotReturned(why))
//!
//!  every state between Planned and Ended
//!        └────────────── Dropped               / Abandon…, ReturnLeaseInBackground
//!                                                                 ▶ Ended(Dropped)
//! ```
//!
//! At most one request to the registry is in flight, so the lease is returned only after a
//! `Record` has ended. An event that a state does not name changes nothing and causes no command.

use std::collections::BTreeSet;

use lakewright_core::plan::StepId;

use super::order::Order;

/// The state of an apply.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum State {
    /// No request was sent.
    Planned(Steps),
    /// The registry is written with the lease of this apply.
    TakingLease(Steps),
    /// A conditional write is sent again to prove that the server refuses it.
    ProvingConditions(Steps),
    /// The server is compared with what the plan was made from.
    CheckingPlan(Steps),
    /// Steps are started in their order, and what was done is recorded.
    Running(Steps),
    /// The lease was lost: no step is started, those in flight end by themselves.
    LeaseLost(Steps),
    /// A stop was requested: no step is started, those in flight have until the deadline.
    Stopping(Steps),
    /// A stop was requested and the lease was lost.
    StoppingWithoutLease(Steps),
    /// The registry is written with everything that was done and without the lease.
    ReturningLease(Reason),
    /// The apply has ended.
    Ended(End),
}

/// The reason for which the lease is returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Reason {
    /// A check failed; no step was started.
    Refused,
    /// A stop was requested.
    Stopped,
    /// Every step has ended or was skipped.
    Completed,
}

/// The end of an apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum End {
    /// No step was started, and the registry has no lease of this apply: it was refused, or the
    /// proof of conditions has removed it.
    NotStarted,
    /// Everything that was done is recorded and the lease is returned.
    Returned(Reason),
    /// The write that records what was done and returns the lease failed.
    NotReturned(Reason),
    /// The lease was lost before the end, so what was done since the last record is not recorded.
    LeaseLost,
    /// The caller dropped the apply. A background task records what was done and returns the
    /// lease.
    Dropped,
}

/// An event: the result of a command, or an occurrence outside of the apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Event {
    /// The apply begins.
    Begin,
    /// The lease was written.
    LeaseTaken,
    /// The lease was not written.
    LeaseRefused,
    /// The server refuses a write under a condition that does not hold.
    ConditionsProven,
    /// The server ignores conditions, and the lease was removed again.
    ConditionsIgnored,
    /// A check before the first step failed or found a difference.
    CheckFailed,
    /// The server still is what the plan was made from.
    PlanIsCurrent,
    /// A step is done.
    StepDone(StepId),
    /// A step failed.
    StepFailed(StepId),
    /// The progress was recorded.
    Recorded,
    /// The progress was not recorded. The error may be temporary.
    RecordFailed {
        /// Whether a retry may succeed.
        retryable: bool,
    },
    /// The interval between two records has passed.
    Tick,
    /// The caller requests a stop.
    StopRequested,
    /// The deadline of a stop is reached.
    DeadlineReached,
    /// The lease was returned.
    LeaseReturned,
    /// The lease was not returned.
    LeaseNotReturned,
    /// The caller dropped the apply.
    Dropped,
}

/// The state of the lease at the time of an event, by the server's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum LeaseTime {
    /// The lease is valid.
    Valid,
    /// The lease is valid and should be renewed.
    RenewalDue,
    /// The lease has ended, or is so near its end that no step may be started.
    Over,
}

/// A command to the part that does the I/O.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Command {
    /// Write the lease.
    TakeLease,
    /// Prove that the server honours conditions.
    ProveConditions,
    /// Compare the server with what the plan was made from.
    CheckPlan,
    /// Start a step.
    Start(StepId),
    /// Report a step as skipped because of another.
    Skip {
        /// The step.
        step: StepId,
        /// The step that it depends on and that was not done.
        because_of: StepId,
    },
    /// Stop waiting for a step in flight, and report that its outcome is unknown.
    Abandon(StepId),
    /// Write what was done so far and renew the lease.
    Record,
    /// Start the time limit of a stop.
    SetDeadline,
    /// Write everything that was done and return the lease.
    ReturnLease,
    /// Write everything that was done and return the lease, in a background task.
    ReturnLeaseInBackground,
}

/// The steps of an apply: not started, in flight, ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Steps {
    order: Order,
    in_flight: BTreeSet<StepId>,
    /// The largest number of steps in flight.
    limit: usize,
    /// The number of steps that are done, failed or were skipped.
    ended: usize,
    /// The number of ended steps in the last record.
    recorded: usize,
    /// The number of ended steps in the record that is in flight, if one is.
    recording: Option<usize>,
}

impl State {
    /// Returns the state of an apply that has not begun. `limit` is the largest number of steps
    /// that are in flight at the same time.
    pub(super) fn new(order: Order, limit: usize) -> Self {
        let (in_flight, limit) = (BTreeSet::new(), limit.max(1));
        Self::Planned(Steps { order, in_flight, limit, ended: 0, recorded: 0, recording: None })
    }

    /// Whether a stop can be requested in this state.
    pub(super) const fn can_stop(&self) -> bool {
        matches!(self, Self::CheckingPlan(_) | Self::Running(_) | Self::LeaseLost(_))
    }

    /// Returns the next state and the commands that lead there.
    pub(super) fn transition(self, event: Event, lease: LeaseTime) -> (Self, Vec<Command>) {
        use Command::{CheckPlan, ProveConditions, Record, ReturnLease, SetDeadline, TakeLease};
        use Event::{
            Begin, CheckFailed, ConditionsIgnored, ConditionsProven, DeadlineReached, Dropped,
            LeaseNotReturned, LeaseRefused, LeaseReturned, LeaseTaken, PlanIsCurrent, RecordFailed,
            Recorded, StepDone, StepFailed, StopRequested, Tick,
        };
        match (self, event) {
            // Before the first step.
            (Self::Planned(steps), Begin) => (Self::TakingLease(steps), vec![TakeLease]),
            (Self::TakingLease(steps), LeaseTaken) => {
                (Self::ProvingConditions(steps), vec![ProveConditions])
            }
            (Self::TakingLease(_), LeaseRefused)
            | (Self::ProvingConditions(_), ConditionsIgnored) => {
                (Self::Ended(End::NotStarted), vec![])
            }
            (Self::ProvingConditions(steps), ConditionsProven) => {
                (Self::CheckingPlan(steps), vec![CheckPlan])
            }
            (Self::ProvingConditions(_) | Self::CheckingPlan(_), CheckFailed) => {
                (Self::ReturningLease(Reason::Refused), vec![ReturnLease])
            }
            (Self::CheckingPlan(_), StopRequested) => {
                (Self::ReturningLease(Reason::Stopped), vec![ReturnLease])
            }
            (Self::CheckingPlan(steps), PlanIsCurrent) => {
                Self::Running(steps).advance(lease, vec![])
            }

            // Steps end, in any order.
            (state, StepDone(id)) => state.with_steps(lease, |steps| steps.done(id)),
            (state, StepFailed(id)) => state.with_steps(lease, |steps| steps.failed(id)),

            // The progress is recorded, by one write at a time.
            (Self::Running(mut steps), Tick) if steps.should_record(lease) => {
                steps.recording = Some(steps.ended);
                (Self::Running(steps), vec![Record])
            }
            (Self::Stopping(mut steps), Tick) if steps.should_record(lease) => {
                steps.recording = Some(steps.ended);
                (Self::Stopping(steps), vec![Record])
            }
            (state @ (Self::Running(_) | Self::Stopping(_)), Recorded) => {
                state.with_steps(lease, Steps::recorded)
            }
            (state, RecordFailed { retryable: true }) if lease != LeaseTime::Over => {
                state.with_steps(lease, Steps::not_recorded)
            }
            (Self::Running(mut steps), RecordFailed { .. }) => {
                steps.recording = None;
                Self::LeaseLost(steps).advance(lease, vec![])
            }
            (Self::Stopping(mut steps), RecordFailed { .. }) => {
                steps.recording = None;
                Self::StoppingWithoutLease(steps).advance(lease, vec![])
            }

            // A stop is requested.
            (Self::Running(steps), StopRequested) => {
                Self::Stopping(steps).advance(lease, vec![SetDeadline])
            }
            (Self::LeaseLost(steps), StopRequested) => {
                (Self::StoppingWithoutLease(steps), vec![SetDeadline])
            }
            (state @ (Self::Stopping(_) | Self::StoppingWithoutLease(_)), DeadlineReached) => {
                state.with_steps(lease, Steps::abandon)
            }

            // The apply ends.
            (Self::ReturningLease(reason), LeaseReturned) => {
                (Self::Ended(End::Returned(reason)), vec![])
            }
            (Self::ReturningLease(reason), LeaseNotReturned) => {
                (Self::Ended(End::NotReturned(reason)), vec![])
            }
            (state @ (Self::Planned(_) | Self::Ended(_)), Dropped) => (state, vec![]),
            (mut state, Dropped) => {
                let mut commands = state.steps_mut().map(Steps::abandon).unwrap_or_default();
                commands.push(Command::ReturnLeaseInBackground);
                (Self::Ended(End::Dropped), commands)
            }
            (state, _) => (state, vec![]),
        }
    }

    /// Changes the steps of a state in which steps may be in flight, and goes on from there.
    fn with_steps(
        mut self,
        lease: LeaseTime,
        change: impl FnOnce(&mut Steps) -> Vec<Command>,
    ) -> (Self, Vec<Command>) {
        match &mut self {
            Self::Running(steps)
            | Self::LeaseLost(steps)
            | Self::Stopping(steps)
            | Self::StoppingWithoutLease(steps) => {
                let commands = change(steps);
                self.advance(lease, commands)
            }
            _ => (self, vec![]),
        }
    }

    /// Starts the steps that are ready while running, and leaves a state in which nothing is
    /// left to wait for.
    fn advance(self, lease: LeaseTime, mut commands: Vec<Command>) -> (Self, Vec<Command>) {
        let reason = match self {
            Self::Running(mut steps) => {
                if lease != LeaseTime::Over {
                    commands.extend(steps.start());
                }
                if !steps.is_idle() || steps.order.has_ready() {
                    return (Self::Running(steps), commands);
                }
                Reason::Completed
            }
            Self::Stopping(steps) if steps.is_idle() => Reason::Stopped,
            Self::LeaseLost(steps) | Self::StoppingWithoutLease(steps) if steps.is_idle() => {
                return (Self::Ended(End::LeaseLost), commands);
            }
            state => return (state, commands),
        };
        commands.push(Command::ReturnLease);
        (Self::ReturningLease(reason), commands)
    }

    fn steps_mut(&mut self) -> Option<&mut Steps> {
        match self {
            Self::Planned(steps)
            | Self::TakingLease(steps)
            | Self::ProvingConditions(steps)
            | Self::CheckingPlan(steps)
            | Self::Running(steps)
            | Self::LeaseLost(steps)
            | Self::Stopping(steps)
            | Self::StoppingWithoutLease(steps) => Some(steps),
            Self::ReturningLease(_) | Self::Ended(_) => None,
        }
    }
}

impl Steps {
    /// Whether neither a step nor a record is in flight.
    fn is_idle(&self) -> bool {
        self.in_flight.is_empty() && self.recording.is_none()
    }

    fn should_record(&self, lease: LeaseTime) -> bool {
        self.recording.is_none() && (self.ended > self.recorded || lease != LeaseTime::Valid)
    }

    fn start(&mut self) -> Vec<Command> {
        let mut commands = Vec::new();
        while self.in_flight.len() < self.limit
            && let Some(id) = self.order.take_ready()
        {
            self.in_flight.insert(id);
            commands.push(Command::Start(id));
        }
        commands
    }

    fn done(&mut self, id: StepId) -> Vec<Command> {
        if self.in_flight.remove(&id) {
            self.ended += 1;
            self.order.done(id);
        }
        vec![]
    }

    fn failed(&mut self, id: StepId) -> Vec<Command> {
        if !self.in_flight.remove(&id) {
            return vec![];
        }
        let skipped = self.order.failed(id);
        self.ended += 1 + skipped.len();
        let skip = |(step, because_of)| Command::Skip { step, because_of };
        skipped.into_iter().map(skip).collect()
    }

    fn abandon(&mut self) -> Vec<Command> {
        let in_flight = std::mem::take(&mut self.in_flight);
        self.ended += in_flight.len();
        in_flight.into_iter().map(Command::Abandon).collect()
    }

    fn recorded(&mut self) -> Vec<Command> {
        self.recorded = self.recording.take().unwrap_or(self.recorded);
        vec![]
    }

    fn not_recorded(&mut self) -> Vec<Command> {
        self.recording = None;
        vec![]
    }
}

#[cfg(test)]
mod tests;
