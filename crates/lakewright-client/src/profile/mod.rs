//! The settings that every request is made with: endpoint, region, credentials and limits.

mod aws_files;
mod credentials;
mod env;
mod file;
mod resolve;
mod settings;

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use lakewright_core::{Error, ErrorKind, Result, Secret, SecretRef};
use lakewright_macros::Builder;

pub(crate) use file::parse_profiles;

pub use credentials::{CredentialSource, read_secret};
pub use env::{ENVIRONMENT, EnvironmentVariable};
pub use resolve::{ExposedSecrets, Origin, Resolved, profile_names};
pub use settings::{SettingValue, Settings, SettingsBuilder};

/// The scheme of the endpoint of an embedded server, `embedded:DIR`.
pub const EMBEDDED: &str = "embedded:";

/// The position of the bucket's name in URLs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UrlStyle {
    /// `https://endpoint/bucket/key`, which every server supports.
    #[default]
    Path,
    /// `https://bucket.endpoint/key`, which requires a wildcard name in DNS.
    VirtualHost,
}

/// One part of a key pair: the text, or a reference to the place where it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// The text.
    Literal(Secret),
    /// A file, an environment variable or a systemd credential.
    Reference(SecretRef),
}

/// The credentials that requests are signed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// Requests are not signed.
    Anonymous,
    /// A key pair. Files are read again when they change or the server refuses their content.
    Keys {
        /// The access key id.
        access_key_id: Value,
        /// The secret access key.
        secret_access_key: Value,
        /// The token of temporary credentials.
        session_token: Option<Value>,
    },
    /// A profile of the shared AWS files, including assumed roles and `credential_process`.
    AwsProfile {
        /// The name of the profile.
        name: String,
    },
    /// The metadata service of the cloud machine. It is used only if it is configured, because
    /// requests to it take seconds to fail on other machines.
    InstanceMetadata,
}

/// The settings that every request is made with. [`Profile::builder`] builds a profile, and
/// [`Settings::resolve`] finds one in profile files and environment variables.
///
/// `Debug` shows no secret.
#[derive(Clone, Debug, PartialEq, Eq, Builder)]
pub struct Profile {
    /// `http://host:port` or `https://host:port`, or `embedded:DIR` for the server of a directory;
    /// `None` for Amazon S3 in [`Self::region`].
    #[builder(into)]
    endpoint: Option<String>,
    /// The region that requests are signed for.
    #[builder(default = String::from(Profile::DEFAULT_REGION), into)]
    region: String,
    /// The position of the bucket's name in URLs.
    #[builder(default)]
    url_style: UrlStyle,
    /// The credentials that requests are signed with.
    credentials: Credentials,
    /// The key that the registry's entries are sealed with; `None` for entries without seals.
    registry_key: Option<Value>,
    /// A PEM file of certificates that are trusted besides those of the system.
    #[builder(into)]
    ca_file: Option<PathBuf>,
    /// The time within which a connection must be established.
    #[builder(default = Profile::DEFAULT_CONNECT_TIMEOUT)]
    connect_timeout: Duration,
    /// The time after which a server that sends nothing is given up, before and during a response.
    /// Uploads of more than 1 MiB are given the time that a line of 2 Mbit/s takes in addition.
    #[builder(default = Profile::DEFAULT_READ_TIMEOUT)]
    read_timeout: Duration,
    /// The time within which a request must succeed, with all retries and without reading the body.
    #[builder(default = Profile::DEFAULT_TIMEOUT)]
    timeout: Duration,
    /// The maximum number of retries of a request, with jittered exponential backoff.
    #[builder(default = Profile::DEFAULT_RETRIES)]
    retries: u32,
    /// The number of concurrent requests of one transfer or batch.
    #[builder(default = Profile::DEFAULT_CONCURRENCY)]
    concurrency: usize,
    /// Whether uploads have a CRC32C, which the server verifies.
    #[builder(default = true)]
    checksums: bool,
    /// Whether the SHA-256 of a body is part of the signature of its request; `None` for only where
    /// it is needed, see [`Profile::signs_payloads`].
    payload_signing: Option<bool>,
}

impl Profile {
    /// The default region of MinIO, and the oldest one of Amazon.
    pub const DEFAULT_REGION: &'static str = "us-east-1";
    /// Long enough for three SYN packets (backoff of 1 s and 2 s), short for an unreachable host.
    pub const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
    /// Long enough for a large listing or `CompleteMultipartUpload` on busy disks.
    pub const DEFAULT_READ_TIMEOUT: Duration = Duration::from_secs(60);
    /// Long enough for retries after one read timeout.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(180);
    /// Four attempts, which outlast a short outage such as the restart of a local server.
    pub const DEFAULT_RETRIES: u32 = 3;
    /// Enough to keep two cores and one local server busy; more would only need more memory.
    pub const DEFAULT_CONCURRENCY: usize = 8;

    /// Returns the endpoint; `None` for Amazon S3.
    #[must_use]
    pub fn endpoint(&self) -> Option<&str> {
        self.endpoint.as_deref()
    }

    /// Returns the directory of an embedded server, whose endpoint is `embedded:DIR`.
    #[must_use]
    pub fn embedded_directory(&self) -> Option<&str> {
        self.endpoint()?.strip_prefix(EMBEDDED)
    }

    /// Returns the region.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Returns the position of the bucket's name in URLs.
    #[must_use]
    pub fn url_style(&self) -> UrlStyle {
        self.url_style
    }

    /// Returns the credentials that requests are signed with.
    #[must_use]
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Reads the key that the registry's entries are sealed with; `None` without one.
    ///
    /// # Errors
    /// `InvalidConfig` when it cannot be read.
    pub fn read_registry_key(&self) -> Result<Option<Secret>> {
        match &self.registry_key {
            None => Ok(None),
            Some(Value::Literal(secret)) => Ok(Some(secret.clone())),
            Some(Value::Reference(reference)) => read_secret(reference).map(Some),
        }
    }

    /// Returns the file of certificates that are trusted besides those of the system.
    #[must_use]
    pub fn ca_file(&self) -> Option<&std::path::Path> {
        self.ca_file.as_deref()
    }

    /// Returns the time within which a connection must be established.
    #[must_use]
    pub fn connect_timeout(&self) -> Duration {
        self.connect_timeout
    }

    /// Returns the time after which a server that sends nothing is given up.
    #[must_use]
    pub fn read_timeout(&self) -> Duration {
        self.read_timeout
    }

    /// Returns the time within which a request must succeed, with all retries.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Returns the maximum number of retries of a request.
    #[must_use]
    pub fn retries(&self) -> u32 {
        self.retries
    }

    /// Returns the number of concurrent requests of one transfer.
    #[must_use]
    pub fn concurrency(&self) -> usize {
        self.concurrency
    }

    /// Whether uploads have a CRC32C.
    #[must_use]
    pub fn checksums(&self) -> bool {
        self.checksums
    }

    /// Whether the SHA-256 of every body is part of the signature of its request, so that the server
    /// refuses a body that was changed on its way. Unless it is configured, that is so on plain
    /// HTTP to another machine; TLS protects bodies itself, and nothing lies between this process
    /// and a loopback address.
    #[must_use]
    pub fn signs_payloads(&self) -> bool {
        self.payload_signing.unwrap_or_else(|| self.endpoint().is_some_and(is_exposed))
    }

    /// Whether a secret is a text and not a reference, so that the profile must not be passed to
    /// another process.
    #[must_use]
    pub fn holds_literal_secrets(&self) -> bool {
        let keys = match &self.credentials {
            Credentials::Keys { access_key_id, secret_access_key, session_token } => {
                [Some(access_key_id), Some(secret_access_key), session_token.as_ref()]
            }
            Credentials::Anonymous
            | Credentials::AwsProfile { .. }
            | Credentials::InstanceMetadata => [None; 3],
        };
        let mut secrets = keys.into_iter().chain([self.registry_key.as_ref()]).flatten();
        secrets.any(|value| matches!(value, Value::Literal(_)))
    }

    /// Checks the values of the profile.
    ///
    /// # Errors
    /// `InvalidConfig` for an endpoint other than `http(s)://host[:port]` or `embedded:DIR`, an empty region, or a
    /// timeout or concurrency of zero.
    pub fn check(&self) -> Result<()> {
        let wrong = |why: String| Err(Error::new(ErrorKind::InvalidConfig, why));
        if let Some(endpoint) = self.endpoint().filter(|_| self.embedded_directory().is_none()) {
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
                return wrong(format!("{name} must be longer than 0 s"));
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

/// Whether requests to this endpoint leave the machine without TLS.
fn is_exposed(endpoint: &str) -> bool {
    let Ok(uri) = endpoint.parse::<http::Uri>() else { return true };
    let host = uri.host().unwrap_or_default();
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let is_loopback = match host.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        // Resolvers return loopback addresses for these names (RFC 6761, section 6.3).
        Err(_) => {
            let name = host.trim_end_matches('.').to_ascii_lowercase();
            name == "localhost" || name.ends_with(".localhost")
        }
    };
    uri.scheme_str() != Some("https") && !is_loopback
}

fn check_endpoint(endpoint: &str) -> Result<()> {
    // The messages do not contain the endpoint, because it may contain a password.
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
        Profile::builder().endpoint(endpoint).credentials(Credentials::Anonymous).build().unwrap()
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
    fn payloads_are_signed_on_plain_http_to_other_machines() {
        for exposed in
            ["http://10.0.0.7:9000", "http://s3.example.org", "http://[2001:db8::1]:9000"]
        {
            assert!(profile(exposed).signs_payloads(), "{exposed}");
        }
        for guarded in [
            "https://s3.example.org",
            "http://127.0.0.1:9000",
            "http://127.9.9.9",
            "http://[::1]:9000",
            "http://[::ffff:127.0.0.1]:9000",
            "http://LOCALHOST:9000",
            "http://bucket.localhost.:9000",
        ] {
            assert!(!profile(guarded).signs_payloads(), "{guarded}");
        }
        let amazon = Profile::builder().credentials(Credentials::Anonymous).build().unwrap();
        assert!(!amazon.signs_payloads());
        for (endpoint, choice) in [("http://10.0.0.7", false), ("https://s3.example.org", true)] {
            let profile = Profile::builder()
                .endpoint(endpoint)
                .credentials(Credentials::Anonymous)
                .payload_signing(choice)
                .build()
                .unwrap();
            assert_eq!(profile.signs_payloads(), choice, "{endpoint}");
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
