//! Entry points for fuzzing: functions that take any bytes and must neither panic nor use unbounded
//! memory. Property tests call them here, and a fuzzer can.

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use lakewright_core::{Error, ErrorKind, Result, Secret};

use crate::pool::Pool;
use crate::profile::{Credentials, Profile, Value};
use crate::{Client, ErrorBody, Response};

/// The secret access key of [`client_of_response`].
pub const SECRET: &str = "fuzzing-secret";

/// Reads the bytes as a profile file.
pub fn profiles(bytes: &[u8]) {
    crate::profile::parse_profiles(bytes);
}

/// Reads the bytes as the body of a refusal.
pub fn error_body(bytes: &[u8]) {
    let response = Response {
        status: 403,
        headers: http::HeaderMap::new(),
        body: Bytes::copy_from_slice(bytes),
        repeated: false,
    };
    drop(ErrorBody::of(&response));
}

/// Creates a client that connects to no server: every request receives this response.
///
/// # Errors
/// None in practice: the profile is a constant.
pub fn client_of_response(status: u16, body: &[u8]) -> Result<Client> {
    let mut profile = Profile::builder();
    profile.endpoint("http://127.0.0.1:9").retries(0).credentials(Credentials::Keys {
        access_key_id: Value::Literal(Secret::new("fuzzing")),
        secret_access_key: Value::Literal(Secret::new(SECRET)),
        session_token: None,
    });
    let profile =
        profile.build().map_err(|error| Error::new(ErrorKind::Internal, error.to_string()))?;
    let stub = Stub { status, body: Bytes::copy_from_slice(body) };
    let pool = Pool::with_connector(&profile, SharedHttpConnector::new(stub))?;
    Client::with_pool(profile, pool)
}

#[derive(Debug)]
struct Stub {
    status: u16,
    body: Bytes,
}

impl HttpConnector for Stub {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        let (status, body) = (self.status, SdkBody::from(self.body.clone()));
        HttpConnectorFuture::new(async move {
            let status =
                status.try_into().map_err(|error| ConnectorError::other(Box::new(error), None))?;
            let mut response = HttpResponse::new(status, body);
            response.headers_mut().insert("etag", "\"1\"");
            Ok(response)
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            super::profiles(&bytes);
            super::error_body(&bytes);
        }

        #[test]
        fn texts_like_profiles_are_read_without_a_panic(
            text in "(\\[[a-z\"]{0,3}\\]\n|(endpoint|access_key_id|secret_access_key|retries|timeout) = (\"[a-z:/]{0,5}\"|[0-9.e-]{0,6}|\\{ ?(file|env|x) = \"a\" ?\\})\n){0,6}"
        ) {
            super::profiles(text.as_bytes());
        }

        #[test]
        fn texts_like_refusals_are_read_without_a_panic(
            text in "(</?(Error|Code|Message|RequestId)[/ ]?>|[{}\":,]|Code|[a-z&;]{1,4}){0,20}"
        ) {
            super::error_body(text.as_bytes());
        }
    }
}
