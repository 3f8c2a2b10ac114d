//! Declared state: what a document says, made true. Core decides ([`lakewright_core::diff()`]),
//! this looks and acts.
//!
//! `observe` reads the live system, `plan` compares it with the document and the registry,
//! `apply` takes the steps under a lease. One action of a plan, one call of a verb (`step.rs`).

mod adopt;
mod apply;
mod document;
mod holder;
mod observe;
mod plan;
mod provisioner;
mod step;

pub use apply::{Applied, Event, GRACE, Watch};
pub use plan::PlanOptions;
pub use provisioner::Provisioner;

/// What a build without the feature `tables` says where a table is asked for.
pub const NO_TABLES: &str = "this build of lakewright has no tables: take the package lakewright \
    instead of lakewright-minimal, or build it with the feature `tables`";

#[cfg(test)]
mod tests {
    use lakewright_core::plan::Plan;
    use lakewright_core::{BucketName, Spec, StackName};

    use super::*;
    use crate::Provisioner;

    /// That they can be spawned: only the compiler has to see it.
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
