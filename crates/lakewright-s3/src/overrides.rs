//! What single requests need besides the client's configuration.

use std::time::Duration;

use aws_sdk_s3::client::customize::CustomizableOperation;
use aws_sdk_s3::config::Builder as Config;
use aws_smithy_types::timeout::TimeoutConfig;

use super::retry::KeepOutcome;
use lakewright_client::profile::Profile;

/// Bodies up to this many bytes are sent within any sensible read timeout.
pub(super) const SMALL: usize = 1 << 20;

/// The slowest line that uploads are made for, in bytes a second (2 Mbit/s).
const SLOWEST: f64 = 262_144.0;

/// The configuration of a request with a body of `bytes`, of which up to `at_once` share the
/// line; `None` where the client's own will do. A `conditional` one is sent once.
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
        // The SDK's read timeout runs from the first byte sent to the first byte of the answer:
        // sending takes its own time.
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

/// The request with that configuration.
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
