//! The root of a table: the only folder of a bucket whose objects the log of the table may name.
//!
//! A log is not trusted: its writer chooses the paths in it, and deltalake resolves them as URLs,
//! which may be absolute, of any scheme, or lead out of their folder. deltalake reads a table with a
//! store whose root is the table ([`store`]), through an engine ([`RootEngine`]) and a session
//! (`session.rs`) that know no other store.

mod actions;
mod engine;
mod files;
mod vectors;

use std::sync::Arc;

use lakewright_core::{Error, ErrorKind, Result};
use object_store::ObjectStore;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use url::Url;
use uuid::Uuid;

pub(crate) use engine::RootEngine;
pub(crate) use files::check as check_files;
pub(crate) use vectors::VectorStore;

/// The URL against which the paths of a log are checked. It has a folder, so that a path that leads
/// out of it differs from one that does not.
const FOLDER: &str = "s3://table/folder/";

/// Returns the URL of a table, in the form `s3://<id>/`.
///
/// DataFusion finds the object store of a file by scheme and host, so the host is a random id
/// instead of the bucket: each table of a query has a store of its own, also where two tables are in
/// one bucket, and no log can name the store of another table.
pub(crate) fn url(id: Uuid) -> Result<Url, url::ParseError> {
    Url::parse(&format!("s3://{id}/"))
}

/// Returns the store of a table, in which every path is below the folder of the table.
pub(crate) fn store(bucket: impl ObjectStore, folder: &str) -> Result<Arc<dyn ObjectStore>> {
    let folder = Path::parse(folder).map_err(|error| {
        Error::invalid_input(format!("{folder:?} is no path of a table: {error}"))
    })?;
    Ok(Arc::new(PrefixStore::new(bucket, folder)))
}

/// Whether a URL is one of a file in the table with this URL.
fn contains(table: &Url, url: &Url) -> bool {
    url.scheme() == table.scheme()
        && url.authority() == table.authority()
        && url.path().len() > table.path().len()
        && url.path().starts_with(table.path())
        && Path::from_url_path(url.path()).is_ok()
}

/// Checks a path of a log. `what` names the action that it is part of.
///
/// # Errors
/// `Unsupported` for an absolute path, `Corrupt` for a relative one that is no file in the folder of
/// the table. Neither depends on whether there is such a file.
fn check_path(what: &str, path: &str) -> Result<()> {
    if is_plain(path) {
        return Ok(());
    }
    // As in deltalake, what is a URL by itself is not relative.
    if path.starts_with('/') || Url::parse(path).is_ok() {
        let why = format!(
            "{what} names {path:?}, an absolute path; tables with files outside of their own \
             folder, such as shallow clones, are not supported, and files in it must have relative \
             paths"
        );
        return Err(Error::new(ErrorKind::Unsupported, why));
    }
    let inside = Url::parse(FOLDER)
        .and_then(|folder| Ok(contains(&folder, &folder.join(path)?)))
        .unwrap_or_default();
    if inside {
        return Ok(());
    }
    let why = format!("{what} names {path:?}, which is no file in the table's own folder");
    Err(Error::new(ErrorKind::Corrupt, why))
}

/// Whether a path is certainly relative and below its root, by its characters alone: the paths that
/// writers generate are, and there may be millions of them.
fn is_plain(path: &str) -> bool {
    let plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'=' | b'.');
    let segment =
        |part: &str| !part.is_empty() && !part.starts_with('.') && part.bytes().all(plain);
    path.split('/').all(segment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_writers_generate_are_files_of_the_table() {
        for path in [
            "part-00000-c30c2827-99ea-41d8-ab29-436b98f361fb-c000.snappy.parquet",
            "year=2013/month=1/part-0.parquet",
            "carrier=a%20b/part-0.parquet",
            "carrier=a%252Fb/part-0.parquet",
            "at=2013-01-01 00:00:00/part-0.parquet",
            "name=ü/part-0.parquet",
            "a/../b.parquet",
            "..b/c.parquet",
            ".hidden/c.parquet",
        ] {
            check_path("an add action", path).expect(path);
        }
    }

    #[test]
    fn paths_elsewhere_are_refused() {
        for (path, kind) in [
            ("file:///etc/passwd", ErrorKind::Unsupported),
            ("f\nile:///etc/passwd", ErrorKind::Unsupported),
            ("s3://raw/2013/flights/a.parquet", ErrorKind::Unsupported),
            ("/2013/flights/a.parquet", ErrorKind::Unsupported),
            ("//raw/2013/flights/a.parquet", ErrorKind::Unsupported),
            ("C:/a.parquet", ErrorKind::Unsupported),
            ("../a.parquet", ErrorKind::Corrupt),
            ("../flights2/a.parquet", ErrorKind::Corrupt),
            ("%2e%2E/a.parquet", ErrorKind::Corrupt),
            ("..%2Fa.parquet", ErrorKind::Corrupt),
            ("a%2F..%2F..%2Fb.parquet", ErrorKind::Corrupt),
            ("a%2F%2Fb.parquet", ErrorKind::Corrupt),
            ("a//b.parquet", ErrorKind::Corrupt),
            ("..", ErrorKind::Corrupt),
            (".", ErrorKind::Corrupt),
            ("", ErrorKind::Corrupt),
            ("?a", ErrorKind::Corrupt),
        ] {
            let error = check_path("an add action", path).expect_err(path);
            assert_eq!(error.kind(), kind, "{path:?}");
        }
    }
}
