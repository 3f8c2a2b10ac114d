//! `get_anonymous_access`, `set_anonymous_access`

use lakewright_core::bucket_config::AnonymousAccess;
use lakewright_core::{Error, ErrorKind, Result};

use crate::Bucket;

impl Bucket {
    /// What callers without keys may do, read off the bucket's policy.
    ///
    /// # Errors
    /// `Conflict` when the bucket has a policy that says anything else: `get_policy` shows it.
    /// `NotFound` when the bucket is missing, `Denied`, whatever keeps the server from answering.
    pub async fn get_anonymous_access(&self) -> Result<AnonymousAccess> {
        const OPERATION: &str = "get_anonymous_access";
        let Some(policy) = self.policy(OPERATION).await? else {
            return Ok(AnonymousAccess::none());
        };
        AnonymousAccess::from_policy(&self.name, &policy).ok_or_else(|| {
            let why = "the bucket has a policy of its own that says more than what everybody may \
                       do; read it with get_policy, or remove it with delete_policy";
            self.wrong(Error::new(ErrorKind::Conflict, why), OPERATION)
        })
    }

    /// Says what callers without keys may do, by the bucket's policy. What was said before is
    /// replaced; a policy that says anything else is not.
    ///
    /// # Errors
    /// `Conflict` when the bucket has a policy of its own; `InvalidInput` for a prefix that
    /// policies cannot carry; `NotFound`, `Denied`, whatever keeps the server from answering.
    pub async fn set_anonymous_access(&self, access: &AnonymousAccess) -> Result<()> {
        const OPERATION: &str = "set_anonymous_access";
        let policy = access.to_policy(&self.name).map_err(|error| self.wrong(error, OPERATION))?;
        if let Some(there) = self.policy(OPERATION).await?
            && AnonymousAccess::from_policy(&self.name, &there).is_none()
        {
            let why = "the bucket has a policy of its own, which would be lost; remove it first \
                       with delete_policy, or write what everybody may do into it";
            return Err(self.wrong(Error::new(ErrorKind::Conflict, why), OPERATION));
        }
        match policy {
            Some(policy) => self.put_policy(&policy, OPERATION).await,
            None => self.remove_policy(OPERATION).await,
        }
    }
}
