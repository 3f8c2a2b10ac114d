//! Declared state: plan, apply, and the registry of what each stack owns.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use lakewright::declared::Event;
use lakewright::plan::Plan as CorePlan;
use lakewright::spec::Spec as CoreSpec;
use lakewright::{
    Adoption, BucketName, Error, ErrorKind, PlanOptions, ResourceId, Result, StackName,
};
use pyo3::exceptions::PyTypeError;
use pyo3::inspect::PyStaticExpr;
use pyo3::prelude::*;
use pyo3::{Borrowed, PyTypeInfo, type_hint_identifier};
use tokio::sync::mpsc;

use crate::convert::{Name, Names, seconds};
use crate::error::raise;
use crate::lake::Lake;
use crate::plan::{Outcome, Plan, PlanArgument, Registry, Report, SpecArgument, Step};
use crate::verb::{Open, verbs};

/// The `progress` argument of `apply`: a callable that gets steps and their outcomes.
pub(crate) struct StepCallback(Py<PyAny>);

impl FromPyObject<'_, '_> for StepCallback {
    type Error = PyErr;

    const INPUT_TYPE: PyStaticExpr = type_hint_identifier!("lakewright.typing", "StepCallback");

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        if !object.is_callable() {
            return Err(PyTypeError::new_err("progress is a callable(step, outcome)"));
        }
        Ok(Self(object.to_owned().unbind()))
    }
}

/// The result of an apply. Its conversion to Python raises the error, with the report in it.
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

/// The arguments of the callback, in the order of the events: a step that starts, or a step with
/// its outcome.
type StepEvent = (Step, Option<Outcome>);

/// Applies a plan, and reports every step to Python. An exception that the callback raises is
/// raised when the apply has finished, so that it does not leave the plan half applied.
async fn apply(
    lake: lakewright::Lake,
    plan: Arc<CorePlan>,
    progress: Option<StepCallback>,
) -> Result<Applied> {
    let (sender, receiver) = mpsc::unbounded_channel::<StepEvent>();
    let applied_plan = plan.clone();
    let apply = async move {
        let watch = move |event: Event<'_>| {
            let event = match event {
                Event::Started(step) => (step.into(), None),
                Event::Ended(step, outcome) => {
                    (step.into(), Some(Outcome::of(step, Some(outcome))))
                }
            };
            // Sending fails only when the caller gave no callback.
            let _ = sender.send(event);
        };
        lake.apply(&applied_plan, &watch).await
    };
    let (applied, reported) = tokio::join!(apply, report_steps(progress, receiver));
    let lakewright::declared::Applied { report, error, stopped: _ } = applied;
    let report = Report::of(&plan, &report);
    match error {
        None => reported.map(|()| Applied { report, error: None }),
        error => Ok(Applied { report, error }),
    }
}

/// Calls the callback on blocking threads: the workers of the runtime never wait for the GIL.
async fn report_steps(
    progress: Option<StepCallback>,
    mut receiver: mpsc::UnboundedReceiver<StepEvent>,
) -> Result<()> {
    let Some(progress) = progress.map(|progress| Arc::new(progress.0)) else { return Ok(()) };
    while let Some(event) = receiver.recv().await {
        let progress = progress.clone();
        let call = move || Python::attach(|py| progress.call1(py, event).map(drop));
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

/// Returns the bucket of the registry, by default [`CoreSpec::DEFAULT_REGISTRY`].
fn registry_bucket(registry: Option<Name<BucketName>>) -> Result<BucketName> {
    registry.map_or_else(|| CoreSpec::DEFAULT_REGISTRY.parse(), |name| Ok(name.0))
}

#[verbs(Lake)]
impl Open<Lake> {
    /// Plans the steps that make the server match the spec. Nothing is changed.
    ///
    /// ``spec`` is a :class:`Spec` or its dict. With ``prune`` the plan deletes resources that the
    /// stack owns and no longer declares; ``adopt`` lists existing resources without an owner that
    /// the stack takes over, by address (``bucket/raw``).
    ///
    /// Raises every obstacle at once (``error.failures``): ``InvalidSpecError``,
    /// ``ConflictError``, ``AlreadyExistsError``, ``UnsupportedError``,
    /// ``PreconditionFailedError``, ``SchemaMismatchError``.
    ///
    /// >>> plan = lake.plan({"version": 1, "stack": "doc", "buckets": {"made": {}}})
    /// >>> [(step.verb, step.resource) for step in plan.steps]
    /// [('create_bucket', 'bucket/made')]
    /// >>> lake.apply(plan).is_complete
    /// True
    #[pyo3(signature = (spec, *, prune=false, adopt=None))]
    async fn plan(
        self,
        spec: SpecArgument,
        prune: bool,
        adopt: Option<Names<ResourceId>>,
    ) -> Result<Plan> {
        let adopt = adopt.map_or_else(BTreeSet::new, |names| BTreeSet::from_iter(names.0));
        let options = PlanOptions::builder().prune(prune).adopt(adopt).build();
        self.inner.plan(&spec.0, &options).await.map(Plan::of)
    }

    /// Plans the steps that delete every resource that a stack owns.
    ///
    /// ``registry`` is the bucket of the registry, by default ``lakewright-state``.
    #[pyo3(signature = (stack, *, registry=None))]
    async fn plan_destroy(
        self,
        stack: Name<StackName>,
        registry: Option<Name<BucketName>>,
    ) -> Result<Plan> {
        self.inner.plan_destroy(&stack.0, &registry_bucket(registry)?).await.map(Plan::of)
    }

    /// Compares the server with the spec: returns a plan, whose :attr:`Plan.differs` is true
    /// when they differ. The plan is for reading; :meth:`plan` returns one that can be applied.
    #[pyo3(signature = (spec))]
    async fn drift(self, spec: SpecArgument) -> Result<Plan> {
        self.inner.drift(&spec.0).await.map(Plan::of)
    }

    /// Applies a plan. Independent steps run at the same time; a step is skipped when one that it
    /// depends on has failed.
    ///
    /// ``progress`` is called with a :class:`Step` and ``None`` when the step starts, and with its
    /// :class:`Outcome` when it ends. An exception of it is raised after the last step.
    ///
    /// Ctrl-C, and cancelling what :meth:`apply_async` returns, stop the apply; finished steps
    /// are recorded in the registry all the same.
    ///
    /// Raises ``PartialApplyError``, whose ``report`` is a :class:`Report`;
    /// ``PreconditionFailedError`` when the registry has changed since the plan was made or the
    /// server is another; ``ConflictError`` while another process is applying.
    #[pyo3(signature = (plan, *, progress=None))]
    async fn apply(self, plan: PlanArgument, progress: Option<StepCallback>) -> Result<Applied> {
        apply(self.inner, plan.0, progress).await
    }

    /// Returns the registry: which stack owns which resources, and who is applying.
    ///
    /// >>> lake.state().resources
    /// {}
    #[pyo3(signature = (*, registry=None))]
    async fn state(self, registry: Option<Name<BucketName>>) -> Result<Registry> {
        self.inner.state(&registry_bucket(registry)?).await.map(Registry::from)
    }

    /// Records existing resources as owned by a stack, by address: ``bucket/raw``, and a service
    /// account with its access key, ``service-account/ingest=INGEST1``. They are not changed
    /// until the stack is applied.
    ///
    /// Raises ``NotFoundError`` for a resource that does not exist, ``ConflictError`` for one
    /// that another stack owns.
    #[pyo3(signature = (addresses, *, stack, registry=None))]
    async fn adopt(
        self,
        addresses: Names<Adoption>,
        stack: Name<StackName>,
        registry: Option<Name<BucketName>>,
    ) -> Result<Registry> {
        let registry = registry_bucket(registry)?;
        self.inner.adopt(&registry, &stack.0, &addresses.0).await.map(Registry::from)
    }

    /// Removes resources of a stack from the registry. They are not changed.
    ///
    /// Raises ``NotFoundError`` for a resource without an owner, ``ConflictError`` for one that
    /// another stack owns.
    #[pyo3(signature = (addresses, *, stack, registry=None))]
    async fn forget(
        self,
        addresses: Names<ResourceId>,
        stack: Name<StackName>,
        registry: Option<Name<BucketName>>,
    ) -> Result<Registry> {
        let registry = registry_bucket(registry)?;
        self.inner.forget(&registry, &stack.0, &addresses.0).await.map(Registry::from)
    }

    /// Seals all entries of a stack in the registry with the ``registry_key`` of the profile: the
    /// caller vouches for entries that were written without the key, or with another one. Look at
    /// them with :meth:`state` before.
    ///
    /// Raises ``ConfigError`` without a ``registry_key``.
    #[pyo3(signature = (*, stack, registry=None))]
    async fn seal(
        self,
        stack: Name<StackName>,
        registry: Option<Name<BucketName>>,
    ) -> Result<Registry> {
        self.inner.seal(&registry_bucket(registry)?, &stack.0).await.map(Registry::from)
    }

    /// Waits until the server is ready: MinIO when its cluster is healthy and its users are
    /// loaded, any other server when it accepts the credentials. ``timeout`` is seconds or a
    /// ``timedelta``.
    ///
    /// Raises ``OperationTimeoutError``, and at once ``UnauthenticatedError`` for wrong
    /// credentials.
    ///
    /// >>> lake.wait(timeout=10)
    #[pyo3(signature = (timeout: "float | timedelta" = 60.0))]
    async fn wait(self, #[pyo3(from_py_with = seconds)] timeout: f64) -> Result<()> {
        self.inner.wait(Duration::from_secs_f64(timeout)).await
    }
}
