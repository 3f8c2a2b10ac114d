//! The result of an apply, step by step.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Plan, Step, StepId};
use crate::resource::ResourceId;
use crate::{Error, ErrorKind};

/// The outcomes of the steps of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// The outcome of each step that was reached.
    pub outcomes: BTreeMap<StepId, StepStatus>,
}

/// The outcome of a step. It is named apart from [`crate::Outcome`], which is that of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// The step is done.
    Done,
    /// The step failed.
    Failed {
        /// The code of the error, such as `denied`.
        code: String,
        /// The error with its causes, as one line.
        error: String,
        /// Whether the step may have been carried out although it failed.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        outcome_unknown: bool,
    },
    /// The step was not tried, because a step that it depends on is not done.
    Skipped {
        /// The step that is not done.
        because_of: StepId,
    },
}

impl From<&Error> for StepStatus {
    fn from(error: &Error) -> Self {
        Self::Failed {
            code: error.kind().code().into(),
            error: error.to_string(),
            outcome_unknown: error.outcome_unknown(),
        }
    }
}

/// The progress of the steps of one resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Whether a step was tried.
    pub(crate) started: bool,
    /// Whether every step is done.
    pub(crate) finished: bool,
    /// Whether a step that takes possession of the resource is done, or may be.
    pub(crate) owned: bool,
}

impl Report {
    /// Returns whether every step of the plan is done.
    #[must_use]
    pub fn is_complete(&self, plan: &Plan) -> bool {
        plan.steps.iter().all(|step| self.outcomes.get(&step.id) == Some(&StepStatus::Done))
    }

    /// Returns the number of steps that are done.
    #[must_use]
    pub fn done(&self) -> usize {
        self.outcomes.values().filter(|outcome| **outcome == StepStatus::Done).count()
    }

    /// Returns the steps that failed, each with its error.
    pub fn failed<'a>(&'a self, plan: &'a Plan) -> impl Iterator<Item = (&'a Step, &'a str)> {
        self.outcomes.iter().filter_map(|(id, outcome)| match outcome {
            StepStatus::Failed { error, .. } => Some((plan.step(*id)?, error.as_str())),
            StepStatus::Done | StepStatus::Skipped { .. } => None,
        })
    }

    /// Returns a dependency of the step that failed or was skipped, if there is one.
    #[must_use]
    pub fn blocked(&self, step: &Step) -> Option<StepId> {
        step.after.iter().copied().find(|before| {
            matches!(
                self.outcomes.get(before),
                Some(StepStatus::Failed { .. } | StepStatus::Skipped { .. })
            )
        })
    }

    /// Returns the progress of each resource of a plan.
    pub(crate) fn progress(&self, plan: &Plan) -> BTreeMap<ResourceId, Progress> {
        let mut all = BTreeMap::new();
        for step in &plan.steps {
            let progress = all.entry(step.resource()).or_insert(Progress {
                started: false,
                finished: true,
                owned: false,
            });
            let outcome = self.outcomes.get(&step.id);
            let done = outcome == Some(&StepStatus::Done);
            // A request without a response may have been carried out; one that the server
            // refused was not.
            let perhaps = match outcome {
                Some(StepStatus::Failed { code, outcome_unknown, .. }) => {
                    *outcome_unknown
                        || matches!(
                            ErrorKind::from_code(code),
                            Some(ErrorKind::Timeout | ErrorKind::Unavailable | ErrorKind::Internal)
                                | None
                        )
                }
                _ => false,
            };
            progress.started |= done || matches!(outcome, Some(StepStatus::Failed { .. }));
            progress.finished &= done;
            progress.owned |= (done || perhaps) && step.action.takes_possession();
        }
        all
    }
}
