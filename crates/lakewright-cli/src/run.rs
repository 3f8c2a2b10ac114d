//! The run of one command: runtime, signals, exit code.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::FutureExt;
use lakewright::{Error, ErrorKind};
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, timeout};

use crate::args::Cli;
use crate::context::Context;
use crate::failure::{CommandResult, DIFFERS, Failure, report, report_stopped};
use crate::log;
use crate::output::Output;

/// How long an interrupted command may take to abort unfinished uploads: long enough for several
/// requests, and as long as a user waits after Ctrl-C.
const CLEANUP_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a command that stops gracefully may take: longer than a server grants its running
/// requests (30 s), and than an apply takes to record what it did.
const GRACEFUL_TIMEOUT: Duration = Duration::from_secs(35);
const _: () = assert!(lakewright::declared::GRACE.as_secs() + 15 < GRACEFUL_TIMEOUT.as_secs());

/// Signals that arrive within this time count as one: timeout(1), among others, sends a signal to
/// the process and to its process group.
const SAME_SIGNAL: Duration = Duration::from_millis(500);

/// The stack size of the thread that plans queries, in bytes: DataFusion recurses over expressions.
const STACK: usize = 16 << 20;

/// How a command ended.
enum End {
    Finished(CommandResult),
    /// Stopped by the signal with this number, with the error of a command that stopped gracefully.
    Stopped(u8, Option<Error>),
}

/// Runs the command and returns its exit code.
pub(crate) fn run(cli: Cli) -> u8 {
    let json = cli.global.json;
    if let Err(error) = log::init(cli.global.verbose) {
        return report(&error, json);
    }
    let runtime = match Builder::new_multi_thread().enable_all().thread_stack_size(STACK).build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let why = format!("the runtime cannot be started: {error}");
            return report(&Error::new(ErrorKind::Internal, why).caused_by(error), json);
        }
    };
    let end = match drive(&runtime, cli) {
        Ok(end) => end,
        Err(error) => End::Finished(Err(error.into())),
    };
    // A read from a terminal or a write to a full pipe may block forever, so the shutdown must not
    // wait for them.
    runtime.shutdown_background();
    match end {
        End::Finished(Ok(()) | Err(Failure::ClosedPipe)) => 0,
        End::Finished(Err(Failure::Differs)) => DIFFERS,
        End::Finished(Err(Failure::Error(error) | Failure::Stopped(error))) => report(&error, json),
        End::Stopped(signal, error) => {
            report_stopped(signal, error.as_ref(), json);
            128 + signal
        }
    }
}

/// Runs the command in a thread of its own, while this thread handles signals: the command may
/// block on stdout or on a question.
fn drive(runtime: &Runtime, cli: Cli) -> Result<End, Error> {
    let internal = |what: &str, error: std::io::Error| {
        Error::new(ErrorKind::Internal, format!("{what}: {error}")).caused_by(error)
    };
    let (stop, stopping) = watch::channel(false);
    let (done, mut work) = oneshot::channel();
    let _guard = runtime.enter();
    let mut interrupt = signal(SignalKind::interrupt())
        .map_err(|error| internal("SIGINT cannot be handled", error))?;
    let mut terminate = signal(SignalKind::terminate())
        .map_err(|error| internal("SIGTERM cannot be handled", error))?;

    let graceful = Arc::new(AtomicBool::new(false));
    let set_graceful = graceful.clone();
    let handle = runtime.handle().clone();
    std::thread::Builder::new()
        .name("lakewright".into())
        .stack_size(STACK)
        .spawn(move || {
            let result = handle.block_on(run_until_stopped(cli, stopping, set_graceful));
            let _ = done.send(result);
        })
        .map_err(|error| internal("no thread can be started", error))?;

    Ok(runtime.block_on(async {
        let number = tokio::select! {
            result = &mut work => {
                let end = finished(result);
                // After an error, background tasks may still be aborting an upload.
                if matches!(end, End::Finished(Err(_))) {
                    tokio::select! {
                        () = wait_for_tasks(runtime) => {}
                        _ = interrupt.recv() => {}
                        _ = terminate.recv() => {}
                    }
                }
                return end;
            }
            _ = interrupt.recv() => 2,
            _ = terminate.recv() => 15,
        };
        let _ = stop.send(true);
        let limit =
            if graceful.load(Ordering::SeqCst) { GRACEFUL_TIMEOUT } else { CLEANUP_TIMEOUT };
        let cleanup = async {
            match timeout(limit, work).await {
                Ok(Ok(Some(Err(Failure::Stopped(error))))) => {
                    return End::Stopped(number, Some(error));
                }
                // The command finished before the signal reached it, or stopped gracefully with
                // nothing left to do.
                Ok(Ok(Some(result))) => return End::Finished(result),
                Ok(Ok(None) | Err(_)) => wait_for_tasks(runtime).await,
                Err(_) => {}
            }
            End::Stopped(number, None)
        };
        tokio::select! {
            end = cleanup => end,
            () = second_signal(&mut interrupt, &mut terminate) => End::Stopped(number, None),
        }
    }))
}

/// Runs the command and returns its result, or `None` if it was dropped because the process was
/// asked to stop. Dropped operations abort their unfinished uploads and remove their temporary
/// files.
async fn run_until_stopped(
    cli: Cli,
    mut stopping: watch::Receiver<bool>,
    graceful: Arc<AtomicBool>,
) -> Option<CommandResult> {
    let out = Output::stdout(cli.global.json);
    let mut context = Context::new(cli.global, out, stopping.clone(), graceful.clone());
    let command = async {
        cli.noun.run(&mut context).await?;
        context.out.flush()
    };
    let dropped = async {
        let _ = stopping.wait_for(|stop| *stop).await;
        if graceful.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        result = command => Some(result),
        () = dropped => None,
    }
}

/// Waits for a second signal, which ends the process without cleanup.
async fn second_signal(interrupt: &mut Signal, terminate: &mut Signal) {
    tokio::time::sleep(SAME_SIGNAL).await;
    let _ = interrupt.recv().now_or_never();
    let _ = terminate.recv().now_or_never();
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

fn finished(result: Result<Option<CommandResult>, oneshot::error::RecvError>) -> End {
    match result {
        Ok(Some(result)) => End::Finished(result),
        // The sender is dropped without a result only when the command panicked.
        Ok(None) | Err(_) => {
            let why = "the command ended without a result; this is a bug in lakewright";
            End::Finished(Err(Error::new(ErrorKind::Internal, why).into()))
        }
    }
}

/// Waits until no task is running, for at most [`CLEANUP_TIMEOUT`]. Connection tasks end with the
/// last handle on their connection, which the tasks that abort uploads hold.
async fn wait_for_tasks(runtime: &Runtime) {
    let deadline = Instant::now() + CLEANUP_TIMEOUT;
    let mut delay = Duration::from_millis(1);
    while runtime.metrics().num_alive_tasks() > 0 && Instant::now() < deadline {
        tokio::time::sleep(delay).await;
        delay = (delay * 2).min(Duration::from_millis(50));
    }
}
