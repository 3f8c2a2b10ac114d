//! The S3 client of the SDK and its configuration.

use std::sync::Arc;

use aws_credential_types::provider::ProvideCredentials;
use aws_sdk_s3::config::{
    BehaviorVersion, Builder as Config, IdentityCache, Region, RequestChecksumCalculation,
    ResponseChecksumValidation, StalledStreamProtectionConfig,
};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;

use crate::Bucket;
use crate::limit::LimitResponses;
use crate::retry::{NewKeys, TooLarge};
use lakewright_client::profile::{CredentialSource, Profile, UrlStyle};
use lakewright_client::{Client, INITIAL_DELAY, MAX_DELAY};
use lakewright_core::BucketName;

/// An S3 server: the verbs that create, list and delete buckets. Cheap to clone; clones share the
/// client and its connections.
#[derive(Clone, Debug)]
pub struct S3 {
    pub(crate) sdk: aws_sdk_s3::Client,
    client: Client,
}

impl S3 {
    /// Creates a handle on the S3 server that `client` connects to, with the connections and
    /// credentials of `client`. Nothing is sent.
    #[must_use]
    pub fn new(client: &Client) -> Self {
        let profile = client.profile();
        let mut config = Config::new()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new(profile.region().to_owned()))
            .force_path_style(profile.url_style() == UrlStyle::Path)
            .http_client(SharedHttpClient::new(client.pool().clone()))
            .sleep_impl(TokioSleep::new())
            // Full-body checksums would turn every upload into aws-chunked; the CRC32C of a
            // buffered body goes into a header instead (put.rs).
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            .interceptor(LimitResponses)
            .retry_classifier(TooLarge)
            // This protection takes busy cores for a stall; the read timeouts detect real stalls.
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
                    .with_initial_backoff(INITIAL_DELAY)
                    .with_max_backoff(MAX_DELAY),
            );
        if profile.endpoint().is_some() {
            config = config.endpoint_url(client.base_url());
        }
        config = match client.credential_source().cloned() {
            None => config.allow_no_auth(),
            Some(source) => {
                config
                    .identity_cache(IdentityCache::no_cache()) // the source has a cache
                    .retry_classifier(NewKeys(source.clone()))
                    .credentials_provider(
                        aws_credential_types::provider::SharedCredentialsProvider::new(Shared(
                            source,
                        )),
                    )
            }
        };
        Self { sdk: aws_sdk_s3::Client::from_conf(config.build()), client: client.clone() }
    }

    /// Returns the client that connects to the server.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Returns the profile that requests are made with.
    #[must_use]
    pub fn profile(&self) -> &Profile {
        self.client.profile()
    }

    /// Returns a handle on a bucket. Nothing is sent; the bucket need not exist.
    #[must_use]
    pub fn bucket(&self, name: BucketName) -> Bucket {
        Bucket::new(self.clone(), name)
    }

    /// Returns a handle on the same connections without the guard of its client, for use where the
    /// handle must not keep the guarded value alive.
    #[must_use]
    pub fn without_guard(&self) -> Self {
        Self { client: self.client.without_guard(), ..self.clone() }
    }
}

/// Shares one source of credentials between the client and the retry classifier.
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
