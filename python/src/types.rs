//! Values: frozen, compared and hashed by content, pickled as their own constructor's arguments.

use std::collections::BTreeMap;

use jiff::Timestamp;
use pyo3::inspect::PyStaticExpr;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyo3::{Borrowed, type_hint_identifier, type_hint_subscript, type_hint_union};

use crate::convert::Json;

/// A class of plain values: constructor by keyword, getters, `to_dict`, repr, pickle.
macro_rules! value {
    (
        $(#[$doc:meta])*
        $name:ident {
            $($(#[$needed_doc:meta])* $needed:ident: $needed_type:ty,)*
            ;
            $($(#[$other_doc:meta])* $other:ident: $other_type:ty = $default:expr,)*
        }
    ) => {
        $(#[$doc])*
        #[pyclass(frozen, eq, hash, get_all, from_py_object, module = "lakewright")]
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub(crate) struct $name {
            $($(#[$needed_doc])* pub(crate) $needed: $needed_type,)*
            $($(#[$other_doc])* pub(crate) $other: $other_type,)*
        }

        impl $name {
            /// The arguments of the constructor.
            fn fields<'py>(
                &self,
                py: pyo3::Python<'py>,
            ) -> pyo3::PyResult<pyo3::Bound<'py, pyo3::types::PyDict>> {
                let dict = pyo3::types::PyDict::new(py);
                $(dict.set_item(stringify!($needed), self.$needed.clone())?;)*
                $(dict.set_item(stringify!($other), self.$other.clone())?;)*
                Ok(dict)
            }
        }

        #[pymethods]
        impl $name {
            #[new]
            #[pyo3(signature = (*, $($needed,)* $($other = $default,)*))]
            #[allow(clippy::too_many_arguments)]
            fn new($($needed: $needed_type,)* $($other: $other_type,)*) -> Self {
                Self { $($needed,)* $($other,)* }
            }

            /// The fields by name.
            fn to_dict<'py>(
                &self,
                py: pyo3::Python<'py>,
            ) -> pyo3::PyResult<$crate::convert::Dict<'py>> {
                let fields = self.fields(py)?;
                $crate::types::plain(&fields)?;
                Ok($crate::convert::Dict(fields))
            }

            fn __repr__(&self, py: pyo3::Python<'_>) -> pyo3::PyResult<String> {
                $crate::types::repr(stringify!($name), &self.fields(py)?)
            }

            fn __getnewargs_ex__<'py>(
                &self,
                py: pyo3::Python<'py>,
            ) -> pyo3::PyResult<$crate::convert::Recipe<'py>> {
                use pyo3::IntoPyObjectExt;
                let nothing = pyo3::types::PyTuple::empty(py);
                let recipe = (nothing, self.fields(py)?).into_bound_py_any(py)?;
                Ok($crate::convert::Recipe(recipe))
            }
        }
    };
}

pub(crate) use value;

/// Makes dicts of the values in a value, alone or in its lists and dictionaries.
pub(crate) fn plain(fields: &Bound<'_, pyo3::types::PyDict>) -> PyResult<()> {
    for (name, field) in fields.copy()?.iter() {
        if field.hasattr("to_dict")? {
            fields.set_item(name, field.call_method0("to_dict")?)?;
        } else if let Ok(list) = field.cast::<pyo3::types::PyList>() {
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

/// `Name(field=value, …)` without the fields that say nothing.
pub(crate) fn repr(name: &str, fields: &Bound<'_, pyo3::types::PyDict>) -> PyResult<String> {
    let mut shown = Vec::new();
    for (field, value) in fields.iter() {
        if value.is_none() || value.len().is_ok_and(|length| length == 0) {
            continue;
        }
        shown.push(format!("{field}={}", value.repr()?));
    }
    Ok(format!("{name}({})", shown.join(", ")))
}

value! {
    /// A bucket as the server lists it.
    BucketInfo {
        /// Its name.
        name: String,
        ;
        /// When it was made; ``None`` where the server does not say.
        created: Option<Timestamp> = None,
        /// The region it lives in, where the server says.
        region: Option<String> = None,
    }
}

impl From<lakewright::BucketInfo> for BucketInfo {
    fn from(info: lakewright::BucketInfo) -> Self {
        let lakewright::BucketInfo { name, created, region } = info;
        Self { name: name.to_string(), created, region }
    }
}

value! {
    /// An object as the server describes it.
    ObjectInfo {
        /// Its key.
        key: String,
        /// Its size in bytes: of the whole object, also when a range was read.
        size: u64,
        ;
        /// Its entity tag, without quotes.
        etag: Option<String> = None,
        /// When it was written, in UTC.
        last_modified: Option<Timestamp> = None,
        /// Its version, in a bucket with versioning.
        version_id: Option<String> = None,
        /// Its media type; listings do not say.
        content_type: Option<String> = None,
        /// How it is encoded, such as ``gzip``; listings do not say.
        content_encoding: Option<String> = None,
        /// Its ``Cache-Control``; listings do not say.
        cache_control: Option<String> = None,
        /// What the writer added (``x-amz-meta-*``); listings do not say.
        metadata: BTreeMap<String, String> = BTreeMap::new(),
    }
}

impl From<lakewright::ObjectInfo> for ObjectInfo {
    fn from(info: lakewright::ObjectInfo) -> Self {
        let lakewright::ObjectInfo {
            key,
            size,
            etag,
            last_modified,
            version_id,
            content_type,
            content_encoding,
            cache_control,
            metadata,
        } = info;
        Self {
            key,
            size,
            etag,
            last_modified,
            version_id,
            content_type,
            content_encoding,
            cache_control,
            metadata,
        }
    }
}

value! {
    /// A version of an object, or the marker that hides the versions of a deleted one.
    ObjectVersion {
        /// The object's key.
        key: String,
        /// Which of its versions; ``null`` for one from before the bucket had versioning.
        version_id: String,
        ;
        /// Readers who name no version get this one.
        is_latest: bool = false,
        /// It says that the object is deleted, and holds nothing.
        is_delete_marker: bool = false,
        /// Its size in bytes; 0 for a marker.
        size: u64 = 0,
        /// Its entity tag, without quotes; ``None`` for a marker.
        etag: Option<String> = None,
        /// When it was written, in UTC.
        last_modified: Option<Timestamp> = None,
    }
}

impl From<lakewright::ObjectVersion> for ObjectVersion {
    fn from(version: lakewright::ObjectVersion) -> Self {
        let lakewright::ObjectVersion {
            key,
            version_id,
            is_latest,
            is_delete_marker,
            size,
            etag,
            last_modified,
        } = version;
        Self { key, version_id, is_latest, is_delete_marker, size, etag, last_modified }
    }
}

/// Objects in a page; as an argument each may be its dict.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Objects(Vec<ObjectInfo>);

impl FromPyObject<'_, '_> for Objects {
    type Error = PyErr;

    const INPUT_TYPE: PyStaticExpr = type_hint_subscript!(
        type_hint_identifier!("collections.abc", "Iterable"),
        type_hint_union!(
            <ObjectInfo as pyo3::PyTypeInfo>::TYPE_HINT,
            type_hint_subscript!(
                type_hint_identifier!("builtins", "dict"),
                type_hint_identifier!("builtins", "str"),
                type_hint_identifier!("typing", "Any")
            )
        )
    );

    fn extract(objects: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let class = objects.py().get_type::<ObjectInfo>();
        let object = |object: PyResult<Bound<'_, PyAny>>| match object?.cast_into::<PyDict>() {
            Ok(dict) => Ok(class.call((), Some(&dict))?.extract()?),
            Err(other) => Ok(other.into_inner().extract()?),
        };
        objects.try_iter()?.map(object).collect::<PyResult<_>>().map(Self)
    }
}

impl<'py> IntoPyObject<'py> for Objects {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    const OUTPUT_TYPE: PyStaticExpr = <Vec<ObjectInfo> as IntoPyObject<'py>>::OUTPUT_TYPE;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.0.into_pyobject(py)
    }
}

value! {
    /// What lies directly below a prefix.
    ListPage {
        ;
        /// The objects, in the order of their keys' UTF-8 bytes.
        objects: Objects = Objects(Vec::new()),
        /// The folders, each with the slash at its end.
        prefixes: Vec<String> = Vec::new(),
    }
}

impl From<lakewright::ListPage> for ListPage {
    fn from(page: lakewright::ListPage) -> Self {
        let lakewright::ListPage { objects, prefixes } = page;
        Self { objects: Objects(objects.into_iter().map(Into::into).collect()), prefixes }
    }
}

value! {
    /// What a write did to a table.
    Commit {
        /// The version it made.
        version: u64,
        ;
        /// Delta's name of the operation, such as ``WRITE``.
        operation: String = String::new(),
        /// When, in UTC.
        timestamp: Option<Timestamp> = None,
        /// Rows written.
        rows: u64 = 0,
        /// Data files added.
        files_added: u64 = 0,
        /// Data files that no longer belong to the table.
        files_removed: u64 = 0,
        /// Bytes of the data files added.
        bytes_added: u64 = 0,
        /// How many rivals committed first and made it try again.
        retries: u64 = 0,
    }
}

impl From<lakewright::Commit> for Commit {
    fn from(commit: lakewright::Commit) -> Self {
        let lakewright::Commit {
            version,
            operation,
            timestamp,
            rows,
            files_added,
            files_removed,
            bytes_added,
            retries,
        } = commit;
        Self {
            version,
            operation,
            timestamp,
            rows,
            files_added,
            files_removed,
            bytes_added,
            retries,
        }
    }
}

value! {
    /// One entry of a table's history.
    CommitInfo {
        /// The version it made.
        version: u64,
        ;
        /// When, in UTC.
        timestamp: Option<Timestamp> = None,
        /// Delta's name of the operation, such as ``WRITE`` or ``CREATE TABLE``.
        operation: Option<String> = None,
        /// What the operation was told.
        parameters: BTreeMap<String, Json> = BTreeMap::new(),
        /// Which program wrote it.
        engine: Option<String> = None,
        /// What else the writer noted: metrics, application metadata.
        details: BTreeMap<String, Json> = BTreeMap::new(),
    }
}

impl From<lakewright::CommitInfo> for CommitInfo {
    fn from(info: lakewright::CommitInfo) -> Self {
        let lakewright::CommitInfo { version, timestamp, operation, parameters, engine, details } =
            info;
        let json = |values: BTreeMap<String, serde_json::Value>| {
            values.into_iter().map(|(name, value)| (name, Json(value))).collect()
        };
        Self {
            version,
            timestamp,
            operation,
            parameters: json(parameters),
            engine,
            details: json(details),
        }
    }
}

value! {
    /// A data file of a table.
    FileInfo {
        /// Its path below the table, or a whole URI for a file that lies elsewhere.
        path: String,
        /// Its size in bytes.
        size: u64,
        ;
        /// Its rows, where the log counts them.
        rows: Option<u64> = None,
        /// The values of the partition columns that its rows share; ``None`` is null.
        partition_values: BTreeMap<String, Option<String>> = BTreeMap::new(),
        /// When it was written, in UTC.
        modified: Option<Timestamp> = None,
    }
}

impl From<lakewright::FileInfo> for FileInfo {
    fn from(info: lakewright::FileInfo) -> Self {
        let lakewright::FileInfo { path, size, rows, partition_values, modified } = info;
        Self { path, size, rows, partition_values, modified }
    }
}

value! {
    /// What a table says of itself.
    TableInfo {
        /// Where it lives, as ``s3://bucket/path``.
        uri: String,
        /// Delta's own id of the table.
        id: String,
        /// The version that all of this is true of.
        version: u64,
        ;
        /// A name, if it was given one.
        name: Option<String> = None,
        /// A description, if it was given one.
        description: Option<String> = None,
        /// Its columns: name and Delta type, in their order.
        columns: Vec<(String, String)> = Vec::new(),
        /// The columns its files are divided by.
        partition_by: Vec<String> = Vec::new(),
        /// Its properties, such as ``delta.appendOnly``.
        properties: BTreeMap<String, String> = BTreeMap::new(),
        /// How many data files it has.
        files: usize = 0,
        /// When it was made, in UTC.
        created: Option<Timestamp> = None,
    }
}

impl From<lakewright::TableInfo> for TableInfo {
    fn from(info: lakewright::TableInfo) -> Self {
        let lakewright::TableInfo {
            uri,
            id,
            name,
            description,
            version,
            schema,
            partition_columns,
            properties,
            files,
            created,
        } = info;
        Self {
            uri: uri.to_string(),
            id,
            version,
            name,
            description,
            columns: crate::schema::columns(&schema),
            partition_by: partition_columns,
            properties,
            files,
            created,
        }
    }
}

value! {
    /// What :meth:`Bucket.empty` ended.
    Emptied {
        /// Objects: their versions and delete markers, each counted.
        versions: u64,
        /// Multipart uploads that were not completed.
        uploads: u64,
        ;
    }
}
