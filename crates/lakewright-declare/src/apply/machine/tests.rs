//! Explores every order of events on small plans, and random orders on larger ones.

use std::collections::{BTreeMap, HashSet};

use proptest::prelude::*;

use super::*;

/// The result of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Ended {
    Done,
    Failed,
    Skipped,
    Abandoned,
}

/// The dependencies of each step; the index is the number of the step.
type Dependencies = Vec<BTreeSet<StepId>>;

/// An apply with everything around the machine: the requests and steps in flight, and the content
/// of the registry.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    state: State,
    request: Option<Command>,
    in_flight: BTreeSet<StepId>,
    ended: BTreeMap<StepId, Ended>,
    /// Whether the registry has the lease.
    lease: bool,
    /// Whether a check before the first step failed.
    refused: bool,
    /// The number of ended steps in the registry.
    recorded: usize,
    /// The number of ended steps in the write that is in flight.
    recording: usize,
    deadline: bool,
    stopped: bool,
    lost: bool,
    returned_in_background: bool,
}

impl World {
    fn new(dependencies: &Dependencies, limit: usize) -> Self {
        let steps = (0..).map(StepId).zip(dependencies);
        Self {
            state: State::new(Order::new(steps), limit),
            request: None,
            in_flight: BTreeSet::new(),
            ended: BTreeMap::new(),
            lease: false,
            refused: false,
            recorded: 0,
            recording: 0,
            deadline: false,
            stopped: false,
            lost: false,
            returned_in_background: false,
        }
    }

    /// The events that can happen now.
    fn possible(&self) -> Vec<(Event, LeaseTime)> {
        let mut events = Vec::new();
        if matches!(self.state, State::Planned(_)) {
            events.push(Event::Begin);
        }
        match self.request {
            Some(Command::TakeLease) => events.extend([Event::LeaseTaken, Event::LeaseRefused]),
            Some(Command::ProveConditions) => events.extend([
                Event::ConditionsProven,
                Event::ConditionsIgnored,
                Event::CheckFailed,
            ]),
            Some(Command::CheckPlan) => events.extend([Event::PlanIsCurrent, Event::CheckFailed]),
            Some(Command::Record) => events.extend([
                Event::Recorded,
                Event::RecordFailed { retryable: true },
                Event::RecordFailed { retryable: false },
            ]),
            Some(Command::ReturnLease) => {
                events.extend([Event::LeaseReturned, Event::LeaseNotReturned]);
            }
            _ => {}
        }
        for id in &self.in_flight {
            events.extend([Event::StepDone(*id), Event::StepFailed(*id)]);
        }
        if self.deadline {
            events.push(Event::DeadlineReached);
        }
        if self.state.can_stop() && !self.stopped {
            events.push(Event::StopRequested);
        }
        if !matches!(self.state, State::Ended(_)) {
            events.extend([Event::Tick, Event::Dropped]);
        }
        let times = [LeaseTime::Valid, LeaseTime::RenewalDue, LeaseTime::Over];
        events.into_iter().flat_map(|event| times.map(|time| (event, time))).collect()
    }

    /// Applies an event and carries out the commands, checking each of them.
    fn after(mut self, event: Event, time: LeaseTime, of: &Dependencies, limit: usize) -> Self {
        match event {
            Event::LeaseTaken => self.lease = true,
            Event::ConditionsIgnored => self.lease = false,
            Event::LeaseRefused => self.refused = true,
            Event::StepDone(id) => self.end(id, Ended::Done),
            Event::StepFailed(id) => self.end(id, Ended::Failed),
            Event::Recorded => self.recorded = self.recording,
            Event::LeaseReturned => (self.recorded, self.lease) = (self.recording, false),
            Event::RecordFailed { retryable } if !retryable || time == LeaseTime::Over => {
                self.lost = true;
            }
            Event::StopRequested => self.stopped = true,
            Event::DeadlineReached => self.deadline = false,
            _ => {}
        }
        if event == Event::CheckFailed {
            self.refused = true;
        }
        if self.request.is_some() && is_response(event) {
            self.request = None;
        }
        let (state, commands) = self.state.clone().transition(event, time);
        self.state = state;
        for command in commands {
            self.carry_out(command, event, time, of, limit);
        }
        self
    }

    fn end(&mut self, id: StepId, ended: Ended) {
        assert!(self.in_flight.remove(&id) || ended == Ended::Skipped);
        assert_eq!(self.ended.insert(id, ended), None, "{id} has two outcomes");
    }

    fn carry_out(
        &mut self,
        command: Command,
        event: Event,
        time: LeaseTime,
        of: &Dependencies,
        limit: usize,
    ) {
        match command {
            Command::Start(id) => {
                assert!(self.lease && !self.lost && !self.stopped && time != LeaseTime::Over);
                assert!(!self.ended.contains_key(&id) && self.in_flight.insert(id));
                assert!(self.in_flight.len() <= limit);
                let done = |before: &StepId| self.ended.get(before) == Some(&Ended::Done);
                assert!(of[id.0 as usize].iter().all(done), "{id} is started too early");
            }
            Command::Skip { step, because_of } => {
                assert!(of[step.0 as usize].contains(&because_of));
                let cause = self.ended[&because_of];
                assert!(matches!(cause, Ended::Failed | Ended::Skipped), "{cause:?}");
                self.end(step, Ended::Skipped);
            }
            Command::Abandon(id) => {
                assert!(matches!(event, Event::DeadlineReached | Event::Dropped));
                self.end(id, Ended::Abandoned);
            }
            Command::SetDeadline => {
                assert!(self.stopped && !self.deadline);
                self.deadline = true;
            }
            Command::ReturnLeaseInBackground => {
                assert_eq!(event, Event::Dropped);
                assert!(self.in_flight.is_empty() && !self.returned_in_background);
                self.returned_in_background = true;
            }
            Command::TakeLease
            | Command::ProveConditions
            | Command::CheckPlan
            | Command::Record
            | Command::ReturnLease => {
                // Only a check of the plan is given up for another request.
                let free = matches!(self.request, None | Some(Command::CheckPlan));
                assert!(free, "{command:?} during {:?}", self.request);
                if matches!(command, Command::Record | Command::ReturnLease) {
                    assert!(self.lease && !self.lost);
                    self.recording = self.ended.len();
                }
                if command == Command::ReturnLease {
                    assert!(self.in_flight.is_empty());
                }
                self.request = Some(command);
            }
        }
    }

    /// Checks the invariants of every state and of every end.
    fn check(&self, of: &Dependencies) {
        let State::Ended(end) = self.state else {
            // An event is still to come, or a tick renews the lease and steps are started.
            let waits = self.request.is_some()
                || !self.in_flight.is_empty()
                || matches!(self.state, State::Planned(_) | State::Running(_));
            assert!(waits, "nothing to wait for: {self:?}");
            return;
        };
        assert!(self.in_flight.is_empty(), "{self:?}");
        let everything_recorded = self.recorded == self.ended.len();
        match end {
            End::NotStarted => assert!(self.ended.is_empty() && !self.lease),
            End::Returned(reason) => {
                assert!(everything_recorded && !self.lease, "{self:?}");
                self.check_reason(reason, of);
            }
            End::NotReturned(reason) => {
                assert!(self.lease, "{self:?}");
                self.check_reason(reason, of);
            }
            End::LeaseLost => assert!(self.lost && self.lease),
            End::Dropped => assert!(self.returned_in_background),
        }
        assert_eq!(self.returned_in_background, end == End::Dropped);
    }

    fn check_reason(&self, reason: Reason, of: &Dependencies) {
        match reason {
            Reason::Refused => assert!(self.refused && self.ended.is_empty()),
            Reason::Stopped => assert!(self.stopped),
            Reason::Completed => {
                assert_eq!(self.ended.len(), of.len(), "a step is missing: {self:?}");
                let skipped = self.ended.values().any(|ended| *ended == Ended::Skipped);
                let failed = self.ended.values().any(|ended| *ended == Ended::Failed);
                assert!(failed || !skipped);
            }
        }
    }
}

fn is_response(event: Event) -> bool {
    matches!(
        event,
        Event::LeaseTaken
            | Event::LeaseRefused
            | Event::ConditionsProven
            | Event::ConditionsIgnored
            | Event::CheckFailed
            | Event::PlanIsCurrent
            | Event::Recorded
            | Event::RecordFailed { .. }
            | Event::LeaseReturned
            | Event::LeaseNotReturned
    )
}

/// All dependencies between this many steps, each of which depends on earlier ones only.
fn all_dependencies(steps: u32) -> Vec<Dependencies> {
    let pairs: Vec<(u32, u32)> =
        (0..steps).flat_map(|late| (0..late).map(move |early| (early, late))).collect();
    let choose = |chosen: u32| {
        let mut dependencies = vec![BTreeSet::new(); steps as usize];
        for (bit, (early, late)) in pairs.iter().enumerate() {
            if chosen & (1 << bit) != 0 {
                dependencies[*late as usize].insert(StepId(*early));
            }
        }
        dependencies
    };
    (0..1 << pairs.len()).map(choose).collect()
}

#[test]
fn every_order_of_events_leads_to_a_consistent_end() {
    let (mut worlds, mut ends) = (0, HashSet::new());
    for steps in 0..=3 {
        for dependencies in all_dependencies(steps) {
            for limit in 1..=3 {
                let first = World::new(&dependencies, limit);
                let mut known = HashSet::from([first.clone()]);
                let mut open = vec![first];
                while let Some(world) = open.pop() {
                    world.check(&dependencies);
                    if let State::Ended(end) = world.state {
                        ends.insert(end);
                    }
                    for (event, time) in world.possible() {
                        let next = world.clone().after(event, time, &dependencies, limit);
                        if known.insert(next.clone()) {
                            open.push(next);
                        }
                    }
                }
                worlds += known.len();
            }
        }
    }
    assert!(worlds > 10_000, "{worlds} states only");
    assert_eq!(ends.len(), 9, "{ends:?}");
}

/// From every state the apply ends when the server responds and no other event occurs.
#[test]
fn every_state_ends_when_the_requests_in_flight_end() {
    for dependencies in all_dependencies(3) {
        let first = World::new(&dependencies, 2);
        let mut known = HashSet::from([first.clone()]);
        let mut open = vec![first];
        while let Some(world) = open.pop() {
            let mut last = world.clone();
            for _ in 0..40 {
                let events = last.possible();
                let helpful = |(event, time): &&(Event, LeaseTime)| {
                    *time == LeaseTime::RenewalDue
                        && !matches!(event, Event::Dropped | Event::StopRequested)
                };
                let Some((event, time)) = events.iter().find(helpful) else { break };
                last = last.after(*event, *time, &dependencies, 2);
            }
            assert!(matches!(last.state, State::Ended(_)), "{world:?}\n{last:?}");
            for (event, time) in world.possible() {
                let next = world.clone().after(event, time, &dependencies, 2);
                if known.insert(next.clone()) {
                    open.push(next);
                }
            }
        }
    }
}

#[test]
fn an_event_that_a_state_does_not_name_changes_nothing() {
    let planned = State::new(Order::default(), 1);
    for event in [Event::Tick, Event::StopRequested, Event::LeaseTaken, Event::StepDone(StepId(0))]
    {
        let (state, commands) = planned.clone().transition(event, LeaseTime::Valid);
        assert_eq!((state, commands), (planned.clone(), vec![]));
    }
    let ended = State::Ended(End::LeaseLost);
    let (state, commands) = ended.clone().transition(Event::Dropped, LeaseTime::Valid);
    assert_eq!((state, commands), (ended, vec![]));
}

#[test]
fn a_record_contains_the_steps_that_ended_before_it_and_none_after() {
    let running = |event, state: State| state.transition(event, LeaseTime::Valid);
    let two = vec![BTreeSet::new(), BTreeSet::new()];
    let mut state = World::new(&two, 2).state;
    for event in [Event::Begin, Event::LeaseTaken, Event::ConditionsProven, Event::PlanIsCurrent] {
        state = running(event, state).0;
    }
    // There is nothing to record, and the lease is valid.
    assert_eq!(running(Event::Tick, state.clone()).1, []);
    state = running(Event::StepDone(StepId(0)), state).0;
    let (recording, commands) = running(Event::Tick, state);
    assert_eq!(commands, [Command::Record]);
    // The second step ends while the first is recorded: the return waits for the record.
    let (both, commands) = running(Event::StepDone(StepId(1)), recording);
    assert_eq!(commands, []);
    let (state, commands) = running(Event::Recorded, both);
    assert_eq!(commands, [Command::ReturnLease]);
    assert_eq!(state, State::ReturningLease(Reason::Completed));
}

proptest! {
    #[test]
    fn larger_plans_end_in_any_order(
        edges in prop::collection::vec(any::<bool>(), 45), limit in 1_usize..6,
        choices in prop::collection::vec(any::<prop::sample::Index>(), 200),
    ) {
        let mut edges = edges.into_iter();
        let dependencies: Dependencies = (0..10)
            .map(|late| (0..late).filter(|_| edges.next() == Some(true)).map(StepId).collect())
            .collect();
        let mut world = World::new(&dependencies, limit);
        for choice in choices {
            let mut possible = world.possible();
            if possible.is_empty() {
                break;
            }
            let (event, time) = possible.swap_remove(choice.index(possible.len()));
            // A drop is as likely as any other event, and would end most runs early.
            if event == Event::Dropped && choice.index(8) != 0 {
                continue;
            }
            world = world.after(event, time, &dependencies, limit);
            world.check(&dependencies);
        }
    }
}
