//! `lakewright bucket tags`

use std::collections::BTreeMap;

use clap::Subcommand;
use lakewright::{BucketName, Error};

use super::change::BucketChange;
use super::setting_value::{BucketArg, SettingOutput};
use crate::context::Context;
use crate::failure::CommandResult;
use crate::output::pairs;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Print the tags, one per line; with --json one object
    #[command(after_help = "Examples:\n  lakewright bucket tags get raw --json | jq -r .team")]
    Get(BucketArg),
    /// Set the tags, replacing all existing tags
    #[command(after_help = "Examples:\n  lakewright bucket tags set raw team=data stage=prod")]
    Set {
        /// The bucket
        name: BucketName,
        /// Names and values; a value may be empty
        #[arg(value_name = "NAME=VALUE", required = true, value_parser = tag)]
        tags: Vec<(String, String)>,
    },
    /// Delete all tags
    #[command(after_help = "Examples:\n  lakewright bucket tags delete raw")]
    Delete(BucketArg),
}

fn tag(text: &str) -> Result<(String, String), Error> {
    let tag = text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    tag.ok_or_else(|| Error::invalid_input("write NAME=VALUE, such as team=data"))
}

impl Verb {
    pub(super) async fn run(self, context: &mut Context) -> CommandResult {
        let lake = context.lake().await?;
        match self {
            Self::Get(BucketArg { name }) => {
                let tags = lake.bucket(name).get_tags().await?;
                let lines = tags.iter().map(|(name, value)| (&**name, value.clone()));
                let text = if tags.is_empty() { "none".into() } else { pairs(lines) };
                context.out.show(&SettingOutput::with_text(&tags, text.trim_end())?)
            }
            Self::Set { name, tags } => {
                let given = tags.len();
                let tags: BTreeMap<_, _> = tags.into_iter().collect();
                if tags.len() < given {
                    return Err(Error::invalid_input("a tag is given twice").into());
                }
                lake.bucket(name.clone()).set_tags(&tags).await?;
                context.out.show(&BucketChange { name, change: "tags set" })
            }
            Self::Delete(BucketArg { name }) => {
                lake.bucket(name.clone()).delete_tags().await?;
                context.out.show(&BucketChange { name, change: "tags deleted" })
            }
        }
    }
}
