//! The DataFusion session in which queries are planned and run.

use std::collections::HashMap;

use deltalake::DeltaTableError;
use deltalake::datafusion::prelude::SessionContext;
use deltalake::delta_datafusion::DeltaSessionContext;

/// Creates a session for one query. Names are case-sensitive, as in Delta, and strings are plain
/// Arrow strings: views are faster inside DataFusion, but half of the libraries that read
/// lakewright's streams do not accept them yet.
pub(super) fn new() -> Result<SessionContext, DeltaTableError> {
    let settings = HashMap::from([(
        "datafusion.execution.parquet.schema_force_view_types".to_owned(),
        "false".to_owned(),
    )]);
    Ok(DeltaSessionContext::new_with_session_overrides(&settings)?.into_inner())
}
