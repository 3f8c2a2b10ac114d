//! Declared state: `lakewright plan`, `apply`, `drift`, `state`, `adopt`, `forget`, `seal`, `destroy`.

pub(crate) mod adopt;
pub(crate) mod apply;
pub(crate) mod destroy;
pub(crate) mod drift;
mod execute;
pub(crate) mod forget;
mod ownership;
pub(crate) mod plan;
mod plan_args;
mod plan_output;
pub(crate) mod seal;
pub(crate) mod state;
