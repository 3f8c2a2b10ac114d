//! The registry's document in its bucket.

use bytes::Bytes;
use jiff::Timestamp;
use lakewright_core::state::{Alive, Registry};
use lakewright_core::{BucketName, Error, ErrorKind, ObjectKey, Result};

use super::holder;
use crate::Provisioner;
use lakewright_s3::{Bucket, CreateBucketOptions, GetOptions, PutOptions};

/// The document's key.
const KEY: &str = "registry.json";

/// How large a registry may be in bytes: some hundred thousand resources.
const LARGEST: u64 = 256 << 20;

const NO_ETAG: &str = "the server gives its objects no ETag, without which no registry can be kept";

/// The document as it was read.
#[derive(Clone)]
pub(super) struct Read {
    pub(super) registry: Registry,
    /// `None` where there is none yet.
    etag: Option<String>,
}

impl Read {
    /// Whether the holder of the lease in it still runs, as far as that can be seen from here.
    pub(super) fn alive(&self) -> Alive {
        match &self.registry.lease {
            None => Alive::Unknown,
            Some(lease) => lease.holder.alive(&holder::this_process(), holder::seen),
        }
    }
}

/// Where the document lies.
pub(super) struct Document {
    lake: Provisioner,
    bucket: Bucket,
    key: ObjectKey,
}

impl Document {
    /// Nothing is sent yet.
    ///
    /// # Errors
    /// None that a caller could meet: the key is a constant.
    pub(super) fn new(lake: &Provisioner, bucket: &BucketName) -> Result<Self> {
        let (bucket, key) = (lake.s3.bucket(bucket.clone()), ObjectKey::new(KEY)?);
        Ok(Self { lake: lake.clone(), bucket, key })
    }

    /// Reads it. No bucket or no document is an empty registry.
    ///
    /// # Errors
    /// `Corrupt` for a document that is no registry; whatever keeps the server from answering.
    pub(super) async fn read(&self) -> Result<Read> {
        let object = match self.bucket.get_stream(&self.key, GetOptions::default()).await {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(Read { registry: Registry::default(), etag: None });
            }
            other => other.map_err(|error| self.told(error))?,
        };
        if object.info.size > LARGEST {
            let why = format!("it has {} bytes and is no registry", object.info.size);
            return Err(self.told(Error::new(ErrorKind::Corrupt, why)));
        }
        let (etag, written) = (object.info.etag.clone(), object.info.last_modified);
        let json = object.body.into_bytes().await.map_err(|error| self.told(error))?;
        let registry = Registry::from_json(&json).map_err(|error| self.told(error))?;
        if etag.is_none() {
            return Err(self.told(Error::new(ErrorKind::Unsupported, NO_ETAG)));
        }
        Ok(Read { registry: registry.written(written), etag })
    }

    /// Writes what follows on `read`, if nobody else has written meanwhile. Where the answer was
    /// lost, or is the answer to a second attempt, what is there now tells.
    ///
    /// # Errors
    /// `PreconditionFailed` when somebody has; whatever keeps the server from answering, and then
    /// nothing was written unless the error says that it is not known.
    pub(super) async fn write(&self, read: &Read, next: Registry) -> Result<Read> {
        if read.etag.is_none() {
            let exist_ok = CreateBucketOptions { exist_ok: true, ..Default::default() };
            self.lake.s3.create_bucket(self.bucket.name(), exist_ok).await?;
        }
        let error = match self.put(read.etag.clone(), Bytes::from(next.to_json()?)).await {
            Ok(etag) => return Ok(Read { registry: next, etag: Some(etag) }),
            Err(error) => error,
        };
        let unclear = matches!(
            error.kind(),
            ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::PreconditionFailed
        );
        if !unclear {
            return Err(error);
        }
        let Ok(there) = self.read().await else { return Err(error) };
        if there.registry == next {
            return Ok(there);
        }
        if there.etag == read.etag && error.kind() != ErrorKind::PreconditionFailed {
            // Nothing was written, so that it can be tried again.
            return Err(self.told(Error::new(error.kind(), error.message()).caused_by(error)));
        }
        Err(self.moved())
    }

    /// Shows that the server refuses a write under a condition that does not hold, by trying one:
    /// the same bytes again under the condition of the last write. On a server that ignores
    /// conditions two could hold the lease at once. There, what was written is taken back.
    ///
    /// # Errors
    /// `Unsupported` when the server does not refuse; whatever keeps it from answering.
    pub(super) async fn prove_conditions(&self, before: &Read, now: &Read) -> Result<()> {
        let json = Bytes::from(now.registry.to_json()?);
        match self.put(before.etag.clone(), json).await {
            Err(error) if error.kind() == ErrorKind::PreconditionFailed => return Ok(()),
            // Nothing is known about the server, and others may have written since.
            Err(error) => return Err(error),
            Ok(_) => {}
        }
        // What comes of taking it back changes nothing about the error.
        if let Ok(there) = self.read().await
            && there.registry == now.registry
        {
            let _ = match &before.etag {
                None => self.bucket.delete(&self.key).await,
                Some(_) => self.write(&there, before.registry.clone()).await.map(drop),
            };
        }
        let why = "the server ignores the conditions of a PUT (If-Match, If-None-Match), so that \
                   two could change the registry at the same time; declared state needs them";
        Err(self.told(Error::new(ErrorKind::Unsupported, why)))
    }

    /// What time it is, by the server's clock.
    pub(super) fn now(&self) -> Timestamp {
        self.lake.s3.client().clock().now()
    }

    fn moved(&self) -> Error {
        let why = "somebody else changed the registry at the same time: plan again";
        self.told(Error::new(ErrorKind::PreconditionFailed, why))
    }

    async fn put(&self, etag: Option<String>, json: Bytes) -> Result<String> {
        let options = PutOptions {
            content_type: Some("application/json".into()),
            if_absent: etag.is_none(),
            if_match: etag,
            ..PutOptions::default()
        };
        let written = self.bucket.put(&self.key, json, options).await;
        let info = written.map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists | ErrorKind::PreconditionFailed | ErrorKind::Conflict => {
                self.moved().caused_by(error)
            }
            _ => self.told(error),
        });
        info?.etag.ok_or_else(|| self.told(Error::new(ErrorKind::Unsupported, NO_ETAG)))
    }

    fn told(&self, error: Error) -> Error {
        error.on(format!("{}/{KEY}", self.bucket.name()))
    }
}
