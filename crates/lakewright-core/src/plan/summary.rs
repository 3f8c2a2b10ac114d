//! Counts of the resources in a plan.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The number of resources by what becomes of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Summary {
    /// Created.
    pub create: usize,
    /// Adopted.
    pub adopt: usize,
    /// Changed.
    pub change: usize,
    /// Deleted.
    pub delete: usize,
    /// Removed from the registry, because they are gone already.
    pub forget: usize,
}

/// `2 to create, 1 to delete`.
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = [
            (self.create, "create"),
            (self.adopt, "adopt"),
            (self.change, "change"),
            (self.delete, "delete"),
            (self.forget, "forget"),
        ]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, verb)| format!("{count} to {verb}"))
        .collect();
        if parts.is_empty() { f.write_str("nothing to do") } else { f.write_str(&parts.join(", ")) }
    }
}
