//! What a lake does with documents of what should exist.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use lakewright::plan::Plan as ThePlan;
use lakewright::spec::Spec as TheSpec;
use lakewright::{
    Adoption, BucketName, Error, ErrorKind, Event, PlanOptions, ResourceId, Result, StackName,
};
use pyo3::exceptions::PyTypeError;
use pyo3::inspect::PyStaticExpr;
use pyo3::prelude::*;
use pyo3::types::PyString;
use pyo3::{Borrowed, PyTypeInfo, type_hint_identifier, type_hint_subscript, type_hint_union};
use tokio::sync::mpsc;

use crate::convert::{Seconds, named};
use crate::error::{OrRaise, raise};
use crate::lake::Lake;
use crate::plan::{Outcome, Plan, PlanArgument, Registry, Report, SpecArgument, Step};
use crate::runtime::{Awaitable, Done, promise, wait};

const NONE: PyStaticExpr = PyStaticExpr::Constant { value: pyo3::inspect::PyStaticConstant::None };

/// How long [`Lake::wait`] waits unless told.
const PATIENCE: Duration = Duration::from_secs(60);

/// Addresses of resources.
pub(crate) struct Addresses<T = ResourceId>(Vec<T>);

impl<T> FromPyObject<'_, '_> for Addresses<T>
where
    T: std::str::FromStr<Err = Error>,
{
    type Error = PyErr;

    const INPUT_TYPE: PyStaticExpr = type_hint_subscript!(
        type_hint_identifier!("collections.abc", "Iterable"),
        type_hint_identifier!("builtins", "str")
    );

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        // Its letters would be taken for addresses.
        if object.is_instance_of::<PyString>() {
            return Err(PyTypeError::new_err("this is an iterable of addresses, not one of them"));
        }
        let address =
            |text: PyResult<Bound<'_, PyAny>>| named(object.py(), &text?.extract::<String>()?);
        object.try_iter()?.map(address).collect::<PyResult<_>>().map(Self)
    }
}

/// Who wants to know about steps: a callable, or nobody.
pub(crate) struct Watcher(Option<Py<PyAny>>);

impl FromPyObject<'_, '_> for Watcher {
    type Error = PyErr;

    const INPUT_TYPE: PyStaticExpr =
        type_hint_union!(type_hint_identifier!("lakewright.typing", "StepCallback"), NONE);

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        if object.is_none() {
            return Ok(Self(None));
        }
        if !object.is_callable() {
            return Err(PyTypeError::new_err("progress is a callable(step, outcome)"));
        }
        Ok(Self(Some(object.to_owned().unbind())))
    }
}

/// What came of an apply; on its way to Python an error becomes the exception that it is, with
/// the report in it.
pub(crate) struct Applied {
    report: Report,
    error: Option<Error>,
}

impl<'py> IntoPyObject<'py> for Applied {
    type Target = Report;
    type Output = Bound<'py, Report>;
    type Error = PyErr;

    const OUTPUT_TYPE: PyStaticExpr = Report::TYPE_HINT;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Bound<'py, Report>> {
        let report = Bound::new(py, self.report)?;
        let Some(error) = self.error else { return Ok(report) };
        let raised = raise(py, &error);
        if error.kind() == ErrorKind::PartialApply {
            raised.value(py).setattr("_report", report)?;
        }
        Err(raised)
    }
}

/// What Python is told, in the order in which it happened.
type Told = (Step, Option<Outcome>);

/// Applies, and tells Python of every step. What the callable raises is raised when all is done:
/// a plan is not left half applied because somebody who watches stumbled.
async fn applying(
    lake: lakewright::Lake,
    plan: Arc<ThePlan>,
    progress: Option<Py<PyAny>>,
) -> Result<Applied> {
    let (sender, receiver) = mpsc::unbounded_channel::<Told>();
    let same = plan.clone();
    let working = async move {
        let watch = move |event: Event<'_>| {
            let told = match event {
                Event::Started(step) => (step.into(), None),
                Event::Ended(step, came) => (step.into(), Some(Outcome::of(step, Some(came)))),
            };
            // Nobody listens where nobody wants to.
            let _ = sender.send(told);
        };
        lake.apply(&same, &watch).await
    };
    let (applied, told) = tokio::join!(working, tell(progress, receiver));
    let lakewright::Applied { report, error, stopped: _ } = applied;
    let report = Report::of(&plan, &report);
    match error {
        None => told.map(|()| Applied { report, error: None }),
        error => Ok(Applied { report, error }),
    }
}

/// Off the runtime's workers, which never wait for the GIL.
async fn tell(
    progress: Option<Py<PyAny>>,
    mut receiver: mpsc::UnboundedReceiver<Told>,
) -> Result<()> {
    let Some(progress) = progress.map(Arc::new) else { return Ok(()) };
    while let Some(told) = receiver.recv().await {
        let progress = progress.clone();
        let call = move || Python::attach(|py| progress.call1(py, told).map(drop));
        match tokio::task::spawn_blocking(call).await {
            Ok(Ok(())) => {}
            Ok(Err(raised)) => {
                let why = "the plan is applied, and the progress callback failed";
                return Err(Error::new(ErrorKind::Internal, why).caused_by(raised));
            }
            Err(_) => {
                let why = "the plan is applied, and the progress callback was lost";
                return Err(Error::new(ErrorKind::Internal, why));
            }
        }
    }
    Ok(())
}

fn registry_named(py: Python<'_>, registry: Option<&str>) -> PyResult<BucketName> {
    named(py, registry.unwrap_or(TheSpec::DEFAULT_REGISTRY))
}

impl Lake {
    fn planning(
        &self,
        py: Python<'_>,
        spec: SpecArgument,
        prune: bool,
        adopt: Addresses,
    ) -> PyResult<impl Future<Output = Result<Plan>> + Send + 'static> {
        let lake = self.0.lake().or_raise(py)?;
        let options = PlanOptions { prune, adopt: BTreeSet::from_iter(adopt.0) };
        Ok(async move { lake.plan(&spec.0, &options).await.map(Plan::of) })
    }

    fn planning_destroy(
        &self,
        py: Python<'_>,
        stack: &str,
        registry: Option<&str>,
    ) -> PyResult<impl Future<Output = Result<Plan>> + Send + 'static> {
        let lake = self.0.lake().or_raise(py)?;
        let (stack, registry) = (named::<StackName>(py, stack)?, registry_named(py, registry)?);
        Ok(async move { lake.plan_destroy(&stack, &registry).await.map(Plan::of) })
    }

    fn drifting(
        &self,
        py: Python<'_>,
        spec: SpecArgument,
    ) -> PyResult<impl Future<Output = Result<Plan>> + Send + 'static> {
        let lake = self.0.lake().or_raise(py)?;
        Ok(async move { lake.drift(&spec.0).await.map(Plan::of) })
    }

    fn applying(
        &self,
        py: Python<'_>,
        plan: PlanArgument,
        progress: Watcher,
    ) -> PyResult<impl Future<Output = Result<Applied>> + Send + 'static> {
        Ok(applying(self.0.lake().or_raise(py)?, plan.0, progress.0))
    }

    fn stating(
        &self,
        py: Python<'_>,
        registry: Option<&str>,
    ) -> PyResult<impl Future<Output = Result<Registry>> + Send + 'static> {
        let (lake, registry) = (self.0.lake().or_raise(py)?, registry_named(py, registry)?);
        Ok(async move { lake.state(&registry).await.map(Registry::from) })
    }

    fn adopting(
        &self,
        py: Python<'_>,
        addresses: Addresses<Adoption>,
        stack: &str,
        registry: Option<&str>,
    ) -> PyResult<impl Future<Output = Result<Registry>> + Send + 'static> {
        let lake = self.0.lake().or_raise(py)?;
        let (stack, registry) = (named::<StackName>(py, stack)?, registry_named(py, registry)?);
        Ok(async move { lake.adopt(&registry, &stack, &addresses.0).await.map(Registry::from) })
    }

    fn forgetting(
        &self,
        py: Python<'_>,
        addresses: Addresses,
        stack: &str,
        registry: Option<&str>,
    ) -> PyResult<impl Future<Output = Result<Registry>> + Send + 'static> {
        let lake = self.0.lake().or_raise(py)?;
        let (stack, registry) = (named::<StackName>(py, stack)?, registry_named(py, registry)?);
        Ok(async move { lake.forget(&registry, &stack, &addresses.0).await.map(Registry::from) })
    }

    fn waiting(
        &self,
        py: Python<'_>,
        timeout: Seconds,
    ) -> PyResult<impl Future<Output = Result<Done>> + Send + 'static> {
        let lake = self.0.lake().or_raise(py)?;
        Ok(async move { lake.wait(timeout.0).await.map(|()| Done) })
    }
}

#[pymethods]
impl Lake {
    /// What would have to be done to make the server what is declared. Nothing is changed.
    ///
    /// ``spec`` is a :class:`Spec` or its dict. With ``prune`` what the stack owns and does not
    /// declare any more is taken away; ``adopt`` names what exists, is nobody's and is to be
    /// taken over, by address (``bucket/raw``).
    ///
    /// Raises whatever stands in the way, all of it at once (``error.failures``):
    /// ``InvalidSpecError``, ``ConflictError``, ``AlreadyExistsError``, ``UnsupportedError``,
    /// ``PreconditionFailedError``, ``SchemaMismatchError``.
    ///
    /// >>> plan = lake.plan({"version": 1, "stack": "doc", "buckets": {"made": {}}})
    /// >>> [(step.verb, step.resource) for step in plan.steps]
    /// [('create_bucket', 'bucket/made')]
    /// >>> lake.apply(plan).is_complete
    /// True
    #[pyo3(signature = (spec, *, prune=false, adopt=Addresses(Vec::new())))]
    fn plan(
        &self,
        py: Python<'_>,
        spec: SpecArgument,
        prune: bool,
        adopt: Addresses,
    ) -> PyResult<Plan> {
        wait(py, self.planning(py, spec, prune, adopt)?)
    }

    /// The asynchronous twin of :meth:`plan`.
    #[pyo3(signature = (spec, *, prune=false, adopt=Addresses(Vec::new())))]
    fn plan_async<'py>(
        &self,
        py: Python<'py>,
        spec: SpecArgument,
        prune: bool,
        adopt: Addresses,
    ) -> PyResult<Awaitable<'py, Plan>> {
        promise(py, self.planning(py, spec, prune, adopt)?)
    }

    /// What would take everything away that a stack owns.
    ///
    /// ``registry`` is the bucket of the registry, ``lakewright-state`` unless told.
    #[pyo3(signature = (stack, *, registry=None))]
    fn plan_destroy(&self, py: Python<'_>, stack: &str, registry: Option<&str>) -> PyResult<Plan> {
        wait(py, self.planning_destroy(py, stack, registry)?)
    }

    /// The asynchronous twin of :meth:`plan_destroy`.
    #[pyo3(signature = (stack, *, registry=None))]
    fn plan_destroy_async<'py>(
        &self,
        py: Python<'py>,
        stack: &str,
        registry: Option<&str>,
    ) -> PyResult<Awaitable<'py, Plan>> {
        promise(py, self.planning_destroy(py, stack, registry)?)
    }

    /// What differs from what is declared: a plan that says so in :attr:`Plan.differs`. It is for
    /// looking at; what is to be applied is made by :meth:`plan`.
    #[pyo3(signature = (spec))]
    fn drift(&self, py: Python<'_>, spec: SpecArgument) -> PyResult<Plan> {
        wait(py, self.drifting(py, spec)?)
    }

    /// The asynchronous twin of :meth:`drift`.
    #[pyo3(signature = (spec))]
    fn drift_async<'py>(
        &self,
        py: Python<'py>,
        spec: SpecArgument,
    ) -> PyResult<Awaitable<'py, Plan>> {
        promise(py, self.drifting(py, spec)?)
    }

    /// Does what a plan says. Steps that do not need each other run at the same time; what needs
    /// one that failed is skipped.
    ///
    /// ``progress`` is called with a :class:`Step` and ``None`` when it begins, and with its
    /// :class:`Outcome` when it ends. What it raises is raised when all is done.
    ///
    /// Ctrl-C, or cancelling what :meth:`apply_async` returns, ends it where it stands; what was
    /// done is recorded all the same.
    ///
    /// Raises ``PartialApplyError``, whose ``report`` is a :class:`Report`;
    /// ``PreconditionFailedError`` when the registry has moved since the plan was made or the
    /// server is another; ``ConflictError`` while somebody else is applying.
    #[pyo3(signature = (plan, *, progress=Watcher(None)))]
    fn apply(&self, py: Python<'_>, plan: PlanArgument, progress: Watcher) -> PyResult<Applied> {
        wait(py, self.applying(py, plan, progress)?)
    }

    /// The asynchronous twin of :meth:`apply`.
    #[pyo3(signature = (plan, *, progress=Watcher(None)))]
    fn apply_async<'py>(
        &self,
        py: Python<'py>,
        plan: PlanArgument,
        progress: Watcher,
    ) -> PyResult<Awaitable<'py, Applied>> {
        promise(py, self.applying(py, plan, progress)?)
    }

    /// Who owns what, and who is applying.
    ///
    /// >>> lake.state().resources
    /// {}
    #[pyo3(signature = (*, registry=None))]
    fn state(&self, py: Python<'_>, registry: Option<&str>) -> PyResult<Registry> {
        wait(py, self.stating(py, registry)?)
    }

    /// The asynchronous twin of :meth:`state`.
    #[pyo3(signature = (*, registry=None))]
    fn state_async<'py>(
        &self,
        py: Python<'py>,
        registry: Option<&str>,
    ) -> PyResult<Awaitable<'py, Registry>> {
        promise(py, self.stating(py, registry)?)
    }

    /// Enters things that exist as a stack's own, by address: ``bucket/raw``, and a service
    /// account with its access key, ``service-account/ingest=INGEST1``. They stay as they are
    /// until the stack is applied.
    ///
    /// Raises ``NotFoundError`` for what is not there, ``ConflictError`` for what another stack
    /// owns.
    #[pyo3(signature = (addresses, *, stack, registry=None))]
    fn adopt(
        &self,
        py: Python<'_>,
        addresses: Addresses<Adoption>,
        stack: &str,
        registry: Option<&str>,
    ) -> PyResult<Registry> {
        wait(py, self.adopting(py, addresses, stack, registry)?)
    }

    /// The asynchronous twin of :meth:`adopt`.
    #[pyo3(signature = (addresses, *, stack, registry=None))]
    fn adopt_async<'py>(
        &self,
        py: Python<'py>,
        addresses: Addresses<Adoption>,
        stack: &str,
        registry: Option<&str>,
    ) -> PyResult<Awaitable<'py, Registry>> {
        promise(py, self.adopting(py, addresses, stack, registry)?)
    }

    /// Lets go of things that a stack owns, which stay as they are.
    ///
    /// Raises ``NotFoundError`` for what nobody owns, ``ConflictError`` for what another stack
    /// owns.
    #[pyo3(signature = (addresses, *, stack, registry=None))]
    fn forget(
        &self,
        py: Python<'_>,
        addresses: Addresses,
        stack: &str,
        registry: Option<&str>,
    ) -> PyResult<Registry> {
        wait(py, self.forgetting(py, addresses, stack, registry)?)
    }

    /// The asynchronous twin of :meth:`forget`.
    #[pyo3(signature = (addresses, *, stack, registry=None))]
    fn forget_async<'py>(
        &self,
        py: Python<'py>,
        addresses: Addresses,
        stack: &str,
        registry: Option<&str>,
    ) -> PyResult<Awaitable<'py, Registry>> {
        promise(py, self.forgetting(py, addresses, stack, registry)?)
    }

    /// Waits until the server is ready: MinIO when its cluster is whole and it knows its users,
    /// any other server when it answers these credentials. ``timeout`` is seconds or a
    /// ``timedelta``.
    ///
    /// Raises ``OperationTimeoutError``, and at once ``UnauthenticatedError`` for wrong keys.
    ///
    /// >>> lake.wait(timeout=10)
    #[pyo3(signature = (timeout=Seconds(PATIENCE)))]
    fn wait(&self, py: Python<'_>, timeout: Seconds) -> PyResult<Done> {
        wait(py, self.waiting(py, timeout)?)
    }

    /// The asynchronous twin of :meth:`wait`.
    #[pyo3(signature = (timeout=Seconds(PATIENCE)))]
    fn wait_async<'py>(&self, py: Python<'py>, timeout: Seconds) -> PyResult<Awaitable<'py, Done>> {
        promise(py, self.waiting(py, timeout)?)
    }
}
