//! The environment of a running command: output, connection, progress and the stop signal.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lakewright::{Lake, Settings};
use tokio::sync::watch;

use crate::failure::CommandResult;
use crate::global::Global;
use crate::output::Output;
use crate::progress::{self, Meter};

/// The environment of a running command.
pub(crate) struct Context {
    pub(crate) out: Output,
    global: Global,
    stop: watch::Receiver<bool>,
    /// Whether the command finishes by itself after a signal; otherwise it is dropped.
    graceful: Arc<AtomicBool>,
}

impl Context {
    /// `stop` becomes true when the process is asked to stop. The command sets `graceful` while it
    /// handles that itself.
    pub(crate) fn new(
        global: Global,
        out: Output,
        stop: watch::Receiver<bool>,
        graceful: Arc<AtomicBool>,
    ) -> Self {
        Self { out, global, stop, graceful }
    }

    /// Lets the command finish by itself after a signal, instead of being dropped. The command
    /// must then wait for [`stopped`](Self::stopped).
    pub(crate) fn stop_gracefully(&self) {
        self.graceful.store(true, Ordering::SeqCst);
    }

    /// Returns the settings that the command line gives for the connection.
    pub(crate) fn settings(&self) -> Settings {
        self.global.connection.settings()
    }

    /// Creates the connection. No request is sent yet.
    pub(crate) async fn lake(&self) -> CommandResult<Lake> {
        Ok(lakewright::connect(self.settings()).await?)
    }

    /// Whether progress is shown on stderr.
    pub(crate) fn shows_progress(&self) -> bool {
        progress::is_shown(self.global.json)
    }

    /// Creates a progress meter that counts bytes.
    pub(crate) fn byte_meter(&self, label: &str) -> Meter {
        Meter::bytes(self.shows_progress(), label)
    }

    /// Creates a progress meter that counts items.
    pub(crate) fn item_meter(&self, label: &str) -> Meter {
        Meter::items(self.shows_progress(), label)
    }

    /// Waits until the process is asked to stop.
    pub(crate) fn stopped(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut stop = self.stop.clone();
        async move {
            // An error means that the sender is gone, which happens only at the end of the process.
            let _ = stop.wait_for(|stop| *stop).await;
        }
    }
}
