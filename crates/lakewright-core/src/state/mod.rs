//! What is there ([`Observed`]) and what of it is ours ([`Registry`]).

mod observed;
mod registry;

pub(crate) use observed::managed;
pub use observed::{
    BucketSetting, Capabilities, Contents, Needs, Observed, ObservedBucket, ObservedGroup,
    ObservedServiceAccount, ObservedTable, ObservedUser, Reading, SecretMatch,
};
pub(crate) use registry::owned_by_another;
pub use registry::{
    Alive, Holder, Intent, IntentKind, Lease, Owned, Recovered, Registry, RegistryVersion, Sight,
};
