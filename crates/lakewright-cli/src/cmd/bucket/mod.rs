//! `lakewright bucket`

mod access;
mod change;
mod create;
mod delete;
mod description;
mod empty;
mod encryption;
mod head;
mod lifecycle;
mod list;
mod notifications;
mod object_lock;
mod policy;
mod setting;
mod setting_value;
mod tags;
mod versioning;

use clap::Subcommand;

use crate::context::Context;
use crate::failure::CommandResult;

/// The verbs of buckets, and the settings of a bucket with verbs of their own.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    Create(create::Create),
    List(list::List),
    Head(head::Head),
    Delete(delete::Delete),
    Empty(empty::Empty),
    /// Versions of overwritten and deleted objects: get, set
    #[command(subcommand)]
    Versioning(versioning::Verb),
    /// Retention of new objects: get, set
    #[command(subcommand)]
    ObjectLock(object_lock::Verb),
    /// Access without credentials: get, set
    #[command(subcommand)]
    Access(access::Verb),
    /// Tags of the bucket: get, set, delete
    #[command(subcommand)]
    Tags(tags::Verb),
    /// Encryption of new objects: get, set, delete
    #[command(subcommand)]
    Encryption(encryption::Verb),
    /// Expiration and transition of objects: get, set, delete
    #[command(subcommand)]
    Lifecycle(lifecycle::Verb),
    /// Bucket policy, as a policy document: get, set, delete
    #[command(subcommand)]
    Policy(policy::Verb),
    /// Event notifications: get, set
    #[command(subcommand)]
    Notifications(notifications::Verb),
    /// Any setting by the name of its field in a spec: get, set, delete
    #[command(subcommand)]
    Setting(setting::Verb),
}

impl Verb {
    pub(crate) async fn run(self, context: &mut Context) -> CommandResult {
        match self {
            Self::Create(create) => create.run(context).await,
            Self::List(list) => list.run(context).await,
            Self::Head(head) => head.run(context).await,
            Self::Delete(delete) => delete.run(context).await,
            Self::Empty(empty) => empty.run(context).await,
            Self::Versioning(verb) => verb.run(context).await,
            Self::ObjectLock(verb) => verb.run(context).await,
            Self::Access(verb) => verb.run(context).await,
            Self::Tags(verb) => verb.run(context).await,
            Self::Encryption(verb) => verb.run(context).await,
            Self::Lifecycle(verb) => verb.run(context).await,
            Self::Policy(verb) => verb.run(context).await,
            Self::Notifications(verb) => verb.run(context).await,
            Self::Setting(verb) => verb.run(context).await,
        }
    }
}
