//! One call of the admin API, from the words of a verb to the words of the answer.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, header};
use lakewright_core::{Error, ErrorKind, Outcome, Result};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::Admin;
use super::classify::classify;
use super::payload::{self, Suite};
use lakewright_client::{PayloadHash, Repeat, Request, Response, leaves_outcome_open};

pub(super) const ROOT: &str = "/minio/admin/v3/";

/// The most bytes an answer may have. Ten thousand users are 2 MB.
const LIMIT: usize = 256 << 20;

/// Without one, MinIO takes a POST to some routes for no request at all.
const HEADERS: [(HeaderName, HeaderValue); 1] =
    [(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"))];

/// RFC 3986, 2.3: what never needs encoding. The signature is made over just that.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A call in the making.
pub(super) struct Call<'a> {
    admin: &'a Admin,
    operation: &'static str,
    resource: String,
    method: Method,
    route: &'static str,
    query: String,
    body: Content,
    repeat: Repeat,
    removal: bool,
}

enum Content {
    Plain(Vec<u8>),
    /// To be encrypted under the keys that sign.
    Secret(Zeroizing<Vec<u8>>),
}

/// What a server that has the API answered to it.
pub(super) struct Answer<'a> {
    call: Call<'a>,
    response: Response,
    secret_key: Zeroizing<String>,
}

impl Admin {
    /// `route` is what follows `/minio/admin/v3/`; `resource` is what errors name.
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
            repeat: Repeat::Freely,
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

    /// A body that anybody may read.
    pub(super) fn plain(mut self, body: &impl Serialize) -> Result<Self> {
        self.body = Content::Plain(self.json(body)?);
        Ok(self)
    }

    /// A body that is encrypted on its way.
    pub(super) fn secret(mut self, body: &impl Serialize) -> Result<Self> {
        self.body = Content::Secret(Zeroizing::new(self.json(body)?));
        Ok(self)
    }

    /// Not to be sent again unless the first time surely did nothing.
    pub(super) fn once(mut self) -> Self {
        self.repeat = Repeat::Unsent;
        self
    }

    /// What is gone already when it is asked for a second time was removed by the first.
    pub(super) fn removal(mut self) -> Self {
        self.removal = true;
        self
    }

    fn json(&self, body: &impl Serialize) -> Result<Vec<u8>> {
        serde_json::to_vec(body).map_err(|error| {
            let why = format!("the request cannot be written down: {error}");
            self.named(Error::invalid_input(why))
        })
    }

    fn named(&self, error: Error) -> Error {
        error.during(self.operation).on(self.resource.as_str())
    }

    /// Sends it and takes success for an answer.
    ///
    /// # Errors
    /// What the server's refusal means, and everything that keeps it from answering.
    pub(super) async fn send(self) -> Result<Answer<'a>> {
        if self.method != Method::GET {
            self.admin.require().await.map_err(|error| self.named(error))?;
        }
        let sent = self.sent().await;
        let (response, secret_key) = sent.map_err(|error| self.named(error))?;
        if !(200..300).contains(&response.status) {
            let mut error = classify(&response);
            let open = leaves_outcome_open(response.status) && error.is_retryable();
            if open && self.repeat == Repeat::Unsent {
                error = error.with_outcome(Outcome::Unknown);
            }
            if !(self.removal && response.repeated && error.kind() == ErrorKind::NotFound) {
                return Err(self.named(error));
            }
        }
        Ok(Answer { call: self, response, secret_key })
    }

    /// The answer, whatever it is, and the secret key that belongs to it.
    pub(super) async fn sent(&self) -> Result<(Response, Zeroizing<String>)> {
        let client = &self.admin.client;
        if client.profile().endpoint().is_none() {
            return Err(Error::new(ErrorKind::Unsupported, "Amazon S3 has no MinIO admin API"));
        }
        let path = format!("{ROOT}{}", self.route);
        let mut again = true;
        loop {
            let Some(keys) = client.keys().await? else {
                let why = "the admin API wants signed requests, and this connection has no keys";
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
                method: self.method.clone(),
                path: &path,
                query: &self.query,
                headers: &HEADERS,
                body,
                hash: PayloadHash::Sha256,
                repeat: self.repeat,
                limit: LIMIT,
            };
            let response = client.send_with(Some(&keys), &request).await?;
            if again && response.refused() && client.has_new_keys() {
                tracing::info!("the keys were refused and have changed; trying the new ones");
                again = false;
                continue;
            }
            return Ok((response, secret_key));
        }
    }
}

impl Answer<'_> {
    /// The answer as it came.
    pub(super) fn bytes(&self) -> Bytes {
        self.response.body.clone()
    }

    /// An answer in plain JSON.
    ///
    /// # Errors
    /// `Corrupt` for one that is something else.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T> {
        self.parse(&self.response.body)
    }

    /// An encrypted answer.
    ///
    /// # Errors
    /// `Corrupt` for one that is something else.
    pub(super) async fn secret_json<T: DeserializeOwned>(&self) -> Result<T> {
        let body = self.response.body.clone();
        let plain = payload::decrypt_apart(self.secret_key.clone(), body).await;
        self.parse(&plain.map_err(|error| self.call.named(error))?)
    }

    fn parse<T: DeserializeOwned>(&self, body: &[u8]) -> Result<T> {
        let parsed = serde_json::from_slice(body).map_err(|error| {
            // Where it is wrong, but nothing of what it says: there may be secrets in it.
            let at = format!("line {}, column {}", error.line(), error.column());
            let why = format!("the answer is none of MinIO's admin API ({at})");
            self.call.named(Error::new(ErrorKind::Corrupt, why))
        })?;
        self.call.admin.has_admin.store(true, Ordering::Relaxed);
        Ok(parsed)
    }

    /// An answer that was understood in another way than by its JSON.
    pub(super) fn corrupt(&self, why: &str) -> Error {
        self.call.named(Error::new(ErrorKind::Corrupt, why))
    }
}
