//! Where configuration is read from.

use lakewright::profile::ENVIRONMENT;

/// Returns the help text on the sources of configuration.
pub(super) fn sources() -> String {
    let mut text = String::from(
        "\
Values are read from these sources; the first that sets a value takes precedence:
  1. options of the command line
  2. the profile that --profile names
  3. LAKEWRIGHT_* variables, and the profile that LAKEWRIGHT_PROFILE names
  4. AWS_* variables, then the shared AWS files
  5. the profile `default`
Access key, secret key and session token are always read from the same source.

A profile is a table of ~/.config/lakewright/profiles.toml or /etc/lakewright/profiles.toml:
  [prod]
  endpoint = \"https://s3.example.org\"
  access_key_id = \"etl\"
  secret_access_key = { file = \"/run/secrets/etl\" }    or { env = … }, { credential = … }, \"…\"

A systemd unit needs no profile; %d is its credentials directory.
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
