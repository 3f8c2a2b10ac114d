//! Connections to a server that is not reached by host and port, such as the embedded server, which
//! listens on a Unix socket.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use http::Uri;
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::UnixStream;

use crate::unreachable::causes;

/// Opens the connections of a client. Each is opened to the server itself, which the dialer
/// identifies, so no request is sent to another process.
pub trait Dial: fmt::Debug + Send + Sync + 'static {
    /// Opens a connection.
    fn dial(&self) -> DialFuture;
}

/// The future of [`Dial::dial`].
pub type DialFuture = Pin<Box<dyn Future<Output = io::Result<UnixStream>> + Send>>;

/// A connector of requests to the pool of connections that a dialer opens.
#[derive(Debug)]
pub(crate) struct DialedConnector(legacy::Client<Dialer, SdkBody>);

impl DialedConnector {
    /// Creates a pool. `connect_timeout` limits the time of opening a connection.
    pub(crate) fn new(
        dial: Arc<dyn Dial>,
        connect_timeout: Option<Duration>,
        idle_timeout: Duration,
    ) -> Self {
        let client = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(idle_timeout)
            .build(Dialer { dial, connect_timeout });
        Self(client)
    }
}

impl HttpConnector for DialedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let request = match request.try_into_http1x() {
            Ok(request) => request,
            Err(error) => {
                return HttpConnectorFuture::ready(Err(ConnectorError::user(error.into())));
            }
        };
        let response = self.0.request(request);
        HttpConnectorFuture::new(async move {
            let response = response.await.map_err(connector_error)?;
            HttpResponse::try_from(response.map(SdkBody::from_body_1_x))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

/// Classifies an error as the SDK's own connector does, so that the same ones are retried.
fn connector_error(error: legacy::Error) -> ConnectorError {
    let timed_out = causes(&error)
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::TimedOut);
    let is_user = causes(&error)
        .filter_map(|cause| cause.downcast_ref::<hyper::Error>())
        .any(hyper::Error::is_user);
    if timed_out {
        ConnectorError::timeout(error.into())
    } else if is_user {
        ConnectorError::user(error.into())
    } else {
        ConnectorError::io(error.into())
    }
}

/// Adapts [`Dial`] to the connection pool. The URI is not used: a dialer knows its server.
#[derive(Clone, Debug)]
struct Dialer {
    dial: Arc<dyn Dial>,
    connect_timeout: Option<Duration>,
}

impl tower_service::Service<Uri> for Dialer {
    type Response = TokioIo<UnixStream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let (dialed, limit) = (self.dial.dial(), self.connect_timeout);
        Box::pin(async move {
            let stream = match limit {
                None => dialed.await?,
                Some(limit) => tokio::time::timeout(limit, dialed)
                    .await
                    .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?,
            };
            Ok(TokioIo::new(stream))
        })
    }
}
