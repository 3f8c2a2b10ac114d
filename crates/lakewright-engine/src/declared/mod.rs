//! Declared state: what a document says, made true. Core decides ([`lakewright_core::diff()`]),
//! this looks and acts.
//!
//! `observe` reads the live system, `plan` compares it with the document and the registry,
//! `apply` takes the steps under a lease. One action of a plan, one call of a verb (`step.rs`).

mod adopt;
mod apply;
mod clock;
mod document;
mod holder;
mod observe;
mod plan;
mod step;
mod words;

pub use apply::{Applied, Event, Watch};
pub(crate) use clock::Clock;
pub use plan::PlanOptions;
