//! Actions on named policies.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ActionRow, Effect};
use crate::plan::Risk;

/// The actions on a named policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum PolicyAction {
    /// Creates or replaces the policy.
    PutPolicy {
        /// The policy document, in the form of [`crate::policy::for_server`].
        document: Value,
    },
    /// Deletes the policy.
    DeletePolicy,
}

impl PolicyAction {
    /// Returns the row of the action.
    #[must_use]
    pub const fn row(&self) -> ActionRow {
        match self {
            // The plan shows the document that is replaced.
            Self::PutPolicy { .. } => ActionRow::new("put_policy", Effect::Puts, Risk::Safe),
            Self::DeletePolicy => {
                ActionRow::new("delete_policy", Effect::Deletes, Risk::Destructive)
            }
        }
    }
}
