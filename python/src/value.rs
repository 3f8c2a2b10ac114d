//! `value!`: one declaration of a class of plain values.
//!
//! A value is a Rust type with a Serde serialisation, wrapped in a frozen class. The declaration
//! names the fields that Python sees, with their types; from it come the constructor (by keyword),
//! the getters, `to_dict`, `repr`, comparison, hash and pickling. Names of fields are those of the
//! serialisation, so that Python, `--json` of the command line and the Rust types agree.

use std::collections::BTreeMap;

use jiff::Timestamp;
use pyo3::conversion::FromPyObjectOwned;
use pyo3::exceptions::PyTypeError;
use pyo3::inspect::PyStaticExpr;
use pyo3::prelude::*;
use pyo3::pyclass::PyClass;
use pyo3::types::{PyDict, PyList, PyMapping, PyString};
use pyo3::{Borrowed, type_hint_subscript, type_hint_union};
use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};
use serde_json::Map;

use crate::convert::hint::{DICT, MAPPING, SEQUENCE};
use crate::convert::{Json, Number};
use crate::error::invalid;

/// Declares a class of plain values.
///
/// `Name(Type) { needed: type, …; optional: type, … }` wraps `Type`; `field(inner): type` reads the
/// field `inner` of it. `Name(struct Type) { … }` declares `Type` as well, with these fields.
macro_rules! value {
    (
        $(#[$doc:meta])*
        $name:ident(struct $inner:ident) {
            $($(#[$needed_doc:meta])* $needed:ident: $needed_type:ty,)*
            ;
            $($(#[$other_doc:meta])* $other:ident: $other_type:ty,)*
        }
    ) => {
        #[doc = concat!("The fields of [`", stringify!($name), "`].")]
        #[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
        pub(crate) struct $inner {
            $($(#[$needed_doc])* pub(crate) $needed: $needed_type,)*
            $($(#[$other_doc])* #[serde(default)] pub(crate) $other: $other_type,)*
        }

        $crate::value::value! {
            $(#[$doc])*
            $name($inner) {
                $($(#[$needed_doc])* $needed: $needed_type,)*
                ;
                $($(#[$other_doc])* $other: $other_type,)*
            }
        }
    };
    (
        $(#[$doc:meta])*
        $name:ident($inner:ty) {
            $($(#[$needed_doc:meta])* $needed:ident $(($needed_in:ident))?: $needed_type:ty,)*
            ;
            $($(#[$other_doc:meta])* $other:ident $(($other_in:ident))?: $other_type:ty,)*
        }
    ) => {
        $(#[$doc])*
        #[pyclass(frozen, eq, from_py_object, module = "lakewright")]
        #[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub(crate) struct $name(pub(crate) $inner);

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                $crate::value::serialized(&self.0) == $crate::value::serialized(&other.0)
            }
        }

        // A change has a field `new`, and so a getter of that name.
        #[allow(clippy::new_ret_no_self, clippy::wrong_self_convention)]
        #[pymethods]
        impl $name {
            #[new]
            #[pyo3(signature = (*, $($needed,)* $($other = None,)*))]
            #[allow(clippy::too_many_arguments)]
            fn __new__(
                py: pyo3::Python<'_>,
                $($needed: <$needed_type as $crate::value::Field>::Argument,)*
                $($other: Option<<$other_type as $crate::value::Field>::Argument>,)*
            ) -> pyo3::PyResult<Self> {
                let mut fields = $crate::value::Fields::default();
                $(fields.insert(py, stringify!($needed), &$needed)?;)*
                $(
                    if let Some(value) = $other {
                        fields.insert(py, stringify!($other), &value)?;
                    }
                )*
                fields.value(py).map(Self)
            }

            $(
                $(#[$needed_doc])*
                #[getter]
                fn $needed(&self) -> $needed_type {
                    $crate::value::Expose::expose(
                        $crate::value::value!(@field self, $needed $($needed_in)?)
                    )
                }
            )*

            $(
                $(#[$other_doc])*
                #[getter]
                fn $other(&self) -> $other_type {
                    $crate::value::Expose::expose(
                        $crate::value::value!(@field self, $other $($other_in)?)
                    )
                }
            )*

            /// Returns the fields by name, values in them as dictionaries too.
            fn to_dict<'py>(
                &self,
                py: pyo3::Python<'py>,
            ) -> pyo3::PyResult<$crate::convert::Dict<'py>> {
                let fields = $crate::value::Value::fields(self, py)?;
                $crate::value::make_plain(&fields)?;
                Ok($crate::convert::Dict(fields))
            }

            fn __repr__(&self, py: pyo3::Python<'_>) -> pyo3::PyResult<String> {
                let fields = $crate::value::Value::fields(self, py)?;
                $crate::value::repr(stringify!($name), &fields)
            }

            fn __hash__(&self) -> u64 {
                use std::hash::{DefaultHasher, Hash as _, Hasher as _};
                let mut hasher = DefaultHasher::new();
                $crate::value::serialized(&self.0).hash(&mut hasher);
                hasher.finish()
            }

            fn __getnewargs_ex__<'py>(
                &self,
                py: pyo3::Python<'py>,
            ) -> pyo3::PyResult<$crate::convert::Reduced<'py>> {
                use pyo3::IntoPyObjectExt;
                let nothing = pyo3::types::PyTuple::empty(py);
                let fields = $crate::value::Value::fields(self, py)?;
                Ok($crate::convert::Reduced((nothing, fields).into_bound_py_any(py)?))
            }
        }

        impl $crate::value::Value for $name {
            fn fields<'py>(
                &self,
                py: pyo3::Python<'py>,
            ) -> pyo3::PyResult<pyo3::Bound<'py, pyo3::types::PyDict>> {
                let dict = pyo3::types::PyDict::new(py);
                $(dict.set_item(stringify!($needed), self.$needed())?;)*
                $(dict.set_item(stringify!($other), self.$other())?;)*
                Ok(dict)
            }
        }

        impl $crate::value::Expose<$name> for $inner {
            fn expose(&self) -> $name {
                $name(self.clone())
            }
        }

        impl $crate::value::Field for $name {
            type Argument = $crate::value::ValueOrDict<$name>;
        }
    };
    (@field $value:ident, $field:ident) => { &$value.0.$field };
    (@field $value:ident, $field:ident $inner:ident) => { &$value.0.$inner };
}

pub(crate) use value;

/// A class that `value!` declares.
pub(crate) trait Value {
    /// Returns the arguments of the constructor, in their order.
    fn fields<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>>;
}

/// The conversion of a field of the wrapped type to the type that Python sees.
pub(crate) trait Expose<T> {
    fn expose(&self) -> T;
}

impl<T: Clone> Expose<T> for T {
    fn expose(&self) -> T {
        self.clone()
    }
}

impl Expose<Json> for serde_json::Value {
    fn expose(&self) -> Json {
        Json(self.clone())
    }
}

impl Expose<Option<Json>> for Option<serde_json::Value> {
    fn expose(&self) -> Option<Json> {
        self.clone().map(Json)
    }
}

impl Expose<BTreeMap<String, Json>> for BTreeMap<String, serde_json::Value> {
    fn expose(&self) -> BTreeMap<String, Json> {
        self.iter().map(|(name, value)| (name.clone(), Json(value.clone()))).collect()
    }
}

impl Expose<String> for lakewright::BucketName {
    fn expose(&self) -> String {
        self.to_string()
    }
}

impl Expose<String> for lakewright::TableUri {
    fn expose(&self) -> String {
        self.to_string()
    }
}

impl Expose<String> for lakewright::ResourceId {
    fn expose(&self) -> String {
        self.address()
    }
}

/// A type of fields: how a value of it is written as an argument.
pub(crate) trait Field {
    type Argument: Serialize;
}

macro_rules! fields {
    ($($field:ty => $argument:ty,)*) => {
        $(impl Field for $field { type Argument = $argument; })*
    };
}

fields! {
    String => String,
    bool => bool,
    u32 => Number<u32>,
    u64 => Number<u64>,
    usize => Number<usize>,
    Timestamp => Timestamp,
    Json => Json,
    (String, String) => (String, String),
    BTreeMap<String, String> => Entries<String, String>,
    BTreeMap<String, Option<String>> => Entries<String, Option<String>>,
    BTreeMap<String, Json> => Entries<String, Json>,
}

impl<T: Field> Field for Option<T> {
    type Argument = T::Argument;
}

impl<T: Field> Field for Vec<T> {
    type Argument = Items<T::Argument>;
}

/// The fields of a value that is constructed, in its serialised form.
#[derive(Default)]
pub(crate) struct Fields(Map<String, serde_json::Value>);

impl Fields {
    pub(crate) fn insert(
        &mut self,
        py: Python<'_>,
        name: &str,
        value: &impl Serialize,
    ) -> PyResult<()> {
        let value = serde_json::to_value(value).map_err(|error| invalid(py, error.to_string()))?;
        self.0.insert(name.to_owned(), value);
        Ok(())
    }

    /// Deserialises the value.
    pub(crate) fn value<T: DeserializeOwned>(self, py: Python<'_>) -> PyResult<T> {
        serde_json::from_value(serde_json::Value::Object(self.0))
            .map_err(|error| invalid(py, error.to_string()))
    }
}

/// Returns a value as JSON text, which values are compared and hashed by. `None` stands for a value
/// that cannot be serialised, which no value of `value!` is: its maps have text or numbers as keys.
pub(crate) fn serialized(value: &impl Serialize) -> Option<String> {
    serde_json::to_string(value).ok()
}

/// Replaces values by their dictionaries, alone or in a list or dictionary.
pub(crate) fn make_plain(fields: &Bound<'_, PyDict>) -> PyResult<()> {
    for (name, field) in fields.copy()?.iter() {
        if field.hasattr("to_dict")? {
            fields.set_item(name, field.call_method0("to_dict")?)?;
        } else if let Ok(list) = field.cast::<PyList>() {
            for (place, value) in list.iter().enumerate() {
                if value.hasattr("to_dict")? {
                    list.set_item(place, value.call_method0("to_dict")?)?;
                }
            }
        } else if let Ok(dict) = field.cast::<PyDict>() {
            for (key, value) in dict.copy()?.iter() {
                if value.hasattr("to_dict")? {
                    dict.set_item(key, value.call_method0("to_dict")?)?;
                }
            }
        }
    }
    Ok(())
}

/// Returns `Name(field=value, …)` without the fields that are `None` or empty.
pub(crate) fn repr(name: &str, fields: &Bound<'_, PyDict>) -> PyResult<String> {
    let mut shown = Vec::new();
    for (field, value) in fields.iter() {
        if value.is_none() || value.len().is_ok_and(|length| length == 0) {
            continue;
        }
        shown.push(format!("{field}={}", value.repr()?));
    }
    Ok(format!("{name}({})", shown.join(", ")))
}

/// Several items, from any iterable that is not a text.
#[derive(Serialize)]
#[serde(transparent)]
pub(crate) struct Items<T>(pub(crate) Vec<T>);

impl<'py, T: FromPyObjectOwned<'py>> FromPyObject<'_, 'py> for Items<T> {
    type Error = PyErr;

    const INPUT_TYPE: PyStaticExpr = type_hint_subscript!(SEQUENCE, T::INPUT_TYPE);

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if object.is_instance_of::<PyString>() {
            return Err(PyTypeError::new_err("several items are expected, not a text"));
        }
        let item = |item: PyResult<Bound<'py, PyAny>>| item?.extract::<T>().map_err(Into::into);
        object.try_iter()?.map(item).collect::<PyResult<_>>().map(Self)
    }
}

/// Items by key, from any mapping.
pub(crate) struct Entries<K, T>(Vec<(K, T)>);

impl<K: Serialize, T: Serialize> Serialize for Entries<K, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

impl<'py, K, T> FromPyObject<'_, 'py> for Entries<K, T>
where
    K: FromPyObjectOwned<'py>,
    T: FromPyObjectOwned<'py>,
{
    type Error = PyErr;

    const INPUT_TYPE: PyStaticExpr = type_hint_subscript!(MAPPING, K::INPUT_TYPE, T::INPUT_TYPE);

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let items = object.cast::<PyMapping>()?.items()?;
        items.extract().map(Self)
    }
}

/// A value, or the dictionary that its `to_dict` returns.
#[derive(Serialize)]
#[serde(transparent)]
pub(crate) struct ValueOrDict<T>(T);

impl<'py, T> FromPyObject<'_, 'py> for ValueOrDict<T>
where
    T: PyClass + FromPyObjectOwned<'py>,
{
    type Error = PyErr;

    const INPUT_TYPE: PyStaticExpr = type_hint_union!(T::TYPE_HINT, DICT);

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let value = match object.cast::<PyDict>() {
            Ok(dict) => object.py().get_type::<T>().call((), Some(&dict))?,
            Err(_) => object.to_owned(),
        };
        let value = value.extract::<T>();
        value.map(Self).map_err(Into::into)
    }
}
