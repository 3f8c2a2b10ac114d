//! One call of the admin API, from the parameters of an operation to the parsed response.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, header};
use lakewright_core::{Error, ErrorKind, Outcome, Result, check_json_size};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::Admin;
use super::classify::{Mentions, classify};
use super::payload::{self, Suite};
use lakewright_client::{
    MAX_RESPONSE_BYTES, PayloadHash, Request, Response, Retry, leaves_outcome_open,
};

pub(super) const ROOT: &str = "/minio/admin/v3/";

/// The size of the buffer for a body with a secret, in bytes.
const SECRET_BODY: usize = 64 << 10;

/// Without a content type, MinIO does not recognise a POST to some routes as a request of the API.
const HEADERS: [(HeaderName, HeaderValue); 1] =
    [(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"))];

/// The characters that are percent-encoded in a query: all except the unreserved ones of RFC 3986,
/// section 2.3. The signature is computed over the encoded query.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A call that is being built.
pub(super) struct Call<'a> {
    admin: &'a Admin,
    operation: &'static str,
    resource: String,
    method: Method,
    route: &'static str,
    query: String,
    body: Content,
    mentions: Mentions,
    retry: Retry,
    removal: bool,
}

enum Content {
    Plain(Vec<u8>),
    /// To be encrypted with a key derived from the secret key that signs the request.
    Secret(Zeroizing<Vec<u8>>),
}

/// The response of a call that succeeded.
pub(super) struct CallResponse<'a> {
    call: Call<'a>,
    response: Response,
    secret_key: Zeroizing<String>,
}

impl Admin {
    /// Begins a call. `route` is the path after `/minio/admin/v3/`; `resource` is the name that
    /// errors contain.
    pub(super) fn call(
        &self,
        operation: &'static str,
        resource: impl Into<String>,
        method: Method,
        route: &'static str,
    ) -> Call<'_> {
        Call {
            admin: self,
            operation,
            resource: resource.into(),
            method,
            route,
            query: String::new(),
            body: Content::Plain(Vec::new()),
            mentions: Mentions::default(),
            retry: Retry::Always,
            removal: false,
        }
    }
}

impl<'a> Call<'a> {
    pub(super) fn query(mut self, name: &str, value: &str) -> Self {
        if !self.query.is_empty() {
            self.query.push('&');
        }
        self.query.extend(utf8_percent_encode(name, RESERVED));
        self.query.push('=');
        self.query.extend(utf8_percent_encode(value, RESERVED));
        self
    }

    /// Sets a body that is sent without encryption.
    pub(super) fn plain(mut self, body: &impl Serialize) -> Result<Self> {
        let json = serde_json::to_vec(body).map_err(|error| self.not_encoded(&error))?;
        self.body = Content::Plain(json);
        Ok(self)
    }

    /// Sets a body that is encrypted before it is sent.
    pub(super) fn secret(mut self, body: &impl Serialize) -> Result<Self> {
        // A buffer that grows leaves copies behind. The longest bodies have a policy of 20 KiB.
        let mut json = Zeroizing::new(Vec::with_capacity(SECRET_BODY));
        serde_json::to_writer(&mut *json, body).map_err(|error| self.not_encoded(&error))?;
        self.body = Content::Secret(json);
        Ok(self)
    }

    /// Declares the users other than its resource that the call names, for the error if one of them
    /// does not exist.
    pub(super) fn mention_users(mut self, users: &[&str]) -> Self {
        self.mentions.users = users.iter().map(|user| (*user).to_owned()).collect();
        self
    }

    /// As [`Self::mention_users`], for policies.
    pub(super) fn mention_policies(mut self, policies: &[&str]) -> Self {
        self.mentions.policies = policies.iter().map(|policy| (*policy).to_owned()).collect();
        self
    }

    /// Allows a retry only if the previous attempt was certainly not carried out.
    pub(super) fn once(mut self) -> Self {
        self.retry = Retry::IfUnsent;
        self
    }

    /// Declares that the call removes a resource: a retry that finds it missing counts as success,
    /// because an earlier attempt removed it.
    pub(super) fn removal(mut self) -> Self {
        self.removal = true;
        self
    }

    fn not_encoded(&self, error: &serde_json::Error) -> Error {
        let why = format!("the request cannot be encoded: {error}");
        self.with_context(Error::invalid_input(why))
    }

    fn with_context(&self, error: Error) -> Error {
        error.during(self.operation).on(self.resource.as_str())
    }

    /// Sends the request and returns the response, which must have a status of success.
    ///
    /// # Errors
    /// The error that the server reported, and any connection error.
    pub(super) async fn send(self) -> Result<CallResponse<'a>> {
        if self.method != Method::GET {
            self.admin.require().await.map_err(|error| self.with_context(error))?;
        }
        let result = self.send_any_status().await;
        let (response, secret_key) = result.map_err(|error| self.with_context(error))?;
        if !(200..300).contains(&response.status) {
            let mut error = classify(&response, &self.mentions);
            let open = leaves_outcome_open(response.status) && error.is_retryable();
            if open && self.retry == Retry::IfUnsent {
                error = error.with_outcome(Outcome::Unknown);
            }
            if !(self.removal && response.repeated && error.kind() == ErrorKind::NotFound) {
                return Err(self.with_context(error));
            }
        }
        Ok(CallResponse { call: self, response, secret_key })
    }

    /// Sends the request and returns the response, with any status, and the secret key that signed
    /// the request.
    pub(super) async fn send_any_status(&self) -> Result<(Response, Zeroizing<String>)> {
        let client = &self.admin.client;
        if client.profile().endpoint().is_none() {
            return Err(Error::new(ErrorKind::Unsupported, "Amazon S3 has no MinIO admin API"));
        }
        let path = format!("{ROOT}{}", self.route);
        let mut may_use_new_keys = true;
        loop {
            let Some(keys) = client.keys().await? else {
                let why = "the admin API requires signed requests, and this connection has no keys";
                return Err(Error::new(ErrorKind::Unauthenticated, why));
            };
            let secret_key = Zeroizing::new(keys.secret_access_key().to_owned());
            let body = match &self.body {
                Content::Plain(body) => Bytes::from(body.clone()),
                Content::Secret(body) => {
                    payload::encrypt(Suite::Pbkdf2Aes, &secret_key, body)?.into()
                }
            };
            let request = Request {
                bucket: None,
                method: self.method.clone(),
                path: &path,
                query: &self.query,
                headers: &HEADERS,
                body,
                hash: PayloadHash::Sha256,
                retry: self.retry,
                // A list of ten thousand users has 2 MB.
                limit: MAX_RESPONSE_BYTES,
            };
            let response = client.send_with(Some(&keys), &request).await?;
            if may_use_new_keys && response.refused() && client.has_new_keys() {
                tracing::info!("the keys were refused and have changed; trying the new ones");
                may_use_new_keys = false;
                continue;
            }
            return Ok((response, secret_key));
        }
    }
}

impl CallResponse<'_> {
    /// Returns the body as it was received.
    pub(super) fn bytes(&self) -> Bytes {
        self.response.body.clone()
    }

    /// Parses a response in plain JSON.
    ///
    /// # Errors
    /// `Corrupt` if the body cannot be parsed.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T> {
        self.parse(&self.response.body)
    }

    /// Decrypts and parses an encrypted response.
    ///
    /// # Errors
    /// `Corrupt` if the body cannot be decrypted or parsed.
    pub(super) async fn secret_json<T: DeserializeOwned>(&self) -> Result<T> {
        let body = self.response.body.clone();
        let plain = payload::decrypt_off_thread(self.secret_key.clone(), body).await;
        self.parse(&plain.map_err(|error| self.call.with_context(error))?)
    }

    fn parse<T: DeserializeOwned>(&self, body: &[u8]) -> Result<T> {
        check_json_size(body).map_err(|why| {
            let why = format!("the response is too large: {why}");
            self.call.with_context(Error::new(ErrorKind::TooLarge, why))
        })?;
        let parsed = serde_json::from_slice(body).map_err(|error| {
            // The message contains the position of the fault but no content, because the body may
            // contain secrets.
            let at = format!("line {}, column {}", error.line(), error.column());
            let why = format!("the response is not one of MinIO's admin API ({at})");
            self.call.with_context(Error::new(ErrorKind::Corrupt, why))
        })?;
        self.call.admin.has_admin.store(true, Ordering::Relaxed);
        Ok(parsed)
    }

    /// Returns the error for a response that can be parsed but has invalid content.
    pub(super) fn corrupt_error(&self, why: &str) -> Error {
        self.call.with_context(Error::new(ErrorKind::Corrupt, why))
    }
}
