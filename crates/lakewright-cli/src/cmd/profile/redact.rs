//! Redaction of secrets in settings.

use lakewright::SettingValue;

/// Returns the source of a secret, never its text. Access keys are redacted as well, because a user
/// may have exchanged access key and secret key.
pub(super) fn secret(value: &SettingValue) -> String {
    match value {
        SettingValue::Literal(_) => "***".into(),
        SettingValue::Reference(reference) => reference.to_string(),
    }
}

/// Returns the endpoint without its user, password, query and fragment, which may contain secrets.
pub(super) fn endpoint(endpoint: &str) -> String {
    let without_query = endpoint.split(['?', '#']).next().unwrap_or(endpoint);
    match without_query.split_once("://") {
        Some((scheme, rest)) => match rest.rsplit_once('@') {
            Some((_, host)) => format!("{scheme}://***@{host}"),
            None => without_query.to_owned(),
        },
        None => without_query.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lakewright::{Secret, SecretRef};

    #[test]
    fn secrets_are_redacted() {
        let literal = SettingValue::Literal(Secret::new("hunter2"));
        assert_eq!(secret(&literal), "***");
        let reference = SettingValue::Reference(SecretRef::File("/run/agenix/etl".into()));
        assert_eq!(secret(&reference), "file /run/agenix/etl");
        for (given, shown) in [
            ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
            ("embedded:./data", "embedded:./data"),
            ("http://user:hunter2@host:1", "http://***@host:1"),
            ("http://user:hunt@er2@host", "http://***@host"),
            ("https://host/?token=hunter2", "https://host/"),
        ] {
            assert_eq!(super::endpoint(given), shown);
        }
    }
}
