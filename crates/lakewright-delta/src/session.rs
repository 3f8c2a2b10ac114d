//! The DataFusion session in which queries are planned and run.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use deltalake::datafusion::error::DataFusionError;
use deltalake::datafusion::execution::object_store::ObjectStoreRegistry;
use deltalake::datafusion::execution::runtime_env::RuntimeEnvBuilder;
use deltalake::datafusion::prelude::SessionContext;
use deltalake::delta_datafusion::DeltaSessionContext;
use deltalake::{DeltaTable, DeltaTableError};
use lakewright_core::{Error, ErrorKind};
use object_store::ObjectStore;
use url::{Position, Url};

use crate::classify::Failure;
use crate::root::VectorStore;

/// Creates a session for one query. Names are case-sensitive, as in Delta, and strings are plain
/// Arrow strings: views are faster inside DataFusion, but half of the libraries that read
/// lakewright's streams do not accept them yet.
pub(super) fn new() -> Result<SessionContext, DeltaTableError> {
    let runtime = RuntimeEnvBuilder::new()
        .with_object_store_registry(Arc::new(RootStores::default()))
        // DataFusion keeps the footers of files by path alone, and tables of several buckets may
        // have the same paths.
        .with_metadata_cache_limit(0)
        .build_arc()?;
    let session = DeltaSessionContext::with_runtime_env(runtime).into_inner();
    let views = "datafusion.execution.parquet.schema_force_view_types";
    session.state_ref().write().config_mut().options_mut().set(views, "false")?;
    Ok(session)
}

/// Adds the store of a table, with which the files of this version are read.
pub(super) fn add_store(
    session: &SessionContext,
    version: &DeltaTable,
    store: Arc<dyn ObjectStore>,
) -> Result<(), Failure> {
    let store = VectorStore::new(version, store)?;
    session.register_object_store(version.log_store().root_url(), Arc::new(store));
    Ok(())
}

/// The object stores of the tables of a query. DataFusion's own registry begins with the local file
/// system, and a log may name its files.
#[derive(Debug, Default)]
struct RootStores(RwLock<HashMap<String, Arc<dyn ObjectStore>>>);

impl ObjectStoreRegistry for RootStores {
    fn register_store(
        &self,
        url: &Url,
        store: Arc<dyn ObjectStore>,
    ) -> Option<Arc<dyn ObjectStore>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(key(url), store)
    }

    fn get_store(&self, url: &Url) -> Result<Arc<dyn ObjectStore>, DataFusionError> {
        let stores = self.0.read().unwrap_or_else(PoisonError::into_inner);
        stores.get(&key(url)).cloned().ok_or_else(|| {
            let why = format!("{url} is outside of the tables of the query");
            DataFusionError::External(Box::new(Error::new(ErrorKind::Unsupported, why)))
        })
    }
}

/// Returns the part of a URL that identifies an object store.
fn key(url: &Url) -> String {
    url[..Position::AfterPort].to_owned()
}
