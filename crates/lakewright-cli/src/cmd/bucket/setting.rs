//! `lakewright bucket setting`

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use lakewright::bucket_config::BucketSetting;
use lakewright::{BucketName, Error};
use serde_json::Value;

use super::change::BucketChange;
use super::setting_value::{SettingOutput, read_value};
use crate::context::Context;
use crate::failure::CommandResult;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Print a setting as JSON, as a spec declares it; none if nothing is configured
    #[command(after_help = "Examples:\n  lakewright bucket setting get raw quota")]
    Get(Which),
    /// Set a setting to a value in JSON, as a spec declares it
    #[command(after_help = "Examples:
  echo '\"10GiB\"' | lakewright bucket setting set raw quota -
  lakewright bucket setting get raw tags --json | lakewright bucket setting set copy tags -")]
    Set {
        #[command(flatten)]
        which: Which,
        /// JSON file with the value; - for stdin
        file: PathBuf,
    },
    /// Remove a setting, so that nothing is configured
    ///
    /// Fails with invalid_input for versioning and object lock, which a bucket keeps.
    #[command(after_help = "Examples:\n  lakewright bucket setting delete raw quota")]
    Delete(Which),
}

#[derive(Args, Debug)]
pub(crate) struct Which {
    /// The bucket
    name: BucketName,
    /// The setting, by the name of its field in a spec
    #[arg(value_name = "SETTING", value_parser = setting())]
    setting: BucketSetting,
}

fn setting() -> impl TypedValueParser<Value = BucketSetting> {
    let names = BucketSetting::SETTINGS.iter().map(|setting| setting.as_str());
    PossibleValuesParser::new(names).try_map(|name| name.parse::<BucketSetting>())
}

impl Verb {
    pub(super) async fn run(self, context: &mut Context) -> CommandResult {
        let lake = context.lake().await?;
        match self {
            Self::Get(Which { name, setting }) => {
                let value = lake.get_bucket_setting(&name, setting).await?;
                context.out.show(&SettingOutput::as_json(value)?)
            }
            Self::Set { which: Which { name, setting }, file } => {
                let value = read_value(&file, "set_setting")?;
                if value.is_null() {
                    let why = "null is no value of a setting; `bucket setting delete` removes it";
                    return Err(Error::invalid_input(why).on(name.as_str()).into());
                }
                lake.set_bucket_setting(&name, setting, &value).await?;
                context.out.show(&BucketChange { name, change: "setting set" })
            }
            Self::Delete(Which { name, setting }) => {
                lake.set_bucket_setting(&name, setting, &Value::Null).await?;
                context.out.show(&BucketChange { name, change: "setting deleted" })
            }
        }
    }
}
