//! The process that `crash` kills: it applies a spec, and kills itself with SIGKILL at one of the
//! events of the apply.

use std::path::PathBuf;
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use lakewright::declared::Event;
use lakewright::{PlanOptions, Settings, Spec};
use lakewright_tests::Server;

use super::assert_complete;

/// The variables that make this program such a process: the number of the event, and the path of
/// the spec. Without the first one the program runs the tests.
const EVENT: &str = "LAKEWRIGHT_TEST_KILLED_AT";
const SPEC: &str = "LAKEWRIGHT_TEST_SPEC";

/// An apply with `prune` that ends at an event.
pub(crate) struct KilledApply {
    /// The number of the event, from 0. An apply with fewer events is completed.
    pub(crate) event: usize,
    pub(crate) spec: PathBuf,
}

impl KilledApply {
    /// Starts this program again as the process, on `server`, and waits for its end.
    pub(crate) fn start(&self, server: &Server) -> ExitStatus {
        let (access_key, secret_key) = server.credentials();
        Command::new(std::env::current_exe().unwrap())
            .env(EVENT, self.event.to_string())
            .env(SPEC, &self.spec)
            .env("LAKEWRIGHT_ENDPOINT", server.endpoint())
            .env("LAKEWRIGHT_ACCESS_KEY_ID", access_key)
            .env("LAKEWRIGHT_SECRET_ACCESS_KEY", secret_key)
            .stdout(Stdio::null())
            .status()
            .unwrap()
    }

    /// Reads what [`start`](Self::start) passed, in the process that it started.
    pub(crate) fn from_env() -> Option<Self> {
        let event = std::env::var(EVENT).ok()?.parse().unwrap();
        Some(Self { event, spec: std::env::var_os(SPEC).unwrap().into() })
    }

    /// Applies the spec, in the process that [`start`](Self::start) started.
    pub(crate) fn run(&self) -> ExitCode {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(self.apply());
        ExitCode::SUCCESS
    }

    async fn apply(&self) {
        let spec = Spec::from_json(&std::fs::read(&self.spec).unwrap()).unwrap();
        let lake = lakewright::connect(Settings::default()).await.unwrap();
        let prune = PlanOptions::builder().prune(true).build();
        let plan = lake.plan(&spec, &prune).await.unwrap();
        let events = AtomicUsize::new(0);
        let kill = |_: Event<'_>| {
            if events.fetch_add(1, Ordering::SeqCst) == self.event {
                let this = std::process::id().to_string();
                Command::new("kill").args(["-KILL", &this]).status().unwrap();
                // The signal may arrive a moment after `kill` has ended.
                loop {
                    std::thread::park();
                }
            }
        };
        assert_complete(lake.apply(&plan, &kill).await, &plan);
    }
}
