//! Specs, plans, reports and the registry, as values.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use lakewright::plan::{Plan as CorePlan, Report as CoreReport, Risk, StepStatus};
use lakewright::render;
use lakewright::spec::Spec as CoreSpec;
use lakewright::state::Registry as CoreRegistry;
use lakewright::{Error, ErrorKind};
use pyo3::exceptions::PyTypeError;
use pyo3::inspect::PyStaticExpr;
use pyo3::prelude::*;
use pyo3::type_hint_union;
use pyo3::types::{PyDict, PyString, PyTuple};
use pyo3::{Borrowed, IntoPyObjectExt, PyTypeInfo};

use crate::convert::hint::{BYTES, DICT, STR};
use crate::convert::{Json, PlainDict, Reduced, json_text};
use crate::error::{OrRaise, invalid, raise};
use crate::value::{Entries, Expose, Field, ValueOrDict, value};

value! {
    /// A field that a step changes.
    Change(lakewright::plan::Change) {
        /// The field as the spec names it, such as ``quota`` or ``tags``.
        field: String,
        ;
        /// The current value; ``None`` if there is none.
        old: Option<Json>,
        /// The value after the step; ``None`` if there is none.
        new: Option<Json>,
    }
}

value! {
    /// A step of a plan: about one request.
    Step(struct StepFields) {
        /// The step's number in the plan, from 0.
        id: u32,
        /// The address of the resource, such as ``bucket/raw`` or ``table/raw/flights``.
        resource: String,
        /// The action of the step: ``create_bucket``, ``set_quota``, ...
        verb: String,
        /// ``safe``, or ``destructive`` where data is lost for good.
        risk: String,
        ;
        /// The reason for the step, as a clause.
        reason: String,
        /// The fields that the step changes.
        changes: Vec<Change>,
        /// The numbers of the steps that must be done before this one.
        after: Vec<u32>,
    }
}

impl From<&lakewright::plan::Step> for Step {
    fn from(step: &lakewright::plan::Step) -> Self {
        Self(StepFields {
            id: step.id.0,
            resource: step.resource().address(),
            verb: step.action.verb().to_owned(),
            risk: match step.risk {
                Risk::Safe => "safe",
                Risk::Destructive => "destructive",
            }
            .to_owned(),
            reason: step.reason.clone(),
            changes: step.changes.iter().map(Expose::expose).collect(),
            after: step.after.iter().map(|id| id.0).collect(),
        })
    }
}

value! {
    /// A remark about a plan, for its reader.
    Note(lakewright::plan::Note) {
        /// The address of the resource that the note is about, such as ``bucket/raw``.
        resource: String,
        /// The remark, as a clause.
        text: String,
        ;
    }
}

value! {
    /// How many resources a plan creates, changes and deletes.
    Summary(lakewright::plan::Summary) {
        ;
        /// The number of resources that are created.
        create: usize,
        /// The number of existing resources that the stack takes over.
        adopt: usize,
        /// The number of resources that are changed.
        change: usize,
        /// The number of resources that are deleted.
        delete: usize,
        /// The number of resources that are removed from the registry only.
        forget: usize,
    }
}

value! {
    /// The outcome of a step.
    Outcome(struct OutcomeFields) {
        /// ``done``; ``failed``; ``skipped`` because a step before it was not done; ``left``
        /// when the step was not reached.
        status: String,
        /// The address of the resource, such as ``bucket/raw``.
        resource: String,
        /// The action of the step: ``create_bucket``, ``set_quota``, ...
        verb: String,
        ;
        /// The code of the error of a failed step, such as ``denied``.
        code: Option<String>,
        /// The error of a failed step, in one line.
        error: Option<String>,
        /// Whether the step may have been carried out although it failed.
        outcome_unknown: bool,
        /// The number of the step that caused this one to be skipped.
        because_of: Option<u32>,
    }
}

impl Outcome {
    pub(crate) fn of(step: &lakewright::plan::Step, outcome: Option<&StepStatus>) -> Self {
        let mut fields = OutcomeFields {
            status: "left".to_owned(),
            resource: step.resource().address(),
            verb: step.action.verb().to_owned(),
            code: None,
            error: None,
            outcome_unknown: false,
            because_of: None,
        };
        match outcome {
            Some(StepStatus::Done) => fields.status = "done".to_owned(),
            Some(StepStatus::Failed { code, error, outcome_unknown }) => {
                fields.status = "failed".to_owned();
                fields.code = Some(code.clone());
                fields.error = Some(error.clone());
                fields.outcome_unknown = *outcome_unknown;
            }
            Some(StepStatus::Skipped { because_of }) => {
                fields.status = "skipped".to_owned();
                fields.because_of = Some(because_of.0);
            }
            None => {}
        }
        Self(fields)
    }
}

impl Field for BTreeMap<u32, Outcome> {
    type Argument = Entries<crate::convert::Number<u32>, ValueOrDict<Outcome>>;
}

value! {
    /// The outcomes of a plan's steps.
    Report(struct ReportFields) {
        /// The stack of the plan.
        stack: String,
        ;
        /// The outcome of each step, by its number.
        outcomes: BTreeMap<u32, Outcome>,
    }
}

impl Report {
    pub(crate) fn of(plan: &CorePlan, report: &CoreReport) -> Self {
        let outcome = |step: &lakewright::plan::Step| {
            (step.id.0, Outcome::of(step, report.outcomes.get(&step.id)))
        };
        let outcomes = plan.steps.iter().map(outcome).collect();
        Self(ReportFields { stack: plan.stack.to_string(), outcomes })
    }
}

#[pymethods]
impl Report {
    /// Whether every step is done.
    #[getter]
    fn is_complete(&self) -> bool {
        self.0.outcomes.values().all(|outcome| outcome.0.status == "done")
    }
}

value! {
    /// A resource that a stack owns.
    Owned(struct OwnedFields) {
        /// The stack.
        stack: String,
        /// When the stack became the owner, in UTC.
        since: Timestamp,
        ;
        /// The declaration that was last applied completely.
        declared: Option<Json>,
        /// A later declaration that was or may have been applied in part.
        attempted: Option<Json>,
    }
}

value! {
    /// The right to apply, which one process holds at a time.
    Lease(struct LeaseFields) {
        /// The process that holds the lease, for people.
        holder: String,
        /// The stack that is applied.
        stack: String,
        /// When the lease was taken, in UTC.
        taken: Timestamp,
        /// When the lease expires unless it is renewed, in UTC.
        expires: Timestamp,
        ;
        /// The addresses of the resources that are about to be changed.
        pending: Vec<String>,
    }
}

impl Field for BTreeMap<String, Owned> {
    type Argument = Entries<String, ValueOrDict<Owned>>;
}

value! {
    /// The registry of a server: which stack owns which resources.
    Registry(struct RegistryFields) {
        /// A number that increases with every change.
        serial: u64,
        ;
        /// The owned resources, by address.
        resources: BTreeMap<String, Owned>,
        /// The lease of the process that is applying, or that was interrupted.
        lease: Option<Lease>,
    }
}

/// Rounds a time to microseconds, the precision of a Python `datetime`.
fn in_microseconds(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}

impl From<CoreRegistry> for Registry {
    fn from(registry: CoreRegistry) -> Self {
        let owned = |owned: lakewright::state::Owned| {
            Owned(OwnedFields {
                stack: owned.stack.to_string(),
                since: in_microseconds(owned.since),
                declared: owned.declared.map(|declared| Json(declared.to_value())),
                attempted: owned.attempted.map(|attempted| Json(attempted.to_value())),
            })
        };
        let lease = |lease: lakewright::state::Lease| {
            Lease(LeaseFields {
                holder: lease.holder.to_string(),
                stack: lease.stack.to_string(),
                taken: in_microseconds(lease.taken),
                expires: in_microseconds(lease.expires),
                pending: lease.pending.keys().map(lakewright::ResourceId::address).collect(),
            })
        };
        let resources = registry.resources.into_iter();
        Self(RegistryFields {
            serial: registry.serial,
            resources: resources.map(|(id, of)| (id.address(), owned(of))).collect(),
            lease: registry.lease.map(lease),
        })
    }
}

/// A dictionary as JSON text, which keeps its order: the order of columns matters.
pub(crate) struct JsonDict(String);

impl FromPyObject<'_, '_> for JsonDict {
    type Error = PyErr;

    const INPUT_TYPE: PyStaticExpr = DICT;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        json_text(object.cast::<PyDict>()?.as_any()).map(Self)
    }
}

/// JSON as text or bytes.
pub(crate) struct JsonText(Vec<u8>);

impl FromPyObject<'_, '_> for JsonText {
    type Error = PyErr;

    const INPUT_TYPE: PyStaticExpr = type_hint_union!(STR, BYTES);

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        if let Ok(text) = object.cast::<PyString>() {
            return Ok(Self(text.to_str()?.as_bytes().to_vec()));
        }
        object.extract().map(Self)
    }
}

/// A checked spec: the declaration of what should exist. ``lakewright spec schema`` prints the
/// format.
///
/// Takes the spec as a dict. Unknown fields, wrong types, dangling references and literal secrets
/// are refused with their path, all of them at once (``error.failures``).
///
/// >>> spec = lakewright.Spec({"version": 1, "stack": "lake", "buckets": {"raw": {}}})
/// >>> spec.stack, list(spec.to_dict()["buckets"])
/// ('lake', ['raw'])
/// >>> lakewright.Spec({"version": 1, "stack": "lake", "bukets": {}})
/// Traceback (most recent call last):
/// lakewright.exceptions.InvalidSpecError: bukets: the document has no such field; ...
#[pyclass(frozen, eq, module = "lakewright")]
#[derive(Clone, PartialEq)]
pub(crate) struct Spec(pub(crate) Arc<CoreSpec>);

impl Spec {
    fn read(json: &[u8]) -> Result<Self, Error> {
        CoreSpec::from_json(json).map(|spec| Self(Arc::new(spec)))
    }
}

#[pymethods]
impl Spec {
    #[new]
    #[pyo3(signature = (spec, /))]
    fn new(py: Python<'_>, spec: JsonDict) -> PyResult<Self> {
        py.detach(|| Self::read(spec.0.as_bytes())).or_raise(py)
    }

    /// Reads and checks a spec file.
    ///
    /// Raises ``InvalidSpecError``, ``NotFoundError``.
    #[staticmethod]
    #[pyo3(signature = (path))]
    fn load(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        py.detach(|| lakewright::spec::load(path).map(|spec| Self(Arc::new(spec)))).or_raise(py)
    }

    /// Reads and checks a spec given as JSON text.
    ///
    /// Raises ``InvalidSpecError``.
    #[staticmethod]
    #[pyo3(signature = (text))]
    fn from_json(py: Python<'_>, text: JsonText) -> PyResult<Self> {
        py.detach(|| Self::read(&text.0)).or_raise(py)
    }

    /// Returns the JSON Schema of the format (draft 2020-12).
    ///
    /// >>> lakewright.Spec.json_schema()["type"]
    /// 'object'
    #[staticmethod]
    fn json_schema(py: Python<'_>) -> PyResult<PlainDict> {
        dict_of(py, &CoreSpec::json_schema().or_raise(py)?)
    }

    /// The stack that the spec declares.
    #[getter]
    fn stack(&self) -> String {
        self.0.stack.to_string()
    }

    /// The bucket of the registry.
    #[getter]
    fn registry(&self, py: Python<'_>) -> PyResult<String> {
        Ok(self.0.registry_bucket().or_raise(py)?.to_string())
    }

    /// The SHA-256 of the canonical form of the spec, in hex. A plan is bound to it.
    #[getter]
    fn hash(&self, py: Python<'_>) -> PyResult<String> {
        self.0.hash().or_raise(py)
    }

    /// Returns the canonical form of the spec: sizes in bytes, columns as a list, no empty fields.
    fn to_dict(&self, py: Python<'_>) -> PyResult<PlainDict> {
        dict_of(py, &self.0.canonical().or_raise(py)?)
    }

    /// Returns the canonical form as JSON text.
    fn to_json(&self, py: Python<'_>) -> PyResult<String> {
        self.0.canonical().or_raise(py)
    }

    fn __hash__(&self, py: Python<'_>) -> PyResult<u64> {
        use std::hash::{DefaultHasher, Hash as _, Hasher as _};
        let mut hasher = DefaultHasher::new();
        self.0.hash().or_raise(py)?.hash(&mut hasher);
        Ok(hasher.finish())
    }

    fn __repr__(&self) -> String {
        let spec = &self.0;
        let parts: Vec<String> = [
            ("buckets", spec.buckets.len()),
            ("tables", spec.tables.len()),
            ("policies", spec.policies.len()),
            ("groups", spec.groups.len()),
            ("users", spec.users.len()),
            ("service_accounts", spec.service_accounts.len()),
        ]
        .into_iter()
        .filter(|(_, number)| *number > 0)
        .map(|(section, number)| format!(", {section}={number}"))
        .collect();
        format!("<Spec stack={}{}>", spec.stack, parts.concat())
    }

    fn __getnewargs__<'py>(&self, py: Python<'py>) -> PyResult<Reduced<'py>> {
        let fields = self.to_dict(py)?.into_bound_py_any(py)?;
        Ok(Reduced(PyTuple::new(py, [fields])?.into_any()))
    }
}

/// Parses JSON text that lakewright has written.
fn dict_of(py: Python<'_>, text: &str) -> PyResult<PlainDict> {
    let internal = |error: serde_json::Error| {
        raise(py, &Error::new(ErrorKind::Internal, "our own JSON cannot be read").caused_by(error))
    };
    serde_json::from_str(text).map(PlainDict).map_err(internal)
}

/// A spec as an argument: a `Spec`, or its dict.
pub(crate) struct SpecArgument(pub(crate) Arc<CoreSpec>);

impl FromPyObject<'_, '_> for SpecArgument {
    type Error = PyErr;

    const INPUT_TYPE: PyStaticExpr = type_hint_union!(Spec::TYPE_HINT, DICT);

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        if let Ok(spec) = object.cast::<Spec>() {
            return Ok(Self(spec.get().0.clone()));
        }
        if !object.is_instance_of::<PyDict>() {
            let why = "the spec is a lakewright.Spec or a dict; Spec.load reads a file";
            return Err(PyTypeError::new_err(why));
        }
        Ok(Self(Spec::new(object.py(), object.extract()?)?.0))
    }
}

/// The steps that make a server match a spec. ``str(plan)`` renders them for people.
///
/// A plan is bound to the spec, the registry and the server that it was made from; applying it is
/// refused when the registry has changed since, or on another server. It holds no secret. The
/// constructor takes the result of :meth:`to_dict`.
#[pyclass(frozen, eq, module = "lakewright")]
#[derive(Clone, PartialEq)]
pub(crate) struct Plan(pub(crate) Arc<CorePlan>);

impl Plan {
    pub(crate) fn of(plan: CorePlan) -> Self {
        Self(Arc::new(plan))
    }
}

#[pymethods]
impl Plan {
    #[new]
    #[pyo3(signature = (plan, /))]
    fn new(py: Python<'_>, plan: JsonDict) -> PyResult<Self> {
        py.detach(|| CorePlan::from_json(plan.0.as_bytes()).map(Self::of)).or_raise(py)
    }

    /// Reads a plan that :meth:`to_json` or ``lakewright plan --out`` wrote.
    ///
    /// Raises ``InvalidInputError``.
    #[staticmethod]
    #[pyo3(signature = (text))]
    fn from_json(py: Python<'_>, text: JsonText) -> PyResult<Self> {
        py.detach(|| CorePlan::from_json(&text.0).map(Self::of)).or_raise(py)
    }

    /// Returns the plan as JSON text, the content of a plan file.
    fn to_json(&self, py: Python<'_>) -> PyResult<String> {
        py.detach(|| self.0.to_json()).or_raise(py)
    }

    /// Returns the plan as plain values.
    fn to_dict(&self, py: Python<'_>) -> PyResult<PlainDict> {
        dict_of(py, &self.to_json(py)?)
    }

    /// The stack that the plan is for.
    #[getter]
    fn stack(&self) -> String {
        self.0.stack.to_string()
    }

    /// The :attr:`Spec.hash` of the spec that the plan was made from.
    #[getter]
    fn spec_hash(&self) -> String {
        self.0.spec_hash.clone()
    }

    /// The server that the plan is for.
    #[getter]
    fn endpoint(&self) -> String {
        self.0.endpoint.clone()
    }

    /// The bucket of the registry.
    #[getter]
    fn registry(&self) -> String {
        self.0.registry.to_string()
    }

    /// The serial of the registry when the plan was made; 0 when there was no registry yet.
    #[getter]
    fn registry_serial(&self) -> u64 {
        self.0.registry_serial
    }

    /// The steps, in an order in which they can be done.
    #[getter]
    fn steps(&self) -> Vec<Step> {
        self.0.steps.iter().map(Into::into).collect()
    }

    /// The remarks about the plan.
    #[getter]
    fn notes(&self) -> Vec<Note> {
        self.0.notes.iter().map(Expose::expose).collect()
    }

    /// The addresses of resources that the stack owns and no longer declares, and that the plan
    /// does not change.
    #[getter]
    fn kept(&self) -> Vec<String> {
        self.0.kept.iter().map(lakewright::ResourceId::address).collect()
    }

    /// Whether there are no steps.
    #[getter]
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the server differs from the spec: there are steps, or resources are kept.
    #[getter]
    fn differs(&self) -> bool {
        self.0.differs()
    }

    /// Whether a step loses data for good.
    #[getter]
    fn is_destructive(&self) -> bool {
        self.0.is_destructive()
    }

    /// How many resources are created, changed and deleted.
    #[getter]
    fn summary(&self) -> Summary {
        Summary(self.0.summary())
    }

    /// Returns the graph of the steps and their dependencies, in the language of ``mermaid`` or
    /// ``dot``.
    ///
    /// Raises ``InvalidInputError`` for another format.
    #[pyo3(signature = (format: "Literal['mermaid', 'dot']" = "mermaid"))]
    fn graph(&self, py: Python<'_>, format: &str) -> PyResult<String> {
        let format = match format {
            "mermaid" => render::GraphFormat::Mermaid,
            "dot" => render::GraphFormat::Dot,
            other => {
                return Err(invalid(py, format!("{other:?} is neither \"mermaid\" nor \"dot\"")));
            }
        };
        Ok(render::graph(&self.0, format))
    }

    fn __str__(&self) -> String {
        render::plan(&self.0, render::Style::Plain)
    }

    fn __repr__(&self) -> String {
        format!("<Plan stack={}: {}>", self.0.stack, self.0.summary())
    }

    fn __getnewargs__<'py>(&self, py: Python<'py>) -> PyResult<Reduced<'py>> {
        let fields = self.to_dict(py)?.into_bound_py_any(py)?;
        Ok(Reduced(PyTuple::new(py, [fields])?.into_any()))
    }
}

/// A plan as an argument: a `Plan`, or its dict.
pub(crate) struct PlanArgument(pub(crate) Arc<CorePlan>);

impl FromPyObject<'_, '_> for PlanArgument {
    type Error = PyErr;

    const INPUT_TYPE: PyStaticExpr = type_hint_union!(Plan::TYPE_HINT, DICT);

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        if let Ok(plan) = object.cast::<Plan>() {
            return Ok(Self(plan.get().0.clone()));
        }
        if !object.is_instance_of::<PyDict>() {
            return Err(PyTypeError::new_err("the plan is a lakewright.Plan or its dict"));
        }
        Ok(Self(Plan::new(object.py(), object.extract()?)?.0))
    }
}
