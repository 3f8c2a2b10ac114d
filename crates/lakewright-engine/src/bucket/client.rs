//! The one S3 client, tuned once for everything that is sent through it.

use std::sync::Arc;
use std::time::Duration;

use aws_credential_types::provider::ProvideCredentials;
use aws_sdk_s3::config::{
    BehaviorVersion, Builder as Config, IdentityCache, Region, RequestChecksumCalculation,
    ResponseChecksumValidation, StalledStreamProtectionConfig,
};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder as Http, Connector};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use lakewright_core::{Error, ErrorKind, Result};

use super::retry::NewKeys;
use crate::profile::{Addressing, CredentialSource, Credentials, Profile};

/// MinIO closes idle connections after 30 s (`minio server --idle-timeout`); leaving first
/// means never writing into a connection that the server is just closing.
const POOL_IDLE: Duration = Duration::from_secs(20);

/// First pause of the jittered exponential backoff; it doubles up to `MAX_PAUSE`.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// The SDK's client with the profile it was made from.
#[derive(Clone, Debug)]
pub(crate) struct S3 {
    pub(super) sdk: aws_sdk_s3::Client,
    pub(crate) profile: Arc<Profile>,
    keys: Option<Arc<CredentialSource>>,
}

impl S3 {
    /// Makes the client. Nothing is sent yet.
    ///
    /// # Errors
    /// `InvalidConfig` for a profile that does not hold together or a CA file that cannot be
    /// read.
    pub(crate) fn new(profile: Arc<Profile>) -> Result<Self> {
        profile.check()?;
        let http = http_client(&profile)?;
        let mut config = Config::new()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new(profile.region().to_owned()))
            .force_path_style(profile.addressing() == Addressing::Path)
            .http_client(http.clone())
            .sleep_impl(TokioSleep::new())
            // Full-body checksums would turn every upload into aws-chunked; the CRC32C of a
            // buffered body goes into a header instead (put.rs).
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            // Fires falsely on a machine whose cores are busy; read timeouts cover stalls.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(profile.connect_timeout())
                    .read_timeout(profile.read_timeout())
                    .operation_timeout(profile.timeout())
                    .build(),
            )
            .retry_config(
                RetryConfig::standard()
                    .with_max_attempts(profile.retries().saturating_add(1))
                    .with_initial_backoff(FIRST_PAUSE)
                    .with_max_backoff(MAX_PAUSE),
            );
        if let Some(endpoint) = profile.endpoint() {
            config = config.endpoint_url(endpoint);
        }
        let keys = match profile.credentials() {
            Credentials::Anonymous => None,
            credentials => Some(CredentialSource::new(credentials.clone(), http, profile.region())),
        };
        config = match keys.clone() {
            None => config.allow_no_auth(),
            Some(source) => {
                config
                    .identity_cache(IdentityCache::no_cache()) // the source caches by itself
                    .retry_classifier(NewKeys(source.clone()))
                    .credentials_provider(
                        aws_credential_types::provider::SharedCredentialsProvider::new(Shared(
                            source,
                        )),
                    )
            }
        };
        Ok(Self { sdk: aws_sdk_s3::Client::from_conf(config.build()), profile, keys })
    }

    /// The keys that the next request would be signed with; `None` when requests are not signed.
    pub(crate) async fn keys(&self) -> Result<Option<aws_credential_types::Credentials>> {
        let Some(source) = &self.keys else { return Ok(None) };
        let keys = source.provide_credentials().await.map_err(|error| {
            let ours = std::error::Error::source(&error).and_then(|e| e.downcast_ref::<Error>());
            match ours {
                Some(ours) => Error::new(ours.kind(), ours.message()),
                None => {
                    Error::new(ErrorKind::Unauthenticated, "no keys can be had").caused_by(error)
                }
            }
        })?;
        Ok(Some(keys))
    }
}

/// Lets the client and the retry classifier share one source.
#[derive(Debug)]
struct Shared(Arc<CredentialSource>);

impl ProvideCredentials for Shared {
    fn provide_credentials<'a>(
        &'a self,
    ) -> aws_credential_types::provider::future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        self.0.provide_credentials()
    }
}

fn http_client(profile: &Profile) -> Result<SharedHttpClient> {
    let plain = profile.endpoint().is_some_and(|endpoint| endpoint.starts_with("http:"));
    let tls = if plain { None } else { Some(tls_context(profile)?) };
    Ok(Http::new().build_with_connector_fn(move |settings, components| {
        let mut connector = Connector::builder().enable_tcp_nodelay(true);
        connector
            .set_connector_settings(settings.cloned())
            .set_sleep_impl(components.and_then(|components| components.sleep_impl()))
            .set_pool_idle_timeout(Some(Some(POOL_IDLE)));
        match &tls {
            None => connector.build_http(),
            Some(context) => connector
                .tls_provider(Provider::Rustls(CryptoMode::Ring))
                .tls_context(context.clone())
                .build(),
        }
    }))
}

fn tls_context(profile: &Profile) -> Result<TlsContext> {
    let wrong = |why: String| Error::new(ErrorKind::InvalidConfig, why);
    let mut trust = TrustStore::default();
    if let Some(path) = profile.ca_file() {
        let on = || path.display().to_string();
        let pem = std::fs::read(path).map_err(|error| {
            wrong(format!("the CA file cannot be read: {error}")).on(on()).caused_by(error)
        })?;
        // A file without a certificate would only show as a failed handshake, much later.
        if !String::from_utf8_lossy(&pem).contains("-----BEGIN CERTIFICATE-----") {
            return Err(wrong("the CA file holds no PEM certificate".into()).on(on()));
        }
        trust = trust.with_pem_certificate(pem);
    }
    TlsContext::builder()
        .with_trust_store(trust)
        .build()
        .map_err(|error| wrong("TLS cannot be set up".into()).caused_by(error))
}
