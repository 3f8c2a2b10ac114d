//! `get_lifecycle`, `set_lifecycle`, `delete_lifecycle`

use lakewright_core::Result;
use lakewright_core::bucket_config::LifecycleRule;

use crate::Bucket;

impl Bucket {
    /// Returns the bucket's lifecycle rules, in normal form
    /// ([`normalised`](LifecycleRule::normalised)).
    ///
    /// # Errors
    /// `NotFound` when the bucket is missing; `Unsupported` for rules that [`LifecycleRule`] cannot
    /// express; `Denied`, and failures of the request.
    pub async fn get_lifecycle(&self) -> Result<Vec<LifecycleRule>> {
        self.get_setting().await
    }

    /// Replaces the bucket's lifecycle rules; an empty slice removes all.
    ///
    /// # Errors
    /// `InvalidInput` for a fault of the rules, with its path, for rules that the server does not
    /// accept, and for a storage class that it does not have; `Unsupported` for rules that the
    /// server would drop in part, in which case nothing is changed; `NotFound`, `Denied`, and
    /// failures of the request.
    pub async fn set_lifecycle(&self, rules: &[LifecycleRule]) -> Result<()> {
        self.set_setting(&rules.to_vec()).await
    }

    /// Removes the bucket's lifecycle rules.
    ///
    /// # Errors
    /// `NotFound` when the bucket is missing, `Denied`, any connection or server error.
    pub async fn delete_lifecycle(&self) -> Result<()> {
        self.change_setting(&Vec::<LifecycleRule>::new(), "delete_lifecycle").await
    }
}
