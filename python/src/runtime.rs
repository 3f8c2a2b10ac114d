//! The Tokio runtime of the module, and the two ways to run a future on it: block, or await.

use std::future::Future;
use std::marker::PhantomData;
use std::panic::AssertUnwindSafe;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, RwLock};
use std::thread::ThreadId;
use std::time::Duration;

use futures::FutureExt;
use lakewright::{Error, ErrorKind, Result};
use pyo3::inspect::PyStaticExpr;
use pyo3::prelude::*;
use pyo3::{IntoPyObjectExt, type_hint_identifier, type_hint_subscript};
use tokio::runtime::{Handle, Runtime};
use tokio::task::AbortHandle;

use crate::convert::hint;
use crate::error::OrRaise;

/// How often a blocked call checks for Ctrl-C: often enough to feel immediate, and twenty checks
/// a second cost nothing.
pub(crate) const SIGNAL_INTERVAL: Duration = Duration::from_millis(50);

/// How long an interrupted call waits for its future to release files and connections.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(2);

/// The limit of threads that may block on Python at once. Python generators that are read as
/// object data may all block; with Tokio's default of 512 threads they could keep every other
/// call from getting its result.
const MAX_BLOCKING_THREADS: usize = 16_384;

struct Started {
    process: u32,
    handle: Handle,
    /// `None` once the interpreter is shutting down.
    runtime: Mutex<Option<Runtime>>,
}

static STARTED: OnceLock<Result<Started, String>> = OnceLock::new();

/// The thread in which Python runs signal handlers, if it is known.
static MAIN_THREAD: RwLock<Option<ThreadId>> = RwLock::new(None);

/// Returns the runtime that does all work. The first call that needs it starts it.
///
/// # Errors
/// `Unsupported` in a process that was forked after the runtime had started (the threads belong
/// to the parent), and while the interpreter is shutting down.
pub(crate) fn runtime() -> Result<&'static Handle> {
    let started = STARTED.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .thread_name("lakewright")
            .max_blocking_threads(MAX_BLOCKING_THREADS)
            .enable_all()
            .build()
            .map_err(|error| error.to_string())?;
        let (process, handle) = (std::process::id(), runtime.handle().clone());
        Ok(Started { process, handle, runtime: Mutex::new(Some(runtime)) })
    });
    let started = started.as_ref().map_err(|why| {
        Error::new(ErrorKind::Internal, format!("the runtime does not start: {why}"))
    })?;
    if started.process != std::process::id() {
        let why = "this process was forked after lakewright had started its threads, and threads \
                   do not survive a fork; start workers with the \"spawn\" or \"forkserver\" method \
                   (multiprocessing.set_start_method) and connect in each of them";
        return Err(Error::new(ErrorKind::Unsupported, why));
    }
    if started.runtime.lock().unwrap_or_else(PoisonError::into_inner).is_none() {
        return Err(Error::new(ErrorKind::Unsupported, "the interpreter is shutting down"));
    }
    Ok(&started.handle)
}

/// Stops the runtime before the interpreter shuts down: a thread that held or waited for the GIL
/// at that time would crash the process.
#[pyfunction]
#[pyo3(name = "_at_exit")]
pub(crate) fn at_exit(py: Python<'_>) {
    let Some(Ok(started)) = STARTED.get() else { return };
    if started.process != std::process::id() {
        return;
    }
    py.detach(|| {
        let runtime = started.runtime.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(runtime) = runtime {
            runtime.block_on(lakewright::finish_background_work(RELEASE_TIMEOUT));
            runtime.shutdown_timeout(RELEASE_TIMEOUT);
        }
    });
}

/// Records the thread that imports the module, if signals are handled there, and registers
/// [`at_exit`].
pub(crate) fn prepare(py: Python<'_>) -> PyResult<()> {
    let threading = py.import("threading")?;
    let main = threading.call_method0("main_thread")?;
    if main.is(&threading.call_method0("current_thread")?) {
        let mut main_thread = MAIN_THREAD.write().unwrap_or_else(PoisonError::into_inner);
        *main_thread = Some(std::thread::current().id());
    }
    let hook = wrap_pyfunction!(at_exit, py)?;
    py.import("atexit")?.call_method1("register", (hook,))?;
    Ok(())
}

/// Returns whether Python would run signal handlers in this thread.
pub(crate) fn on_main_thread() -> bool {
    let main_thread = MAIN_THREAD.read().unwrap_or_else(PoisonError::into_inner);
    *main_thread == Some(std::thread::current().id())
}

/// Blocks on a future without the GIL. Ctrl-C drops the future and raises.
pub(crate) fn wait<T: Send + 'static>(
    py: Python<'_>,
    future: impl Future<Output = Result<T>> + Send + 'static,
) -> PyResult<T> {
    let runtime = runtime().or_raise(py)?;
    let (sender, mut receiver) = sync_channel(1);
    // On a worker and not in this thread, which may belong to a runtime already and must stay
    // free to check for signals.
    let task = runtime.spawn(async move {
        let result = future.await;
        // Sending fails only when the caller was interrupted.
        let _ = sender.send(result);
    });
    loop {
        let result;
        (receiver, result) = py.detach(move || {
            let result = receiver.recv_timeout(SIGNAL_INTERVAL);
            (receiver, result)
        });
        match result {
            Ok(result) => return result.or_raise(py),
            Err(RecvTimeoutError::Timeout) => {
                if let Err(interrupt) = py.check_signals() {
                    task.abort();
                    // The channel closes when the future has been dropped.
                    let _ = py.detach(move || receiver.recv_timeout(RELEASE_TIMEOUT));
                    return Err(interrupt);
                }
            }
            Err(RecvTimeoutError::Disconnected) => return Err(lost()).or_raise(py),
        }
    }
}

fn lost() -> Error {
    Error::new(ErrorKind::Internal, "the task of the call was lost")
}

/// The result of an `_async` method: an awaitable, whose result the stubs name.
pub(crate) struct Awaitable<'py, T> {
    future: Bound<'py, PyAny>,
    result: PhantomData<fn() -> T>,
}

impl<'py, T> Awaitable<'py, T> {
    /// Wraps an awaitable object whose result is a `T`.
    pub(crate) fn of(future: Bound<'py, PyAny>) -> Self {
        Self { future, result: PhantomData }
    }
}

impl<'py, T: IntoPyObject<'py>> IntoPyObject<'py> for Awaitable<'py, T> {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    const OUTPUT_TYPE: PyStaticExpr =
        type_hint_subscript!(type_hint_identifier!("collections.abc", "Awaitable"), T::OUTPUT_TYPE);

    fn into_pyobject(self, _py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(self.future)
    }
}

/// Runs a future for the running event loop. Cancelling the returned awaitable drops the future.
pub(crate) fn promise<'py, T>(
    py: Python<'py>,
    future: impl Future<Output = Result<T>> + Send + 'static,
) -> PyResult<Awaitable<'py, T>>
where
    T: for<'p> IntoPyObject<'p> + Send + 'static,
{
    let event_loop = py.import("asyncio")?.call_method0("get_running_loop")?;
    let runtime = runtime().or_raise(py)?;
    let promised = event_loop.call_method0("create_future")?;
    let (event_loop, receiver) = (event_loop.unbind(), promised.clone().unbind());
    let task = runtime.spawn(async move {
        // A panic becomes an error, or the awaiting task would wait for ever.
        let result = AssertUnwindSafe(future).catch_unwind().await.unwrap_or_else(|_| Err(lost()));
        OUTBOX.send(Box::new(move |py| LoopMessage {
            result: result.or_raise(py).and_then(|value| value.into_py_any(py)),
            event_loop,
            future: receiver,
        }));
    });
    let abort = Bound::new(py, AbortOnCancel(task.abort_handle()))?;
    promised.call_method1("add_done_callback", (abort,))?;
    Ok(Awaitable::of(promised))
}

/// The callback that the event loop runs when a future is done or cancelled.
#[pyclass(frozen, module = "lakewright._lakewright", name = "_AbortOnCancel")]
struct AbortOnCancel(AbortHandle);

#[pymethods]
impl AbortOnCancel {
    fn __call__(&self, future: &Bound<'_, PyAny>) -> PyResult<()> {
        if future.call_method0("cancelled")?.is_truthy()? {
            self.0.abort();
        }
        Ok(())
    }
}

/// Results on their way to event loops. One thread at a time delivers them, so that no worker of
/// the runtime waits for the GIL. Results that arrive while that thread waits for the GIL are
/// delivered together: the higher the load, the fewer wake-ups per result.
static OUTBOX: Outbox = Outbox(Mutex::new(Queue { messages: Vec::new(), is_delivering: false }));

struct Outbox(Mutex<Queue>);

struct Queue {
    messages: Vec<PendingMessage>,
    /// Whether a thread is about to take the messages.
    is_delivering: bool,
}

/// A message whose result is converted to Python when it is called with the GIL.
type PendingMessage = Box<dyn FnOnce(Python<'_>) -> LoopMessage + Send>;

/// The result of a future for the event loop that created it.
struct LoopMessage {
    event_loop: Py<PyAny>,
    future: Py<PyAny>,
    result: PyResult<Py<PyAny>>,
}

impl Outbox {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn send(&'static self, message: PendingMessage) {
        let mut queue = self.queue();
        queue.messages.push(message);
        if !std::mem::replace(&mut queue.is_delivering, true) {
            drop(queue);
            tokio::task::spawn_blocking(|| self.deliver_all());
        }
    }

    fn deliver_all(&self) {
        // While the interpreter shuts down no event loop waits for results.
        Python::try_attach(|py| {
            loop {
                let messages = {
                    let mut queue = self.queue();
                    queue.is_delivering = !queue.messages.is_empty();
                    std::mem::take(&mut queue.messages)
                };
                if messages.is_empty() {
                    return;
                }
                deliver(py, messages);
            }
        });
    }
}

/// A future of an event loop, and its result.
type Resolved = (Py<PyAny>, PyResult<Py<PyAny>>);

/// Delivers results to their event loops, with one call for each loop.
fn deliver(py: Python<'_>, messages: Vec<PendingMessage>) {
    let mut by_loop: Vec<(Py<PyAny>, Vec<Resolved>)> = Vec::new();
    for message in messages {
        let LoopMessage { event_loop, future, result } = message(py);
        match by_loop.iter_mut().find(|(known, _)| known.is(&event_loop)) {
            Some((_, results)) => results.push((future, result)),
            None => by_loop.push((event_loop, vec![(future, result)])),
        }
    }
    for (event_loop, results) in by_loop {
        let Ok(results) = Bound::new(py, SetResults(Mutex::new(results))) else { continue };
        // The call fails when the loop was closed, and then no task awaits the result.
        let _ = event_loop.bind(py).call_method1("call_soon_threadsafe", (results,));
    }
}

/// The callback that the event loop runs to set results: only its own thread may do so.
#[pyclass(frozen, module = "lakewright._lakewright", name = "_SetResults")]
struct SetResults(Mutex<Vec<Resolved>>);

#[pymethods]
impl SetResults {
    fn __call__(&self, py: Python<'_>) -> PyResult<()> {
        let results = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        for (future, result) in results {
            let future = future.bind(py);
            if future.call_method0("done")?.is_truthy()? {
                continue;
            }
            match result {
                Ok(value) => future.call_method1("set_result", (value,))?,
                Err(error) => match future.call_method1("set_exception", (error,)) {
                    // A future refuses some exceptions. Without an exception the awaiting task
                    // would wait for ever.
                    Err(refused) => future.call_method1("set_exception", (refused,))?,
                    Ok(none) => none,
                },
            };
        }
        Ok(())
    }
}

/// The result of a call that returns nothing: `None`, where `()` would be an empty tuple.
pub(crate) struct Done;

impl<'py> IntoPyObject<'py> for Done {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    const OUTPUT_TYPE: PyStaticExpr = hint::NONE;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(py.None().into_bound(py))
    }
}

/// An awaitable whose result is known: awaiting it takes no turn of the event loop.
#[pyclass(frozen, module = "lakewright._lakewright", name = "_Ready")]
pub(crate) struct Ready(Py<PyAny>);

impl Ready {
    pub(crate) fn with<'py, T: IntoPyObject<'py>>(
        py: Python<'py>,
        value: T,
    ) -> PyResult<Awaitable<'py, T>> {
        let ready = Bound::new(py, Self(value.into_py_any(py)?))?;
        Ok(Awaitable::of(ready.into_any()))
    }
}

#[pymethods]
impl Ready {
    fn __await__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Err(pyo3::exceptions::PyStopIteration::new_err((self.0.clone_ref(py),)))
    }
}
