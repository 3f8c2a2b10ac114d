//! Declared state: makes the server match a spec. Core compares and decides
//! ([`lakewright_core::diff()`]); this crate sends the requests.
//!
//! `observe` reads the server, `secrets.rs` tries the declared secrets on it, `plan` compares both
//! with the spec and the registry, and `apply` carries out the steps under a lease. Each action of
//! a plan is one call of a verb (`step.rs`).

mod adopt;
mod apply;
mod conditions;
mod holder;
mod observe;
mod plan;
mod provisioner;
mod registry_store;
mod secrets;
mod step;

pub use apply::{Applied, Event, GRACE, Watch};
pub use plan::{PlanOptions, PlanOptionsBuilder};
pub use provisioner::Provisioner;

/// The message of a build without the feature `tables` for a table.
pub const NO_TABLES: &str = "this build of lakewright has no tables: take the package lakewright \
    instead of lakewright-minimal, or build it with the feature `tables`";

#[cfg(test)]
mod tests {
    use lakewright_core::plan::Plan;
    use lakewright_core::{BucketName, Spec, StackName};

    use super::*;

    /// Fails to compile where a future cannot be spawned.
    #[allow(dead_code)]
    fn futures_are_send(
        provisioner: &Provisioner,
        spec: &Spec,
        plan: &Plan,
        names: (&StackName, &BucketName),
        watch: Watch<'_>,
    ) {
        fn send(_: impl Send) {}
        send(provisioner.plan(spec, &PlanOptions::default()));
        send(provisioner.apply(plan, watch));
        send(provisioner.apply_until(plan, watch, std::future::pending()));
        send(provisioner.drift(spec));
        send(provisioner.state(names.1));
        send(provisioner.plan_destroy(names.0, names.1));
        send(provisioner.adopt(names.1, names.0, &[]));
        send(provisioner.forget(names.1, names.0, &[]));
    }
}
