//! The native module of the Python package: registration only.

mod bucket;
mod bucket_config;
mod buffer;
mod convert;
mod data;
mod declared;
mod embedded;
mod error;
mod lake;
mod plan;
mod profile;
mod progress;
mod runtime;
mod scan;
mod schema;
mod secret;
mod shared_stream;
mod streams;
mod table;
mod types;
mod value;
mod verb;

use std::ffi::OsString;

use pyo3::prelude::*;
use value::Items;

/// Runs the command line. ``argv`` begins with the program name. Returns the exit code.
#[pyfunction]
#[pyo3(signature = (argv, /))]
fn main(py: Python<'_>, argv: Items<OsString>) -> u8 {
    // Only the console script calls this function, in a process of its own.
    lakewright_cli::forbid_core_dumps();
    py.detach(move || lakewright_cli::main(argv.0))
}

/// The native module of lakewright. Its public names are in :mod:`lakewright`.
#[pymodule]
mod _lakewright {
    #[pymodule_export]
    use super::bucket::Bucket;
    #[pymodule_export]
    use super::buffer::{Object, Piece};
    #[pymodule_export]
    use super::embedded::EmbeddedServer;
    #[pymodule_export]
    use super::error::error_table;
    #[pymodule_export]
    use super::lake::Lake;
    #[pymodule_export]
    use super::main;
    #[pymodule_export]
    use super::plan::{
        Change, Lease, Note, Outcome, Owned, Plan, Registry, Report, Spec, Step, Summary,
    };
    #[pymodule_export]
    use super::profile::{Profile, connect, connect_async};
    #[pymodule_export]
    use super::runtime::Ready;
    #[pymodule_export]
    use super::scan::{BatchIterator, RecordBatch, Scan};
    #[pymodule_export]
    use super::schema::Schema;
    #[pymodule_export]
    use super::secret::Secret;
    #[pymodule_export]
    use super::shared_stream::Next;
    #[pymodule_export]
    use super::streams::{
        ObjectAsyncIterator, ObjectIterator, ObjectStream, VersionAsyncIterator, VersionIterator,
    };
    #[pymodule_export]
    use super::table::Table;
    #[pymodule_export]
    use super::types::{
        BucketInfo, Commit, CommitInfo, Emptied, FileInfo, ListPage, ObjectInfo, ObjectVersion,
        TableInfo,
    };

    #[pymodule_init]
    fn init(py: pyo3::Python<'_>) -> pyo3::PyResult<()> {
        super::runtime::prepare(py)
    }
}
