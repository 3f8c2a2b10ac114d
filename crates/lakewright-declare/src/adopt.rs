//! `adopt`, `forget` and `seal`: changes of the registry outside of an apply.

use lakewright_core::state::{Needs, Registry};
use lakewright_core::{Adoption, BucketName, Error, ErrorKind, ResourceId, Result, StackName};

use super::observe::observe;
use super::registry_store::{RegistryStore, Snapshot};
use crate::Provisioner;

/// The number of attempts to change the registry while other processes change it too.
const ATTEMPTS: u32 = 5;

impl Provisioner {
    /// Enters existing resources into the registry as owned by a stack, so that its spec may change
    /// them. The resources themselves stay as they are. A resource that the stack owns already is
    /// skipped.
    ///
    /// # Errors
    /// `NotFound` for a resource that does not exist; `Conflict` for one that another stack owns,
    /// and while another process is applying; `Unsupported` on a server that ignores conditions;
    /// any connection or server error.
    pub async fn adopt(
        &self,
        registry: &BucketName,
        stack: &StackName,
        adoptions: &[Adoption],
    ) -> Result<Registry> {
        adopt(self, registry, stack, adoptions).await.map_err(|error| error.during("adopt"))
    }

    /// Removes resources from the registry. The resources themselves stay as they are.
    ///
    /// # Errors
    /// `NotFound` for a resource that no stack owns; `Conflict` for one that another stack owns,
    /// and while another process is applying; any connection or server error.
    pub async fn forget(
        &self,
        registry: &BucketName,
        stack: &StackName,
        ids: &[ResourceId],
    ) -> Result<Registry> {
        let store = RegistryStore::new(self, registry)?;
        let change = |registry: &Registry, _| {
            let next = ids.iter().try_fold(registry.clone(), |left, id| left.forget(id, stack))?;
            Ok(next.sealed(registry, store.seal_key()))
        };
        edit(&store, change).await.map_err(|error| error.during("forget"))
    }

    /// Seals all entries of a stack with the registry key of the profile: the caller vouches for
    /// entries that were written before there was a key, or with another one. The resources stay
    /// as they are.
    ///
    /// # Errors
    /// `InvalidConfig` for a profile without a registry key; `Conflict` while another process is
    /// applying; any connection or server error.
    pub async fn seal(&self, registry: &BucketName, stack: &StackName) -> Result<Registry> {
        let sealed = async {
            let store = RegistryStore::new(self, registry)?;
            let Some(key) = store.seal_key() else {
                let why = "this profile has no registry_key to seal the entries with";
                return Err(Error::new(ErrorKind::InvalidConfig, why));
            };
            edit(&store, |registry, _| Ok(registry.vouched_for(stack, key))).await
        };
        sealed.await.map_err(|error| error.during("seal"))
    }
}

async fn adopt(
    provisioner: &Provisioner,
    registry: &BucketName,
    stack: &StackName,
    adoptions: &[Adoption],
) -> Result<Registry> {
    let store = RegistryStore::new(provisioner, registry)?;
    let current = store.read().await?;
    current.registry.ensure_free(store.now(), current.alive())?;
    let mut needs = Needs::default();
    for adoption in adoptions {
        match (adoption.id(), adoption.access_key()) {
            (ResourceId::ServiceAccount(name), Some(key)) => {
                needs.service_accounts.insert(key.clone(), name.clone());
            }
            (id, _) => needs.add(id, None),
        }
    }
    let observed = observe(provisioner, &needs).await?;
    for adoption in adoptions {
        let id = adoption.id();
        if id.kind().needs_admin() && !observed.capabilities.admin {
            let why = "the server has no admin API of MinIO, or these credentials may not use it";
            return Err(Error::new(ErrorKind::Unsupported, why).on(id.to_string()));
        }
        if !observed.has(id, adoption.access_key()) {
            let why = "it does not exist, and so cannot be adopted";
            return Err(Error::new(ErrorKind::NotFound, why).on(id.to_string()));
        }
    }
    edit(&store, |registry, now| {
        let mut adoptions = adoptions.iter();
        let next = adoptions.try_fold(registry.clone(), |next, one| next.adopt(one, stack, now))?;
        Ok(next.sealed(registry, store.seal_key()))
    })
    .await
}

/// Changes the registry outside of an apply; `change` returns it sealed. When another process has written it since it was read,
/// the change is made again from the newly written registry.
async fn edit(
    store: &RegistryStore,
    change: impl Fn(&Registry, jiff::Timestamp) -> Result<Registry>,
) -> Result<Registry> {
    let mut attempt = 1;
    loop {
        let current: Snapshot = store.read().await?;
        let now = store.now();
        current.registry.ensure_free(now, current.alive())?;
        let next = change(&current.registry, now)?;
        if next == current.registry {
            return Ok(next);
        }
        match store.write_sealed(&current, next).await {
            Ok(written) => {
                store.prove_conditions(&current, &written).await?;
                return Ok(written.registry);
            }
            Err(error) if error.kind() == ErrorKind::PreconditionFailed && attempt < ATTEMPTS => {
                attempt += 1;
            }
            Err(error) => return Err(error),
        }
    }
}
