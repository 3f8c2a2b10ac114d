//! Actions on groups of users.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{ActionRow, Effect};
use crate::identity::PolicyName;
use crate::plan::Risk;

/// The actions on a group of users.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum GroupAction {
    /// Creates the group without members.
    CreateGroup,
    /// Enables or disables the group.
    SetGroupEnabled {
        /// Whether the group is enabled afterwards.
        enabled: bool,
    },
    /// Attaches policies that are not attached yet.
    AttachPolicies {
        /// The policies to attach.
        policies: BTreeSet<PolicyName>,
    },
    /// Detaches policies.
    DetachPolicies {
        /// The policies to detach.
        policies: BTreeSet<PolicyName>,
    },
    /// Removes the members from the group and deletes it.
    DeleteGroup,
}

impl GroupAction {
    /// Returns the row of the action.
    #[must_use]
    pub const fn row(&self) -> ActionRow {
        match self {
            Self::CreateGroup => ActionRow::new("create_group", Effect::Creates, Risk::Safe),
            Self::SetGroupEnabled { .. } => {
                ActionRow::new("set_group_enabled", Effect::Changes, Risk::Safe)
            }
            Self::AttachPolicies { .. } => {
                ActionRow::new("attach_policies", Effect::Changes, Risk::Safe)
            }
            // The policy itself stays and can be attached again.
            Self::DetachPolicies { .. } => {
                ActionRow::new("detach_policies", Effect::Changes, Risk::Safe)
            }
            Self::DeleteGroup => ActionRow::new("delete_group", Effect::Deletes, Risk::Destructive),
        }
    }
}
