//! `get_anonymous_access`, `set_anonymous_access`

use lakewright_core::bucket_config::{AnonymousAccess, Setting};
use lakewright_core::{Error, ErrorKind, Result};

use crate::Bucket;

impl Bucket {
    /// Returns the access without credentials that the bucket's policy grants.
    ///
    /// # Errors
    /// `Conflict` when the policy does anything else: `get_policy` returns it. `NotFound` when the
    /// bucket is missing, `Denied`, and failures of the request.
    pub async fn get_anonymous_access(&self) -> Result<AnonymousAccess> {
        const OPERATION: &str = "get_anonymous_access";
        let Some(policy) = self.read_setting(OPERATION).await? else {
            return Ok(AnonymousAccess::none());
        };
        AnonymousAccess::from_policy(&self.name, &policy).ok_or_else(|| {
            let why = "the bucket has a policy of its own that does more than grant access without \
                       credentials; read it with get_policy, or remove it with delete_policy";
            self.wrong(Error::new(ErrorKind::Conflict, why), OPERATION)
        })
    }

    /// Sets the access without credentials, as the bucket's policy. Access that was set before is
    /// replaced; a policy that does anything else is not.
    ///
    /// # Errors
    /// `Conflict` when the bucket has a policy of its own; `InvalidInput`, with its path, for a
    /// prefix that policies cannot express; `NotFound`, `Denied`, and failures of the request.
    pub async fn set_anonymous_access(&self, access: &AnonymousAccess) -> Result<()> {
        const OPERATION: &str = "set_anonymous_access";
        access.check().map_err(|error| self.wrong(error, OPERATION))?;
        let policy = access.to_policy(&self.name).map_err(|error| self.wrong(error, OPERATION))?;
        if let Some(there) = self.read_setting(OPERATION).await?
            && AnonymousAccess::from_policy(&self.name, &there).is_none()
        {
            let why = "the bucket has a policy of its own, which would be lost; remove it first \
                       with delete_policy, or add the access to it";
            return Err(self.wrong(Error::new(ErrorKind::Conflict, why), OPERATION));
        }
        self.change_setting(&policy, OPERATION).await
    }
}
