//! Starts a server on a directory, or attaches to the one that is already running there.

use std::time::{Duration, Instant};

use lakewright_core::{Error, ErrorKind, Result};

use crate::attach::{Attachment, attach};
use crate::options::EmbeddedOptions;
use crate::server::EmbeddedServer;

/// How long [`start_or_attach`] waits for a process that holds the directory and does not accept
/// connections: it is starting or stopping. Repairing a large index after a kill takes seconds.
const START_OR_ATTACH_TIMEOUT: Duration = Duration::from_secs(30);

/// Delay between two attempts.
const RETRY_DELAY: Duration = Duration::from_millis(20);

/// A server started by this process, or the connection data of one that was already running.
#[derive(Debug)]
pub enum Embedded {
    /// This process serves the directory.
    Started(EmbeddedServer),
    /// Another server already serves the directory.
    Attached(Attachment),
}

/// Starts a server on the directory, or attaches to the one that already serves it.
///
/// Two processes may call this at the same moment: one starts a server, the other waits until that
/// server accepts connections.
///
/// # Errors
/// As [`EmbeddedServer::start`] and [`attach`]; `Unavailable` when another process holds the
/// directory for 30 seconds without serving it.
pub async fn start_or_attach(options: EmbeddedOptions) -> Result<Embedded> {
    let deadline = Instant::now() + START_OR_ATTACH_TIMEOUT;
    loop {
        let dir = options.data_dir.clone();
        if let Some(attachment) = run_blocking(move || attach(dir)).await? {
            return Ok(Embedded::Attached(attachment));
        }
        match EmbeddedServer::start(options.clone()).await {
            Ok(server) => return Ok(Embedded::Started(server)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                if Instant::now() > deadline {
                    return Err(error.with_kind(ErrorKind::Unavailable));
                }
            }
            Err(error) => return Err(error),
        }
        // tokio's sleep would need a timer, which the caller's runtime may not have.
        run_blocking(|| {
            std::thread::sleep(RETRY_DELAY);
            Ok(())
        })
        .await?;
    }
}

/// Runs blocking work outside the async worker threads of the caller's runtime.
async fn run_blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        Err(Error::new(ErrorKind::Internal, "the task ended unexpectedly")
            .during("start_or_attach")
            .caused_by(error))
    })
}
