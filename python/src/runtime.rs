//! One runtime, one way to block on it and one way to await it.

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

use crate::error::OrRaise;

/// How long a blocked call goes without looking for Ctrl-C: too short to be felt, and twenty
/// looks a second cost nothing.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How long an interrupted call waits for its future to let go of files and connections.
const LET_GO: Duration = Duration::from_secs(2);

/// How many threads may wait for Python at once. Generators that callers have us read may all
/// wait for something; behind tokio's 512 of them no other call would hear its answer.
const BLOCKED: usize = 16_384;

struct Started {
    process: u32,
    handle: Handle,
    /// `None` once the interpreter ends.
    runtime: Mutex<Option<Runtime>>,
}

static STARTED: OnceLock<Result<Started, String>> = OnceLock::new();

/// The thread in which Python runs signal handlers, as far as it is known.
static MAIN_THREAD: RwLock<Option<ThreadId>> = RwLock::new(None);

/// The runtime all work is done on; started by the first call that needs it.
///
/// # Errors
/// `Unsupported` in a process that was forked after the runtime had started (its threads are
/// the parent's), and while the interpreter ends.
pub(crate) fn runtime() -> Result<&'static Handle> {
    let started = STARTED.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .thread_name("lakewright")
            .max_blocking_threads(BLOCKED)
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

/// Ends the runtime before the interpreter ends: a thread that still held or awaited the GIL
/// then would bring the process down.
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
            runtime.block_on(lakewright::finish_background_work(LET_GO));
            runtime.shutdown_timeout(LET_GO);
        }
    });
}

/// Notes the thread that imports the module, if that is where signals are handled, and asks to
/// be told when the interpreter ends.
pub(crate) fn prepare(py: Python<'_>) -> PyResult<()> {
    let threading = py.import("threading")?;
    let main = threading.call_method0("main_thread")?;
    if main.is(&threading.call_method0("current_thread")?) {
        let mut noted = MAIN_THREAD.write().unwrap_or_else(PoisonError::into_inner);
        *noted = Some(std::thread::current().id());
    }
    let hook = wrap_pyfunction!(at_exit, py)?;
    py.import("atexit")?.call_method1("register", (hook,))?;
    Ok(())
}

/// Whether Python would run signal handlers in this thread.
pub(crate) fn on_main_thread() -> bool {
    let noted = MAIN_THREAD.read().unwrap_or_else(PoisonError::into_inner);
    *noted == Some(std::thread::current().id())
}

/// Blocks on a future without the GIL. Ctrl-C drops the future and raises.
pub(crate) fn wait<T: Send + 'static>(
    py: Python<'_>,
    future: impl Future<Output = Result<T>> + Send + 'static,
) -> PyResult<T> {
    let runtime = runtime().or_raise(py)?;
    let (into, mut from) = sync_channel(1);
    // On a worker, not here: this thread may belong to a runtime already, and it must stay free
    // to look for signals.
    let task = runtime.spawn(async move {
        let answer = future.await;
        let _ = into.send(answer);
    });
    loop {
        let answer;
        (from, answer) = py.detach(move || {
            let answer = from.recv_timeout(LOOK_EVERY);
            (from, answer)
        });
        match answer {
            Ok(answer) => return answer.or_raise(py),
            Err(RecvTimeoutError::Timeout) => {
                if let Err(interrupt) = py.check_signals() {
                    task.abort();
                    // The channel closes when the future is gone.
                    let _ = py.detach(move || from.recv_timeout(LET_GO));
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

/// What an `_async` function returns: something to await, and in the stubs what it comes to.
pub(crate) struct Awaitable<'py, T> {
    future: Bound<'py, PyAny>,
    comes_to: PhantomData<fn() -> T>,
}

impl<'py, T> Awaitable<'py, T> {
    /// Something that comes to a `T` when it is awaited.
    pub(crate) fn of(future: Bound<'py, PyAny>) -> Self {
        Self { future, comes_to: PhantomData }
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

/// Hands a future to the running event loop. Cancelling what is returned drops the future.
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
        // A panic is an answer too: whoever awaits it must not wait for ever.
        let answer = AssertUnwindSafe(future).catch_unwind().await.unwrap_or_else(|_| Err(lost()));
        OUTBOX.send(Box::new(move |py| Letter {
            answer: answer.or_raise(py).and_then(|value| value.into_py_any(py)),
            event_loop,
            future: receiver,
        }));
    });
    let ended = Bound::new(py, Ended(task.abort_handle()))?;
    promised.call_method1("add_done_callback", (ended,))?;
    Ok(Awaitable::of(promised))
}

/// Called by the event loop when the future is done, also when it was cancelled.
#[pyclass(frozen, module = "lakewright._lakewright", name = "_Ended")]
struct Ended(AbortHandle);

#[pymethods]
impl Ended {
    fn __call__(&self, future: &Bound<'_, PyAny>) -> PyResult<()> {
        if future.call_method0("cancelled")?.is_truthy()? {
            self.0.abort();
        }
        Ok(())
    }
}

/// Answers on their way to event loops. One thread at a time carries them, off the workers, which
/// never wait for the GIL; what arrives while it waits goes along in one go, so that the busier
/// it gets, the fewer wake-ups an answer costs.
static OUTBOX: Outbox = Outbox(Mutex::new(Waiting { letters: Vec::new(), carried: false }));

struct Outbox(Mutex<Waiting>);

struct Waiting {
    letters: Vec<Unsealed>,
    /// Whether somebody is about to take them.
    carried: bool,
}

/// An answer that becomes Python's under the GIL.
type Unsealed = Box<dyn FnOnce(Python<'_>) -> Letter + Send>;

struct Letter {
    event_loop: Py<PyAny>,
    future: Py<PyAny>,
    answer: PyResult<Py<PyAny>>,
}

impl Outbox {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn send(&'static self, letter: Unsealed) {
        let mut waiting = self.waiting();
        waiting.letters.push(letter);
        if !std::mem::replace(&mut waiting.carried, true) {
            drop(waiting);
            tokio::task::spawn_blocking(|| self.carry());
        }
    }

    fn carry(&self) {
        // While the interpreter ends nobody waits any more.
        Python::try_attach(|py| {
            loop {
                let letters = {
                    let mut waiting = self.waiting();
                    waiting.carried = !waiting.letters.is_empty();
                    std::mem::take(&mut waiting.letters)
                };
                if letters.is_empty() {
                    return;
                }
                deliver(py, letters);
            }
        });
    }
}

/// A future of an event loop, and what it comes to.
type Answered = (Py<PyAny>, PyResult<Py<PyAny>>);

/// Hands answers to their event loops, each loop its own in one call.
fn deliver(py: Python<'_>, letters: Vec<Unsealed>) {
    let mut bundles: Vec<(Py<PyAny>, Vec<Answered>)> = Vec::new();
    for letter in letters {
        let Letter { event_loop, future, answer } = letter(py);
        match bundles.iter_mut().find(|(known, _)| known.is(&event_loop)) {
            Some((_, answers)) => answers.push((future, answer)),
            None => bundles.push((event_loop, vec![(future, answer)])),
        }
    }
    for (event_loop, answers) in bundles {
        let Ok(answers) = Bound::new(py, Answers(Mutex::new(answers))) else { continue };
        // A loop that was closed meanwhile has nobody who waits.
        let _ = event_loop.bind(py).call_method1("call_soon_threadsafe", (answers,));
    }
}

/// What the event loop is asked to call: it alone may touch its futures.
#[pyclass(frozen, module = "lakewright._lakewright", name = "_Answers")]
struct Answers(Mutex<Vec<Answered>>);

#[pymethods]
impl Answers {
    fn __call__(&self, py: Python<'_>) -> PyResult<()> {
        let answers = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        for (future, answer) in answers {
            let future = future.bind(py);
            if future.call_method0("done")?.is_truthy()? {
                continue;
            }
            match answer {
                Ok(value) => future.call_method1("set_result", (value,))?,
                Err(error) => match future.call_method1("set_exception", (error,)) {
                    // A future refuses some exceptions; whoever awaits it must not wait for ever.
                    Err(refused) => future.call_method1("set_exception", (refused,))?,
                    Ok(none) => none,
                },
            };
        }
        Ok(())
    }
}

/// What an awaited call comes to that has nothing to say: `None`, where `()` would be a tuple.
pub(crate) struct Done;

impl<'py> IntoPyObject<'py> for Done {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    const OUTPUT_TYPE: PyStaticExpr =
        PyStaticExpr::Constant { value: pyo3::inspect::PyStaticConstant::None };

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(py.None().into_bound(py))
    }
}

/// What an asynchronous iterator returns for an item that is here already: awaiting it takes no
/// turn of the event loop.
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
