//! What a bucket does by itself. Each verb takes and gives the plain values of JSON; the engine's
//! types decide what they may be.

use std::collections::BTreeMap;

use lakewright::bucket_config::Setting;
use lakewright::{
    AnonymousAccess, EmptyOptions, Encryption, LifecycleRule, Notification, ObjectLock, Versioning,
};
use pyo3::inspect::PyStaticExpr;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyo3::{Borrowed, IntoPyObjectExt, type_hint_identifier, type_hint_subscript, type_hint_union};
use serde::Serialize;

use crate::bucket::Bucket;
use crate::convert::Json;
use crate::error::OrRaise as _;
use crate::runtime::{Awaitable, Done, promise, wait};
use crate::types::Emptied;

const STR: PyStaticExpr = type_hint_identifier!("builtins", "str");
const ANY: PyStaticExpr = type_hint_identifier!("typing", "Any");
const NONE: PyStaticExpr = PyStaticExpr::Constant { value: pyo3::inspect::PyStaticConstant::None };
const MAPPING: PyStaticExpr =
    type_hint_subscript!(type_hint_identifier!("builtins", "dict"), STR, ANY);
// Not `list`: in the class of these verbs that is the one that lists objects.
const MAPPINGS: PyStaticExpr =
    type_hint_subscript!(type_hint_identifier!("collections.abc", "Sequence"), MAPPING);

/// A value of the engine's that Python sees as plain dictionaries, lists and texts.
pub(crate) struct Plain<T>(T);

/// How that is written in Python.
pub(crate) trait Shape {
    const HINT: PyStaticExpr;
}

impl Shape for Versioning {
    const HINT: PyStaticExpr = STR;
}

impl Shape for ObjectLock {
    const HINT: PyStaticExpr = MAPPING;
}

impl Shape for Encryption {
    const HINT: PyStaticExpr = type_hint_union!(STR, MAPPING);
}

impl Shape for AnonymousAccess {
    const HINT: PyStaticExpr = type_hint_union!(STR, MAPPING);
}

impl Shape for serde_json::Value {
    const HINT: PyStaticExpr = MAPPING;
}

impl Shape for Vec<LifecycleRule> {
    const HINT: PyStaticExpr = MAPPINGS;
}

impl Shape for Vec<Notification> {
    const HINT: PyStaticExpr = MAPPINGS;
}

impl<T: Shape> Shape for Option<T> {
    const HINT: PyStaticExpr = type_hint_union!(T::HINT, NONE);
}

impl<T: Shape + Setting> FromPyObject<'_, '_> for Plain<T> {
    type Error = PyErr;

    const INPUT_TYPE: PyStaticExpr = T::HINT;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let py = object.py();
        // Days may be written as datetime.date, whose text is the wanted one.
        let options = PyDict::new(py);
        options.set_item("default", py.get_type::<pyo3::types::PyString>())?;
        let dumps = py.import("json")?.getattr("dumps")?;
        let text: String = dumps.call((object,), Some(&options))?.extract()?;
        T::from_json(text.as_bytes()).map(Self).or_raise(py)
    }
}

impl<'py, T: Shape + Serialize> IntoPyObject<'py> for Plain<T> {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    const OUTPUT_TYPE: PyStaticExpr = T::HINT;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let value = serde_json::to_value(self.0)
            .map_err(|error| pyo3::exceptions::PyTypeError::new_err(error.to_string()))?;
        Json(value).into_bound_py_any(py)
    }
}

/// A verb and its asynchronous twin.
macro_rules! verb {
    (
        $(#[$doc:meta])*
        fn $name:ident($bucket:ident $(, $argument:ident: $type:ty)*) -> $answer:ty $work:block
        #[doc = $twin_doc:literal]
        $twin:ident
    ) => {
        #[pymethods]
        impl Bucket {
            $(#[$doc])*
            fn $name(&self, py: Python<'_> $(, $argument: $type)*) -> PyResult<$answer> {
                let $bucket = self.inner(py)?;
                wait(py, async move { $work })
            }

            #[doc = $twin_doc]
            fn $twin<'py>(
                &self,
                py: Python<'py>
                $(, $argument: $type)*
            ) -> PyResult<Awaitable<'py, $answer>> {
                let $bucket = self.inner(py)?;
                promise(py, async move { $work })
            }
        }
    };
}

verb! {
    /// Whether versions are kept: ``"enabled"``, ``"suspended"``, or ``None`` if never said.
    fn get_versioning(bucket) -> Plain<Option<Versioning>> {
        bucket.get_versioning().await.map(Plain)
    }
    #[doc = "The asynchronous twin of :meth:`get_versioning`."]
    get_versioning_async
}

verb! {
    /// Keeps versions (``"enabled"``) or only those that are there (``"suspended"``).
    ///
    /// Raises ``ConflictError`` for suspending under object lock.
    fn set_versioning(bucket, versioning: Plain<Versioning>) -> Done {
        bucket.set_versioning(versioning.0).await.map(|()| Done)
    }
    #[doc = "The asynchronous twin of :meth:`set_versioning`."]
    set_versioning_async
}

verb! {
    /// The retention that new objects get, as ``{"mode": "governance", "days": 30}``; ``{}`` for
    /// object lock without one, ``None`` for a bucket made without object lock.
    fn get_object_lock(bucket) -> Plain<Option<ObjectLock>> {
        bucket.get_object_lock().await.map(Plain)
    }
    #[doc = "The asynchronous twin of :meth:`get_object_lock`."]
    get_object_lock_async
}

verb! {
    /// Sets the retention that new objects get: ``mode`` (``"governance"`` or ``"compliance"``)
    /// and ``days`` or ``years``; ``{}`` for none.
    ///
    /// Raises ``ConflictError`` on a bucket made without object lock.
    fn set_object_lock(bucket, lock: Plain<ObjectLock>) -> Done {
        bucket.set_object_lock(&lock.0).await.map(|()| Done)
    }
    #[doc = "The asynchronous twin of :meth:`set_object_lock`."]
    set_object_lock_async
}

verb! {
    /// The policy document, or ``None``.
    fn get_policy(bucket) -> Plain<Option<serde_json::Value>> {
        bucket.get_policy().await.map(Plain)
    }
    #[doc = "The asynchronous twin of :meth:`get_policy`."]
    get_policy_async
}

verb! {
    /// Sets the policy document, instead of the one that there may be.
    ///
    /// Raises ``InvalidInputError`` for what is no policy or is not accepted, ``TooLargeError``
    /// above 20 KiB.
    fn set_policy(bucket, document: Plain<serde_json::Value>) -> Done {
        bucket.set_policy(&document.0).await.map(|()| Done)
    }
    #[doc = "The asynchronous twin of :meth:`set_policy`."]
    set_policy_async
}

verb! {
    /// Removes the policy, where there is one.
    fn delete_policy(bucket) -> Done {
        bucket.delete_policy().await.map(|()| Done)
    }
    #[doc = "The asynchronous twin of :meth:`delete_policy`."]
    delete_policy_async
}

verb! {
    /// What callers without keys may do: ``"none"``, ``"read"``, ``"write"`` or ``"read_write"``
    /// in the whole bucket, or a dictionary of these by prefix.
    ///
    /// Raises ``ConflictError`` where the bucket has a policy that says more.
    fn get_anonymous_access(bucket) -> Plain<AnonymousAccess> {
        bucket.get_anonymous_access().await.map(Plain)
    }
    #[doc = "The asynchronous twin of :meth:`get_anonymous_access`."]
    get_anonymous_access_async
}

verb! {
    /// Says what callers without keys may do, as :meth:`get_anonymous_access` gives it.
    ///
    /// Raises ``ConflictError`` rather than replace a policy that says more.
    fn set_anonymous_access(bucket, access: Plain<AnonymousAccess>) -> Done {
        bucket.set_anonymous_access(&access.0).await.map(|()| Done)
    }
    #[doc = "The asynchronous twin of :meth:`set_anonymous_access`."]
    set_anonymous_access_async
}

verb! {
    /// The bucket's tags.
    fn get_tags(bucket) -> BTreeMap<String, String> {
        bucket.get_tags().await
    }
    #[doc = "The asynchronous twin of :meth:`get_tags`."]
    get_tags_async
}

verb! {
    /// Sets the tags, instead of those that there are: up to 50, names of up to 128 characters,
    /// values of up to 256.
    fn set_tags(bucket, tags: BTreeMap<String, String>) -> Done {
        bucket.set_tags(&tags).await.map(|()| Done)
    }
    #[doc = "The asynchronous twin of :meth:`set_tags`."]
    set_tags_async
}

verb! {
    /// Removes all tags.
    fn delete_tags(bucket) -> Done {
        bucket.delete_tags().await.map(|()| Done)
    }
    #[doc = "The asynchronous twin of :meth:`delete_tags`."]
    delete_tags_async
}

verb! {
    /// What happens to objects as they grow old, one dictionary a rule.
    ///
    /// Raises ``UnsupportedError`` for rules that lakewright has no words for.
    fn get_lifecycle(bucket) -> Plain<Vec<LifecycleRule>> {
        bucket.get_lifecycle().await.map(Plain)
    }
    #[doc = "The asynchronous twin of :meth:`get_lifecycle`."]
    get_lifecycle_async
}

verb! {
    /// Sets the rules, instead of those that there are. A rule has an ``id`` and any of
    /// ``enabled``, ``prefix``, ``tags``, ``object_size_greater_than``, ``object_size_less_than``,
    /// ``expire_after_days``, ``expire_on``, ``expired_object_delete_marker``,
    /// ``noncurrent_expire_after_days``, ``newer_noncurrent_versions``,
    /// ``abort_incomplete_after_days``, ``transitions`` and ``noncurrent_transitions``.
    ///
    /// Raises ``UnsupportedError``, and changes nothing, for what the server would drop.
    fn set_lifecycle(bucket, rules: Plain<Vec<LifecycleRule>>) -> Done {
        bucket.set_lifecycle(&rules.0).await.map(|()| Done)
    }
    #[doc = "The asynchronous twin of :meth:`set_lifecycle`."]
    set_lifecycle_async
}

verb! {
    /// Removes all lifecycle rules.
    fn delete_lifecycle(bucket) -> Done {
        bucket.delete_lifecycle().await.map(|()| Done)
    }
    #[doc = "The asynchronous twin of :meth:`delete_lifecycle`."]
    delete_lifecycle_async
}

verb! {
    /// Whom the bucket tells what happens in it, one dictionary a notification.
    fn get_notifications(bucket) -> Plain<Vec<Notification>> {
        bucket.get_notifications().await.map(Plain)
    }
    #[doc = "The asynchronous twin of :meth:`get_notifications`."]
    get_notifications_async
}

verb! {
    /// Says whom the bucket tells what: dictionaries with ``id``, ``arn``, ``events`` and any of
    /// ``prefix`` and ``suffix``; an empty list for nobody.
    ///
    /// Raises ``InvalidInputError`` for a target that the server does not know.
    fn set_notifications(bucket, notifications: Plain<Vec<Notification>>) -> Done {
        bucket.set_notifications(&notifications.0).await.map(|()| Done)
    }
    #[doc = "The asynchronous twin of :meth:`set_notifications`."]
    set_notifications_async
}

verb! {
    /// How new objects are encrypted: ``"sse_s3"``, ``{"sse_kms": key}`` or ``None``.
    fn get_encryption(bucket) -> Plain<Option<Encryption>> {
        bucket.get_encryption().await.map(Plain)
    }
    #[doc = "The asynchronous twin of :meth:`get_encryption`."]
    get_encryption_async
}

verb! {
    /// Says how new objects are encrypted, as :meth:`get_encryption` gives it.
    ///
    /// Raises ``UnsupportedError`` where the server has no KMS.
    fn set_encryption(bucket, encryption: Plain<Encryption>) -> Done {
        bucket.set_encryption(&encryption.0).await.map(|()| Done)
    }
    #[doc = "The asynchronous twin of :meth:`set_encryption`."]
    set_encryption_async
}

verb! {
    /// New objects are no longer encrypted by themselves.
    fn delete_encryption(bucket) -> Done {
        bucket.delete_encryption().await.map(|()| Done)
    }
    #[doc = "The asynchronous twin of :meth:`delete_encryption`."]
    delete_encryption_async
}

fn emptied(gone: lakewright::Emptied) -> Emptied {
    let lakewright::Emptied { versions, uploads } = gone;
    Emptied { versions, uploads }
}

#[pymethods]
impl Bucket {
    /// Ends everything in the bucket: all versions of all objects, delete markers, uploads that
    /// were not completed. ``bypass_governance`` also what is locked in governance mode.
    ///
    /// Raises ``PartialApplyError`` when locked versions stay, ``AccessDeniedError`` when there
    /// was nothing else.
    #[pyo3(signature = (*, bypass_governance=false))]
    fn empty(&self, py: Python<'_>, bypass_governance: bool) -> PyResult<Emptied> {
        let bucket = self.inner(py)?;
        let options = EmptyOptions { bypass_governance };
        wait(py, async move { bucket.empty(options).await.map(emptied) })
    }

    /// The asynchronous twin of :meth:`empty`.
    #[pyo3(signature = (*, bypass_governance=false))]
    fn empty_async<'py>(
        &self,
        py: Python<'py>,
        bypass_governance: bool,
    ) -> PyResult<Awaitable<'py, Emptied>> {
        let bucket = self.inner(py)?;
        let options = EmptyOptions { bypass_governance };
        promise(py, async move { bucket.empty(options).await.map(emptied) })
    }
}
