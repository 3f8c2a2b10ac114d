//! The connection: what makes, finds and ends containers.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use lakewright_core::{BucketName, Result};

use crate::bucket::{Bucket, S3};
use crate::profile::Profile;

/// A connection to one endpoint. Cheap to clone; clones share the client and its connections.
///
/// Making one sends nothing. What makes or ends a container is a verb of the lake, what happens
/// inside it a verb of the handle ([`Bucket`], `Table`).
#[derive(Clone)]
pub struct Lake {
    pub(crate) s3: S3,
    /// What must live as long as the connection: the embedded server behind it.
    behind: Option<Arc<dyn Any + Send + Sync>>,
}

impl Lake {
    /// Connects with a profile. Nothing is sent until the first verb.
    ///
    /// # Errors
    /// `InvalidConfig` for a profile that does not hold together.
    pub fn new(profile: Profile) -> Result<Self> {
        let s3 = S3::new(Arc::new(profile)).map_err(|error| error.during("connect"))?;
        Ok(Self { s3, behind: None })
    }

    /// Keeps `guard` alive as long as any clone of this lake.
    #[must_use]
    pub fn keeping(mut self, guard: Arc<dyn Any + Send + Sync>) -> Self {
        self.behind = Some(guard);
        self
    }

    /// What requests are made with.
    #[must_use]
    pub fn profile(&self) -> &Profile {
        &self.s3.profile
    }

    /// A handle on a bucket. Nothing is sent; the bucket need not exist.
    #[must_use]
    pub fn bucket(&self, name: BucketName) -> Bucket {
        Bucket::new(self.clone(), name)
    }
}

impl fmt::Debug for Lake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lake").field("profile", &self.s3.profile).finish_non_exhaustive()
    }
}
