//! The limit for responses that the SDK reads whole: everything but objects.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use lakewright_core::{Error, ErrorKind};

use crate::pool::Pool;

/// The maximum size in bytes of a response that is no object. The longest, a page of a thousand keys
/// of 1,024 bytes in URL encoding, each with a version id of as many, has 5 MB.
pub const MAX_RESPONSE_BYTES: usize = 16 << 20;

/// The maximum number of `<` in such a response, which is that of its XML tags. The parsers of the
/// SDK make up to 300 bytes of an element of 11, so the size alone does not limit their memory. A
/// page of a thousand versions has 20,000 tags; 30,000 buckets, which MinIO lists in one page, have
/// 250,000.
const MAX_TAGS: usize = 1 << 19;

/// Limits the body of `response`. Reading more fails with an [`Error`] of the kind `TooLarge`.
pub fn limit_response(response: &mut HttpResponse) {
    let body = std::mem::replace(response.body_mut(), SdkBody::taken());
    let limited = Limited { body, bytes: MAX_RESPONSE_BYTES, tags: MAX_TAGS };
    *response.body_mut() = SdkBody::from_body_1_x(limited);
}

/// A body that fails when it exceeds its limit.
struct Limited {
    body: SdkBody,
    /// How many bytes may follow.
    bytes: usize,
    /// How many `<` may follow.
    tags: usize,
}

impl Limited {
    /// Subtracts `data` from what may follow; `None` if it is too much.
    fn accept(&mut self, data: &[u8]) -> Option<()> {
        self.bytes = self.bytes.checked_sub(data.len())?;
        self.tags = self.tags.checked_sub(data.iter().filter(|byte| **byte == b'<').count())?;
        Some(())
    }
}

impl Body for Limited {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        Poll::Ready(match frame {
            Some(Ok(frame)) => match frame.data_ref().map(|data| self.accept(data)) {
                Some(None) => Some(Err(too_large().into())),
                Some(Some(())) | None => Some(Ok(frame)),
            },
            other => other,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        // The announced length is not passed on, so that no buffer of that size is allocated.
        SizeHint::default()
    }
}

fn too_large() -> Error {
    let why = format!(
        "the response has more than {MAX_RESPONSE_BYTES} bytes or {MAX_TAGS} XML tags, which only \
         objects may have"
    );
    Error::new(ErrorKind::TooLarge, why)
}

/// The connections of a pool for the services that supply credentials, with limited responses.
#[derive(Clone, Debug)]
pub(crate) struct LimitedPool(pub(crate) Pool);

impl HttpClient for LimitedPool {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(LimitedConnector(self.0.http_connector(settings, components)))
    }
}

#[derive(Debug)]
struct LimitedConnector(SharedHttpConnector);

impl HttpConnector for LimitedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let response = self.0.call(request);
        HttpConnectorFuture::new(async move {
            let mut response = response.await?;
            limit_response(&mut response);
            Ok(response)
        })
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    async fn read(text: Vec<u8>) -> Result<usize, ErrorKind> {
        let status = aws_smithy_runtime_api::http::StatusCode::try_from(200).unwrap();
        let mut response = HttpResponse::new(status, SdkBody::from(text));
        limit_response(&mut response);
        let body = std::mem::replace(response.body_mut(), SdkBody::taken());
        match body.collect().await {
            Ok(collected) => Ok(collected.to_bytes().len()),
            Err(error) => Err(error.downcast_ref::<Error>().unwrap().kind()),
        }
    }

    #[tokio::test]
    async fn bytes_and_tags_are_limited() {
        let text = |bytes| vec![b'x'; bytes];
        assert_eq!(read(text(0)).await, Ok(0));
        assert_eq!(read(text(MAX_RESPONSE_BYTES)).await, Ok(MAX_RESPONSE_BYTES));
        assert_eq!(read(text(MAX_RESPONSE_BYTES + 1)).await, Err(ErrorKind::TooLarge));
        assert_eq!(read(b"<a/>".repeat(MAX_TAGS)).await, Ok(4 * MAX_TAGS));
        assert_eq!(read(b"<a/>".repeat(MAX_TAGS + 1)).await, Err(ErrorKind::TooLarge));
    }
}
