//! `observe`: the live system, as far as a declaration asks about it, in as few requests as it
//! takes and as many of them at once as the profile allows.

mod buckets;
mod identities;
#[cfg(feature = "tables")]
mod tables;

use futures::future::BoxFuture;
use futures::{StreamExt, TryStreamExt};
use lakewright_core::state::{Capabilities, Needs, Observed};
use lakewright_core::{ErrorKind, Result, Spec};

use super::plan::Secrets;
use crate::Provisioner;

impl Provisioner {
    /// Reads what `needs` asks for. What is missing is not in the answer.
    ///
    /// # Errors
    /// `Denied` where these credentials may not look; whatever keeps the server from answering.
    pub(super) async fn observe(
        &self,
        spec: &Spec,
        needs: &Needs,
        secrets: &Secrets,
    ) -> Result<Observed> {
        let admin = match needs.admin() {
            true => self.may_administer().await?,
            false => false,
        };
        // A server that nobody asked may well have it: what is not needed stands in nobody's way.
        let known = admin || !needs.admin();
        let mut observed = Observed::nothing(Capabilities { admin: known, ..Capabilities::S3 });
        let identities = async {
            match admin {
                true => self.observe_identities(needs, secrets).await,
                false => Ok(identities::Identities::default()),
            }
        };
        let (buckets, tables, identities) = futures::try_join!(
            self.observe_buckets(needs, admin),
            self.observe_tables(spec, needs),
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

    /// Whether these credentials reach MinIO's admin API.
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
        _: &Spec,
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

    /// Runs lookups, as many at a time as the profile allows.
    pub(super) async fn at_once<T>(&self, lookups: Vec<Lookup<'_, T>>) -> Result<Vec<T>> {
        futures::stream::iter(lookups)
            .buffer_unordered(self.s3.profile().concurrency())
            .try_collect()
            .await
    }
}

/// A lookup under way. Boxed: the compiler cannot see otherwise that all of it is `Send`.
pub(super) type Lookup<'a, T> = BoxFuture<'a, Result<T>>;
