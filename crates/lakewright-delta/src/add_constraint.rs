//! `add_constraint`

use std::sync::Arc;

use lakewright_core::Result;

use super::classify::{Classify as _, Failure};
use super::{Table, condition, session};

impl Table {
    /// Adds a condition in SQL that every row must meet. The existing rows are checked first.
    /// Adding the same condition under the same name again is no error.
    ///
    /// # Errors
    /// `InvalidInput` for rows that violate it, or a condition that cannot be parsed; `Conflict`
    /// when another writer commits at the same time; `NotFound` when there is no table; any
    /// connection or server error.
    pub async fn add_constraint(&self, name: &str, condition: &str) -> Result<()> {
        let schema = self.schema().await?;
        condition::check(&schema, condition).classify(self, "add_constraint")?;
        let (name, condition) = (name.to_owned(), condition.to_owned());
        self.alter("add_constraint", async move |table, properties| {
            let session = session::new()?;
            session::add_store(&session, &table, table.log_store().object_store(None))?;
            let change = table.add_constraint().with_constraint(name, condition);
            let change = change.with_session_state(Arc::new(session.state()));
            Ok::<_, Failure>(change.with_commit_properties(properties).await?)
        })
        .await
    }
}
