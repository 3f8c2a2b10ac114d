//! Counts of the resources in a plan.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The number of resources for each kind of intent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Summary {
    /// The number of resources to create.
    pub create: usize,
    /// The number of resources to adopt.
    pub adopt: usize,
    /// The number of resources to change.
    pub change: usize,
    /// The number of resources to delete.
    pub delete: usize,
    /// The number of resources to remove from the registry, because they no longer exist.
    pub forget: usize,
}

/// Formats the counts as `2 to create, 1 to delete`.
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
