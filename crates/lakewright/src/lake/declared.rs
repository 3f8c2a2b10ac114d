//! Declared state over a connection. The verbs are those of [`lakewright_declare::Provisioner`].

use std::future::Future;

use lakewright_core::state::Registry;
use lakewright_core::{Adoption, BucketName, Plan, ResourceId, Result, Spec, StackName};
use lakewright_declare::{Applied, PlanOptions, Watch};

use crate::Lake;

impl Lake {
    /// Plans what would have to be done to make the server what `spec` declares. Nothing is changed.
    ///
    /// # Errors
    /// Those of [`Provisioner::plan`](lakewright_declare::Provisioner::plan).
    pub async fn plan(&self, spec: &Spec, options: &PlanOptions) -> Result<Plan> {
        self.provisioner().plan(spec, options).await
    }

    /// Plans the removal of everything that a stack owns. The registry's bucket stays.
    ///
    /// # Errors
    /// Those of [`Provisioner::plan`](lakewright_declare::Provisioner::plan).
    pub async fn plan_destroy(&self, stack: &StackName, registry: &BucketName) -> Result<Plan> {
        self.provisioner().plan_destroy(stack, registry).await
    }

    /// Compares the server with `spec`: the plan without the steps that only keep the registry in
    /// order. It is for looking at; a plan to be applied is made by [`Lake::plan`].
    ///
    /// # Errors
    /// Those of [`Provisioner::plan`](lakewright_declare::Provisioner::plan).
    pub async fn drift(&self, spec: &Spec) -> Result<Plan> {
        self.provisioner().drift(spec).await
    }

    /// Reads the registry: which stack owns what, and who is applying.
    ///
    /// # Errors
    /// Those of [`Provisioner::state`](lakewright_declare::Provisioner::state).
    pub async fn state(&self, registry: &BucketName) -> Result<Registry> {
        self.provisioner().state(registry).await
    }

    /// Takes the steps of a plan and returns the outcome of each. `watch` is called between the
    /// steps and must not block.
    ///
    /// # Errors
    /// The error is in [`Applied::error`]; it is one of those of
    /// [`Provisioner::apply`](lakewright_declare::Provisioner::apply).
    pub async fn apply(&self, plan: &Plan, watch: Watch<'_>) -> Applied {
        self.provisioner().apply(plan, watch).await
    }

    /// As [`Lake::apply`], until `stop` completes: then no other step is begun, and what was done
    /// is recorded.
    ///
    /// # Errors
    /// As [`Lake::apply`]; `PartialApply` where it was stopped before everything was done.
    pub async fn apply_until(
        &self,
        plan: &Plan,
        watch: Watch<'_>,
        stop: impl Future<Output = ()> + Send,
    ) -> Applied {
        self.provisioner().apply_until(plan, watch, stop).await
    }

    /// Enters resources that exist as a stack's own, so that a spec may change them.
    ///
    /// # Errors
    /// Those of [`Provisioner::adopt`](lakewright_declare::Provisioner::adopt).
    pub async fn adopt(
        &self,
        registry: &BucketName,
        stack: &StackName,
        adoptions: &[Adoption],
    ) -> Result<Registry> {
        self.provisioner().adopt(registry, stack, adoptions).await
    }

    /// Removes resources from the registry. The resources themselves stay as they are.
    ///
    /// # Errors
    /// Those of [`Provisioner::forget`](lakewright_declare::Provisioner::forget).
    pub async fn forget(
        &self,
        registry: &BucketName,
        stack: &StackName,
        ids: &[ResourceId],
    ) -> Result<Registry> {
        self.provisioner().forget(registry, stack, ids).await
    }
}
