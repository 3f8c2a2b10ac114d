//! `export_bucket_metadata`

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::num::NonZeroU64;

use bytes::Bytes;
use http::Method;
use lakewright_core::{BucketName, Result};

use super::Admin;
use super::bucket_quota::Quota;

/// The maximum size of one document in bytes. A policy has at most 20 KiB, and a thousand lifecycle
/// rules with all settings are smaller than this.
const DOCUMENT: u64 = 4 << 20;

/// The maximum size of all documents together in bytes, after decompression: those of ten thousand
/// buckets with settings of 13 KB.
const ALL: u64 = 128 << 20;

/// MinIO's record of replication targets. It contains credentials and is therefore skipped.
const TARGETS: &str = "bucket-targets.json";

const QUOTA: &str = "quota.json";

/// The configuration of a bucket as MinIO stores it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BucketMetadata {
    /// The quota in bytes; `None` for no limit.
    pub quota: Option<NonZeroU64>,
    /// The other settings, as S3's own documents: `policy.json`, `lifecycle.xml`, `tagging.xml`,
    /// `versioning.xml`, `object-lock.xml`, `bucket-encryption.xml`, `notification.xml`,
    /// `replication.xml`. A setting that is not set is missing or an empty document.
    pub documents: BTreeMap<String, Bytes>,
}

impl Admin {
    /// Returns the configuration of every bucket in one request; separate requests for the eight
    /// settings would be eight for each bucket. Credentials of replication targets, which the
    /// server includes, are left out.
    ///
    /// # Errors
    /// `Denied` without `admin:ExportBucketMetadata`, `Corrupt` for a response that is not an
    /// archive of documents of reasonable size, and any connection or server error.
    pub async fn export_bucket_metadata(&self) -> Result<BTreeMap<BucketName, BucketMetadata>> {
        let at = self.client.profile().to_string();
        let call = self.call("export_bucket_metadata", at, Method::GET, "export-bucket-metadata");
        let response = call.send().await?;
        let archive = response.bytes();
        let unpacked = tokio::task::spawn_blocking(move || unpack(archive, DOCUMENT, ALL)).await;
        unpacked
            .map_err(|error| error.to_string())
            .and_then(|unpacked| unpacked)
            .map_err(|why| response.corrupt_error(&format!("the archive of buckets: {why}")))
    }
}

fn unpack(
    archive: Bytes,
    document: u64,
    mut all: u64,
) -> std::result::Result<BTreeMap<BucketName, BucketMetadata>, String> {
    let mut archive = zip::ZipArchive::new(Cursor::new(archive)).map_err(|e| e.to_string())?;
    let mut buckets = BTreeMap::<BucketName, BucketMetadata>::new();
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(|error| error.to_string())?;
        let path = entry.name().map_err(|error| error.to_string())?.into_owned();
        let Some((bucket, name)) = path.split_once('/') else {
            return Err(format!("{path:?} belongs to no bucket"));
        };
        // A bucket with an invalid name is skipped: no other operation could use it.
        let Ok(bucket) = BucketName::new(bucket) else { continue };
        if name == TARGETS {
            continue;
        }
        let most = document.min(all);
        let mut text = Vec::new();
        let read = entry.by_ref().take(most + 1).read_to_end(&mut text);
        let read = read.map_err(|error| format!("{name} of {bucket}: {error}"))? as u64;
        if read > most {
            return Err(format!("{name} of {bucket} is too large"));
        }
        all -= read;
        let metadata = buckets.entry(bucket).or_default();
        if name == QUOTA {
            let quota: Quota = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
            metadata.quota = quota.bytes();
        } else {
            metadata.documents.insert(name.to_owned(), text.into());
        }
    }
    Ok(buckets)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn archive(entries: &[(&str, &[u8])]) -> Bytes {
        let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, text) in entries {
            archive.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            archive.write_all(text).unwrap();
        }
        archive.finish().unwrap().into_inner().into()
    }

    #[test]
    fn documents_by_bucket() {
        let quota = br#"{"quota":7,"size":0}"#.as_slice();
        let given = archive(&[
            ("raw/policy.json", b"{}"),
            ("raw/quota.json", quota),
            ("raw/bucket-targets.json", b"secret"),
            ("Old_Bucket/policy.json", b"{}"),
            ("other/tagging.xml", b"<Tagging/>"),
        ]);
        let buckets = unpack(given, DOCUMENT, ALL).unwrap();
        assert_eq!(buckets.keys().map(BucketName::as_str).collect::<Vec<_>>(), ["other", "raw"]);
        let raw = &buckets[&BucketName::new("raw").unwrap()];
        assert_eq!(raw.quota, NonZeroU64::new(7));
        assert_eq!(raw.documents.keys().collect::<Vec<_>>(), ["policy.json"]);
    }

    #[test]
    fn oversized_and_damaged_archives_are_refused() {
        let zeros = vec![0; 1 << 20];
        let bomb = archive(&[("raw/a.xml", &zeros), ("raw/b.xml", &zeros)]);
        assert!(bomb.len() < 10_000, "zeros compress well");
        unpack(bomb.clone(), 1 << 20, 2 << 20).unwrap();
        for (document, all) in [((1 << 20) - 1, ALL), (DOCUMENT, (2 << 20) - 1), (0, 0)] {
            assert!(unpack(bomb.clone(), document, all).unwrap_err().contains("too large"));
        }
        let odd = archive(&[("nowhere.xml", b"x")]);
        assert!(unpack(odd, DOCUMENT, ALL).unwrap_err().contains("no bucket"));
        for length in [0, 1, bomb.len() / 2, bomb.len() - 1] {
            assert!(unpack(bomb.slice(..length), DOCUMENT, ALL).is_err(), "{length}");
        }
        let text = b"<Tagging><Tag><Key>a</Key></Tag></Tagging>";
        let good = archive(&[("raw/a.xml", text)]);
        let mut flipped = good.to_vec();
        flipped[50] ^= 1; // after the header of 30 bytes and the name
        assert!(unpack(good, DOCUMENT, ALL).is_ok());
        assert!(unpack(flipped.into(), DOCUMENT, ALL).is_err());
    }
}
