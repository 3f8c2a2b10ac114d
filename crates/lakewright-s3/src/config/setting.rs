//! `get_setting`, `set_setting`: the settings that S3 has as sub-resources of a bucket

use bytes::Bytes;
use http::{HeaderValue, Method};
use lakewright_client::{PayloadHash, Request, Response, Retry};
use lakewright_core::bucket_config::Subresource;
use lakewright_core::{Error, ErrorKind, Result};

use crate::Bucket;
use crate::classify::refusal;
use crate::put::{CHECKSUM_HEADER, crc32c};

/// The maximum size of a response in bytes. The longest setting, a thousand lifecycle rules, is
/// shorter.
const MAX_RESPONSE_BYTES: usize = 4 << 20;

impl Bucket {
    /// Returns a setting. The verbs of the settings are this one with a name.
    ///
    /// # Errors
    /// `NotFound` when the bucket is missing, `Denied`; `Unsupported` for a value that `S` cannot
    /// express, and on a server without the setting; any connection or server error.
    pub async fn get_setting<S: Subresource>(&self) -> Result<S> {
        self.read_setting(S::GET).await
    }

    /// As [`Bucket::get_setting`], with the name of the verb in errors.
    pub(super) async fn read_setting<S: Subresource>(&self, operation: &'static str) -> Result<S> {
        let response = self.request(Method::GET, S::NAME, None, operation).await?;
        if !is_success(&response) {
            let error = self.wrong(refusal(&response), operation);
            if S::NOT_CONFIGURED.is_empty() || error.service_code() != S::NOT_CONFIGURED {
                return Err(error);
            }
            // MinIO returns "not configured" for some settings of a bucket that does not exist.
            self.must_exist(operation).await?;
            return Ok(S::not_configured());
        }
        let body = String::from_utf8_lossy(&response.body);
        S::from_body(&body).map_err(|unreadable| self.wrong(unreadable.into_error(), operation))
    }

    /// Sets a setting; a value without content removes it.
    ///
    /// # Errors
    /// `InvalidInput` for a fault of the value, with its path, and for a value that the server does
    /// not accept; `NotFound` when the bucket is missing, `Denied`; `Unsupported` on a server
    /// without the setting, or one that would store only a part of the value, in which case nothing
    /// is changed; any connection or server error.
    pub async fn set_setting<S: Subresource>(&self, value: &S) -> Result<()> {
        value.check_value().map_err(|error| self.wrong(error, S::SET))?;
        self.change_setting(value, S::SET).await
    }

    /// As [`Bucket::set_setting`] for a checked value, with the name of the verb in errors.
    pub(super) async fn change_setting<S: Subresource>(
        &self,
        value: &S,
        operation: &'static str,
    ) -> Result<()> {
        // MinIO returns success for some settings of a bucket that does not exist.
        self.must_exist(operation).await?;
        if !value.may_lose_parts() {
            return self.send_setting(value, operation).await;
        }
        let before: S = self.read_setting(operation).await?;
        self.send_setting(value, operation).await?;
        let stored: S = self.read_setting(operation).await?;
        let Some(why) = value.lost_part(&stored) else { return Ok(()) };
        self.send_setting(&before, operation).await?;
        Err(self.wrong(Error::new(ErrorKind::Unsupported, why), operation))
    }

    async fn send_setting<S: Subresource>(&self, value: &S, operation: &'static str) -> Result<()> {
        let body = value.to_body();
        let method = if body.is_some() { Method::PUT } else { Method::DELETE };
        let response = self.request(method, S::NAME, body, operation).await?;
        if is_success(&response) {
            return Ok(());
        }
        Err(value.explain(self.wrong(refusal(&response), operation)))
    }

    async fn request(
        &self,
        method: Method,
        subresource: &'static str,
        body: Option<String>,
        operation: &'static str,
    ) -> Result<Response> {
        let body = Bytes::from(body.unwrap_or_default());
        let mut headers = Vec::new();
        if method == Method::PUT {
            // S3 requires a checksum for most of these requests.
            let checksum = HeaderValue::try_from(crc32c(&body)).map_err(|error| {
                let why = "the checksum cannot be written as a header";
                self.wrong(Error::new(ErrorKind::Internal, why).caused_by(error), operation)
            })?;
            headers.push((CHECKSUM_HEADER, checksum));
        }
        let request = Request {
            method,
            bucket: Some(&self.name),
            path: "",
            query: subresource,
            headers: &headers,
            body,
            hash: PayloadHash::Sha256,
            // Reading and setting a value twice has the result of once.
            retry: Retry::Always,
            limit: MAX_RESPONSE_BYTES,
        };
        let response = self.s3().client().send(&request).await;
        response.map_err(|error| self.wrong(error, operation))
    }
}

fn is_success(response: &Response) -> bool {
    (200..300).contains(&response.status)
}
