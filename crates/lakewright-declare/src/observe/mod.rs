//! `observe`: reads the resources that a plan needs from the server, with few requests and as many
//! of them at the same time as the profile allows. It returns what the server has and compares
//! nothing: comparison belongs to planning.

mod buckets;
mod identities;
#[cfg(feature = "tables")]
mod tables;

use futures::future::BoxFuture;
use futures::{StreamExt, TryStreamExt};
use lakewright_core::state::{Capabilities, Needs, Observed};
use lakewright_core::{ErrorKind, Result};

use crate::Provisioner;

/// Reads the resources in `needs`. A resource that does not exist is missing in the result.
///
/// # Errors
/// `Denied` when these credentials may not read; any connection or server error.
pub(super) async fn observe(provisioner: &Provisioner, needs: &Needs) -> Result<Observed> {
    let admin = match needs.admin() {
        true => provisioner.may_administer().await?,
        false => false,
    };
    // The admin API is not probed if it is not needed, so its absence refuses no plan then.
    let assumed = admin || !needs.admin();
    let mut observed = Observed::nothing(Capabilities { admin: assumed, ..Capabilities::S3 });
    let identities = async {
        match admin {
            true => provisioner.observe_identities(needs).await,
            false => Ok(identities::Identities::default()),
        }
    };
    let (buckets, tables, identities) = futures::try_join!(
        provisioner.observe_buckets(needs, admin),
        provisioner.observe_tables(needs),
        identities,
    )?;
    (observed.buckets, observed.capabilities.lacks) = buckets;
    observed.tables = tables;
    observed.policies = identities.policies;
    observed.groups = identities.groups;
    observed.users = identities.users;
    observed.service_accounts = identities.service_accounts;
    Ok(observed)
}

impl Provisioner {
    /// Returns whether these credentials may use MinIO's admin API.
    async fn may_administer(&self) -> Result<bool> {
        match self.admin.require().await {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::Unsupported => Ok(false),
            Err(error) => Err(error),
        }
    }

    #[cfg(not(feature = "tables"))]
    async fn observe_tables(
        &self,
        needs: &Needs,
    ) -> Result<
        std::collections::BTreeMap<
            lakewright_core::TableUri,
            lakewright_core::state::ObservedTable,
        >,
    > {
        use lakewright_core::{Error, ResourceId};
        match needs.tables.first() {
            None => Ok(Default::default()),
            Some(uri) => {
                let table = ResourceId::Table(uri.clone());
                let error = Error::new(ErrorKind::Unsupported, super::NO_TABLES);
                Err(error.on(table.to_string()))
            }
        }
    }

    /// Runs lookups, as many at the same time as the profile allows.
    pub(super) async fn at_once<T>(&self, lookups: Vec<Lookup<'_, T>>) -> Result<Vec<T>> {
        futures::stream::iter(lookups)
            .buffer_unordered(self.s3.profile().concurrency())
            .try_collect()
            .await
    }
}

/// A lookup in flight. It is boxed because the compiler otherwise fails to prove that the caller's
/// future is `Send`.
pub(super) type Lookup<'a, T> = BoxFuture<'a, Result<T>>;
