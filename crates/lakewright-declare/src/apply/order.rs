//! The dependency order of the steps of a plan.

use std::collections::{BTreeMap, BTreeSet};

use lakewright_core::plan::{Plan, StepId};

/// The steps that have not been started: those that are ready, and those that wait for others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Order {
    ready: BTreeSet<StepId>,
    /// The number of unfinished steps that each waiting step depends on.
    waiting: BTreeMap<StepId, usize>,
    /// The steps that depend on each step.
    dependents: BTreeMap<StepId, Vec<StepId>>,
}

impl Order {
    /// The order of a plan, none of whose steps has been started.
    pub(super) fn of(plan: &Plan) -> Self {
        Self::new(plan.steps.iter().map(|step| (step.id, &step.after)))
    }

    /// The order of steps, each with the steps that it depends on.
    pub(super) fn new<'a>(steps: impl Iterator<Item = (StepId, &'a BTreeSet<StepId>)>) -> Self {
        let mut order = Self::default();
        for (id, after) in steps {
            if after.is_empty() {
                order.ready.insert(id);
            } else {
                order.waiting.insert(id, after.len());
            }
            for before in after {
                order.dependents.entry(*before).or_default().push(id);
            }
        }
        order
    }

    /// Whether at least one step is ready.
    pub(super) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Takes the first step that is ready, by its number.
    pub(super) fn take_ready(&mut self) -> Option<StepId> {
        self.ready.pop_first()
    }

    /// Records that a step is done. A step that depended on it alone becomes ready.
    pub(super) fn done(&mut self, id: StepId) {
        for dependent in self.dependents.remove(&id).unwrap_or_default() {
            let Some(missing) = self.waiting.get_mut(&dependent) else { continue };
            *missing -= 1;
            if *missing == 0 {
                self.waiting.remove(&dependent);
                self.ready.insert(dependent);
            }
        }
    }

    /// Records that a step failed. Returns the steps that cannot be done because of it, each with
    /// the step that it depended on.
    pub(super) fn failed(&mut self, id: StepId) -> Vec<(StepId, StepId)> {
        let (mut skipped, mut causes) = (Vec::new(), vec![id]);
        while let Some(cause) = causes.pop() {
            for dependent in self.dependents.remove(&cause).unwrap_or_default() {
                if self.waiting.remove(&dependent).is_some() {
                    skipped.push((dependent, cause));
                    causes.push(dependent);
                }
            }
        }
        skipped
    }
}
