//! Decisions on retries that the SDK cannot make by itself.

use std::sync::Arc;

use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};

use lakewright_client::profile::CredentialSource;
use lakewright_client::{causes, leaves_outcome_open, never_connected};
use lakewright_core::{Error, ErrorKind};

/// Retries a refused request when the files of the credentials have changed since.
#[derive(Debug)]
pub(super) struct NewKeys(pub(super) Arc<CredentialSource>);

impl ClassifyRetry for NewKeys {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        // The error code is in the XML of the response, which the SDK parsed into an error of the
        // operation's own type; the status is enough to decide whether to look at the files.
        let refused = context
            .response()
            .is_some_and(|response| matches!(response.status().as_u16(), 401 | 403))
            && context.output_or_error().is_some_and(|result| result.is_err());
        if refused && self.0.refused() {
            tracing::info!("the credentials were refused and have changed; retrying with the new");
            return RetryAction::server_error();
        }
        RetryAction::NoActionIndicated
    }

    fn name(&self) -> &'static str {
        "new keys"
    }
}

/// Never retries a request whose response is too large, because the next one would be, too.
#[derive(Debug)]
pub(super) struct TooLarge;

impl ClassifyRetry for TooLarge {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let error = context.output_or_error().and_then(|result| result.err());
        let is_too_large = error.is_some_and(|error| {
            causes(error)
                .filter_map(|cause| cause.downcast_ref::<Error>())
                .any(|error| error.kind() == ErrorKind::TooLarge)
        });
        if is_too_large { RetryAction::RetryForbidden } else { RetryAction::NoActionIndicated }
    }

    fn name(&self) -> &'static str {
        "too large"
    }
}

/// Never retries a conditional write whose first attempt may have been carried out: the second
/// would be refused because of the success of the first, and the error would report a concurrent
/// writer that does not exist. Set for single requests (overrides.rs).
#[derive(Debug)]
pub(super) struct KeepOutcome;

impl ClassifyRetry for KeepOutcome {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let unknown = match (context.response(), context.output_or_error()) {
            // A body that is cut off does not change the meaning of the status.
            (Some(response), Some(Err(error))) => {
                error.is_timeout_error() || leaves_outcome_open(response.status().as_u16())
            }
            (Some(_), _) => false,
            (None, Some(Err(error))) => {
                !error.as_connector_error().is_some_and(|error| never_connected(error))
            }
            (None, _) => false,
        };
        if unknown { RetryAction::RetryForbidden } else { RetryAction::NoActionIndicated }
    }

    fn name(&self) -> &'static str {
        "keep outcome"
    }
}
