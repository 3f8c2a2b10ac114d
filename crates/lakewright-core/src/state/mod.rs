//! The resources that exist on the server ([`Observed`]) and the stacks that own them
//! ([`Registry`]).

mod declaration;
mod lease;
mod observed;
mod registry;
mod seal;
mod secrets;

pub use declaration::{Declaration, Intent, IntentKind, Owned, Recovered};
pub(crate) use declaration::{DeclaredSpec, intents};
pub use lease::{Alive, Holder, Lease, ProcessLookup};
pub use observed::{
    BucketSetting, Capabilities, Contents, Needs, Observed, ObservedBucket, ObservedGroup,
    ObservedServiceAccount, ObservedTable, ObservedUser, Reading,
};
pub(crate) use registry::owned_by_another;
pub use registry::{Registry, RegistryVersion};
pub use seal::{Seal, SealKey};
pub use secrets::{SecretChecks, SecretMatch};
