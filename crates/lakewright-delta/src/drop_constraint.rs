//! `drop_constraint`

use lakewright_core::Result;

use super::Table;

impl Table {
    /// Drops a constraint. One that is not there is as good as dropped.
    ///
    /// # Errors
    /// `Conflict` when somebody else commits at the same time; `NotFound` when there is no
    /// table; whatever keeps the server from answering.
    pub async fn drop_constraint(&self, name: &str) -> Result<()> {
        let name = name.to_owned();
        self.alter("drop_constraint", async move |table, properties| {
            let change = table.drop_constraints().with_constraint(name);
            change.with_raise_if_not_exists(false).with_commit_properties(properties).await
        })
        .await
    }
}
