//! The embedded server as a Python object.

use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use lakewright::embedded::{Durability, EmbeddedOptions, EmbeddedServer as Server};
use lakewright::{Error, Result};
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::error::{OrRaise, invalid};
use crate::runtime::{Awaitable, Done, promise, wait};

/// An S3 server inside this process, on a directory, for laptops and tests. It listens on
/// loopback, and stops with ``close()``, at the end of ``with``, or with the object.
///
/// ``lakewright.connect("embedded:DIR")`` is shorter where only this process needs the server.
/// ``listen`` is a loopback address with a port, 0 for any free port. With ``durable=False`` a
/// write survives the end of the process, but not a loss of power.
///
/// Raises ``AlreadyExistsError`` when another server serves the directory.
///
/// >>> import tempfile
/// >>> with lakewright.EmbeddedServer(tempfile.mkdtemp()) as server:
/// ...     lake = lakewright.connect(
/// ...         server.endpoint,
/// ...         access_key_id=server.access_key_id,
/// ...         secret_access_key=server.secret_access_key(),
/// ...     )
/// ...     lake.create_bucket("raw").name
/// 'raw'
#[pyclass(frozen, module = "lakewright", weakref)]
pub(crate) struct EmbeddedServer {
    /// ``http://127.0.0.1:PORT``.
    #[pyo3(get)]
    endpoint: String,
    /// The access key to sign requests with.
    #[pyo3(get)]
    access_key_id: String,
    /// The directory that is served.
    #[pyo3(get)]
    data_dir: PathBuf,
    /// `None` once the server was closed.
    running: Arc<Mutex<Option<Server>>>,
}

impl EmbeddedServer {
    fn shutdown(&self) -> impl Future<Output = Result<Done>> + Send + 'static {
        let running = self.running.clone();
        async move {
            let server = running.lock().unwrap_or_else(PoisonError::into_inner).take();
            match server {
                Some(server) => server.shutdown().await.map(|()| Done),
                None => Ok(Done),
            }
        }
    }
}

#[pymethods]
impl EmbeddedServer {
    #[new]
    #[pyo3(signature = (data_dir, *, listen=None, durable=true))]
    fn new(
        py: Python<'_>,
        data_dir: PathBuf,
        listen: Option<&str>,
        durable: bool,
    ) -> PyResult<Self> {
        let mut options = EmbeddedOptions::new(data_dir);
        if let Some(listen) = listen {
            let address: SocketAddr = listen.parse().map_err(|_| {
                invalid(py, format!("listen is {listen:?}; write an address like 127.0.0.1:0"))
            })?;
            options = options.listen(address);
        }
        if !durable {
            options = options.durability(Durability::Process);
        }
        let server = wait(py, Server::start(options))?;
        Ok(Self {
            endpoint: server.endpoint(),
            access_key_id: server.access_key_id().to_owned(),
            data_dir: server.data_dir().to_owned(),
            running: Arc::new(Mutex::new(Some(server))),
        })
    }

    /// Returns the secret key to sign requests with. Nothing else shows it.
    ///
    /// Raises ``InvalidInputError`` once the server was closed.
    fn secret_access_key(&self, py: Python<'_>) -> PyResult<String> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let server = running.as_ref();
        let server = server.ok_or_else(|| Error::invalid_input("this server was closed"));
        Ok(server.or_raise(py)?.secret_access_key().expose().to_owned())
    }

    /// Stops the server: finishes running requests, writes everything to disk and releases the
    /// directory.
    fn close(&self, py: Python<'_>) -> PyResult<Done> {
        wait(py, self.shutdown())
    }

    /// The asynchronous twin of :meth:`close`.
    fn close_async<'py>(&self, py: Python<'py>) -> PyResult<Awaitable<'py, Done>> {
        promise(py, self.shutdown())
    }

    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    #[pyo3(signature = (kind: "object", error: "object", trace: "object", /))]
    fn __exit__(
        &self,
        py: Python<'_>,
        kind: &Bound<'_, PyAny>,
        error: &Bound<'_, PyAny>,
        trace: &Bound<'_, PyAny>,
    ) -> PyResult<Done> {
        let _ = (kind, error, trace);
        self.close(py)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let directory = PyString::new(py, &self.data_dir.to_string_lossy()).repr()?;
        Ok(format!("EmbeddedServer({directory}, {:?})", self.endpoint))
    }
}

impl Drop for EmbeddedServer {
    fn drop(&mut self) {
        // The server's own drop waits for its threads; other Python threads must not wait with it.
        let server = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(server) = server {
            Python::attach(|py| py.detach(move || drop(server)));
        }
    }
}
