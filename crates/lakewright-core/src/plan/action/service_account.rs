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
        /// The user that it acts for; none for the user that applies the plan.
        owner: Option<AccessKey>,
        /// The access key of the account.
        access_key: AccessKey,
        /// The source of the secret key.
        secret: SecretRef,
        /// The account's own policy; none for all that the owner may do.
        policy: Option<Value>,
        /// When the account expires.
        expires: Option<Time>,
        /// The description for people.
        description: Option<String>,
    },
    /// Changes a service account.
    UpdateServiceAccount {
        /// The access key of the account.
        access_key: AccessKey,
        /// The source of a new secret key; none to keep the present one.
        secret: Option<SecretRef>,
        /// The account's own policy. [`FieldUpdate::Clear`] allows all that the owner may do.
        policy: FieldUpdate<Value>,
        /// When the account expires. [`FieldUpdate::Clear`] is never.
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
            // The secret that is replaced is the one declared before. Where it is not, because
            // the account is adopted, the plan raises the risk.
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
