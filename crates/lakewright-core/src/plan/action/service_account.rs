//! Actions on service accounts.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ActionRow, Effect};
use crate::identity::AccessKey;
use crate::plan::Risk;
use crate::secret::SecretRef;
use crate::spec::Time;

/// The actions on a service account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum ServiceAccountAction {
    /// Creates the service account.
    CreateServiceAccount {
        /// The user that the account acts for; `None` for the user that applies the plan.
        owner: Option<AccessKey>,
        /// The access key of the account.
        access_key: AccessKey,
        /// The source of the secret key.
        secret: SecretRef,
        /// The account's own policy; `None` for all permissions of the owner.
        policy: Option<Value>,
        /// The time at which the account expires; `None` for never.
        expires: Option<Time>,
        /// The description for people.
        description: Option<String>,
    },
    /// Changes a service account.
    UpdateServiceAccount {
        /// The access key of the account.
        access_key: AccessKey,
        /// The source of a new secret key; `None` to keep the present one.
        secret: Option<SecretRef>,
        /// The account's own policy. [`FieldUpdate::Clear`] gives the account all permissions of
        /// the owner.
        policy: FieldUpdate<Value>,
        /// The time at which the account expires. With [`FieldUpdate::Clear`] it never expires.
        expires: FieldUpdate<Time>,
        /// The description for people.
        description: FieldUpdate<String>,
        /// Whether to enable an account that is disabled.
        enable: bool,
    },
    /// Deletes the service account.
    DeleteServiceAccount {
        /// The access key of the account.
        access_key: AccessKey,
    },
}

impl ServiceAccountAction {
    /// Returns the row of the action.
    #[must_use]
    pub const fn row(&self) -> ActionRow {
        match self {
            Self::CreateServiceAccount { .. } => {
                ActionRow::new("create_service_account", Effect::Creates, Risk::Safe)
            }
            // The replaced secret is the one declared before, unless the account is adopted: then
            // the plan raises the risk.
            Self::UpdateServiceAccount { .. } => {
                ActionRow::new("update_service_account", Effect::Changes, Risk::Safe)
            }
            Self::DeleteServiceAccount { .. } => {
                ActionRow::new("delete_service_account", Effect::Deletes, Risk::Destructive)
            }
        }
    }
}

/// The change of one field by an update.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldUpdate<T> {
    /// Leaves the field as it is.
    Keep,
    /// Removes the value.
    Clear,
    /// Sets this value.
    To(T),
}
