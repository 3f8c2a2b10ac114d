//! `add_constraint`

use lakewright_core::Result;

use super::Table;

impl Table {
    /// Adds a condition in SQL that every row must meet. The rows that are there are checked
    /// first. The same condition under the same name once more is no error.
    ///
    /// # Errors
    /// `InvalidInput` for rows that break it, or a condition that cannot be understood;
    /// `Conflict` when somebody else commits at the same time; `NotFound` when there is no
    /// table; whatever keeps the server from answering.
    pub async fn add_constraint(&self, name: &str, condition: &str) -> Result<()> {
        let (name, condition) = (name.to_owned(), condition.to_owned());
        self.alter("add_constraint", async move |table, properties| {
            let change = table.add_constraint().with_constraint(name, condition);
            change.with_commit_properties(properties).await
        })
        .await
    }
}
