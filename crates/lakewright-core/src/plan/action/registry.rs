//! Actions on the registry's entry of a resource.

use serde::{Deserialize, Serialize};

use super::{ActionRow, Effect};
use crate::plan::Risk;

/// The actions on the registry's entry of a resource. They need no request besides the write of
/// the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum RegistryAction {
    /// Enters a resource that exists as owned by the stack.
    Adopt,
    /// Records a new declaration that the server matches already.
    Record,
    /// Removes the entry of a resource that no longer exists.
    Forget,
}

impl RegistryAction {
    pub(super) const ALL: [Self; 3] = [Self::Adopt, Self::Record, Self::Forget];

    /// Returns the row of the action.
    #[must_use]
    pub const fn row(&self) -> ActionRow {
        match self {
            Self::Adopt => ActionRow::new("adopt", Effect::Adopts, Risk::Safe),
            Self::Record => ActionRow::new("record", Effect::Records, Risk::Safe),
            Self::Forget => ActionRow::new("forget", Effect::Forgets, Risk::Safe),
        }
    }
}
