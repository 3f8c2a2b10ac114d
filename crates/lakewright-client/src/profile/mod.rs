//! One endpoint, one region, one set of credentials: what every request is made with.

mod credentials;
mod env;
mod file;
mod resolve;
mod settings;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use lakewright_core::{Error, ErrorKind, Result, Secret, SecretRef};
use lakewright_macros::Builder;

pub use credentials::{CredentialSource, read_secret};
pub use env::{ENVIRONMENT, EnvironmentVariable};
pub use resolve::{Origin, Resolved, profile_names};
pub use settings::{SettingValue, Settings};

/// How a bucket's name reaches the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Addressing {
    /// `https://endpoint/bucket/key`, which every server understands.
    #[default]
    Path,
    /// `https://bucket.endpoint/key`, which needs a wildcard name in DNS.
    VirtualHost,
}

/// One part of a key pair: the text itself, or where to read it each time it changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Given as it is.
    Literal(Secret),
    /// To be read from a file, an environment variable or a systemd credential.
    Reference(SecretRef),
}

/// Who the requests are signed for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// Requests are not signed.
    Anonymous,
    /// A key pair. What stands in files is read again when they change or the server refuses it.
    Keys {
        /// The access key id.
        access_key_id: Value,
        /// Its secret.
        secret_access_key: Value,
        /// The token of temporary credentials.
        session_token: Option<Value>,
    },
    /// A profile of the shared AWS files, assumed roles and `credential_process` included.
    AwsProfile {
        /// Its name.
        name: String,
    },
    /// The metadata service of the cloud machine. Asked only when told to: elsewhere it costs
    /// seconds to learn that nobody answers.
    InstanceMetadata,
}

/// What every request is made with. Built by hand with [`Profile::builder`], or found by
/// [`Settings::resolve`] where people keep such things.
///
/// `Debug` shows no secret.
#[derive(Clone, Debug, PartialEq, Eq, Builder)]
pub struct Profile {
    /// `http://host:port` or `https://host:port`; `None` is Amazon S3 in [`Self::region`].
    endpoint: Option<String>,
    /// The region that requests are signed for.
    #[builder(default = String::from(Profile::DEFAULT_REGION))]
    region: String,
    /// How a bucket's name reaches the server.
    #[builder(default)]
    addressing: Addressing,
    /// Who requests are signed for.
    credentials: Credentials,
    /// A PEM file of certificates trusted besides those of the system.
    ca_file: Option<PathBuf>,
    /// How long a connection may take to come up.
    #[builder(default = Profile::DEFAULT_CONNECT_TIMEOUT)]
    connect_timeout: Duration,
    /// How long the server may be silent while an answer is awaited or being read. Uploads of
    /// more than 1 MiB have what a line of 2 Mbit/s needs besides.
    #[builder(default = Profile::DEFAULT_READ_TIMEOUT)]
    read_timeout: Duration,
    /// How long one request with all its retries may take, reading the body aside.
    #[builder(default = Profile::DEFAULT_TIMEOUT)]
    timeout: Duration,
    /// How often a failed request is sent again, with jittered exponential pauses.
    #[builder(default = Profile::DEFAULT_RETRIES)]
    retries: u32,
    /// How many requests one transfer or batch keeps under way.
    #[builder(default = Profile::DEFAULT_CONCURRENCY)]
    concurrency: usize,
    /// Whether uploads carry a CRC32C for the server to verify.
    #[builder(default = true)]
    checksums: bool,
}

impl Profile {
    /// MinIO's own default, and Amazon's oldest region.
    pub const DEFAULT_REGION: &'static str = "us-east-1";
    /// Three lost SYN packets (1 s, 2 s backoff) fit; a dead host is told apart quickly.
    pub const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
    /// A busy disk array may think for long about a large listing or CompleteMultipartUpload.
    pub const DEFAULT_READ_TIMEOUT: Duration = Duration::from_secs(60);
    /// Long enough for retries after one silent read.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(180);
    /// Four attempts span about two seconds of outage: a restart of a local server.
    pub const DEFAULT_RETRIES: u32 = 3;
    /// Keeps two cores and one local server busy; more only costs memory.
    pub const DEFAULT_CONCURRENCY: usize = 8;

    /// The endpoint, `None` for Amazon S3.
    #[must_use]
    pub fn endpoint(&self) -> Option<&str> {
        self.endpoint.as_deref()
    }

    /// The region.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// How a bucket's name reaches the server.
    #[must_use]
    pub fn addressing(&self) -> Addressing {
        self.addressing
    }

    /// Who requests are signed for.
    #[must_use]
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Certificates trusted besides those of the system.
    #[must_use]
    pub fn ca_file(&self) -> Option<&std::path::Path> {
        self.ca_file.as_deref()
    }

    /// How long a connection may take to come up.
    #[must_use]
    pub fn connect_timeout(&self) -> Duration {
        self.connect_timeout
    }

    /// How long the server may be silent.
    #[must_use]
    pub fn read_timeout(&self) -> Duration {
        self.read_timeout
    }

    /// How long one request with all its retries may take.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// How often a failed request is sent again.
    #[must_use]
    pub fn retries(&self) -> u32 {
        self.retries
    }

    /// How many requests one transfer keeps under way.
    #[must_use]
    pub fn concurrency(&self) -> usize {
        self.concurrency
    }

    /// Whether uploads carry a CRC32C.
    #[must_use]
    pub fn checksums(&self) -> bool {
        self.checksums
    }

    /// Whether every secret is a reference, so that the profile may travel to another process.
    #[must_use]
    pub fn holds_literal_secrets(&self) -> bool {
        match &self.credentials {
            Credentials::Keys { access_key_id, secret_access_key, session_token } => {
                [Some(access_key_id), Some(secret_access_key), session_token.as_ref()]
                    .into_iter()
                    .flatten()
                    .any(|value| matches!(value, Value::Literal(_)))
            }
            Credentials::Anonymous
            | Credentials::AwsProfile { .. }
            | Credentials::InstanceMetadata => false,
        }
    }

    /// Checks what only the whole profile can tell.
    ///
    /// # Errors
    /// `InvalidConfig` for an endpoint that is no plain `http(s)://host[:port]`, an empty
    /// region, or a time or number of zero.
    pub fn check(&self) -> Result<()> {
        let wrong = |why: String| Err(Error::new(ErrorKind::InvalidConfig, why));
        if let Some(endpoint) = &self.endpoint {
            check_endpoint(endpoint)?;
        }
        if self.region.trim().is_empty() {
            return wrong("the region is empty".into());
        }
        for (name, value) in [
            ("connect_timeout", self.connect_timeout),
            ("read_timeout", self.read_timeout),
            ("timeout", self.timeout),
        ] {
            if value.is_zero() {
                return wrong(format!("{name} must be longer than nothing"));
            }
        }
        if self.concurrency == 0 {
            return wrong("concurrency must be at least 1".into());
        }
        Ok(())
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.endpoint {
            Some(endpoint) => f.write_str(endpoint),
            None => write!(f, "Amazon S3 in {}", self.region),
        }
    }
}

fn check_endpoint(endpoint: &str) -> Result<()> {
    // What is wrong may be a password in the wrong place, so the text itself is not repeated.
    let wrong = |why: &str| Err(Error::new(ErrorKind::InvalidConfig, format!("endpoint: {why}")));
    let Ok(uri) = endpoint.parse::<http::Uri>() else {
        return wrong("it is no URL; write http://host:port or https://host:port");
    };
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return wrong("write http://host:port or https://host:port");
    }
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    if authority.contains('@') {
        return wrong("credentials do not belong there; give access_key_id and secret_access_key");
    }
    if uri.host().is_none_or(str::is_empty) {
        return wrong("it names no host");
    }
    if uri.path() != "/" || uri.query().is_some() {
        return wrong("it must end after the host and port; the bucket is named in each call");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(endpoint: &str) -> Profile {
        Profile::builder()
            .endpoint(endpoint.into())
            .credentials(Credentials::Anonymous)
            .build()
            .unwrap()
    }

    #[test]
    fn endpoints_are_plain() {
        for good in ["http://127.0.0.1:9000", "https://s3.example.org", "http://[::1]:9000/"] {
            profile(good).check().expect(good);
        }
        for bad in [
            "127.0.0.1:9000",
            "ftp://x",
            "http://",
            "http://x/bucket",
            "http://x?y=1",
            "",
            "http://user:hunter2@x",
            "http://x y",
        ] {
            let error = profile(bad).check().expect_err(bad);
            assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{bad}");
            assert!(!error.to_string().contains("hunter2"));
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let profile = Profile::builder()
            .credentials(Credentials::Keys {
                access_key_id: Value::Literal(Secret::new("AKIAEXAMPLE")),
                secret_access_key: Value::Literal(Secret::new("hunter2")),
                session_token: None,
            })
            .build()
            .unwrap();
        assert!(!format!("{profile:?}").contains("hunter2"));
        assert!(profile.holds_literal_secrets());
    }
}
