//! The connections through which declared state is observed and changed.

use std::fmt;

use lakewright_admin::Admin;
#[cfg(feature = "tables")]
use lakewright_delta::Delta;
use lakewright_s3::S3;

/// Makes a server match a spec: plans, applies, shows drift, and keeps the registry of the owned
/// resources. Cheap to clone.
#[derive(Clone)]
pub struct Provisioner {
    pub(crate) s3: S3,
    pub(crate) admin: Admin,
    #[cfg(feature = "tables")]
    pub(crate) delta: Delta,
    /// The name of the server in plans.
    pub(crate) display_name: String,
}

impl Provisioner {
    /// Creates a provisioner of the server that `s3` and `admin` connect to. Plans name it by its
    /// endpoint, an embedded one by its directory.
    #[must_use]
    pub fn new(s3: &S3, admin: &Admin) -> Self {
        Self {
            s3: s3.clone(),
            admin: admin.clone(),
            #[cfg(feature = "tables")]
            delta: Delta::new(s3),
            display_name: s3.profile().to_string(),
        }
    }
}

impl fmt::Debug for Provisioner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provisioner").field("server", &self.display_name).finish_non_exhaustive()
    }
}
