//! Schemas: of lakewright and of other libraries.

use arrow::datatypes::SchemaRef;
use lakewright::table::{column_types, schema_from_types};
use pyo3::exceptions::PyTypeError;
use pyo3::inspect::PyStaticExpr;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyMapping};
use pyo3::{Borrowed, IntoPyObjectExt, type_hint_identifier};
use pyo3_arrow::PySchema;

use crate::convert::{Dict, Opaque, Reduced};
use crate::error::OrRaise;

/// The columns of a table, a scan or a batch.
///
/// ``pyarrow.schema(schema)`` and every other consumer of ``__arrow_c_schema__`` reads it. The
/// constructor takes an object with ``__arrow_c_schema__``, or a dict with Delta's names of types.
///
/// >>> lakewright.Schema({"day": "date", "delay": "double not null"})
/// Schema({'day': 'date', 'delay': 'double not null'})
#[pyclass(frozen, eq, module = "lakewright")]
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Schema(pub(crate) SchemaRef);

#[pymethods]
impl Schema {
    #[new]
    #[pyo3(signature = (columns, /))]
    fn new(columns: SchemaArgument) -> Self {
        Self(columns.0)
    }

    /// The names of the columns.
    #[getter]
    fn names(&self) -> Vec<String> {
        self.0.fields().iter().map(|field| field.name().clone()).collect()
    }

    /// Returns the Delta type of each column by name, in the order of the columns.
    pub(crate) fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Dict<'py>> {
        let dict = PyDict::new(py);
        for (name, data_type) in column_types(&self.0) {
            dict.set_item(name, data_type)?;
        }
        Ok(Dict(dict))
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Opaque<'py>> {
        let capsule = pyo3_arrow::ffi::to_schema_pycapsule(py, self.0.as_ref())?;
        Ok(Opaque(capsule.into_any()))
    }

    fn __len__(&self) -> usize {
        self.0.fields().len()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("Schema({})", self.to_dict(py)?.0.repr()?))
    }

    fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
        pyo3::types::PyString::new(py, &self.__repr__(py)?).hash()
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Reduced<'py>> {
        let class = py.get_type::<Self>();
        Ok(Reduced((class, (self.to_dict(py)?.0,)).into_bound_py_any(py)?))
    }
}

/// A schema as an argument: anything with `__arrow_c_schema__`, or `{"name": "type"}`.
pub(crate) struct SchemaArgument(pub(crate) SchemaRef);

impl FromPyObject<'_, '_> for SchemaArgument {
    type Error = PyErr;

    const INPUT_TYPE: PyStaticExpr = type_hint_identifier!("lakewright.typing", "SchemaLike");

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let py = object.py();
        if let Ok(schema) = object.cast::<Schema>() {
            return Ok(Self(schema.get().0.clone()));
        }
        if object.hasattr("__arrow_c_schema__")? {
            return Ok(Self(object.extract::<PySchema>()?.into_inner()));
        }
        let Ok(mapping) = object.cast::<PyMapping>() else {
            return Err(PyTypeError::new_err(format!(
                "a schema has __arrow_c_schema__ or is a dict {{\"name\": \"type\"}}, not {}",
                object.get_type().name()?
            )));
        };
        let types: Vec<(String, String)> = mapping.items()?.extract()?;
        Ok(Self(schema_from_types(types).or_raise(py)?))
    }
}
