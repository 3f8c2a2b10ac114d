//! Documents, plans and what comes of them, as values.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use lakewright::plan::{Outcome as Came, Plan as ThePlan, Report as TheReport};
use lakewright::render;
use lakewright::spec::Spec as TheSpec;
use lakewright::state::Registry as TheRegistry;
use lakewright::{Error, ErrorKind};
use pyo3::exceptions::PyTypeError;
use pyo3::inspect::PyStaticExpr;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};
use pyo3::{Borrowed, IntoPyObjectExt, PyTypeInfo};
use pyo3::{type_hint_identifier, type_hint_subscript, type_hint_union};

use crate::convert::{Json, Recipe};
use crate::error::{OrRaise, invalid, raise};
use crate::types::value;

const STR: PyStaticExpr = type_hint_identifier!("builtins", "str");
const BYTES: PyStaticExpr = type_hint_identifier!("builtins", "bytes");
const ANY: PyStaticExpr = type_hint_identifier!("typing", "Any");
const DICT: PyStaticExpr =
    type_hint_subscript!(type_hint_identifier!("builtins", "dict"), STR, ANY);

value! {
    /// One field that a step changes.
    Change {
        /// The field as the document names it, such as ``quota`` or ``tags``.
        field: String,
        ;
        /// What it is now; ``None`` if it is not there.
        old: Option<Json> = None,
        /// What it will be; ``None`` if it will not be there.
        new: Option<Json> = None,
    }
}

value! {
    /// One thing to do: about one request.
    Step {
        /// Its number in the plan, from 0.
        id: u32,
        /// To what: an address such as ``bucket/raw`` or ``table/raw/flights``.
        resource: String,
        /// What: ``create_bucket``, ``set_quota``, ...
        verb: String,
        ;
        /// ``safe``, or ``destructive`` where something is lost that cannot be brought back.
        risk: String = "safe".to_owned(),
        /// Why, as a clause.
        reason: String = String::new(),
        /// What is different afterwards.
        changes: Vec<Change> = Vec::new(),
        /// The numbers of the steps that must be done before it.
        after: Vec<u32> = Vec::new(),
    }
}

impl From<&lakewright::plan::Step> for Step {
    fn from(step: &lakewright::plan::Step) -> Self {
        let change = |change: &lakewright::plan::Change| Change {
            field: change.field.clone(),
            old: change.old.clone().map(Json),
            new: change.new.clone().map(Json),
        };
        Self {
            id: step.id.0,
            resource: step.resource.address(),
            verb: step.action.verb().to_owned(),
            risk: match step.risk {
                lakewright::plan::Risk::Safe => "safe",
                lakewright::plan::Risk::Destructive => "destructive",
            }
            .to_owned(),
            reason: step.reason.clone(),
            changes: step.changes.iter().map(change).collect(),
            after: step.after.iter().map(|id| id.0).collect(),
        }
    }
}

value! {
    /// Something that people should know about a plan.
    Note {
        /// About what: an address such as ``bucket/raw``.
        resource: String,
        /// What, as a clause.
        text: String,
        ;
    }
}

value! {
    /// How many resources a plan makes, changes and takes away.
    Summary {
        ;
        /// Made.
        create: usize = 0,
        /// Taken over.
        adopt: usize = 0,
        /// Changed.
        change: usize = 0,
        /// Taken away.
        delete: usize = 0,
        /// Let go of.
        forget: usize = 0,
    }
}

value! {
    /// What came of a step.
    Outcome {
        /// ``done``; ``failed``; ``skipped`` because a step before it was not done; ``left``
        /// where it was not reached.
        status: String,
        /// To what: an address such as ``bucket/raw``.
        resource: String,
        /// What: ``create_bucket``, ``set_quota``, ...
        verb: String,
        ;
        /// The code of the error, such as ``denied``, of what failed.
        code: Option<String> = None,
        /// The error in a line, of what failed.
        error: Option<String> = None,
        /// The number of the step that kept this one from being done.
        because_of: Option<u32> = None,
    }
}

impl Outcome {
    pub(crate) fn of(step: &lakewright::plan::Step, came: Option<&Came>) -> Self {
        let (status, code, error, because_of) = match came {
            Some(Came::Done) => ("done", None, None, None),
            Some(Came::Failed { code, error }) => {
                ("failed", Some(code.clone()), Some(error.clone()), None)
            }
            Some(Came::Skipped { because_of }) => ("skipped", None, None, Some(because_of.0)),
            None => ("left", None, None, None),
        };
        Self {
            status: status.to_owned(),
            resource: step.resource.address(),
            verb: step.action.verb().to_owned(),
            code,
            error,
            because_of,
        }
    }
}

value! {
    /// What came of a plan.
    Report {
        /// Whose plan it was.
        stack: String,
        ;
        /// What came of each step, by its number.
        outcomes: BTreeMap<u32, Outcome> = BTreeMap::new(),
    }
}

impl Report {
    pub(crate) fn of(plan: &ThePlan, report: &TheReport) -> Self {
        let came = |step: &lakewright::plan::Step| {
            (step.id.0, Outcome::of(step, report.outcomes.get(&step.id)))
        };
        Self { stack: plan.stack.to_string(), outcomes: plan.steps.iter().map(came).collect() }
    }
}

#[pymethods]
impl Report {
    /// Whether every step is done.
    #[getter]
    fn is_complete(&self) -> bool {
        self.outcomes.values().all(|outcome| outcome.status == "done")
    }
}

value! {
    /// A resource that a stack owns.
    Owned {
        /// Which stack.
        stack: String,
        /// Since when, in UTC.
        since: Timestamp,
        ;
        /// The declaration that was last applied as a whole.
        declared: Option<Json> = None,
        /// A declaration of which some steps were or may have been done.
        attempted: Option<Json> = None,
    }
}

value! {
    /// The right to change things, held by one process at a time.
    Lease {
        /// Who has it, for people.
        holder: String,
        /// The stack that is applied.
        stack: String,
        /// Since when, in UTC.
        taken: Timestamp,
        /// Until when, in UTC, unless it is renewed.
        expires: Timestamp,
        ;
        /// Addresses of what is about to be changed.
        pending: Vec<String> = Vec::new(),
    }
}

value! {
    /// Who owns what on a server.
    Registry {
        /// Goes up with every change.
        serial: u64,
        ;
        /// What somebody owns, by address.
        resources: BTreeMap<String, Owned> = BTreeMap::new(),
        /// Who is applying, or was cut off.
        lease: Option<Lease> = None,
    }
}

/// To the microsecond, which is all that Python keeps of a time.
fn seen(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}

impl From<TheRegistry> for Registry {
    fn from(registry: TheRegistry) -> Self {
        let owned = |owned: lakewright::state::Owned| Owned {
            stack: owned.stack.to_string(),
            since: seen(owned.since),
            declared: owned.declared.map(|declared| Json(declared.to_value())),
            attempted: owned.attempted.map(|attempted| Json(attempted.to_value())),
        };
        let lease = |lease: lakewright::state::Lease| Lease {
            holder: lease.holder.to_string(),
            stack: lease.stack.to_string(),
            taken: seen(lease.taken),
            expires: seen(lease.expires),
            pending: lease.pending.keys().map(lakewright::ResourceId::address).collect(),
        };
        let resources = registry.resources.into_iter();
        Self {
            serial: registry.serial,
            resources: resources.map(|(id, of)| (id.address(), owned(of))).collect(),
            lease: registry.lease.map(lease),
        }
    }
}

/// A dictionary as the JSON text that it stands for, its order kept: columns have one.
pub(crate) struct Document(String);

impl FromPyObject<'_, '_> for Document {
    type Error = PyErr;

    const INPUT_TYPE: PyStaticExpr = DICT;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        json_text(object.cast::<PyDict>()?.as_any()).map(Self)
    }
}

fn json_text(document: &Bound<'_, PyAny>) -> PyResult<String> {
    let py = document.py();
    let options = PyDict::new(py);
    options.set_item("allow_nan", false)?;
    // Dates and paths may be written as such; their text is the wanted one.
    options.set_item("default", py.get_type::<PyString>())?;
    py.import("json")?.getattr("dumps")?.call((document,), Some(&options))?.extract()
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

/// What should exist, checked: see ``lakewright spec schema`` for the format.
///
/// Takes the document as a dict; unknown fields, wrong types, dangling references and literal
/// secrets are refused with their path, all of them at once (``error.failures``).
///
/// >>> spec = lakewright.Spec({"version": 1, "stack": "lake", "buckets": {"raw": {}}})
/// >>> spec.stack, list(spec.to_dict()["buckets"])
/// ('lake', ['raw'])
/// >>> lakewright.Spec({"version": 1, "stack": "lake", "bukets": {}})
/// Traceback (most recent call last):
/// lakewright.exceptions.InvalidSpecError: bukets: the document has no such field; ...
#[pyclass(frozen, eq, module = "lakewright")]
#[derive(Clone, PartialEq)]
pub(crate) struct Spec(pub(crate) Arc<TheSpec>);

impl Spec {
    fn reading(json: &[u8]) -> Result<Self, Error> {
        TheSpec::from_json(json).map(|spec| Self(Arc::new(spec)))
    }
}

#[pymethods]
impl Spec {
    #[new]
    #[pyo3(signature = (document, /))]
    fn new(py: Python<'_>, document: Document) -> PyResult<Self> {
        py.detach(|| Self::reading(document.0.as_bytes())).or_raise(py)
    }

    /// Reads and checks a document.
    ///
    /// Raises ``InvalidSpecError``, ``NotFoundError``.
    #[staticmethod]
    #[pyo3(signature = (path))]
    fn load(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        py.detach(|| {
            let bytes = std::fs::File::open(&path).and_then(|file| {
                // One byte more than the largest document, so that a larger one is not held.
                let mut bytes = Vec::new();
                let most = TheSpec::MAX_BYTES as u64 + 1;
                std::io::Read::read_to_end(&mut std::io::Read::take(file, most), &mut bytes)?;
                Ok(bytes)
            });
            let bytes = bytes.map_err(|error| {
                Error::new(ErrorKind::from(error.kind()), error.to_string())
                    .during("load_spec")
                    .on(path.display().to_string())
                    .caused_by(error)
            })?;
            Self::reading(&bytes)
        })
        .or_raise(py)
    }

    /// Reads and checks a document that is at hand as JSON.
    ///
    /// Raises ``InvalidSpecError``.
    #[staticmethod]
    #[pyo3(signature = (text))]
    fn from_json(py: Python<'_>, text: JsonText) -> PyResult<Self> {
        py.detach(|| Self::reading(&text.0)).or_raise(py)
    }

    /// The JSON Schema of the format (draft 2020-12).
    ///
    /// >>> lakewright.Spec.json_schema()["type"]
    /// 'object'
    #[staticmethod]
    fn json_schema(py: Python<'_>) -> PyResult<PlainDict> {
        dict_of(py, &TheSpec::json_schema().or_raise(py)?)
    }

    /// Whose declaration it is.
    #[getter]
    fn stack(&self) -> String {
        self.0.stack.to_string()
    }

    /// The bucket in which lakewright keeps who owns what.
    #[getter]
    fn registry(&self, py: Python<'_>) -> PyResult<String> {
        Ok(self.0.registry_bucket().or_raise(py)?.to_string())
    }

    /// SHA-256 of the document in its one way of writing, in hex: what a plan is bound to.
    #[getter]
    fn hash(&self, py: Python<'_>) -> PyResult<String> {
        self.0.hash().or_raise(py)
    }

    /// The document in its one way of writing: sizes in bytes, columns as a list, nothing that
    /// says nothing.
    fn to_dict(&self, py: Python<'_>) -> PyResult<PlainDict> {
        dict_of(py, &self.0.canonical().or_raise(py)?)
    }

    /// The same as JSON text.
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
        .map(|(what, number)| format!(", {what}={number}"))
        .collect();
        format!("<Spec stack={}{}>", spec.stack, parts.concat())
    }

    fn __getnewargs__<'py>(&self, py: Python<'py>) -> PyResult<Recipe<'py>> {
        let document = self.to_dict(py)?.into_bound_py_any(py)?;
        Ok(Recipe(PyTuple::new(py, [document])?.into_any()))
    }
}

/// A dictionary of plain values.
pub(crate) struct PlainDict(serde_json::Value);

fn dict_of(py: Python<'_>, text: &str) -> PyResult<PlainDict> {
    let wrong = |error: serde_json::Error| {
        raise(py, &Error::new(ErrorKind::Internal, "our own JSON cannot be read").caused_by(error))
    };
    serde_json::from_str(text).map(PlainDict).map_err(wrong)
}

impl<'py> IntoPyObject<'py> for PlainDict {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    const OUTPUT_TYPE: PyStaticExpr = DICT;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Json(self.0).into_pyobject(py)
    }
}

/// A document as an argument: a `Spec`, or its dict.
pub(crate) struct SpecArgument(pub(crate) Arc<TheSpec>);

impl FromPyObject<'_, '_> for SpecArgument {
    type Error = PyErr;

    const INPUT_TYPE: PyStaticExpr = type_hint_union!(Spec::TYPE_HINT, DICT);

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        if let Ok(spec) = object.cast::<Spec>() {
            return Ok(Self(spec.get().0.clone()));
        }
        if !object.is_instance_of::<PyDict>() {
            let why = "the document is a lakewright.Spec or a dict; Spec.load reads a file";
            return Err(PyTypeError::new_err(why));
        }
        Ok(Self(Spec::new(object.py(), object.extract()?)?.0))
    }
}

/// Steps that make a system what is declared. ``str(plan)`` shows them as people read them.
///
/// It is bound to the document, the registry and the server that it was made from, and refused
/// where the registry or the server is another by then. No secret is in it. Takes what
/// :meth:`to_dict` gives.
#[pyclass(frozen, eq, module = "lakewright")]
#[derive(Clone, PartialEq)]
pub(crate) struct Plan(pub(crate) Arc<ThePlan>);

impl Plan {
    pub(crate) fn of(plan: ThePlan) -> Self {
        Self(Arc::new(plan))
    }
}

#[pymethods]
impl Plan {
    #[new]
    #[pyo3(signature = (document, /))]
    fn new(py: Python<'_>, document: Document) -> PyResult<Self> {
        py.detach(|| ThePlan::from_json(document.0.as_bytes()).map(Self::of)).or_raise(py)
    }

    /// Reads a plan that :meth:`to_json` or ``lakewright plan --out`` wrote.
    ///
    /// Raises ``InvalidInputError``.
    #[staticmethod]
    #[pyo3(signature = (text))]
    fn from_json(py: Python<'_>, text: JsonText) -> PyResult<Self> {
        py.detach(|| ThePlan::from_json(&text.0).map(Self::of)).or_raise(py)
    }

    /// The plan as JSON text: what stands in a plan file.
    fn to_json(&self, py: Python<'_>) -> PyResult<String> {
        py.detach(|| self.0.to_json()).or_raise(py)
    }

    /// The plan as plain values.
    fn to_dict(&self, py: Python<'_>) -> PyResult<PlainDict> {
        dict_of(py, &self.to_json(py)?)
    }

    /// Whose plan it is.
    #[getter]
    fn stack(&self) -> String {
        self.0.stack.to_string()
    }

    /// The :attr:`Spec.hash` of the document that it was made from.
    #[getter]
    fn spec_hash(&self) -> String {
        self.0.spec_hash.clone()
    }

    /// The server that it is for.
    #[getter]
    fn endpoint(&self) -> String {
        self.0.endpoint.clone()
    }

    /// The bucket of the registry.
    #[getter]
    fn registry(&self) -> String {
        self.0.registry.to_string()
    }

    /// The serial of the registry when it was read; 0 when there was none yet.
    #[getter]
    fn registry_serial(&self) -> u64 {
        self.0.registry_serial
    }

    /// What is to be done, in an order in which it can be done.
    #[getter]
    fn steps(&self) -> Vec<Step> {
        self.0.steps.iter().map(Into::into).collect()
    }

    /// What people should know besides.
    #[getter]
    fn notes(&self) -> Vec<Note> {
        let note = |note: &lakewright::plan::Note| Note {
            resource: note.resource.address(),
            text: note.text.clone(),
        };
        self.0.notes.iter().map(note).collect()
    }

    /// The addresses of what the stack owns and does not declare any more, and the plan leaves
    /// where it is.
    #[getter]
    fn kept(&self) -> Vec<String> {
        self.0.kept.iter().map(lakewright::ResourceId::address).collect()
    }

    /// Whether there is nothing to do.
    #[getter]
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether what is there differs from what is declared: there are steps, or something is kept.
    #[getter]
    fn differs(&self) -> bool {
        self.0.differs()
    }

    /// Whether something is lost by it that cannot be brought back.
    #[getter]
    fn is_destructive(&self) -> bool {
        self.0.is_destructive()
    }

    /// How many resources are made, changed and taken away.
    #[getter]
    fn summary(&self) -> Summary {
        let lakewright::plan::Summary { create, adopt, change, delete, forget } = self.0.summary();
        Summary { create, adopt, change, delete, forget }
    }

    /// The steps and which must wait for which, in the language of ``mermaid`` or ``dot``.
    ///
    /// Raises ``InvalidInputError`` for another format.
    #[pyo3(signature = (format="mermaid"))]
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

    fn __getnewargs__<'py>(&self, py: Python<'py>) -> PyResult<Recipe<'py>> {
        let document = self.to_dict(py)?.into_bound_py_any(py)?;
        Ok(Recipe(PyTuple::new(py, [document])?.into_any()))
    }
}

/// A plan as an argument: a `Plan`, or its dict.
pub(crate) struct PlanArgument(pub(crate) Arc<ThePlan>);

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
