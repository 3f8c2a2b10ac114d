//! Declared state over a connection. The operations are those of
//! [`lakewright_declare::Provisioner`].

use std::future::Future;

use lakewright_core::state::Registry;
use lakewright_core::{Adoption, BucketName, Plan, ResourceId, Result, Spec, StackName};
use lakewright_declare::{Applied, PlanOptions, Watch};

use crate::Lake;

impl Lake {
    /// Returns the steps that make the server match `spec`. Nothing is changed.
    ///
    /// # Errors
    /// Those of [`Provisioner::plan`](lakewright_declare::Provisioner::plan).
    pub async fn plan(&self, spec: &Spec, options: &PlanOptions) -> Result<Plan> {
        self.provisioner().plan(spec, options).await
    }

    /// Returns the steps that delete everything that a stack owns. The registry's bucket stays.
    ///
    /// # Errors
    /// Those of [`Provisioner::plan`](lakewright_declare::Provisioner::plan).
    pub async fn plan_destroy(&self, stack: &StackName, registry: &BucketName) -> Result<Plan> {
        self.provisioner().plan_destroy(stack, registry).await
    }

    /// Returns the differences from `spec`: the plan without the steps that change only the
    /// registry. It is for display; a plan to be applied comes from [`Lake::plan`].
    ///
    /// # Errors
    /// Those of [`Provisioner::plan`](lakewright_declare::Provisioner::plan).
    pub async fn drift(&self, spec: &Spec) -> Result<Plan> {
        self.provisioner().drift(spec).await
    }

    /// Reads the registry: the resources of each stack, and the process that is applying.
    ///
    /// # Errors
    /// Those of [`Provisioner::state`](lakewright_declare::Provisioner::state).
    pub async fn state(&self, registry: &BucketName) -> Result<Registry> {
        self.provisioner().state(registry).await
    }

    /// Applies a plan and returns the outcome of each step. `watch` is called between the steps and
    /// must not block.
    ///
    /// # Errors
    /// The error is in [`Applied::error`]; it is one of those of
    /// [`Provisioner::apply`](lakewright_declare::Provisioner::apply).
    pub async fn apply(&self, plan: &Plan, watch: Watch<'_>) -> Applied {
        self.provisioner().apply(plan, watch).await
    }

    /// Applies a plan as [`Lake::apply`] does, until `stop` completes: then no other step is
    /// started, and the steps that were done are recorded.
    ///
    /// # Errors
    /// As [`Lake::apply`]; `PartialApply` when it was stopped before every step was done.
    pub async fn apply_until(
        &self,
        plan: &Plan,
        watch: Watch<'_>,
        stop: impl Future<Output = ()> + Send,
    ) -> Applied {
        self.provisioner().apply_until(plan, watch, stop).await
    }

    /// Enters existing resources into the registry as owned by a stack, so that its spec may change
    /// them.
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

    /// Seals all entries of a stack with the registry key of the profile: the caller vouches for
    /// them.
    ///
    /// # Errors
    /// Those of [`Provisioner::seal`](lakewright_declare::Provisioner::seal).
    pub async fn seal(&self, registry: &BucketName, stack: &StackName) -> Result<Registry> {
        self.provisioner().seal(registry, stack).await
    }
}
