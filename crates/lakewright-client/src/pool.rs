//! The connections of a profile, shared by the S3 client and by requests that are sent without it.

use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use lakewright_core::{Error, ErrorKind, Result};

use crate::clock::Clock;
use crate::dial::{Dial, DialedConnector};
use crate::local_file::read_small_file;
use crate::profile::Profile;

/// The time after which an idle connection is closed. MinIO closes it after 30 s
/// (`minio server --idle-timeout`); if the client closes it earlier, no request is sent on a
/// connection that the server is closing.
const POOL_IDLE: Duration = Duration::from_secs(20);

/// The maximum size of a CA file in bytes. The bundle of a system has about 220 KiB.
const MAX_CA_BYTES: usize = 1 << 20;

/// A pool of connections. Requests with different read timeouts share it, while the SDK's own HTTP
/// client would keep one pool for each read timeout.
#[derive(Clone, Debug)]
pub struct Pool(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    transport: Transport,
    connect_timeout: Duration,
    /// The connector with the connect timeout of the profile.
    own: OnceLock<SharedHttpConnector>,
    /// The connectors with other connect timeouts, such as that of the metadata service.
    others: RwLock<Vec<(Option<Duration>, SharedHttpConnector)>>,
    /// The server's clock.
    clock: Arc<Clock>,
}

/// The way in which connections are opened.
#[derive(Debug)]
enum Transport {
    /// To the host and port of a URL.
    Tcp,
    /// To the host and port of a URL, encrypted.
    Tls(TlsContext),
    /// By a dialer.
    Dialed(Arc<dyn Dial>),
}

impl Pool {
    /// Creates a pool and reads the CA file. The first request opens the first connection.
    ///
    /// # Errors
    /// `InvalidConfig` for a CA file that cannot be read or contains no certificate.
    pub fn new(profile: &Profile) -> Result<Self> {
        let plain = profile.endpoint().is_some_and(|endpoint| endpoint.starts_with("http:"));
        let transport = if plain { Transport::Tcp } else { Transport::Tls(tls_context(profile)?) };
        Ok(Self::with_transport(profile, transport))
    }

    /// Creates a pool of connections that a dialer opens.
    pub fn dialed(profile: &Profile, dial: Arc<dyn Dial>) -> Self {
        Self::with_transport(profile, Transport::Dialed(dial))
    }

    fn with_transport(profile: &Profile, transport: Transport) -> Self {
        Self(Arc::new(Inner {
            transport,
            connect_timeout: profile.connect_timeout(),
            own: OnceLock::new(),
            others: RwLock::default(),
            clock: Arc::default(),
        }))
    }

    /// Creates a pool whose requests are sent by `connector`.
    pub(crate) fn with_connector(
        profile: &Profile,
        connector: SharedHttpConnector,
    ) -> Result<Self> {
        let pool = Self::new(profile)?;
        // The pool is new, so it has no connector yet.
        let _ = pool.0.own.set(connector);
        Ok(pool)
    }

    /// Returns the server's clock, learnt from the `Date` of its responses.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Returns the connector with the connect timeout of the profile. It has no read timeout: the
    /// caller limits the time of a response.
    pub fn connector(&self) -> &SharedHttpConnector {
        self.0.own.get_or_init(|| {
            let connector = self.0.make(Some(self.0.connect_timeout));
            SharedHttpConnector::new(ClockConnector { connector, clock: self.0.clock.clone() })
        })
    }

    fn connector_within(&self, timeout: Option<Duration>) -> SharedHttpConnector {
        if timeout == Some(self.0.connect_timeout) {
            return self.connector().clone();
        }
        let known = |others: &[(_, SharedHttpConnector)]| {
            let other = others.iter().find(|(other, _)| *other == timeout);
            other.map(|(_, connector)| connector.clone())
        };
        let found = known(&self.0.others.read().unwrap_or_else(PoisonError::into_inner));
        found.unwrap_or_else(|| {
            let mut others = self.0.others.write().unwrap_or_else(PoisonError::into_inner);
            known(&others).unwrap_or_else(|| {
                let connector = self.0.make(timeout);
                others.push((timeout, connector.clone()));
                connector
            })
        })
    }
}

impl Inner {
    fn make(&self, connect_timeout: Option<Duration>) -> SharedHttpConnector {
        let mut settings = HttpConnectorSettings::builder();
        settings.set_connect_timeout(connect_timeout);
        let mut connector = Connector::builder().enable_tcp_nodelay(true);
        connector
            .set_connector_settings(Some(settings.build()))
            .set_sleep_impl(Some(SharedAsyncSleep::new(TokioSleep::new())))
            .set_pool_idle_timeout(Some(Some(POOL_IDLE)));
        match &self.transport {
            Transport::Tcp => SharedHttpConnector::new(connector.build_http()),
            Transport::Tls(context) => SharedHttpConnector::new(
                connector
                    .tls_provider(Provider::Rustls(CryptoMode::Ring))
                    .tls_context(context.clone())
                    .build(),
            ),
            Transport::Dialed(dial) => SharedHttpConnector::new(DialedConnector::new(
                Arc::clone(dial),
                connect_timeout,
                POOL_IDLE,
            )),
        }
    }
}

impl HttpClient for Pool {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let connector = self.connector_within(settings.connect_timeout());
        match settings.read_timeout() {
            None => connector,
            Some(limit) => SharedHttpConnector::new(ReadTimeoutConnector { connector, limit }),
        }
    }
}

/// A connector that waits no longer than `limit` for the head of a response.
#[derive(Debug)]
struct ReadTimeoutConnector {
    connector: SharedHttpConnector,
    limit: Duration,
}

impl HttpConnector for ReadTimeoutConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (response, limit) = (self.connector.call(request), self.limit);
        HttpConnectorFuture::new(async move {
            tokio::time::timeout(limit, response)
                .await
                .unwrap_or_else(|late| Err(ConnectorError::timeout(late.into())))
        })
    }
}

/// A connector that updates the clock from the `Date` of responses.
#[derive(Debug)]
struct ClockConnector {
    connector: SharedHttpConnector,
    clock: Arc<Clock>,
}

impl HttpConnector for ClockConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (response, clock) = (self.connector.call(request), self.clock.clone());
        HttpConnectorFuture::new(async move {
            let response = response.await?;
            if let Some(date) = response.headers().get("date") {
                clock.learn(date);
            }
            Ok(response)
        })
    }
}

fn tls_context(profile: &Profile) -> Result<TlsContext> {
    let wrong = |why: String| Error::new(ErrorKind::InvalidConfig, why);
    let mut trust = TrustStore::default();
    if let Some(path) = profile.ca_file() {
        let on = || path.display().to_string();
        let pem = read_small_file(path, MAX_CA_BYTES).map_err(|error| {
            wrong(format!("the CA file cannot be read: {error}")).on(on()).caused_by(error)
        })?;
        // Otherwise only a failed TLS handshake would show that there is no certificate.
        if !String::from_utf8_lossy(&pem).contains("-----BEGIN CERTIFICATE-----") {
            return Err(wrong("the CA file holds no PEM certificate".into()).on(on()));
        }
        trust = trust.with_pem_certificate(pem.to_vec());
    }
    TlsContext::builder()
        .with_trust_store(trust)
        .build()
        .map_err(|error| wrong("TLS cannot be set up".into()).caused_by(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Credentials;

    #[test]
    fn a_ca_file_is_a_regular_file_with_a_certificate() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let empty = dir.path().join("empty");
        std::fs::write(&empty, "").unwrap();
        for (path, why) in
            [(pipe, "it is a pipe"), (empty, "no PEM"), (dir.path().into(), "it is a directory")]
        {
            let profile = Profile::builder()
                .endpoint("https://127.0.0.1:9")
                .credentials(Credentials::Anonymous)
                .ca_file(path)
                .build()
                .unwrap();
            let error = Pool::new(&profile).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidConfig);
            assert!(error.to_string().contains(why), "{error}");
        }
    }

    #[test]
    fn one_pool_for_each_connect_timeout() {
        let profile = Profile::builder()
            .endpoint("http://127.0.0.1:9")
            .credentials(Credentials::Anonymous)
            .build()
            .unwrap();
        let pool = Pool::new(&profile).unwrap();
        let within = |seconds| pool.connector_within(Some(Duration::from_secs(seconds)));
        let _ = (within(1), within(1), within(2), within(5), pool.connector_within(None));
        assert_eq!(profile.connect_timeout(), Duration::from_secs(5));
        assert_eq!(pool.0.others.read().unwrap().len(), 3);
    }
}
