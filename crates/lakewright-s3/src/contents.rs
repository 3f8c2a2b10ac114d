//! `contents`

use std::collections::BTreeSet;

use aws_sdk_s3::types::EncodingType;
use lakewright_core::state::Contents;
use lakewright_core::{Error, ErrorKind, Result, TableUri};

use super::Bucket;
use super::list::decoded;

const OPERATION: &str = "contents";

impl Bucket {
    /// Which of these tables have something below their paths, and whether there is anything
    /// else: objects, versions and delete markers alike. One request, and one more for each of
    /// the tables that has something.
    ///
    /// # Errors
    /// `NotFound` when the bucket is missing; whatever keeps the server from answering.
    pub async fn contents(&self, tables: &BTreeSet<TableUri>) -> Result<Contents> {
        let mut contents = Contents::default();
        let mut behind: Option<String> = None;
        while let Some(key) = self.next_key(behind).await? {
            let below = |uri: &&TableUri| {
                key.strip_prefix(uri.path()).is_some_and(|rest| rest.starts_with('/'))
            };
            match tables.iter().find(below) {
                Some(uri) if contents.tables.insert(uri.clone()) => {
                    // Behind everything below it, but for keys that nobody makes.
                    behind = Some(format!("{}/{}", uri.path(), char::MAX));
                }
                _ => {
                    contents.other = true;
                    break;
                }
            }
        }
        Ok(contents)
    }

    /// The first key behind this one that has an object, a version or a delete marker.
    async fn next_key(&self, behind: Option<String>) -> Result<Option<String>> {
        let name = self.name.as_str();
        let versions = self.s3().sdk.list_object_versions().bucket(name);
        let versions = versions.set_key_marker(behind.clone()).encoding_type(EncodingType::Url);
        let answer = versions.max_keys(1).send().await;
        let (key, encoding) =
            match answer.map_err(|error| self.s3().classify(error, OPERATION, name)) {
                Ok(page) => {
                    let versions = page.versions().iter().filter_map(|version| version.key());
                    let markers = page.delete_markers().iter().filter_map(|marker| marker.key());
                    (versions.chain(markers).min().map(String::from), page.encoding_type)
                }
                // A server without versions has objects.
                Err(error) if error.kind() == ErrorKind::Unsupported => {
                    let objects = self.s3().sdk.list_objects_v2().bucket(name);
                    let objects = objects.set_start_after(behind).encoding_type(EncodingType::Url);
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
