//! What a verb is given besides its arguments.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lakewright::{Lake, Settings};
use tokio::sync::watch;

use crate::args::Global;
use crate::failure::Outcome;
use crate::output::Output;
use crate::progress::{self, Meter};

/// Output, connection, progress, and the wish to stop.
pub(crate) struct Context {
    pub(crate) out: Output,
    global: Global,
    stop: watch::Receiver<bool>,
    /// Whether the verb comes to an end of its own when it is asked to stop; otherwise it is
    /// dropped where it stands.
    ends_itself: Arc<AtomicBool>,
}

impl Context {
    pub(crate) fn new(
        global: Global,
        out: Output,
        stop: watch::Receiver<bool>,
        ends_itself: Arc<AtomicBool>,
    ) -> Self {
        Self { out, global, stop, ends_itself }
    }

    /// From now on the verb, asked to stop, comes to an end of its own.
    pub(crate) fn ends_itself(&self) {
        self.ends_itself.store(true, Ordering::SeqCst);
    }

    /// What the command line says about the connection.
    pub(crate) fn settings(&self) -> Settings {
        self.global.connection.settings()
    }

    /// The connection. Nothing is sent yet.
    pub(crate) async fn lake(&self) -> Outcome<Lake> {
        Ok(lakewright::connect(self.settings()).await?)
    }

    /// Whether somebody watches stderr.
    pub(crate) fn is_watched(&self) -> bool {
        progress::is_watched(self.global.json)
    }

    /// A meter of bytes, if somebody watches.
    pub(crate) fn bytes(&self, what: &str) -> Meter {
        Meter::bytes(self.is_watched(), what)
    }

    /// A meter of things, if somebody watches.
    pub(crate) fn items(&self, what: &str) -> Meter {
        Meter::items(self.is_watched(), what)
    }

    /// Waits until the process is asked to stop.
    pub(crate) fn stopped(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut stop = self.stop.clone();
        async move {
            // An error means that nobody is left who could ask.
            let _ = stop.wait_for(|stop| *stop).await;
        }
    }
}
