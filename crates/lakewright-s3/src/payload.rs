//! The body of an upload in the signature of its request.

use aws_runtime::auth::PayloadSigningOverride;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextMut;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use bytes::Bytes;
use lakewright_client::profile::Profile;
use lakewright_client::sha256;

use super::overrides::SMALL;

/// Signs the SHA-256 of a body, or no hash of it. Without it the SDK hashes every body by itself,
/// once for each attempt, and on the thread of the runtime.
#[derive(Debug)]
pub(super) struct PayloadSigning(PayloadSigningOverride);

impl PayloadSigning {
    /// Returns what `profile` requires for a request with this body.
    pub(super) async fn of(body: &Bytes, profile: &Profile) -> Self {
        Self(if profile.signs_payloads() {
            PayloadSigningOverride::Precomputed(hash(body).await)
        } else {
            PayloadSigningOverride::UnsignedPayload
        })
    }
}

/// Hashes a large body on a blocking thread: a part of 16 MiB takes about 10 ms with SHA
/// instructions and 40 ms without, in which other requests of this runtime would wait.
async fn hash(body: &Bytes) -> String {
    if body.len() > SMALL {
        let shared = body.clone();
        if let Ok(hash) = tokio::task::spawn_blocking(move || sha256(&shared)).await {
            return hash;
        }
        // The runtime is shutting down and starts no thread any more.
    }
    sha256(body)
}

impl Intercept for PayloadSigning {
    fn name(&self) -> &'static str {
        "payload signing"
    }

    fn modify_before_signing(
        &self,
        _: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        config.interceptor_state().store_put(self.0.clone());
        Ok(())
    }
}
