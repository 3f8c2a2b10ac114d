//! The configuration of requests to which that of the client does not apply.

use std::time::Duration;

use aws_sdk_s3::client::customize::CustomizableOperation;
use aws_sdk_s3::config::Builder as Config;
use aws_smithy_types::timeout::TimeoutConfig;

use super::retry::KeepOutcome;
use lakewright_client::profile::Profile;

/// The size in bytes up to which bodies are sent within any sensible read timeout.
pub(super) const SMALL: usize = 1 << 20;

/// The lowest bandwidth that uploads are given enough time for, in bytes a second (2 Mbit/s).
const SLOWEST: f64 = 262_144.0;

/// Returns the configuration of a request with a body of `bytes`, if up to `at_once` such requests
/// share the line; `None` if that of the client applies. A `conditional` request is not retried
/// when it may have been carried out.
pub(super) fn overrides(
    profile: &Profile,
    bytes: usize,
    at_once: usize,
    conditional: bool,
) -> Option<Config> {
    if bytes <= SMALL && !conditional {
        return None;
    }
    let mut config = Config::new();
    if conditional {
        config = config.retry_classifier(KeepOutcome);
    }
    if bytes > SMALL {
        // The SDK's read timeout includes the time for sending the body.
        let sending = Duration::from_secs_f64(bytes as f64 * at_once as f64 / SLOWEST);
        config = config.timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(profile.connect_timeout())
                .read_timeout(profile.read_timeout() + sending)
                .operation_timeout(profile.timeout() + sending)
                .build(),
        );
    }
    Some(config)
}

/// Returns the request with `config`.
pub(super) fn with<T, E, B>(
    request: CustomizableOperation<T, E, B>,
    config: Option<Config>,
) -> CustomizableOperation<T, E, B> {
    match config {
        Some(config) => request.config_override(config),
        None => request,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lakewright_client::profile::Credentials;

    #[test]
    fn only_large_or_conditional_requests_differ() {
        let profile = Profile::builder().credentials(Credentials::Anonymous).build().unwrap();
        assert!(overrides(&profile, SMALL, 8, false).is_none());
        assert!(overrides(&profile, SMALL + 1, 8, false).is_some());
        assert!(overrides(&profile, 0, 1, true).is_some());
    }
}
