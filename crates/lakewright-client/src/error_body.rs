//! The body of a response that refuses a request.

use serde::Deserialize;

use crate::Response;

/// The body of an error response. S3 servers write XML, MinIO's admin API writes JSON and in some
/// cases XML.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ErrorBody {
    /// The error code, such as `NoSuchBucket`; empty where the body has none.
    pub code: String,
    /// The explanation; may be empty.
    pub message: String,
    /// The request id; may be empty.
    pub request_id: String,
    /// Whether the body is JSON. Only MinIO's admin API refuses in JSON.
    #[serde(skip)]
    pub json: bool,
}

impl ErrorBody {
    /// Reads the body of `response`. All fields are empty if it has neither form.
    #[must_use]
    pub fn of(response: &Response) -> Self {
        let bytes = &response.body;
        if let Ok(body) = serde_json::from_slice::<Self>(bytes) {
            return Self { json: !body.code.is_empty(), ..body };
        }
        let text = std::str::from_utf8(bytes).unwrap_or_default();
        quick_xml::de::from_str(text).unwrap_or_default()
    }
}
