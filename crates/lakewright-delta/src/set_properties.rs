//! `set_properties`

use std::collections::{BTreeMap, BTreeSet};

use deltalake::TableProperty;
use deltalake::kernel::transaction::CommitBuilder;
use deltalake::kernel::{Action, MetadataExt as _};
use deltalake::protocol::DeltaOperation;
use lakewright_core::{Error, Result};

use super::Table;

impl Table {
    /// Sets the properties in `set` and removes those in `unset`, with one commit for each of the
    /// two that is needed. Table features that a property enabled stay enabled.
    ///
    /// # Errors
    /// `InvalidInput` for a property that Delta does not know or a value that it does not accept;
    /// `Conflict` when another writer commits at the same time; `NotFound` when there is no table;
    /// any connection or server error.
    pub async fn set_properties(
        &self,
        set: &BTreeMap<String, String>,
        unset: &BTreeSet<String>,
    ) -> Result<()> {
        const OPERATION: &str = "set_properties";
        check_properties(set.keys())
            .map_err(|error| error.during(OPERATION).on(self.uri().to_string()))?;
        if !set.is_empty() {
            let set = set.clone().into_iter().collect();
            self.alter(OPERATION, async move |table, properties| {
                let change = table.set_tbl_properties().with_properties(set);
                let change = change.with_raise_if_not_exists(false);
                change.with_commit_properties(properties).await
            })
            .await?;
        }
        let there = self.details().await?.properties;
        let unset: Vec<String> =
            unset.iter().filter(|name| there.contains_key(*name)).cloned().collect();
        if unset.is_empty() {
            return Ok(());
        }
        // deltalake has no operation that removes properties.
        self.alter(OPERATION, async move |table, properties| {
            let state = table.snapshot()?;
            let mut metadata = state.metadata().clone();
            for name in &unset {
                metadata = metadata.remove_config_key(name)?;
            }
            let operation = DeltaOperation::SetTableProperties { properties: Default::default() };
            CommitBuilder::from(properties)
                .with_actions(vec![Action::Metadata(metadata)])
                .build(Some(state.snapshot()), table.log_store(), operation)
                .await
        })
        .await
    }
}

/// Checks the names of table properties. Delta reserves the prefix `delta.`, so names with it must
/// be known. All other names are allowed, although deltalake's parser would refuse them.
///
/// # Errors
/// `InvalidInput` for a name that begins with `delta.` and is unknown.
pub(super) fn check_properties<'a>(names: impl IntoIterator<Item = &'a String>) -> Result<()> {
    for name in names {
        if name.starts_with("delta.") && name.parse::<TableProperty>().is_err() {
            return Err(Error::invalid_input(format!("Delta knows no property {name:?}")));
        }
    }
    Ok(())
}
