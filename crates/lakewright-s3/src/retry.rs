//! What the SDK's own judgement on retries does not know.

use std::sync::Arc;

use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};

use lakewright_client::never_connected;
use lakewright_client::profile::CredentialSource;

/// Sends a refused request again when the files of the keys changed meanwhile.
#[derive(Debug)]
pub(super) struct NewKeys(pub(super) Arc<CredentialSource>);

impl ClassifyRetry for NewKeys {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        // The answer's error code stands in its XML, which the SDK parsed into an error of the
        // operation's own type; the status is enough to know when a look is worth it.
        let refused = context
            .response()
            .is_some_and(|response| matches!(response.status().as_u16(), 401 | 403))
            && context.output_or_error().is_some_and(|result| result.is_err());
        if refused && self.0.refused() {
            tracing::info!("the keys were refused and have changed; trying the new ones");
            return RetryAction::server_error();
        }
        RetryAction::NoActionIndicated
    }

    fn name(&self) -> &'static str {
        "new keys"
    }
}

/// Never repeats a conditional write whose first attempt may have been carried out: the second
/// would be refused by the first one's own success, and the caller would be told of a rival who
/// is not there. Set for single requests (overrides.rs).
#[derive(Debug)]
pub(super) struct KeepOutcome;

impl ClassifyRetry for KeepOutcome {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let unclear = match (context.response(), context.output_or_error()) {
            // An error in the body of a 200, or a body that breaks off: it was carried out, or
            // was being carried out.
            (Some(response), Some(Err(error))) => {
                response.status().is_success()
                    || error.is_response_error()
                    || error.is_timeout_error()
                    // 503 is said before anything is done; other faults may come after.
                    || matches!(response.status().as_u16(), 500 | 502 | 504)
            }
            (Some(_), _) => false,
            (None, Some(Err(error))) => {
                !error.as_connector_error().is_some_and(|error| never_connected(error))
            }
            (None, _) => false,
        };
        if unclear { RetryAction::RetryForbidden } else { RetryAction::NoActionIndicated }
    }

    fn name(&self) -> &'static str {
        "keep outcome"
    }
}
