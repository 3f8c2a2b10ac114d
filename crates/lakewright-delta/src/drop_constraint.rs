//! `drop_constraint`

use lakewright_core::Result;

use super::Table;

impl Table {
    /// Drops a constraint. A constraint that does not exist is no error.
    ///
    /// # Errors
    /// `Conflict` when another writer commits at the same time; `NotFound` when there is no table;
    /// any connection or server error.
    pub async fn drop_constraint(&self, name: &str) -> Result<()> {
        let name = name.to_owned();
        self.alter("drop_constraint", async move |table, properties| {
            let change = table.drop_constraints().with_constraint(name);
            change.with_raise_if_not_exists(false).with_commit_properties(properties).await
        })
        .await
    }
}
