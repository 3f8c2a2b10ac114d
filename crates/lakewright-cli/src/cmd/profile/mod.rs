//! `lakewright profile`

mod check;
mod list;
mod show;

use clap::Subcommand;
use lakewright::profile::ENVIRONMENT;

use crate::context::Context;
use crate::failure::Outcome;

/// What can be asked about profiles.
#[derive(Debug, Subcommand)]
#[command(after_long_help = sources())]
pub(crate) enum Verb {
    List(list::List),
    Show(show::Show),
    Check(check::Check),
}

impl Verb {
    pub(crate) async fn run(self, context: &mut Context) -> Outcome {
        match self {
            Self::List(list) => list.run(context),
            Self::Show(show) => show.run(context).await,
            Self::Check(check) => check.run(context).await,
        }
    }
}

/// Where configuration is read from, for the help texts.
fn sources() -> String {
    let mut text = String::from(
        "\
Where values come from, the first that says something wins:
  1. options of the command line
  2. the profile that --profile names
  3. LAKEWRIGHT_* variables, and the profile that LAKEWRIGHT_PROFILE names
  4. AWS_* variables, then the shared AWS files
  5. the profile `default`
Access key id, secret and token always come from one of these together.

A profile is a table of ~/.config/lakewright/profiles.toml or /etc/lakewright/profiles.toml:
  [prod]
  endpoint = \"https://s3.example.org\"
  access_key_id = \"etl\"
  secret_access_key = { file = \"/run/secrets/etl\" }    or { env = … }, { credential = … }, \"…\"

A systemd unit needs no profile: %d is the directory of its credentials.
  LoadCredential=etl:/run/secrets/etl
  Environment=LAKEWRIGHT_ENDPOINT=https://s3.example.org LAKEWRIGHT_ACCESS_KEY_ID=etl
  Environment=LAKEWRIGHT_SECRET_ACCESS_KEY_FILE=%d/etl

Variables:
",
    );
    for variable in ENVIRONMENT {
        text.push_str(&format!("  {:<33} {}\n", variable.name, variable.meaning));
    }
    text
}
