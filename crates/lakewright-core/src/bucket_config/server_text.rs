//! Reasons for a refusal that MinIO gives in the text of its response only, under service codes
//! that also have other meanings. End-to-end tests against MinIO (`tests/e2e/bucket_config.rs`)
//! fail when it changes one of these texts.

use crate::Error;

/// Whether the server has no KMS. MinIO refuses with `NotImplemented` and "Server side encryption
/// specified but KMS is not configured".
pub(super) fn has_no_kms(refusal: &Error) -> bool {
    is(refusal, "NotImplemented", "KMS")
}

/// Whether a notification names a target that is not configured. MinIO refuses with
/// `InvalidArgument` and "A specified destination ARN does not exist or is not well-formed".
pub(super) fn has_no_such_target(refusal: &Error) -> bool {
    is(refusal, "InvalidArgument", "ARN")
}

/// Whether a policy has an element that the server skips. MinIO drops `NotAction`, then cannot
/// serialise the empty list of actions that is left, and responds with `InternalError` and
/// "json: error calling MarshalJSON".
pub(super) fn has_unknown_policy_element(refusal: &Error) -> bool {
    is(refusal, "InternalError", "MarshalJSON")
}

/// Whether the service refused under this code with this word in its explanation.
fn is(refusal: &Error, code: &str, word: &str) -> bool {
    refusal.service().is_some_and(|service| {
        service.code.as_deref() == Some(code)
            && service.message.as_deref().is_some_and(|text| text.contains(word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ErrorKind, ServiceError};

    #[test]
    fn code_and_text_of_the_service_decide_together() {
        let refusal = |code: &str, text: &str| {
            Error::new(ErrorKind::Unsupported, "KMS").with_service(ServiceError {
                status: 501,
                code: Some(code.into()),
                message: Some(text.into()),
                ..ServiceError::default()
            })
        };
        assert!(has_no_kms(&refusal("NotImplemented", "KMS is not configured")));
        assert!(!has_no_kms(&refusal("NotImplemented", "a header is not implemented")));
        assert!(!has_no_kms(&refusal("InvalidRequest", "KMS is not configured")));
        assert!(!has_no_kms(&Error::new(ErrorKind::Unsupported, "KMS is not configured")));
    }
}
