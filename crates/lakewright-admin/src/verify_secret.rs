//! `verify_secret`

use bytes::Bytes;
use http::Method;
use lakewright_core::{ErrorKind, Result, Secret};

use super::Admin;
use super::classify::{AdminErrorBody as _, Mentions, classify};
use lakewright_client::{ErrorBody, PayloadHash, Request, Retry, SigningKeys};

/// The path of a bucket that need not exist. Credentials without permissions are refused with
/// `AccessDenied`; with permissions, the server returns the location of the bucket or reports that
/// it does not exist. The server checks the signature first, and in most cases it reads no drive.
const NOWHERE: &str = "/lakewright-no-such-bucket";

/// The result of the check of an access key and a secret key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretCheck {
    /// The two keys belong together.
    Matches,
    /// The access key has another secret key.
    Differs,
    /// The access key is disabled, and the server did not check the secret key.
    Disabled,
    /// The server does not know the access key. MinIO reports the same for a service account that
    /// has expired.
    Unknown,
}

impl Admin {
    /// Checks credentials by a harmless request that is signed with them. It works with any S3
    /// server. The secret key is not sent.
    ///
    /// # Errors
    /// Any connection or server error.
    pub async fn verify_secret(
        &self,
        access_key: &str,
        secret_key: &Secret,
    ) -> Result<SecretCheck> {
        let client = &self.client;
        let keys = SigningKeys::new(access_key, secret_key.expose(), None, None, "verify_secret");
        let request = Request {
            bucket: None,
            method: Method::GET,
            path: NOWHERE,
            query: "location=",
            headers: &[],
            body: Bytes::new(),
            hash: PayloadHash::Sha256,
            retry: Retry::Always,
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
                let error = classify(&response, &Mentions::default());
                let kind = match error.kind() {
                    // the error concerns the bucket or its name and proves nothing about the
                    // credentials
                    ErrorKind::Unsupported | ErrorKind::NotFound => ErrorKind::Corrupt,
                    kind => kind,
                };
                return Err(named(error.with_kind(kind)));
            }
        })
    }
}
