//! `lakewright bucket versioning`

use clap::{Subcommand, ValueEnum};
use lakewright::{BucketName, bucket_config};

use super::change::BucketChange;
use super::setting_value::{BucketArg, SettingOutput};
use crate::context::Context;
use crate::failure::CommandResult;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Print the state of versioning: enabled, suspended, or none if it was never set
    #[command(after_help = "Examples:\n  lakewright bucket versioning get raw")]
    Get(BucketArg),
    /// Enable or suspend versioning
    ///
    /// Fails with conflict when versioning is to be suspended in a bucket with object lock.
    #[command(after_help = "Examples:\n  lakewright bucket versioning set raw enabled")]
    Set {
        /// The bucket
        name: BucketName,
        /// enabled: keep old versions; suspended: keep only the old versions that exist
        state: State,
    },
}

/// [`bucket_config::Versioning`] as a value on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum State {
    Enabled,
    Suspended,
}

impl Verb {
    pub(super) async fn run(self, context: &mut Context) -> CommandResult {
        let lake = context.lake().await?;
        match self {
            Self::Get(BucketArg { name }) => {
                let state = lake.bucket(name).get_versioning().await?.map(|state| match state {
                    bucket_config::Versioning::Enabled => "enabled",
                    bucket_config::Versioning::Suspended => "suspended",
                });
                context.out.show(&SettingOutput::with_text(state, state.unwrap_or("none"))?)
            }
            Self::Set { name, state } => {
                let (state, change) = match state {
                    State::Enabled => (bucket_config::Versioning::Enabled, "versioning enabled"),
                    State::Suspended => {
                        (bucket_config::Versioning::Suspended, "versioning suspended")
                    }
                };
                lake.bucket(name.clone()).set_versioning(state).await?;
                context.out.show(&BucketChange { name, change })
            }
        }
    }
}
