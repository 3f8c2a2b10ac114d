//! Conversions between Python objects and the types of the core, with their type hints.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use lakewright::{Error, ObjectKey, ObjectRange};
use pyo3::exceptions::PyTypeError;
use pyo3::inspect::{PyStaticConstant, PyStaticExpr};
use pyo3::prelude::*;
use pyo3::types::{PyDelta, PyDeltaAccess, PyDict, PyInt, PyList, PyMapping, PyString};
use pyo3::{Borrowed, IntoPyObjectExt, PyTypeInfo};
use pyo3::{type_hint_identifier, type_hint_subscript, type_hint_union};
use serde::{Deserialize, Serialize};

use crate::error::{invalid, raise};

/// Type hints that several conversions use.
pub(crate) mod hint {
    use super::*;

    pub(crate) const INT: PyStaticExpr = type_hint_identifier!("builtins", "int");
    pub(crate) const FLOAT: PyStaticExpr = type_hint_identifier!("builtins", "float");
    pub(crate) const STR: PyStaticExpr = type_hint_identifier!("builtins", "str");
    pub(crate) const BYTES: PyStaticExpr = type_hint_identifier!("builtins", "bytes");
    pub(crate) const BOOL: PyStaticExpr = type_hint_identifier!("builtins", "bool");
    pub(crate) const ANY: PyStaticExpr = type_hint_identifier!("typing", "Any");
    pub(crate) const NONE: PyStaticExpr = PyStaticExpr::Constant { value: PyStaticConstant::None };
    pub(crate) const LITERAL: PyStaticExpr = type_hint_identifier!("typing", "Literal");
    pub(crate) const ITERABLE: PyStaticExpr = type_hint_identifier!("collections.abc", "Iterable");
    pub(crate) const SEQUENCE: PyStaticExpr = type_hint_identifier!("collections.abc", "Sequence");
    pub(crate) const MAPPING: PyStaticExpr = type_hint_identifier!("collections.abc", "Mapping");
    pub(crate) const TUPLE: PyStaticExpr = type_hint_identifier!("builtins", "tuple");
    /// `dict[str, Any]`: plain values by name.
    pub(crate) const DICT: PyStaticExpr =
        type_hint_subscript!(type_hint_identifier!("builtins", "dict"), STR, ANY);

    /// A text as an argument of `Literal`.
    pub(crate) const fn text(value: &'static str) -> PyStaticExpr {
        PyStaticExpr::Constant { value: PyStaticConstant::Str(value) }
    }
}

use hint::{ANY, DICT, FLOAT, INT, ITERABLE, LITERAL, MAPPING, NONE, STR, TUPLE};

/// An integer. A value outside the range of `T` raises `InvalidInputError`, not `OverflowError`.
#[derive(Clone, Copy, Serialize)]
#[serde(transparent)]
pub(crate) struct Number<T>(pub(crate) T);

impl<T> Number<T> {
    /// The integer of an optional argument.
    pub(crate) fn get(this: Option<Self>) -> Option<T> {
        this.map(|number| number.0)
    }
}

impl<T: TryFrom<i64>> FromPyObject<'_, '_> for Number<T> {
    type Error = PyErr;

    const INPUT_TYPE: PyStaticExpr = INT;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let number = object.cast::<PyInt>()?;
        let fits = number.extract::<i64>().ok().and_then(|number| T::try_from(number).ok());
        fits.map(Self).ok_or_else(|| {
            invalid(object.py(), format!("{} is too large or too small here", *object))
        })
    }
}

/// A duration: seconds, or a `timedelta`.
#[derive(Clone, Copy)]
pub(crate) struct Seconds(pub(crate) Duration);

/// Extracts a number of seconds, for arguments whose default is shown as one.
pub(crate) fn seconds(object: &Bound<'_, PyAny>) -> PyResult<f64> {
    object.extract::<Seconds>().map(|seconds| seconds.0.as_secs_f64())
}

impl FromPyObject<'_, '_> for Seconds {
    type Error = PyErr;

    const INPUT_TYPE: PyStaticExpr =
        type_hint_union!(FLOAT, type_hint_identifier!("datetime", "timedelta"));

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let seconds = match object.cast::<PyDelta>() {
            Ok(delta) => {
                f64::from(delta.get_days()) * 86_400.0
                    + f64::from(delta.get_seconds())
                    + f64::from(delta.get_microseconds()) / 1e6
            }
            Err(_) => object.extract::<f64>()?,
        };
        Duration::try_from_secs_f64(seconds)
            .map(Self)
            .map_err(|_| invalid(object.py(), format!("{seconds} is no time in seconds")))
    }
}

/// A point in time: an aware `datetime`, or RFC 3339 text.
#[derive(Clone, Copy)]
pub(crate) struct Moment(pub(crate) Timestamp);

impl FromPyObject<'_, '_> for Moment {
    type Error = PyErr;

    const INPUT_TYPE: PyStaticExpr =
        type_hint_union!(type_hint_identifier!("datetime", "datetime"), STR);

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let py = object.py();
        let text: String = if object.is_instance_of::<PyString>() {
            object.extract()?
        } else {
            let datetime = object.cast::<pyo3::types::PyDateTime>()?;
            if datetime.getattr("tzinfo")?.is_none() {
                return Err(invalid(py, "the time has no time zone; write an aware datetime"));
            }
            datetime.call_method0("isoformat")?.extract()?
        };
        text.parse().map(Self).map_err(|_| {
            invalid(py, format!("{text:?} is no time; write it like 2026-01-01T00:00:00Z"))
        })
    }
}

/// A range of bytes: `(start, end)`, `(start, None)` for the rest, or `(-n, None)` for the last n
/// bytes.
#[derive(Clone)]
pub(crate) struct Range(pub(crate) ObjectRange);

impl FromPyObject<'_, '_> for Range {
    type Error = PyErr;

    const INPUT_TYPE: PyStaticExpr = type_hint_subscript!(TUPLE, INT, type_hint_union!(INT, NONE));

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let (start, end): (i64, Option<i64>) = object.extract()?;
        let wrong = || {
            invalid(
                object.py(),
                format!(
                    "the range {} is none; write (start, end), (start, None) for the rest or \
                     (-n, None) for the last n bytes",
                    *object
                ),
            )
        };
        match (u64::try_from(start), end.map(u64::try_from)) {
            (Ok(start), Some(Ok(end))) => Ok(Self(ObjectRange::Bounded(start..end))),
            (Ok(start), None) => Ok(Self(ObjectRange::From(start))),
            (Err(_), None) => Ok(Self(ObjectRange::Last(start.unsigned_abs()))),
            _ => Err(wrong()),
        }
    }
}

/// `if_none_match` of a write, whose only value is `"*"`: the object key must be free.
#[derive(Clone, Copy)]
pub(crate) struct IfAbsent;

impl FromPyObject<'_, '_> for IfAbsent {
    type Error = PyErr;

    const INPUT_TYPE: PyStaticExpr = type_hint_subscript!(LITERAL, hint::text("*"));

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        if object.cast::<PyString>()?.to_str()? == "*" {
            return Ok(Self);
        }
        Err(invalid(
            object.py(),
            "if_none_match takes \"*\" (only if the key is free); to replace one known object \
             give its etag as if_match",
        ))
    }
}

/// Parses a name, and raises its error.
pub(crate) fn named<T: std::str::FromStr<Err = Error>>(py: Python<'_>, text: &str) -> PyResult<T> {
    text.parse().map_err(|error| raise(py, &error))
}

/// A name that is checked when the argument is converted: of a bucket, an object, a table, a
/// stack.
pub(crate) struct Name<T>(pub(crate) T);

impl<T: std::str::FromStr<Err = Error>> FromPyObject<'_, '_> for Name<T> {
    type Error = PyErr;

    const INPUT_TYPE: PyStaticExpr = STR;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        named(object.py(), object.cast::<PyString>()?.to_str()?).map(Self)
    }
}

/// Several names, from any iterable that is not itself a text.
pub(crate) struct Names<T>(pub(crate) Vec<T>);

impl<T: std::str::FromStr<Err = Error>> FromPyObject<'_, '_> for Names<T> {
    type Error = PyErr;

    const INPUT_TYPE: PyStaticExpr = type_hint_subscript!(ITERABLE, STR);

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        refuse_text(object)?;
        let name =
            |name: PyResult<Bound<'_, PyAny>>| named(object.py(), &name?.extract::<String>()?);
        object.try_iter()?.map(name).collect::<PyResult<_>>().map(Self)
    }
}

/// Several object keys.
pub(crate) type Keys = Names<ObjectKey>;

/// Refuses a text where several are expected: its characters would be taken for them.
fn refuse_text(object: Borrowed<'_, '_, PyAny>) -> PyResult<()> {
    let Ok(text) = object.cast::<PyString>() else { return Ok(()) };
    let shown = text.repr()?;
    Err(PyTypeError::new_err(format!("several texts are expected, not one; write [{shown}]")))
}

/// Several texts, such as names of columns. The type hint is a `Sequence[str]` that excludes `str`.
#[derive(Clone, Default, Serialize)]
#[serde(transparent)]
pub(crate) struct Texts(pub(crate) Vec<String>);

impl FromPyObject<'_, '_> for Texts {
    type Error = PyErr;

    const INPUT_TYPE: PyStaticExpr =
        type_hint_subscript!(type_hint_identifier!("lakewright.typing", "SequenceNotStr"), STR);

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        refuse_text(object)?;
        object.extract().map(Self)
    }
}

/// Texts by name, from any mapping.
#[derive(Clone, Default, Serialize)]
#[serde(transparent)]
pub(crate) struct TextMap(pub(crate) BTreeMap<String, String>);

impl FromPyObject<'_, '_> for TextMap {
    type Error = PyErr;

    const INPUT_TYPE: PyStaticExpr = type_hint_subscript!(MAPPING, STR, STR);

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        if object.is_instance_of::<PyDict>() {
            return object.extract().map(Self);
        }
        let items: Vec<(String, String)> = object.cast::<PyMapping>()?.items()?.extract()?;
        Ok(Self(items.into_iter().collect()))
    }
}

/// A dictionary whose keys are texts.
pub(crate) struct Dict<'py>(pub(crate) Bound<'py, PyDict>);

impl<'py> IntoPyObject<'py> for Dict<'py> {
    type Target = PyDict;
    type Output = Bound<'py, PyDict>;
    type Error = PyErr;

    const OUTPUT_TYPE: PyStaticExpr = type_hint_subscript!(PyDict::TYPE_HINT, STR, ANY);

    fn into_pyobject(self, _py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        Ok(self.0)
    }
}

/// The parts that pickle rebuilds an object from: the result of `__reduce__` or `__getnewargs__`.
pub(crate) struct Reduced<'py>(pub(crate) Bound<'py, PyAny>);

impl<'py> IntoPyObject<'py> for Reduced<'py> {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    const OUTPUT_TYPE: PyStaticExpr = type_hint_subscript!(
        TUPLE,
        ANY,
        PyStaticExpr::Constant { value: PyStaticConstant::Ellipsis }
    );

    fn into_pyobject(self, _py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(self.0)
    }
}

/// An object whose type the stubs leave open: a capsule, or an object of another library.
pub(crate) struct Opaque<'py>(pub(crate) Bound<'py, PyAny>);

impl<'py> IntoPyObject<'py> for Opaque<'py> {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    const OUTPUT_TYPE: PyStaticExpr = ANY;

    fn into_pyobject(self, _py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(self.0)
    }
}

/// Serializes a Python object with the `json` module, in the order of its dictionaries. Objects
/// that JSON has no type for (dates, paths) are written as their text.
pub(crate) fn json_text(object: &Bound<'_, PyAny>) -> PyResult<String> {
    let py = object.py();
    let options = PyDict::new(py);
    options.set_item("allow_nan", false)?;
    options.set_item("default", py.get_type::<PyString>())?;
    py.import("json")?.getattr("dumps")?.call((object,), Some(&options))?.extract()
}

/// A JSON value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Json(pub(crate) serde_json::Value);

impl<'py> IntoPyObject<'py> for Json {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    const OUTPUT_TYPE: PyStaticExpr = ANY;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        use serde_json::Value;
        match self.0 {
            Value::Null => Ok(py.None().into_bound(py)),
            Value::Bool(value) => value.into_bound_py_any(py),
            Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
                (Some(number), ..) => number.into_bound_py_any(py),
                (_, Some(number), _) => number.into_bound_py_any(py),
                (.., number) => number.into_bound_py_any(py),
            },
            Value::String(text) => text.into_bound_py_any(py),
            Value::Array(values) => {
                let values = values.into_iter().map(|value| Json(value).into_pyobject(py));
                Ok(PyList::new(py, values.collect::<PyResult<Vec<_>>>()?)?.into_any())
            }
            Value::Object(values) => {
                let dict = PyDict::new(py);
                for (name, value) in values {
                    dict.set_item(name, Json(value))?;
                }
                Ok(dict.into_any())
            }
        }
    }
}

impl FromPyObject<'_, '_> for Json {
    type Error = PyErr;

    const INPUT_TYPE: PyStaticExpr = ANY;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let text: String =
            object.py().import("json")?.call_method1("dumps", (object,))?.extract()?;
        serde_json::from_str(&text)
            .map(Self)
            .map_err(|error| PyTypeError::new_err(format!("this is no JSON: {error}")))
    }
}

/// A dictionary of plain values.
pub(crate) struct PlainDict(pub(crate) serde_json::Value);

impl<'py> IntoPyObject<'py> for PlainDict {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    const OUTPUT_TYPE: PyStaticExpr = DICT;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Json(self.0).into_pyobject(py)
    }
}
