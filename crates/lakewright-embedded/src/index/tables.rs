//! The tables of the index, for reading and for writing.

use redb::{
    Database, ReadOnlyTable, ReadTransaction, ReadableDatabase as _, ReadableTable as _, Table,
    TableDefinition, TableError, WriteTransaction,
};
use s3s::{S3Error, s3_error};

use super::record::{self, BucketRecord, ObjectRecord, PartRecord, Place, Segment, UploadRecord};
use super::{FORMAT, IndexError, keys};
use crate::blob::BlobId;

type Definition = TableDefinition<'static, &'static [u8], &'static [u8]>;
type Read = ReadOnlyTable<&'static [u8], &'static [u8]>;
type Write<'t> = Table<'t, &'static [u8], &'static [u8]>;

const META: TableDefinition<'static, &'static str, u64> = TableDefinition::new("meta");
const BUCKETS: Definition = TableDefinition::new("buckets");
const OBJECTS: Definition = TableDefinition::new("objects");
/// Bytes of small blobs. They are not in the table of objects, so that a listing does not read
/// them.
const SMALL: Definition = TableDefinition::new("small");
const UPLOADS: Definition = TableDefinition::new("uploads");
const PARTS: Definition = TableDefinition::new("parts");

/// Row of `meta`: the format of the layout.
const META_FORMAT: &str = "format";
/// Row of `meta`: the number of committed batches. After a failed commit it shows whether the batch
/// is in the database nevertheless.
const META_BATCH: &str = "batch";

/// The content of a database.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// An index of this format.
    Index(u64),
    /// No tables.
    Empty,
    /// Tables of another program: no table `meta` of our type with a format.
    Foreign,
}

/// Returns what the database holds. Opens no table but `meta`, because a later version may have
/// changed the types of the others.
pub(super) fn content(database: &Database) -> Result<Content, IndexError> {
    let txn = database.begin_read()?;
    match txn.open_table(META) {
        Ok(meta) => {
            let format = meta.get(META_FORMAT)?;
            Ok(format.map_or(Content::Foreign, |format| Content::Index(format.value())))
        }
        Err(TableError::TableDoesNotExist(_)) => {
            let none =
                txn.list_tables()?.next().is_none() && txn.list_multimap_tables()?.next().is_none();
            Ok(if none { Content::Empty } else { Content::Foreign })
        }
        Err(TableError::TableTypeMismatch { .. } | TableError::TableIsMultimap(_)) => {
            Ok(Content::Foreign)
        }
        Err(error) => Err(error.into()),
    }
}

fn no_such_bucket() -> S3Error {
    s3_error!(NoSuchBucket, "The specified bucket does not exist.")
}

/// One consistent state, for reading.
pub(crate) struct View {
    meta: ReadOnlyTable<&'static str, u64>,
    pub(crate) buckets: Read,
    pub(crate) objects: Read,
    pub(crate) small: Read,
    pub(crate) uploads: Read,
    pub(crate) parts: Read,
}

impl View {
    pub(super) fn open(txn: &ReadTransaction) -> Result<Self, IndexError> {
        Ok(Self {
            meta: txn.open_table(META)?,
            buckets: txn.open_table(BUCKETS)?,
            objects: txn.open_table(OBJECTS)?,
            small: txn.open_table(SMALL)?,
            uploads: txn.open_table(UPLOADS)?,
            parts: txn.open_table(PARTS)?,
        })
    }

    pub(super) fn batch(&self) -> Result<u64, IndexError> {
        Ok(self.meta.get(META_BATCH)?.map_or(0, |batch| batch.value()))
    }

    /// Returns the bucket, or NoSuchBucket.
    pub(crate) fn bucket(&self, bucket: &str) -> Result<BucketRecord, IndexError> {
        match self.buckets.get(bucket.as_bytes())? {
            Some(record) => record::decode(record.value()),
            None => Err(no_such_bucket().into()),
        }
    }

    /// Returns the object if it exists, or NoSuchBucket if its bucket does not.
    pub(crate) fn find_object(
        &self,
        bucket: &str,
        key: &str,
    ) -> Result<Option<ObjectRecord>, IndexError> {
        match self.objects.get(keys::object(bucket, key.as_bytes()).as_slice())? {
            Some(record) => record::decode(record.value()).map(Some),
            None => self.bucket(bucket).map(|_| None),
        }
    }

    /// Returns the object, or the error of S3 for a missing one.
    pub(crate) fn object(&self, bucket: &str, key: &str) -> Result<ObjectRecord, IndexError> {
        self.find_object(bucket, key)?.ok_or_else(|| no_such_key().into())
    }

    /// Returns the upload, or the error of S3 for a missing one.
    pub(crate) fn upload(
        &self,
        bucket: &str,
        key: &str,
        upload_id: &str,
    ) -> Result<UploadRecord, IndexError> {
        match self.uploads.get(keys::upload(bucket, key, upload_id).as_slice())? {
            Some(record) => record::decode(record.value()),
            None => {
                self.bucket(bucket)?;
                Err(no_such_upload().into())
            }
        }
    }

    /// Returns the bytes of a small blob.
    pub(crate) fn small(&self, segment: &Segment) -> Result<bytes::Bytes, IndexError> {
        let damaged = || IndexError::Record(format!("blob {} is missing or damaged", segment.blob));
        let row = self.small.get(segment.blob.as_bytes())?.ok_or_else(damaged)?;
        let bytes = row.value();
        let mut crc = crate::blob::crc64();
        crc.update(bytes);
        if bytes.len() as u64 != segment.size || crc.finalize() != segment.crc {
            return Err(damaged());
        }
        Ok(bytes::Bytes::copy_from_slice(bytes))
    }
}

pub(crate) fn no_such_key() -> S3Error {
    s3_error!(NoSuchKey, "The specified key does not exist.")
}

fn no_such_upload() -> S3Error {
    s3_error!(
        NoSuchUpload,
        "The specified multipart upload does not exist. The upload id may be invalid, or the \
         upload may have been aborted or completed."
    )
}

/// The state within a write transaction.
pub(crate) struct Tables<'t> {
    meta: Table<'t, &'static str, u64>,
    buckets: Write<'t>,
    objects: Write<'t>,
    small: Write<'t>,
    uploads: Write<'t>,
    parts: Write<'t>,
    /// Whether there is anything to commit.
    pub(super) changed: bool,
    /// Blob files that are not referenced any more once this is committed.
    pub(super) retired: Vec<BlobId>,
}

impl<'t> Tables<'t> {
    pub(super) fn open(txn: &'t WriteTransaction) -> Result<Self, IndexError> {
        let mut meta = txn.open_table(META)?;
        let is_new = meta.get(META_FORMAT)?.is_none();
        if is_new {
            meta.insert(META_FORMAT, u64::from(FORMAT))?;
        }
        Ok(Self {
            meta,
            buckets: txn.open_table(BUCKETS)?,
            objects: txn.open_table(OBJECTS)?,
            small: txn.open_table(SMALL)?,
            uploads: txn.open_table(UPLOADS)?,
            parts: txn.open_table(PARTS)?,
            changed: is_new,
            retired: Vec::new(),
        })
    }

    /// Increments the batch counter and returns it.
    pub(super) fn count_batch(&mut self) -> Result<u64, IndexError> {
        let batch = self.meta.get(META_BATCH)?.map_or(0, |batch| batch.value()) + 1;
        self.meta.insert(META_BATCH, batch)?;
        Ok(batch)
    }

    pub(crate) fn find_bucket(&self, bucket: &str) -> Result<Option<BucketRecord>, IndexError> {
        self.buckets
            .get(bucket.as_bytes())?
            .map(|record| record::decode(record.value()))
            .transpose()
    }

    /// Fails with NoSuchBucket if the bucket does not exist.
    pub(crate) fn require_bucket(&self, bucket: &str) -> Result<(), IndexError> {
        match self.buckets.get(bucket.as_bytes())? {
            Some(_) => Ok(()),
            None => Err(no_such_bucket().into()),
        }
    }

    pub(crate) fn insert_bucket(
        &mut self,
        bucket: &str,
        record: &BucketRecord,
    ) -> Result<(), IndexError> {
        self.changed = true;
        self.buckets.insert(bucket.as_bytes(), record::encode(record)?.as_slice())?;
        Ok(())
    }

    pub(crate) fn remove_bucket(&mut self, bucket: &str) -> Result<(), IndexError> {
        self.changed = true;
        self.buckets.remove(bucket.as_bytes())?;
        Ok(())
    }

    pub(crate) fn is_empty(&self, bucket: &str) -> Result<bool, IndexError> {
        let (from, to) = (keys::object(bucket, b""), keys::bucket_end(bucket));
        Ok(self.objects.range(from.as_slice()..to.as_slice())?.next().is_none())
    }

    pub(crate) fn find_object(
        &self,
        bucket: &str,
        key: &str,
    ) -> Result<Option<ObjectRecord>, IndexError> {
        let key = keys::object(bucket, key.as_bytes());
        self.objects.get(key.as_slice())?.map(|record| record::decode(record.value())).transpose()
    }

    /// Inserts an object or replaces it. The bytes of its small segments must be in the table, or
    /// be added with [`Tables::insert_small`].
    pub(crate) fn insert_object(
        &mut self,
        bucket: &str,
        key: &str,
        record: &ObjectRecord,
        before: Option<ObjectRecord>,
    ) -> Result<(), IndexError> {
        self.changed = true;
        let key = keys::object(bucket, key.as_bytes());
        self.objects.insert(key.as_slice(), record::encode(record)?.as_slice())?;
        if let Some(before) = before {
            self.drop_segments(before.segments)?;
        }
        Ok(())
    }

    /// Replaces the record of an object whose bytes stay the same.
    pub(crate) fn update_object(
        &mut self,
        bucket: &str,
        key: &str,
        record: &ObjectRecord,
    ) -> Result<(), IndexError> {
        self.insert_object(bucket, key, record, None)
    }

    /// Removes an existing object.
    pub(crate) fn remove_object(
        &mut self,
        bucket: &str,
        key: &str,
        record: ObjectRecord,
    ) -> Result<(), IndexError> {
        self.changed = true;
        self.objects.remove(keys::object(bucket, key.as_bytes()).as_slice())?;
        self.drop_segments(record.segments)
    }

    pub(crate) fn insert_small(&mut self, blob: BlobId, bytes: &[u8]) -> Result<(), IndexError> {
        self.changed = true;
        self.small.insert(blob.as_bytes(), bytes)?;
        Ok(())
    }

    fn drop_segments(
        &mut self,
        segments: impl IntoIterator<Item = Segment>,
    ) -> Result<(), IndexError> {
        for segment in segments {
            match segment.place {
                Place::File => self.retired.push(segment.blob),
                Place::Index => {
                    self.small.remove(segment.blob.as_bytes())?;
                }
            }
        }
        Ok(())
    }

    /// Returns the upload, or the error of S3 for a missing one.
    pub(crate) fn upload(
        &self,
        bucket: &str,
        key: &str,
        upload_id: &str,
    ) -> Result<UploadRecord, IndexError> {
        match self.uploads.get(keys::upload(bucket, key, upload_id).as_slice())? {
            Some(record) => record::decode(record.value()),
            None => {
                self.require_bucket(bucket)?;
                Err(no_such_upload().into())
            }
        }
    }

    pub(crate) fn insert_upload(
        &mut self,
        bucket: &str,
        key: &str,
        upload_id: &str,
        record: &UploadRecord,
    ) -> Result<(), IndexError> {
        self.changed = true;
        let key = keys::upload(bucket, key, upload_id);
        self.uploads.insert(key.as_slice(), record::encode(record)?.as_slice())?;
        Ok(())
    }

    /// Inserts a part, or replaces the one with the same number. `small` has the bytes of its
    /// segment if they belong into the index. They are inserted last: a refused part leaves no bytes
    /// without a record.
    pub(crate) fn insert_part(
        &mut self,
        upload_id: &str,
        number: u16,
        record: &PartRecord,
        small: Option<&[u8]>,
    ) -> Result<(), IndexError> {
        let key = keys::part(upload_id, number);
        // The old record is read first, so that a decoding error leaves nothing half changed.
        let before = self
            .parts
            .get(key.as_slice())?
            .map(|before| record::decode::<PartRecord>(before.value()))
            .transpose()?;
        self.changed = true;
        self.parts.insert(key.as_slice(), record::encode(record)?.as_slice())?;
        self.drop_segments(before.and_then(|part| part.segment))?;
        match (small, &record.segment) {
            (Some(bytes), Some(segment)) => self.insert_small(segment.blob, bytes),
            _ => Ok(()),
        }
    }

    /// Replaces the record of a part with one that cannot be decoded.
    #[cfg(test)]
    pub(super) fn damage_part(&mut self, upload_id: &str, number: u16) -> Result<(), IndexError> {
        self.changed = true;
        self.parts.insert(keys::part(upload_id, number).as_slice(), b"damaged".as_slice())?;
        Ok(())
    }

    pub(crate) fn parts(&self, upload_id: &str) -> Result<Vec<(u16, PartRecord)>, IndexError> {
        let (from, to) = keys::parts_after(upload_id, 0);
        let bounds = (from.as_ref().map(Vec::as_slice), to.as_ref().map(Vec::as_slice));
        let mut parts = Vec::new();
        for entry in self.parts.range::<&[u8]>(bounds)? {
            let (key, record) = entry?;
            let number = keys::part_number(key.value())
                .ok_or_else(|| IndexError::Record("a part has no number".into()))?;
            parts.push((number, record::decode(record.value())?));
        }
        Ok(parts)
    }

    /// Removes an upload and the blobs of its parts, except those in `kept`, which belong to an
    /// object now.
    pub(crate) fn remove_upload(
        &mut self,
        bucket: &str,
        key: &str,
        upload_id: &str,
        kept: &[Segment],
    ) -> Result<(), IndexError> {
        let parts = self.parts(upload_id)?; // Before any change, so that a decoding error leaves nothing half changed.
        self.changed = true;
        self.uploads.remove(keys::upload(bucket, key, upload_id).as_slice())?;
        let kept: std::collections::HashSet<BlobId> =
            kept.iter().map(|segment| segment.blob).collect();
        for (number, part) in parts {
            self.parts.remove(keys::part(upload_id, number).as_slice())?;
            self.drop_segments(part.segment.filter(|segment| !kept.contains(&segment.blob)))?;
        }
        Ok(())
    }

    /// Returns the object key and upload id of every upload of a bucket.
    pub(crate) fn uploads(&self, bucket: &str) -> Result<Vec<(String, String)>, IndexError> {
        let (from, to) = (keys::object(bucket, b""), keys::bucket_end(bucket));
        let mut uploads = Vec::new();
        for entry in self.uploads.range(from.as_slice()..to.as_slice())? {
            let (key, _) = entry?;
            uploads.push(keys::upload_parts(bucket, key.value()).ok_or_else(|| {
                IndexError::Record("the name of an upload cannot be read".into())
            })?);
        }
        Ok(uploads)
    }
}
