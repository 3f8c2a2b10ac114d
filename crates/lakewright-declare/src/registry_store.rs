//! Reads and writes the registry, an object in its bucket.

use bytes::Bytes;
use jiff::Timestamp;
use lakewright_core::state::{Alive, Registry, SealKey};
use lakewright_core::{BucketName, Error, ErrorKind, ObjectKey, Outcome, Result, StackName};

use super::holder;
use crate::Provisioner;
use lakewright_s3::{Bucket, CreateBucketOptions, GetOptions, PutOptions, S3};

/// The object key of the registry.
const KEY: &str = "registry.json";

const NO_ETAG: &str = "the server gives its objects no ETag, without which no registry can be kept";

/// The registry as it was read or written, with its ETag.
#[derive(Clone)]
pub(super) struct Snapshot {
    pub(super) registry: Registry,
    /// `None` where the object does not exist yet.
    etag: Option<String>,
}

impl Snapshot {
    /// Returns whether the holder of the lease still runs, as far as this machine can find out.
    pub(super) fn alive(&self) -> Alive {
        match &self.registry.lease {
            None => Alive::Unknown,
            Some(lease) => lease.holder.alive(&holder::this_process(), holder::look_up),
        }
    }
}

/// The object that contains the registry.
#[derive(Clone)]
pub(super) struct RegistryStore {
    s3: S3,
    bucket: Bucket,
    key: ObjectKey,
    seal_key: Option<SealKey>,
}

impl RegistryStore {
    /// Creates the store in this bucket. No request is sent.
    ///
    /// # Errors
    /// `InvalidConfig` when the registry key of the profile cannot be read, or is too short.
    pub(super) fn new(provisioner: &Provisioner, bucket: &BucketName) -> Result<Self> {
        let seal_key = provisioner.s3.profile().read_registry_key()?;
        let seal_key = seal_key.map(|secret| SealKey::new(&secret, bucket.clone())).transpose()?;
        let (bucket, key) = (provisioner.s3.bucket(bucket.clone()), ObjectKey::new(KEY)?);
        Ok(Self { s3: provisioner.s3.clone(), bucket, key, seal_key })
    }

    /// Returns the key that entries are sealed with, if the profile has one.
    pub(super) fn seal_key(&self) -> Option<&SealKey> {
        self.seal_key.as_ref()
    }

    /// Checks that a holder of the registry key wrote the entries of a stack.
    ///
    /// # Errors
    /// Those of [`Registry::check_seals`].
    pub(super) fn check_seals(&self, registry: &Registry, stack: &StackName) -> Result<()> {
        let checked = registry.check_seals(stack, self.seal_key());
        checked.map_err(|error| self.on_registry(error))
    }

    /// Reads the registry. A missing bucket or object gives an empty one.
    ///
    /// # Errors
    /// `Corrupt` for an object that is no registry; any connection or server error.
    pub(super) async fn read(&self) -> Result<Snapshot> {
        let object = match self.bucket.get_stream(&self.key, GetOptions::default()).await {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(Snapshot { registry: Registry::default(), etag: None });
            }
            other => other.map_err(|error| self.on_registry(error))?,
        };
        if object.info.size > Registry::MAX_BYTES {
            let why = format!("it has {} bytes and is no registry", object.info.size);
            return Err(self.on_registry(Error::new(ErrorKind::Corrupt, why)));
        }
        let (etag, written) = (object.info.etag.clone(), object.info.last_modified);
        let json = object.body.into_bytes().await.map_err(|error| self.on_registry(error))?;
        let registry = Registry::from_json(&json).map_err(|error| self.on_registry(error))?;
        if etag.is_none() {
            return Err(self.on_registry(Error::new(ErrorKind::Unsupported, NO_ETAG)));
        }
        Ok(Snapshot { registry: registry.with_write_time(written), etag })
    }

    /// Seals the changes of `next` and writes it as the successor of `current`, as
    /// [`Self::write_sealed`] does.
    ///
    /// # Errors
    /// Those of [`Self::write_sealed`].
    pub(super) async fn write(&self, current: &Snapshot, next: Registry) -> Result<Snapshot> {
        self.write_sealed(current, next.sealed(&current.registry, self.seal_key())).await
    }

    /// Writes the successor of `current`, if no other process has written in between. Where the
    /// response was lost, or is the response to a second attempt, the registry is read again to
    /// find out whether it was written.
    ///
    /// # Errors
    /// `PreconditionFailed` when another process has written; any connection or server error, and
    /// then nothing was written unless the outcome of the error is unknown.
    pub(super) async fn write_sealed(
        &self,
        current: &Snapshot,
        next: Registry,
    ) -> Result<Snapshot> {
        if current.etag.is_none() {
            let exist_ok = CreateBucketOptions::builder().exist_ok(true).build();
            self.s3.create_bucket(self.bucket.name(), exist_ok).await?;
        }
        let error = match self.put(current.etag.clone(), Bytes::from(next.to_json()?)).await {
            Ok(etag) => return Ok(Snapshot { registry: next, etag: Some(etag) }),
            Err(error) => error,
        };
        let unclear = error.outcome_unknown()
            || error.is_retryable()
            || error.kind() == ErrorKind::PreconditionFailed;
        if !unclear {
            return Err(error);
        }
        let Ok(there) = self.read().await else { return Err(error) };
        if there.registry == next {
            return Ok(there);
        }
        if there.etag == current.etag && error.kind() != ErrorKind::PreconditionFailed {
            // Nothing was written, so the error loses its unknown outcome and can be retried.
            return Err(self.on_registry(error.with_outcome(Outcome::Known)));
        }
        Err(self.changed_meanwhile())
    }

    /// Proves that the server refuses a write under a condition that does not hold, by sending
    /// one: the same bytes again under the condition of the last write. On a server that ignores
    /// conditions two processes could hold the lease at the same time, so there the last write is
    /// reverted.
    ///
    /// # Errors
    /// `Unsupported` when the server does not refuse; any connection or server error.
    pub(super) async fn prove_conditions(&self, before: &Snapshot, now: &Snapshot) -> Result<()> {
        let json = Bytes::from(now.registry.to_json()?);
        match self.put(before.etag.clone(), json).await {
            Err(error) if error.kind() == ErrorKind::PreconditionFailed => return Ok(()),
            // The server may still honour conditions, and others may have written since.
            Err(error) => return Err(error),
            Ok(_) => {}
        }
        // A failure to revert changes nothing about the error.
        if let Ok(there) = self.read().await
            && there.registry == now.registry
        {
            let _ = match &before.etag {
                None => self.bucket.delete(&self.key).await,
                Some(_) => self.write_sealed(&there, before.registry.clone()).await.map(drop),
            };
        }
        let why = "the server ignores the conditions of a PUT (If-Match, If-None-Match), so that \
                   two could change the registry at the same time; declared state needs them";
        Err(self.on_registry(Error::new(ErrorKind::Unsupported, why)))
    }

    /// Returns the time by the server's clock.
    pub(super) fn now(&self) -> Timestamp {
        self.s3.client().clock().now()
    }

    fn changed_meanwhile(&self) -> Error {
        let why = "another process changed the registry at the same time: plan again";
        self.on_registry(Error::new(ErrorKind::PreconditionFailed, why))
    }

    async fn put(&self, etag: Option<String>, json: Bytes) -> Result<String> {
        let options = PutOptions::builder()
            .content_type("application/json")
            .if_absent(etag.is_none())
            .maybe_if_match(etag)
            .build();
        let written = self.bucket.put(&self.key, json, options).await;
        let info = written.map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists | ErrorKind::PreconditionFailed | ErrorKind::Conflict => {
                self.changed_meanwhile().caused_by(error)
            }
            _ => self.on_registry(error),
        });
        info?.etag.ok_or_else(|| self.on_registry(Error::new(ErrorKind::Unsupported, NO_ETAG)))
    }

    fn on_registry(&self, error: Error) -> Error {
        error.on(format!("{}/{KEY}", self.bucket.name()))
    }
}
