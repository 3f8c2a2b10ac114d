//! `contents`

use std::collections::BTreeSet;

use aws_sdk_s3::types::EncodingType;
use lakewright_core::state::Contents;
use lakewright_core::{Error, ErrorKind, Result, TableUri};

use super::Bucket;
use super::list::decoded;

const OPERATION: &str = "contents";

impl Bucket {
    /// Returns which of these tables have objects, versions or delete markers below their paths,
    /// and whether the bucket has others. It takes one request, and one more for each table that
    /// has some.
    ///
    /// # Errors
    /// `NotFound` when the bucket is missing; any connection or server error.
    pub async fn contents(&self, tables: &BTreeSet<TableUri>) -> Result<Contents> {
        let mut contents = Contents::default();
        let mut after: Option<String> = None;
        while let Some(key) = self.next_key(after).await? {
            let below = |uri: &&TableUri| {
                key.strip_prefix(uri.path()).is_some_and(|rest| rest.starts_with('/'))
            };
            match tables.iter().find(below) {
                Some(uri) if contents.tables.insert(uri.clone()) => {
                    // Skips the keys below the table, except those that begin with U+10FFFF.
                    after = Some(format!("{}/{}", uri.path(), char::MAX));
                }
                _ => {
                    contents.other = true;
                    break;
                }
            }
        }
        Ok(contents)
    }

    /// Returns the first key after `after` that has an object, a version or a delete marker.
    async fn next_key(&self, after: Option<String>) -> Result<Option<String>> {
        let name = self.name.as_str();
        let versions = self.s3().sdk.list_object_versions().bucket(name);
        let versions = versions.set_key_marker(after.clone()).encoding_type(EncodingType::Url);
        let response = versions.max_keys(1).send().await;
        let (key, encoding) =
            match response.map_err(|error| self.s3().classify(error, OPERATION, name)) {
                Ok(page) => {
                    let versions = page.versions().iter().filter_map(|version| version.key());
                    let markers = page.delete_markers().iter().filter_map(|marker| marker.key());
                    (versions.chain(markers).min().map(String::from), page.encoding_type)
                }
                // A server without versions lists objects.
                Err(error) if error.kind() == ErrorKind::Unsupported => {
                    let objects = self.s3().sdk.list_objects_v2().bucket(name);
                    let objects = objects.set_start_after(after).encoding_type(EncodingType::Url);
                    let page = objects.max_keys(1).send().await;
                    let page = page.map_err(|error| self.s3().classify(error, OPERATION, name))?;
                    let key = page.contents().first().and_then(|object| object.key());
                    (key.map(String::from), page.encoding_type)
                }
                Err(error) => return Err(error),
            };
        let encoded = encoding == Some(EncodingType::Url);
        let failed = |error: Error| error.during(OPERATION).on(name);
        key.map(|key| decoded(&key, encoded).map_err(failed)).transpose()
    }
}
