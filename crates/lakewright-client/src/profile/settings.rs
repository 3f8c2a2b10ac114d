//! The settings of one layer: of a call, a profile file or the environment.

use std::path::PathBuf;
use std::time::Duration;

use lakewright_core::{Error, ErrorKind, Result, Secret, SecretRef};
use lakewright_macros::Builder;
use serde::{Deserialize, Deserializer};

use super::Value;

/// The settings of one layer. The arguments of a call, a profile in `profiles.toml` and the
/// environment are all read into this type; every field may be missing.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Builder)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Settings {
    /// The name of a profile in `profiles.toml`; only in calls, not in the file itself.
    #[serde(skip)]
    #[builder(into)]
    pub profile: Option<String>,
    /// `http(s)://host:port`, or `embedded:DIR`.
    #[builder(into)]
    pub endpoint: Option<String>,
    /// The region that requests are signed for.
    #[builder(into)]
    pub region: Option<String>,
    /// The access key id: text, `{ file = … }`, `{ env = … }` or `{ credential = … }`.
    #[builder(into)]
    pub access_key_id: Option<SettingValue>,
    /// The secret access key, in the same forms.
    #[builder(into)]
    pub secret_access_key: Option<SettingValue>,
    /// The token of temporary credentials, in the same forms.
    #[builder(into)]
    pub session_token: Option<SettingValue>,
    /// The key that the registry's entries are sealed with, in the same forms.
    #[builder(into)]
    pub registry_key: Option<SettingValue>,
    /// Whether requests are sent without a signature.
    pub anonymous: Option<bool>,
    /// The name of a profile in the shared AWS files.
    #[builder(into)]
    pub aws_profile: Option<String>,
    /// Whether the credentials come from the metadata service of the cloud machine.
    pub instance_metadata: Option<bool>,
    /// Whether the host name in URLs contains the bucket.
    pub virtual_host_style: Option<bool>,
    /// A PEM file of certificates that are trusted besides those of the system.
    #[builder(into)]
    pub ca_file: Option<PathBuf>,
    /// The time within which a connection must be established, in seconds.
    #[serde(deserialize_with = "seconds")]
    pub connect_timeout: Option<Duration>,
    /// The time after which a server that sends nothing is given up, in seconds.
    #[serde(deserialize_with = "seconds")]
    pub read_timeout: Option<Duration>,
    /// The time within which a request must succeed, with all retries, in seconds.
    #[serde(deserialize_with = "seconds")]
    pub timeout: Option<Duration>,
    /// The maximum number of retries of a request.
    pub retries: Option<u32>,
    /// The number of concurrent requests of one transfer.
    pub concurrency: Option<usize>,
    /// Whether uploads have a CRC32C.
    pub checksums: Option<bool>,
    /// Whether the SHA-256 of a body is part of the signature of its request; only on plain HTTP to
    /// another machine where it is not given.
    pub payload_signing: Option<bool>,
}

/// One part of a key pair in the settings.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum SettingValue {
    /// The text.
    Literal(Secret),
    /// A file, an environment variable or a systemd credential.
    Reference(SecretRef),
}

impl From<SettingValue> for Value {
    fn from(value: SettingValue) -> Self {
        match value {
            SettingValue::Literal(secret) => Self::Literal(secret),
            SettingValue::Reference(reference) => Self::Reference(reference),
        }
    }
}

impl From<&str> for SettingValue {
    fn from(text: &str) -> Self {
        Self::Literal(Secret::new(text))
    }
}

impl From<Secret> for SettingValue {
    fn from(secret: Secret) -> Self {
        Self::Literal(secret)
    }
}

/// Converts a time in seconds, which must be finite, not negative and at most a year.
pub(super) fn duration(seconds: f64) -> Result<Duration> {
    const YEAR: f64 = 366.0 * 86_400.0;
    if seconds.is_finite() && (0.0..=YEAR).contains(&seconds) {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err(Error::new(ErrorKind::InvalidConfig, format!("{seconds} is no time in seconds")))
    }
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let seconds = Option::<f64>::deserialize(deserializer)?;
    seconds.map(duration).transpose().map_err(serde::de::Error::custom)
}
