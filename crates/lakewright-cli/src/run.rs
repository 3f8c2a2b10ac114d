//! One command from start to exit code: the runtime, signals, and an orderly end.

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
use crate::cmd;
use crate::context::Context;
use crate::failure::{DIFFERS, Failure, Outcome, report, report_stopped};
use crate::output::Output;

/// How long an interrupted command may take to take unfinished uploads back. One request with
/// its answer fits many times over; a person who pressed Ctrl-C does not wait longer.
const FAREWELL: Duration = Duration::from_secs(5);

/// How long a command that ends itself may take for it: a little more than a server grants what is
/// under way (30 s), and than an apply takes to write down what it did.
const ORDERLY_FAREWELL: Duration = Duration::from_secs(35);
const _: () = assert!(lakewright::declared::GRACE.as_secs() + 15 < ORDERLY_FAREWELL.as_secs());

/// Two signals so close together are one: timeout(1) and others send theirs to the process and to
/// its group.
const ONE_SIGNAL: Duration = Duration::from_millis(500);

/// The stack of the thread that plans queries, in bytes: DataFusion recurses over expressions.
const STACK: usize = 16 << 20;

/// How a command came to its end.
enum End {
    Done(Outcome),
    /// Stopped by a signal with this number, and perhaps with a word on how far it had come.
    Stopped(u8, Option<Error>),
}

/// Runs the command and returns its exit code.
pub(crate) fn run(cli: Cli) -> u8 {
    let json = cli.global.json;
    if let Err(error) = crate::log::init(cli.global.verbose) {
        return report(&error, json);
    }
    let runtime = match Builder::new_multi_thread().enable_all().thread_stack_size(STACK).build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let why = format!("the runtime did not start: {error}");
            return report(&Error::new(ErrorKind::Internal, why).caused_by(error), json);
        }
    };
    let end = match drive(&runtime, cli) {
        Ok(end) => end,
        Err(error) => End::Done(Err(error.into())),
    };
    // A read from a terminal or a write to a full pipe may never return; nobody waits for it.
    runtime.shutdown_background();
    match end {
        End::Done(Ok(()) | Err(Failure::ClosedPipe)) => 0,
        End::Done(Err(Failure::Differs)) => DIFFERS,
        End::Done(Err(Failure::Error(error))) => report(&error, json),
        End::Done(Err(Failure::Stopped(error))) => report(&error, json),
        End::Stopped(number, end) => {
            report_stopped(number, end.as_ref(), json);
            128 + number
        }
    }
}

/// The work has a thread of its own. Whatever it waits for, a reader of stdout or a question on
/// the terminal, this thread keeps listening to signals.
fn drive(runtime: &Runtime, cli: Cli) -> Result<End, Error> {
    let wrong = |what: &str, error: std::io::Error| {
        Error::new(ErrorKind::Internal, format!("{what}: {error}")).caused_by(error)
    };
    let (stop, stopping) = watch::channel(false);
    let (done, mut work) = oneshot::channel();
    let _inside = runtime.enter();
    let mut interrupt =
        signal(SignalKind::interrupt()).map_err(|error| wrong("SIGINT is out of reach", error))?;
    let mut terminate =
        signal(SignalKind::terminate()).map_err(|error| wrong("SIGTERM is out of reach", error))?;

    let ends_itself = Arc::new(AtomicBool::new(false));
    let orderly = ends_itself.clone();
    let handle = runtime.handle().clone();
    std::thread::Builder::new()
        .name("lakewright".into())
        .stack_size(STACK)
        .spawn(move || {
            let outcome = handle.block_on(work_until_stopped(cli, stopping, orderly));
            let _ = done.send(outcome);
        })
        .map_err(|error| wrong("no thread could be started", error))?;

    Ok(runtime.block_on(async {
        let number = tokio::select! {
            outcome = &mut work => {
                let end = finished(outcome);
                // After an error an upload may still be on its way back.
                if matches!(end, End::Done(Err(_))) {
                    tokio::select! {
                        () = settled(runtime) => {}
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
        let orderly = ends_itself.load(Ordering::SeqCst);
        let patience = if orderly { ORDERLY_FAREWELL } else { FAREWELL };
        let farewell = async {
            match timeout(patience, work).await {
                // It had come to its end, or comes to one of its own when asked.
                Ok(Ok(Some(Err(Failure::Stopped(error))))) => {
                    return End::Stopped(number, Some(error));
                }
                Ok(Ok(Some(outcome))) => return End::Done(outcome),
                Ok(Ok(None) | Err(_)) => settled(runtime).await,
                Err(_) => {}
            }
            End::Stopped(number, None)
        };
        tokio::select! {
            end = farewell => end,
            () = asked_again(&mut interrupt, &mut terminate) => End::Stopped(number, None),
        }
    }))
}

/// The command, dropped where it stands when the process is asked to stop: dropped work takes
/// its unfinished uploads and files back. `None` says that this happened.
async fn work_until_stopped(
    cli: Cli,
    stopping: watch::Receiver<bool>,
    ends_itself: Arc<AtomicBool>,
) -> Option<Outcome> {
    let out = Output::stdout(cli.global.json);
    let mut context = Context::new(cli.global, out, stopping.clone(), ends_itself.clone());
    let work = async {
        cmd::run(cli.noun, &mut context).await?;
        context.out.flush()
    };
    let mut stopping = stopping;
    let dropped = async {
        let _ = stopping.wait_for(|stop| *stop).await;
        if ends_itself.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        outcome = work => Some(outcome),
        () = dropped => None,
    }
}

/// Waits for a second signal, after which nobody wants to wait for anything.
async fn asked_again(interrupt: &mut Signal, terminate: &mut Signal) {
    tokio::time::sleep(ONE_SIGNAL).await;
    let _ = interrupt.recv().now_or_never();
    let _ = terminate.recv().now_or_never();
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

fn finished(outcome: Result<Option<Outcome>, oneshot::error::RecvError>) -> End {
    match outcome {
        Ok(Some(outcome)) => End::Done(outcome),
        // The sender is gone without a word only when the work panicked.
        Ok(None) | Err(_) => {
            let why = "the command ended without an outcome; this is a fault of lakewright";
            End::Done(Err(Error::new(ErrorKind::Internal, why).into()))
        }
    }
}

/// Waits, not for long, until no task is left: connections end with the last handle on them,
/// and the last handle is held by whatever is being taken back.
async fn settled(runtime: &Runtime) {
    let deadline = Instant::now() + FAREWELL;
    let mut pause = Duration::from_millis(1);
    while runtime.metrics().num_alive_tasks() > 0 && Instant::now() < deadline {
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}
