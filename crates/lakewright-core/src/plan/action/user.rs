//! Actions on users.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{ActionRow, Effect};
use crate::identity::{GroupName, PolicyName};
use crate::plan::Risk;
use crate::secret::SecretRef;

/// The actions on a user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum UserAction {
    /// Creates the user, or updates the secret and the enabled flag of an existing one.
    PutUser {
        /// The source of the secret key.
        secret: SecretRef,
        /// Whether the user is enabled afterwards.
        enabled: bool,
    },
    /// Enables or disables the user.
    SetUserEnabled {
        /// Whether the user is enabled afterwards.
        enabled: bool,
    },
    /// Adds the user to a group.
    JoinGroup {
        /// The group to join.
        group: GroupName,
    },
    /// Removes the user from a group.
    LeaveGroup {
        /// The group to leave.
        group: GroupName,
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
    /// Deletes the user and the service accounts of the user.
    DeleteUser,
}

impl UserAction {
    /// Returns the row of the action.
    #[must_use]
    pub const fn row(&self) -> ActionRow {
        match self {
            // The replaced secret is the one declared before, unless the user is adopted: then the
            // plan raises the risk.
            Self::PutUser { .. } => ActionRow::new("put_user", Effect::Puts, Risk::Safe),
            Self::SetUserEnabled { .. } => {
                ActionRow::new("set_user_enabled", Effect::Changes, Risk::Safe)
            }
            Self::JoinGroup { .. } => ActionRow::new("join_group", Effect::Changes, Risk::Safe),
            Self::LeaveGroup { .. } => ActionRow::new("leave_group", Effect::Changes, Risk::Safe),
            Self::AttachPolicies { .. } => {
                ActionRow::new("attach_policies", Effect::Changes, Risk::Safe)
            }
            // The policy itself stays and can be attached again.
            Self::DetachPolicies { .. } => {
                ActionRow::new("detach_policies", Effect::Changes, Risk::Safe)
            }
            Self::DeleteUser => ActionRow::new("delete_user", Effect::Deletes, Risk::Destructive),
        }
    }

    /// Returns the group that the user joins or leaves.
    pub(super) const fn group(&self) -> Option<&GroupName> {
        match self {
            Self::JoinGroup { group } | Self::LeaveGroup { group } => Some(group),
            Self::PutUser { .. }
            | Self::SetUserEnabled { .. }
            | Self::AttachPolicies { .. }
            | Self::DetachPolicies { .. }
            | Self::DeleteUser => None,
        }
    }
}
