//! Connections to the embedded server of a directory.

use std::path::Path;
use std::sync::Arc;

use lakewright_client::{Dial, DialFuture};

/// Opens connections to the server of a directory, in this or another process. When the server has
/// ended, a connection is refused until another one serves the directory.
#[derive(Debug)]
pub(crate) struct DialDirectory(pub(crate) Arc<Path>);

impl Dial for DialDirectory {
    fn dial(&self) -> DialFuture {
        let directory = Arc::clone(&self.0);
        Box::pin(async move { lakewright_embedded::open_connection(&directory).await })
    }
}
