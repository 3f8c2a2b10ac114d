//! The source of credentials. Files that have changed are read again; a refusal by the server
//! causes a check at once.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::Credentials as Keys;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, SharedCredentialsProvider, future};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use lakewright_core::{Error, ErrorKind, Result, Secret, SecretRef};
use zeroize::Zeroizing;

use super::resolve::Surroundings;
use super::{Credentials, Value, aws_files, env};
use crate::local_file::read_small_file;

/// The time between two checks whether files have changed. A check takes a few microseconds; a
/// rotated secret is noticed within this time, or at the first refusal.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// The time after a change within which a refused request may have been signed before the change.
const IN_FLIGHT: Duration = Duration::from_secs(10);

/// The time before their expiry at which temporary credentials are renewed, as in the AWS SDKs.
const EXPIRY_MARGIN: Duration = Duration::from_secs(10);

/// The maximum size of a secret in bytes. It limits what is read if the path names another file.
const MAX_BYTES: usize = 64 << 10;

/// The source of the credentials of one client.
pub struct CredentialSource {
    credentials: Credentials,
    provider_config: ProviderConfig,
    files: Vec<PathBuf>,
    state: Mutex<State>,
    /// Held by the task that requests credentials from the provider chain.
    provider_lock: tokio::sync::Mutex<()>,
}

struct State {
    /// The time of the last check of the files.
    checked: Option<Instant>,
    stamps: Vec<Option<Stamp>>,
    keys: Option<Keys>,
    chain: Option<SharedCredentialsProvider>,
    /// The time at which a check found changed files.
    changed: Option<Instant>,
    /// The number of changes. Credentials that were read before a change are not kept after it.
    generation: u64,
}

/// The properties by which two versions of a file differ, without its content.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    bytes: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        let inode = std::os::unix::fs::MetadataExt::ino(&metadata);
        Some(Self { inode, bytes: metadata.len(), modified: metadata.modified().ok() })
    }
}

impl CredentialSource {
    /// Creates a source of `credentials`. AWS providers send their requests with `http`.
    pub fn new(credentials: Credentials, http: SharedHttpClient, region: &str) -> Arc<Self> {
        let provider_config = ProviderConfig::without_region()
            .with_region(Some(aws_types::region::Region::new(region.to_owned())))
            .with_http_client(http);
        let files = watched_files(&credentials);
        let state = State {
            checked: None,
            stamps: Vec::new(),
            keys: None,
            chain: None,
            changed: None,
            generation: 0,
        };
        Arc::new(Self {
            credentials,
            provider_config,
            files,
            state: Mutex::new(state),
            provider_lock: tokio::sync::Mutex::default(),
        })
    }

    /// Checks the files after a refusal by the server, and returns whether a retry would be made
    /// with other credentials. Two calls after the same attempt return the same.
    pub fn refused(&self) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.checked = None;
        self.check(&mut state);
        state.changed.is_some_and(|at| at.elapsed() < IN_FLIGHT)
    }

    fn stamps(&self) -> Vec<Option<Stamp>> {
        self.files.iter().map(|path| Stamp::of(path)).collect()
    }

    /// Drops the cached credentials if a file has changed since the last check.
    fn check(&self, state: &mut State) {
        if self.files.is_empty() || state.checked.is_some_and(|at| at.elapsed() < CHECK_INTERVAL) {
            return;
        }
        state.checked = Some(Instant::now());
        let stamps = self.stamps();
        if stamps != state.stamps {
            if !state.stamps.is_empty() {
                state.changed = Some(Instant::now());
            }
            state.stamps = stamps;
            state.generation += 1;
            state.keys = None;
            state.chain = None;
        }
    }

    async fn provide(&self) -> provider::Result {
        let (chain, generation) = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            self.check(&mut state);
            if let Some(keys) = state.keys.clone().filter(is_still_valid) {
                return Ok(keys);
            }
            if let Credentials::Keys { access_key_id, secret_access_key, session_token } =
                &self.credentials
            {
                // The files are small and read once for each rotation: moving the read to the
                // blocking pool would take longer than the read.
                let keys = read_keys(access_key_id, secret_access_key, session_token.as_ref())
                    .map_err(CredentialsError::invalid_configuration)?;
                state.keys = Some(keys.clone());
                return Ok(keys);
            }
            check_home(&self.credentials).map_err(CredentialsError::invalid_configuration)?;
            let chain = state.chain.get_or_insert_with(|| self.chain()).clone();
            (chain, state.generation)
        };
        // STS and `credential_process` are slow, so one task uses them and the others wait.
        let _one = self.provider_lock.lock().await;
        {
            let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(keys) = state.keys.clone().filter(is_still_valid)
                && state.generation == generation
            {
                return Ok(keys);
            }
        }
        let keys = chain.provide_credentials().await?;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.generation == generation {
            state.keys = Some(keys.clone());
        }
        Ok(keys)
    }

    fn chain(&self) -> SharedCredentialsProvider {
        match &self.credentials {
            Credentials::AwsProfile { name } => SharedCredentialsProvider::new(
                ProfileFileCredentialsProvider::builder()
                    .configure(&self.provider_config)
                    .profile_files(aws_files::files(&Surroundings::here()))
                    .profile_name(name)
                    .build(),
            ),
            Credentials::InstanceMetadata | Credentials::Anonymous | Credentials::Keys { .. } => {
                SharedCredentialsProvider::new(
                    aws_config::imds::credentials::ImdsCredentialsProvider::builder()
                        .configure(&self.provider_config)
                        .build(),
                )
            }
        }
    }
}

impl fmt::Debug for CredentialSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The providers of the AWS SDK print the files that they have parsed, with the secrets.
        f.debug_struct("CredentialSource")
            .field("credentials", &self.credentials)
            .finish_non_exhaustive()
    }
}

impl ProvideCredentials for CredentialSource {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.provide())
    }
}

/// Checks that the AWS providers find no file below the current folder: they look for the tokens of
/// sign-ins below `$HOME`, whatever it is.
fn check_home(credentials: &Credentials) -> Result<()> {
    let around = Surroundings::here();
    let is_given = std::env::var_os(env::HOME).is_some();
    if matches!(credentials, Credentials::AwsProfile { .. }) && is_given && around.home().is_none()
    {
        let why = "the AWS profile is not used, because $HOME is no absolute path";
        return Err(Error::new(ErrorKind::InvalidConfig, why));
    }
    Ok(())
}

/// Whether the credentials are still valid when the request arrives.
fn is_still_valid(keys: &Keys) -> bool {
    keys.expiry().is_none_or(|end| end > SystemTime::now() + EXPIRY_MARGIN)
}

/// Returns the files whose change may change the credentials.
fn watched_files(credentials: &Credentials) -> Vec<PathBuf> {
    match credentials {
        Credentials::Keys { access_key_id, secret_access_key, session_token } => {
            [Some(access_key_id), Some(secret_access_key), session_token.as_ref()]
                .into_iter()
                .flatten()
                .filter_map(|value| match value {
                    Value::Reference(SecretRef::File(path)) => Some(path.clone()),
                    Value::Reference(SecretRef::Credential(name)) => credential_path(name).ok(),
                    Value::Reference(SecretRef::Env(_)) | Value::Literal(_) => None,
                })
                .collect()
        }
        Credentials::AwsProfile { .. } => aws_files::paths(&Surroundings::here()),
        Credentials::Anonymous | Credentials::InstanceMetadata => Vec::new(),
    }
}

fn read_keys(id: &Value, secret: &Value, token: Option<&Value>) -> Result<Keys> {
    let (id, secret) = (read(id)?, read(secret)?);
    let token = token.map(read).transpose()?;
    Ok(Keys::new(
        id.expose(),
        secret.expose(),
        token.map(|token| token.expose().to_owned()),
        None,
        "lakewright",
    ))
}

fn read(value: &Value) -> Result<Secret> {
    match value {
        Value::Literal(secret) => Ok(secret.clone()),
        Value::Reference(reference) => read_secret(reference),
    }
}

/// Reads the secret that a reference names, without white space around it.
///
/// # Errors
/// `InvalidConfig`, with the reference but not the content, if the secret is missing, unreadable,
/// empty, not UTF-8, too long or not a regular file.
pub fn read_secret(reference: &SecretRef) -> Result<Secret> {
    let wrong = |why: String| {
        Error::new(ErrorKind::InvalidConfig, format!("the secret in {reference}: {why}"))
    };
    let from_file =
        |path: &Path| read_small_file(path, MAX_BYTES).map_err(|error| wrong(error.to_string()));
    let bytes =
        match reference {
            SecretRef::Env(name) => std::env::var(name)
                .map(|text| Zeroizing::new(text.into_bytes()))
                .map_err(|_| wrong("the variable is not set, or is no UTF-8".into()))?,
            SecretRef::File(path) => from_file(path)?,
            SecretRef::Credential(name) => from_file(&credential_path(name)?)?,
        };
    let text = std::str::from_utf8(&bytes).map_err(|_| wrong("it is no UTF-8".into()))?;
    match text.trim() {
        "" => Err(wrong("it is empty".into())),
        secret => Ok(Secret::new(secret)),
    }
}

fn credential_path(name: &str) -> Result<PathBuf> {
    let wrong = |why: &str| Error::new(ErrorKind::InvalidConfig, why);
    if name.contains('/') || matches!(name, "" | "." | "..") {
        return Err(wrong("the name of a systemd credential is a plain file name"));
    }
    let directory = std::env::var_os(env::CREDENTIALS_DIRECTORY).ok_or_else(|| {
        wrong("$CREDENTIALS_DIRECTORY is not set: a systemd credential needs LoadCredential=")
    })?;
    Ok(Path::new(&directory).join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &Path) -> Arc<CredentialSource> {
        let credentials = Credentials::Keys {
            access_key_id: Value::Literal(Secret::new("id")),
            secret_access_key: Value::Reference(SecretRef::File(path.into())),
            session_token: None,
        };
        let http = aws_smithy_http_client::Builder::new().build_http();
        CredentialSource::new(credentials, http, "us-east-1")
    }

    #[tokio::test]
    async fn a_refusal_reads_the_file_again_and_only_a_change_is_worth_another_try() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        std::fs::write(&path, "first\n").unwrap();
        let source = source(&path);
        assert_eq!(source.provide().await.unwrap().secret_access_key(), "first");
        assert!(!source.refused());
        std::fs::write(&path, "second-one\n").unwrap();
        assert_eq!(
            source.provide().await.unwrap().secret_access_key(),
            "first",
            "the next check is not due yet"
        );
        assert!(source.refused());
        assert_eq!(source.provide().await.unwrap().secret_access_key(), "second-one");
    }

    #[tokio::test]
    async fn debug_shows_no_secret() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        std::fs::write(&path, "hunter2").unwrap();
        let source = source(&path);
        assert_eq!(source.provide().await.unwrap().secret_access_key(), "hunter2");
        let shown = format!("{source:?}");
        assert!(shown.contains("secret_access_key") && !shown.contains("hunter2"), "{shown}");
    }

    #[tokio::test]
    async fn errors_describe_the_fault_of_a_secret_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        for (content, why) in [(None, "No such file"), (Some(""), "empty"), (Some(" \n"), "empty")]
        {
            if let Some(content) = content {
                std::fs::write(&path, content).unwrap();
            }
            let error = source(&path).provide().await.unwrap_err();
            let cause = std::error::Error::source(&error).unwrap().to_string();
            assert!(cause.contains(why), "{cause}");
        }
        for (content, why) in [(vec![b'x'; 70_000], "more than 65536 bytes"), (vec![0xff], "UTF-8")]
        {
            std::fs::write(&path, content).unwrap();
            let error = source(&path).provide().await.unwrap_err();
            let cause = std::error::Error::source(&error).unwrap().to_string();
            assert!(cause.contains(why), "{cause}");
        }
        std::fs::remove_file(&path).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        let error = read_secret(&SecretRef::File(path)).unwrap_err();
        assert!(error.to_string().contains("it is a pipe"), "{error}");
        for name in ["../etc/shadow", "", "a/b", ".."] {
            assert!(credential_path(name).is_err(), "{name}");
        }
    }
}
