//! `adopt` and `forget`

use lakewright_core::state::{Needs, Registry};
use lakewright_core::{
    Adoption, BucketName, Error, ErrorKind, ResourceId, Result, Spec, StackName,
};

use super::document::{Document, Read};
use super::plan::Secrets;
use crate::Provisioner;

/// How often somebody else may be faster.
const TRIES: u32 = 5;

impl Provisioner {
    /// Enters things that exist as a stack's own, so that a declaration of them may change them.
    /// They stay as they are. What is the stack's own already stays so.
    ///
    /// # Errors
    /// `NotFound` for what does not exist; `Conflict` for what another stack owns, and while
    /// somebody is applying; `Unsupported` on a server that ignores conditions; whatever keeps the
    /// server from answering.
    pub async fn adopt(
        &self,
        registry: &BucketName,
        stack: &StackName,
        what: &[Adoption],
    ) -> Result<Registry> {
        self.adopting(registry, stack, what).await.map_err(|error| error.during("adopt"))
    }

    /// Lets go of things, which stay as they are.
    ///
    /// # Errors
    /// `NotFound` for what nobody owns; `Conflict` for what another stack owns, and while
    /// somebody is applying; whatever keeps the server from answering.
    pub async fn forget(
        &self,
        registry: &BucketName,
        stack: &StackName,
        ids: &[ResourceId],
    ) -> Result<Registry> {
        let document = Document::new(self, registry)?;
        let change = |registry: &Registry, _| {
            ids.iter().try_fold(registry.clone(), |registry, id| registry.forget(id, stack))
        };
        edit(&document, change).await.map_err(|error| error.during("forget"))
    }

    async fn adopting(
        &self,
        registry: &BucketName,
        stack: &StackName,
        what: &[Adoption],
    ) -> Result<Registry> {
        let document = Document::new(self, registry)?;
        let read = document.read().await?;
        read.registry.free(document.now(), read.alive())?;
        let mut needs = Needs::default();
        for adoption in what {
            match (adoption.id(), adoption.access_key()) {
                (ResourceId::ServiceAccount(name), Some(key)) => {
                    needs.service_accounts.insert(key.clone(), name.clone());
                }
                (id, _) => needs.also(id, None),
            }
        }
        let spec = Spec::empty(stack.clone());
        let observed = self.observe(&spec, &needs, &Secrets::new()).await?;
        for adoption in what {
            let id = adoption.id();
            if id.kind().needs_admin() && !observed.capabilities.admin {
                let why = "the server has no admin API of MinIO, or these credentials may not \
                           use it";
                return Err(Error::new(ErrorKind::Unsupported, why).on(id.to_string()));
            }
            if !observed.has(id, adoption.access_key()) {
                let why = "it does not exist, and so cannot be taken over";
                return Err(Error::new(ErrorKind::NotFound, why).on(id.to_string()));
            }
        }
        edit(&document, |registry, now| {
            what.iter().try_fold(registry.clone(), |registry, one| registry.adopt(one, stack, now))
        })
        .await
    }
}

/// Changes the registry outside of any apply: again from the start where somebody was faster.
async fn edit(
    document: &Document,
    change: impl Fn(&Registry, jiff::Timestamp) -> Result<Registry>,
) -> Result<Registry> {
    for tries in 1.. {
        let read: Read = document.read().await?;
        let now = document.now();
        read.registry.free(now, read.alive())?;
        let next = change(&read.registry, now)?;
        if next == read.registry {
            return Ok(next);
        }
        match document.write(&read, next).await {
            Ok(written) => {
                document.prove_conditions(&read, &written).await?;
                return Ok(written.registry);
            }
            Err(error) if error.kind() == ErrorKind::PreconditionFailed && tries < TRIES => {}
            Err(error) => return Err(error),
        }
    }
    Err(Error::new(ErrorKind::Internal, "a loop without an end has ended"))
}
