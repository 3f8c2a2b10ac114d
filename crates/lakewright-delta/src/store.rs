//! The only bridge between buckets and tables: an `ObjectStore` over a bucket, so that deltalake
//! reads and writes with the same client, credentials and retries as the rest of lakewright.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use lakewright_core::{BucketName, Error, ErrorKind, ObjectKey};
use lakewright_s3::{Bucket, ListOptions, Multipart, ObjectInfo, ObjectRange, S3};
use object_store::path::Path;
use object_store::{
    Attribute, Attributes, CopyMode, CopyOptions, Error as StoreError, GetOptions, GetRange,
    GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
};

/// The name of this store in errors of object_store.
const NAME: &str = "lakewright";

/// The number of keys in one batch delete, which is the limit of DeleteObjects.
const DELETE_BATCH: usize = 1000;

/// The number of keys that are collected before they are deleted.
const DELETE_GROUP: usize = 10_000;

/// A bucket as an object store. Each `Path` is taken literally as an object key.
#[derive(Clone, Debug)]
pub(crate) struct BucketStore {
    bucket: Bucket,
    first_error: FirstError,
}

/// Records the first failure below an operation. deltalake converts many errors into text on their
/// way up, which loses their kind, their outcome and the response of the service; the recorded
/// error still has them.
#[derive(Clone, Debug, Default)]
pub(crate) struct FirstError(Arc<Mutex<Option<Error>>>);

impl FirstError {
    /// Records a failure, unless it is one that callers provoke and handle: a missing object, or
    /// a condition that does not hold.
    pub(crate) fn record(&self, error: &Error) {
        if matches!(
            error.kind(),
            ErrorKind::NotFound | ErrorKind::AlreadyExists | ErrorKind::PreconditionFailed
        ) {
            return;
        }
        let mut first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert_with(|| error.without_source());
    }

    /// Takes the recorded failure.
    pub(crate) fn take(&self) -> Option<Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl fmt::Display for BucketStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}", self.bucket.name())
    }
}

/// Converts an error to the matching variant of object_store, with the original error as its
/// source.
fn failed(error: Error, path: &str) -> StoreError {
    let (path, source) = (path.to_owned(), Box::new(error));
    match source.kind() {
        ErrorKind::NotFound => StoreError::NotFound { path, source },
        ErrorKind::AlreadyExists => StoreError::AlreadyExists { path, source },
        ErrorKind::PreconditionFailed => {
            if source.service().is_some_and(|said| said.status == 304) {
                StoreError::NotModified { path, source }
            } else {
                StoreError::Precondition { path, source }
            }
        }
        ErrorKind::Denied => StoreError::PermissionDenied { path, source },
        ErrorKind::Unauthenticated => StoreError::Unauthenticated { path, source },
        ErrorKind::Unsupported => StoreError::NotSupported { source },
        ErrorKind::InvalidSpec
        | ErrorKind::InvalidConfig
        | ErrorKind::InvalidInput
        | ErrorKind::Conflict
        | ErrorKind::TooLarge
        | ErrorKind::SchemaMismatch
        | ErrorKind::Throttled
        | ErrorKind::Unavailable
        | ErrorKind::Timeout
        | ErrorKind::StorageFull
        | ErrorKind::Corrupt
        | ErrorKind::PartialApply
        | ErrorKind::Internal => StoreError::Generic { store: NAME, source },
    }
}

fn key(path: &Path) -> Result<ObjectKey> {
    ObjectKey::new(path.as_ref()).map_err(|error| failed(error, path.as_ref()))
}

fn unsupported(what: &'static str) -> StoreError {
    StoreError::NotSupported { source: Error::new(ErrorKind::Unsupported, what).into() }
}

/// Returns the description of an object; `None` for keys that object_store cannot represent
/// (`a//b`).
fn meta(info: &ObjectInfo) -> Option<ObjectMeta> {
    let at = info.last_modified.unwrap_or_default();
    Some(ObjectMeta {
        location: Path::parse(&info.key).ok()?,
        last_modified: DateTime::<Utc>::from_timestamp_nanos(at.as_nanosecond().try_into().ok()?),
        size: info.size,
        e_tag: info.etag.clone(),
        version: info.version_id.clone(),
    })
}

fn put_options(mode: PutMode, attributes: &Attributes) -> Result<lakewright_s3::PutOptions> {
    let mut options = lakewright_s3::PutOptions::default();
    match mode {
        PutMode::Overwrite => {}
        PutMode::Create => options.if_absent = true,
        PutMode::Update(version) => {
            let missing = "an update without an ETag to compare";
            options.if_match = Some(version.e_tag.ok_or_else(|| unsupported(missing))?);
        }
    }
    for (attribute, value) in attributes {
        let value = value.to_string();
        match attribute {
            Attribute::ContentType => options.content_type = Some(value),
            Attribute::ContentEncoding => options.content_encoding = Some(value),
            Attribute::CacheControl => options.cache_control = Some(value),
            Attribute::Metadata(name) => {
                options.metadata.insert(name.to_string(), value);
            }
            _ => return Err(unsupported("this attribute of an object")),
        }
    }
    Ok(options)
}

fn written(info: ObjectInfo) -> PutResult {
    PutResult { e_tag: info.etag, version: info.version_id }
}

#[async_trait]
impl ObjectStore for BucketStore {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let put = put_options(options.mode, &options.attributes)?;
        let info = self.bucket.put(&key(location)?, Bytes::from(payload), put).await;
        info.map(written).map_err(|error| self.failed(error, location.as_ref()))
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let put = put_options(PutMode::Overwrite, &options.attributes)?;
        let upload = Multipart::create(self.bucket.clone(), key(location)?, put, "put").await;
        let upload = upload.map_err(|error| self.failed(error, location.as_ref()))?;
        let first_error = self.first_error.clone();
        Ok(Box::new(Parts { upload, path: location.to_string(), first_error }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let failed = |error| self.failed(error, location.as_ref());
        let (info, range, payload) = if options.head {
            let info = self.bucket.head(&key(location)?).await.map_err(failed)?;
            let range = 0..info.size;
            (info, range, futures::stream::empty().boxed())
        } else {
            if options.if_modified_since.is_some() || options.if_unmodified_since.is_some() {
                return Err(unsupported("a condition on the time of a read"));
            }
            let get = lakewright_s3::GetOptions::builder()
                .maybe_range(options.range.as_ref().map(|range| match range {
                    GetRange::Bounded(range) => ObjectRange::Bounded(range.clone()),
                    GetRange::Offset(start) => ObjectRange::From(*start),
                    GetRange::Suffix(bytes) => ObjectRange::Last(*bytes),
                }))
                .maybe_if_match(options.if_match.clone())
                .maybe_if_none_match(options.if_none_match.clone())
                .maybe_version_id(options.version.clone())
                .build();
            let object = self.bucket.get_stream(&key(location)?, get).await.map_err(failed)?;
            let (store, path) = (self.clone(), location.to_string());
            let body = object.body.into_stream();
            let body = body.map_err(move |error| store.failed(error, &path)).boxed();
            (object.info, object.range, body)
        };
        let Some(meta) = meta(&info) else { return Err(unsupported("a key with empty parts")) };
        if options.head {
            options.check_preconditions(&meta)?;
        }
        let mut attributes = Attributes::new();
        for (attribute, value) in [
            (Attribute::ContentType, info.content_type),
            (Attribute::ContentEncoding, info.content_encoding),
            (Attribute::CacheControl, info.cache_control),
        ] {
            if let Some(value) = value {
                attributes.insert(attribute, value.into());
            }
        }
        for (name, value) in info.metadata {
            attributes.insert(Attribute::Metadata(name.into()), value.into());
        }
        let payload = GetResultPayload::Stream(payload);
        Ok(GetResult { payload, meta, range, attributes })
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let bucket = self.bucket.clone();
        locations
            .chunks(DELETE_BATCH)
            .then(move |batch| delete_batch(bucket.clone(), batch))
            .flat_map(futures::stream::iter)
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.listed(prefix, None)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.listed(prefix, Some(offset.to_string()))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let prefix = folder(prefix);
        let page = self.bucket.list_with_delimiter(&prefix).await;
        let page = page.map_err(|error| self.failed(error, &prefix))?;
        Ok(ListResult {
            objects: page.objects.iter().filter_map(meta).collect(),
            common_prefixes: page.prefixes.iter().filter_map(|p| Path::parse(p).ok()).collect(),
        })
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let if_absent = options.mode == CopyMode::Create;
        let options = lakewright_s3::CopyOptions::builder().if_absent(if_absent).build();
        let copied = self.bucket.copy(&key(from)?, &self.bucket, &key(to)?, options).await;
        copied.map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => failed(error, to.as_ref()),
            _ => failed(error, from.as_ref()),
        })?;
        Ok(())
    }
}

/// The operations that tables need beyond those of an object store.
impl BucketStore {
    /// Creates the store of a bucket. `first_error` records the first failure in it.
    pub(crate) fn new(s3: &S3, bucket: &BucketName, first_error: FirstError) -> Self {
        Self { bucket: s3.bucket(bucket.clone()), first_error }
    }

    /// Returns the folders directly below `prefix`, which ends in `/` or is empty.
    pub(crate) async fn folders(&self, prefix: &str) -> lakewright_core::Result<Vec<String>> {
        let options = ListOptions::builder().delimiter("/").build();
        let mut pages = self.bucket.list_pages(prefix, options);
        let mut folders = Vec::new();
        while let Some(mut page) = pages.try_next().await? {
            folders.append(&mut page.prefixes);
        }
        Ok(folders)
    }

    /// Returns whether there is any object below `prefix`.
    pub(crate) async fn has_any(&self, prefix: &str) -> lakewright_core::Result<bool> {
        let options = ListOptions::builder().page_size(1).build();
        Ok(self.bucket.list(prefix, options).try_next().await?.is_some())
    }

    /// Deletes every object below `prefix`, those below `last` after all others, and returns the
    /// number of objects.
    pub(crate) async fn delete_below(
        &self,
        prefix: &str,
        last: &str,
    ) -> lakewright_core::Result<u64> {
        let (mut deleted, mut group, mut kept) = (0, Vec::new(), Vec::new());
        let mut objects = self.bucket.list(prefix, ListOptions::default());
        while let Some(object) = objects.try_next().await? {
            let key = ObjectKey::new(object.key)?;
            let to = if key.as_str().starts_with(last) { &mut kept } else { &mut group };
            to.push(key);
            // Deleting in groups bounds the memory that a huge table needs.
            if group.len() == DELETE_GROUP {
                deleted += group.len() as u64;
                self.bucket.delete_many(std::mem::take(&mut group)).await?;
            }
        }
        deleted += (group.len() + kept.len()) as u64;
        self.bucket.delete_many(group).await?;
        self.bucket.delete_many(kept).await?;
        Ok(deleted)
    }

    fn failed(&self, error: Error, path: &str) -> StoreError {
        self.first_error.record(&error);
        failed(error, path)
    }

    fn listed(
        &self,
        prefix: Option<&Path>,
        start_after: Option<String>,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let prefix = folder(prefix);
        let options = ListOptions::builder().maybe_start_after(start_after).build();
        let store = self.clone();
        self.bucket
            .list(prefix.clone(), options)
            .map_err(move |error| store.failed(error, &prefix))
            .try_filter_map(|info| std::future::ready(Ok(meta(&info))))
            .boxed()
    }
}

/// Returns the prefix of a folder. The prefixes of object_store are folders: `a` contains `a/b`,
/// but not `ab`.
fn folder(prefix: Option<&Path>) -> String {
    match prefix {
        Some(path) if !path.as_ref().is_empty() => format!("{path}/"),
        _ => String::new(),
    }
}

/// Deletes a batch and returns the result for each path, in the order of the paths.
async fn delete_batch(bucket: Bucket, batch: Vec<Result<Path>>) -> Vec<Result<Path>> {
    let keys = batch.iter().flatten().filter_map(|path| key(path).ok());
    let outcome = bucket.delete_many(keys).await;
    batch
        .into_iter()
        .map(|path| {
            let path = path?;
            key(&path)?;
            let Err(error) = &outcome else { return Ok(path) };
            let resource = format!("{}/{path}", bucket.name());
            let own = error.failures().iter().find(|e| e.resource() == Some(&*resource));
            match own {
                Some(own) => Err(failed(own.without_source(), path.as_ref())),
                None if error.kind() == ErrorKind::PartialApply => Ok(path),
                None => Err(failed(error.without_source(), path.as_ref())),
            }
        })
        .collect()
}

struct Parts {
    upload: Multipart,
    path: String,
    first_error: FirstError,
}

impl Parts {
    fn failed(&self, error: Error) -> StoreError {
        self.first_error.record(&error);
        failed(error, &self.path)
    }
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts").field("path", &self.path).finish_non_exhaustive()
    }
}

#[async_trait]
impl MultipartUpload for Parts {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let (path, first_error) = (self.path.clone(), self.first_error.clone());
        match self.upload.part(Bytes::from(data)) {
            Ok(part) => Box::pin(async move {
                part.await.map_err(|error| {
                    first_error.record(&error);
                    failed(error, &path)
                })
            }),
            Err(error) => Box::pin(async move { Err(failed(error, &path)) }),
        }
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let completed = self.upload.complete().await;
        completed.map(written).map_err(|error| self.failed(error))
    }

    async fn abort(&mut self) -> Result<()> {
        let aborted = self.upload.abort().await;
        aborted.map_err(|error| self.failed(error))
    }
}
