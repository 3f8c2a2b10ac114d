//! `verify_secret`

use bytes::Bytes;
use http::Method;
use lakewright_core::{ErrorKind, Result, Secret};

use super::Admin;
use super::classify::{AdminErrorBody as _, classify};
use lakewright_client::{ErrorBody, PayloadHash, Repeat, Request, SigningKeys};

/// A bucket that is asked for and need not be there: whoever may nothing is told that she may
/// not, whoever may is told where it is, or that it is nowhere. The server's signature check
/// comes first, and no drive is touched for it in most cases.
const NOWHERE: &str = "/lakewright-no-such-bucket";

/// What a server says to a pair of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretCheck {
    /// They belong together.
    Matches,
    /// The access key has another secret key.
    Differs,
    /// The access key is disabled: the server did not look at the secret.
    Disabled,
    /// The server does not know the access key. MinIO says the same of a service account that
    /// has ended.
    Unknown,
}

impl Admin {
    /// Whether these keys let anybody in, found out by trying them: one harmless request that
    /// is signed with them. Any S3 server can be asked. The secret is not sent.
    ///
    /// # Errors
    /// Whatever keeps the server from answering.
    pub async fn verify_secret(
        &self,
        access_key: &str,
        secret_key: &Secret,
    ) -> Result<SecretCheck> {
        let client = &self.client;
        let keys = SigningKeys::new(access_key, secret_key.expose(), None, None, "verify_secret");
        let request = Request {
            method: Method::GET,
            path: NOWHERE,
            query: "location=",
            headers: &[],
            body: Bytes::new(),
            hash: PayloadHash::Sha256,
            repeat: Repeat::Freely,
            limit: 1 << 20,
        };
        let named = |error: lakewright_core::Error| error.during("verify_secret").on(access_key);
        let response = client.send_with(Some(&keys), &request).await.map_err(named)?;
        if response.status == 200 {
            return Ok(SecretCheck::Matches);
        }
        let refusal = ErrorBody::of(&response);
        Ok(match &*refusal.code {
            "AccessDenied" | "AllAccessDisabled" | "NoSuchBucket" => SecretCheck::Matches,
            "SignatureDoesNotMatch" => SecretCheck::Differs,
            _ if refusal.is_disabled() => SecretCheck::Disabled,
            "InvalidAccessKeyId" => SecretCheck::Unknown,
            _ => {
                let error = classify(&response);
                let kind = match error.kind() {
                    // of the bucket that was asked for, or its name: nothing is known
                    ErrorKind::Unsupported | ErrorKind::NotFound => ErrorKind::Corrupt,
                    kind => kind,
                };
                return Err(named(error.with_kind(kind)));
            }
        })
    }
}
