//! Arguments as people write them, and answers as Python wants them.

use std::time::Duration;

use jiff::Timestamp;
use lakewright::{Error, ObjectKey, ObjectRange};
use pyo3::exceptions::PyTypeError;
use pyo3::inspect::PyStaticExpr;
use pyo3::prelude::*;
use pyo3::types::{PyDelta, PyDeltaAccess, PyDict, PyInt, PyList, PyString};
use pyo3::{Borrowed, IntoPyObjectExt, PyTypeInfo};
use pyo3::{type_hint_identifier, type_hint_subscript, type_hint_union};

use crate::error::{invalid, raise};

const INT: PyStaticExpr = type_hint_identifier!("builtins", "int");
const FLOAT: PyStaticExpr = type_hint_identifier!("builtins", "float");
const STR: PyStaticExpr = type_hint_identifier!("builtins", "str");
const NONE: PyStaticExpr = PyStaticExpr::Constant { value: pyo3::inspect::PyStaticConstant::None };
const ANY: PyStaticExpr = type_hint_identifier!("typing", "Any");

/// A whole number; one that does not fit is a wrong argument, not an overflow.
#[derive(Clone, Copy)]
pub(crate) struct Number<T>(pub(crate) T);

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

/// A time span: seconds, or a `timedelta`.
#[derive(Clone, Copy)]
pub(crate) struct Seconds(pub(crate) Duration);

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

/// `(start, end)`, `(start, None)` for the rest, or `(-n, None)` for the last n bytes.
#[derive(Clone)]
pub(crate) struct Range(pub(crate) ObjectRange);

impl FromPyObject<'_, '_> for Range {
    type Error = PyErr;

    const INPUT_TYPE: PyStaticExpr = type_hint_subscript!(
        type_hint_identifier!("builtins", "tuple"),
        INT,
        type_hint_union!(INT, NONE)
    );

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

/// `if_none_match` of a write, which knows one value only.
pub(crate) fn if_absent(py: Python<'_>, if_none_match: Option<&str>) -> PyResult<bool> {
    match if_none_match {
        None => Ok(false),
        Some("*") => Ok(true),
        Some(_) => Err(invalid(
            py,
            "if_none_match takes \"*\" (only if the key is free); to replace one known object \
             give its etag as if_match",
        )),
    }
}

/// A checked name from text, its error raised.
pub(crate) fn named<T: std::str::FromStr<Err = Error>>(py: Python<'_>, text: &str) -> PyResult<T> {
    text.parse().map_err(|error| raise(py, &error))
}

/// Many keys.
pub(crate) struct Keys(pub(crate) Vec<ObjectKey>);

impl FromPyObject<'_, '_> for Keys {
    type Error = PyErr;

    const INPUT_TYPE: PyStaticExpr =
        type_hint_subscript!(type_hint_identifier!("collections.abc", "Iterable"), STR);

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        // Its letters would be taken for keys.
        if object.is_instance_of::<PyString>() {
            return Err(PyTypeError::new_err("keys is an iterable of keys; delete() ends one"));
        }
        let key = |key: PyResult<Bound<'_, PyAny>>| named(object.py(), &key?.extract::<String>()?);
        object.try_iter()?.map(key).collect::<PyResult<_>>().map(Self)
    }
}

/// A dictionary with text for keys.
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

/// What `__reduce__` and `__getnewargs_ex__` return; nobody reads its type.
pub(crate) struct Recipe<'py>(pub(crate) Bound<'py, PyAny>);

impl<'py> IntoPyObject<'py> for Recipe<'py> {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    const OUTPUT_TYPE: PyStaticExpr = type_hint_subscript!(
        type_hint_identifier!("builtins", "tuple"),
        ANY,
        PyStaticExpr::Constant { value: pyo3::inspect::PyStaticConstant::Ellipsis }
    );

    fn into_pyobject(self, _py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(self.0)
    }
}

/// An object whose type the stubs leave open: capsules, and what another library made.
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

/// A JSON value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Json(pub(crate) serde_json::Value);

impl std::hash::Hash for Json {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.to_string().hash(state);
    }
}

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
