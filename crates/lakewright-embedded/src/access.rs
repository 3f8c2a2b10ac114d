//! Access: every request needs a valid signature, and the first one proves its connection.

use http::Extensions;
use s3s::access::{S3Access, S3AccessContext};
use s3s::{S3Result, s3_error};

use crate::slots::Proof;

/// Access with the server's credentials to everything.
pub(crate) struct SignedRequests;

#[async_trait::async_trait]
impl S3Access for SignedRequests {
    async fn check(&self, context: &mut S3AccessContext<'_>) -> S3Result<()> {
        let is_signed = context.credentials().is_some();
        check(is_signed, context.extensions_mut())
    }
}

/// Decides on a request after its signature was verified, if it has one. `extensions` are those of
/// the request.
pub(crate) fn check(is_signed: bool, extensions: &Extensions) -> S3Result<()> {
    if !is_signed {
        return Err(s3_error!(AccessDenied, "Signature is required"));
    }
    if let Some(proof) = extensions.get::<Proof>() {
        proof.accept();
    }
    Ok(())
}
