//! `get_lifecycle`, `set_lifecycle`, `delete_lifecycle`

use lakewright_core::bucket_config::{LifecycleRule, check_lifecycle};
use lakewright_core::{Error, ErrorKind, Result};

use super::setting::code;
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
        const OPERATION: &str = "set_lifecycle";
        check_lifecycle(rules).map_err(|error| self.wrong(error, OPERATION))?;
        let rules = &rules.to_vec();
        if !rules.iter().any(|rule| rule.ignored_by_minio().is_some()) {
            return self.change_setting(rules, OPERATION).await;
        }
        let unsupported = |why| self.wrong(Error::new(ErrorKind::Unsupported, why), OPERATION);
        let before: Vec<LifecycleRule> = self.read_setting(OPERATION).await?;
        // MinIO drops the whole content of such a rule, and then refuses the empty rule.
        let mut empty = rules.iter().filter(|rule| !rule.acts_on_objects());
        let empty = empty.find_map(LifecycleRule::ignored_by_minio);
        match (self.change_setting(rules, OPERATION).await, empty) {
            (Err(error), Some(why)) if code(&error) == "InvalidArgument" => {
                return Err(unsupported(why).caused_by(error));
            }
            (other, _) => other?,
        }
        let kept: Vec<LifecycleRule> = self.read_setting(OPERATION).await?;
        let lost = rules.iter().filter_map(|rule| {
            let refusal = rule.ignored_by_minio()?;
            let there = kept.iter().find(|other| other.id == rule.id);
            let dropped = there.and_then(LifecycleRule::ignored_by_minio) != Some(refusal);
            dropped.then_some(refusal)
        });
        let Some(why) = lost.min() else { return Ok(()) };
        self.change_setting(&before, OPERATION).await?;
        Err(unsupported(why))
    }

    /// Removes the bucket's lifecycle rules.
    ///
    /// # Errors
    /// `NotFound` when the bucket is missing, `Denied`, any connection or server error.
    pub async fn delete_lifecycle(&self) -> Result<()> {
        self.change_setting(&Vec::<LifecycleRule>::new(), "delete_lifecycle").await
    }
}
