//! The one shape in which every layer (call, file, environment) says what it knows.

use std::path::PathBuf;
use std::time::Duration;

use lakewright_core::{Error, ErrorKind, Result, Secret, SecretRef};
use serde::{Deserialize, Deserializer};

use super::Value;

/// What one layer knows. The arguments of a call, a profile in `profiles.toml` and the
/// environment are all read into it; every field may be absent.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Which profile of `profiles.toml` to take; only in calls, not in the file itself.
    #[serde(skip)]
    pub profile: Option<String>,
    /// `http(s)://host:port`, or `embedded:DIR`.
    pub endpoint: Option<String>,
    /// The region that requests are signed for.
    pub region: Option<String>,
    /// The access key id: text, `{ file = … }`, `{ env = … }` or `{ credential = … }`.
    pub access_key_id: Option<SettingValue>,
    /// Its secret, written in the same ways.
    pub secret_access_key: Option<SettingValue>,
    /// The token of temporary credentials, written in the same ways.
    pub session_token: Option<SettingValue>,
    /// Requests are not signed.
    pub anonymous: Option<bool>,
    /// A profile of the shared AWS files.
    pub aws_profile: Option<String>,
    /// Ask the cloud machine's metadata service.
    pub instance_metadata: Option<bool>,
    /// The bucket stands in the host name.
    pub virtual_host_style: Option<bool>,
    /// A PEM file of certificates to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// Seconds a connection may take to come up.
    #[serde(deserialize_with = "seconds")]
    pub connect_timeout: Option<Duration>,
    /// Seconds the server may be silent.
    #[serde(deserialize_with = "seconds")]
    pub read_timeout: Option<Duration>,
    /// Seconds one request with its retries may take.
    #[serde(deserialize_with = "seconds")]
    pub timeout: Option<Duration>,
    /// How often a failed request is sent again.
    pub retries: Option<u32>,
    /// How many requests one transfer keeps under way.
    pub concurrency: Option<usize>,
    /// Uploads carry a CRC32C.
    pub checksums: Option<bool>,
}

/// How one part of a key pair is written down.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum SettingValue {
    /// The text itself.
    Literal(Secret),
    /// Where it is to be read.
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

/// A time in seconds, as people write it: finite, not negative, at most a year.
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
