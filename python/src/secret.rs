//! Secrets and references to them, as arguments.

use std::path::PathBuf;

use lakewright::{Secret as Text, SecretRef, SettingValue};
use pyo3::exceptions::PyTypeError;
use pyo3::inspect::PyStaticExpr;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use pyo3::{Borrowed, IntoPyObjectExt};
use pyo3::{type_hint_identifier, type_hint_subscript, type_hint_union};

use crate::convert::Reduced;
use crate::error::invalid;

/// The text that stands for a secret wherever it is shown.
const MASK: &str = "***";

/// A secret that is never printed, or a reference to where it is read from.
///
/// >>> lakewright.Secret("hunter2")
/// Secret('***')
/// >>> lakewright.Secret.file("/run/secrets/key")
/// Secret.file('/run/secrets/key')
#[pyclass(frozen, eq, from_py_object, module = "lakewright")]
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(pub(crate) SettingValue);

#[pymethods]
impl Secret {
    #[new]
    #[pyo3(signature = (text, /))]
    fn new(text: String) -> Self {
        Self(SettingValue::Literal(Text::new(text)))
    }

    /// Returns a reference to a file whose content, without surrounding white space, is the secret.
    #[staticmethod]
    #[pyo3(signature = (path, /))]
    fn file(path: PathBuf) -> Self {
        Self(SettingValue::Reference(SecretRef::File(path)))
    }

    /// Returns a reference to an environment variable.
    #[staticmethod]
    #[pyo3(signature = (name, /))]
    fn env(name: String) -> Self {
        Self(SettingValue::Reference(SecretRef::Env(name)))
    }

    /// Returns a reference to a systemd credential: a file of that name in
    /// ``$CREDENTIALS_DIRECTORY``.
    #[staticmethod]
    #[pyo3(signature = (name, /))]
    fn credential(name: String) -> Self {
        Self(SettingValue::Reference(SecretRef::Credential(name)))
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let (call, text) = match &self.0 {
            SettingValue::Literal(_) => return Ok("Secret('***')".into()),
            SettingValue::Reference(SecretRef::File(path)) => {
                ("file", path.to_string_lossy().into_owned())
            }
            SettingValue::Reference(SecretRef::Env(name)) => ("env", name.clone()),
            SettingValue::Reference(SecretRef::Credential(name)) => ("credential", name.clone()),
        };
        Ok(format!("Secret.{call}({})", PyString::new(py, &text).repr()?))
    }

    fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
        // All literal secrets have the same hash, so that the hash reveals nothing about them.
        PyString::new(py, &self.__repr__(py)?).hash()
    }

    /// Pickles a reference; refuses to pickle the text of a secret.
    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Reduced<'py>> {
        let class = py.get_type::<Self>();
        let (call, argument) = match &self.0 {
            SettingValue::Literal(_) => {
                return Err(invalid(
                    py,
                    "a literal secret is not pickled; use Secret.file, Secret.env or \
                     Secret.credential",
                ));
            }
            SettingValue::Reference(SecretRef::File(path)) => ("file", path.into_bound_py_any(py)?),
            SettingValue::Reference(SecretRef::Env(name)) => ("env", name.into_bound_py_any(py)?),
            SettingValue::Reference(SecretRef::Credential(name)) => {
                ("credential", name.into_bound_py_any(py)?)
            }
        };
        Ok(Reduced((class.getattr(call)?, (argument,)).into_bound_py_any(py)?))
    }
}

/// An access key, secret key or session token as an argument: text, a `Secret`, or `{"file": …}`,
/// `{"env": …}`, `{"credential": …}`.
pub(crate) struct SecretArgument(pub(crate) SettingValue);

impl FromPyObject<'_, '_> for SecretArgument {
    type Error = PyErr;

    const INPUT_TYPE: PyStaticExpr = type_hint_union!(
        type_hint_identifier!("builtins", "str"),
        <Secret as pyo3::PyTypeInfo>::TYPE_HINT,
        type_hint_subscript!(
            type_hint_identifier!("builtins", "dict"),
            type_hint_identifier!("builtins", "str"),
            type_hint_identifier!("builtins", "str")
        )
    );

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let py = object.py();
        if let Ok(text) = object.cast::<PyString>() {
            let text = text.to_str()?;
            if text == MASK {
                return Err(invalid(
                    py,
                    "*** stands for a secret that was not shown; give the secret itself, or \
                     {\"file\": …}, {\"env\": …} or {\"credential\": …}",
                ));
            }
            return Ok(Self(SettingValue::Literal(Text::new(text))));
        }
        if let Ok(secret) = object.cast::<Secret>() {
            return Ok(Self(secret.get().0.clone()));
        }
        let Ok(dict) = object.cast::<PyDict>() else {
            return Err(PyTypeError::new_err(
                "a secret is text, a lakewright.Secret, or a dict such as {\"file\": path}",
            ));
        };
        let entries: Vec<(String, Bound<'_, PyAny>)> = dict
            .iter()
            .map(|(name, value)| Ok((name.extract()?, value)))
            .collect::<PyResult<_>>()?;
        let reference = match entries.as_slice() {
            [(name, path)] if name == "file" => SecretRef::File(path.extract()?),
            [(name, variable)] if name == "env" => SecretRef::Env(variable.extract()?),
            [(name, file)] if name == "credential" => SecretRef::Credential(file.extract()?),
            _ => {
                return Err(invalid(
                    py,
                    "a secret's dict has one entry: \"file\", \"env\" or \"credential\"",
                ));
            }
        };
        Ok(Self(SettingValue::Reference(reference)))
    }
}

/// Returns a secret as it is shown: its reference, or `***`.
pub(crate) fn shown<'py>(py: Python<'py>, value: &SettingValue) -> PyResult<Bound<'py, PyAny>> {
    let dict = PyDict::new(py);
    match value {
        SettingValue::Literal(_) => return MASK.into_bound_py_any(py),
        SettingValue::Reference(SecretRef::File(path)) => {
            dict.set_item("file", path.as_os_str())?
        }
        SettingValue::Reference(SecretRef::Env(name)) => dict.set_item("env", name)?,
        SettingValue::Reference(SecretRef::Credential(name)) => {
            dict.set_item("credential", name)?
        }
    }
    Ok(dict.into_any())
}
