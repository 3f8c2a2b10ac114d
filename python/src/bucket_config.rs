//! The settings of a bucket. Each verb takes and returns plain values of JSON; the types of the
//! core define which values are valid.

use std::collections::BTreeMap;

use lakewright::bucket_config::{
    AnonymousAccess, BucketSetting, Encryption, LifecycleRule, Notification, ObjectLock, Setting,
    Versioning,
};
use lakewright::{EmptyOptions, Result};
use pyo3::exceptions::PyTypeError;
use pyo3::inspect::PyStaticExpr;
use pyo3::prelude::*;
use pyo3::{Borrowed, IntoPyObjectExt, type_hint_subscript, type_hint_union};
use serde::Serialize;

use crate::bucket::Bucket;
use crate::convert::hint::{self, ANY, DICT, LITERAL, NONE, SEQUENCE};
use crate::convert::{Json, Name, TextMap, json_text};
use crate::error::OrRaise as _;
use crate::types::Emptied;
use crate::verb::{Open, verbs};

/// A value of the core that Python gets and gives as plain dictionaries, lists and texts.
pub(crate) struct Plain<T>(T);

/// The type hint of a value in Python.
pub(crate) trait Hinted {
    const HINT: PyStaticExpr;
}

impl Hinted for Versioning {
    const HINT: PyStaticExpr =
        type_hint_subscript!(LITERAL, hint::text("enabled"), hint::text("suspended"));
}

impl Hinted for ObjectLock {
    const HINT: PyStaticExpr = DICT;
}

impl Hinted for Encryption {
    const HINT: PyStaticExpr =
        type_hint_union!(type_hint_subscript!(LITERAL, hint::text("sse_s3")), DICT);
}

impl Hinted for AnonymousAccess {
    const HINT: PyStaticExpr = type_hint_union!(
        type_hint_subscript!(
            LITERAL,
            hint::text("none"),
            hint::text("read"),
            hint::text("write"),
            hint::text("read_write")
        ),
        DICT
    );
}

impl Hinted for serde_json::Value {
    const HINT: PyStaticExpr = DICT;
}

// Not `list`: in the class of these verbs that name is the verb that lists objects.
impl Hinted for Vec<LifecycleRule> {
    const HINT: PyStaticExpr = type_hint_subscript!(SEQUENCE, DICT);
}

impl Hinted for Vec<Notification> {
    const HINT: PyStaticExpr = type_hint_subscript!(SEQUENCE, DICT);
}

impl<T: Hinted> Hinted for Option<T> {
    const HINT: PyStaticExpr = type_hint_union!(T::HINT, NONE);
}

impl<T: Hinted + Setting> FromPyObject<'_, '_> for Plain<T> {
    type Error = PyErr;

    const INPUT_TYPE: PyStaticExpr = T::HINT;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        T::from_json(json_text(&object)?.as_bytes()).map(Self).or_raise(object.py())
    }
}

impl<'py, T: Hinted + Serialize> IntoPyObject<'py> for Plain<T> {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    const OUTPUT_TYPE: PyStaticExpr = T::HINT;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let value = serde_json::to_value(self.0)
            .map_err(|error| PyTypeError::new_err(error.to_string()))?;
        Json(value).into_bound_py_any(py)
    }
}

/// The value of any setting.
pub(crate) struct AnyValue(serde_json::Value);

impl FromPyObject<'_, '_> for AnyValue {
    type Error = PyErr;

    const INPUT_TYPE: PyStaticExpr = ANY;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let value = serde_json::from_str(&json_text(&object)?);
        value.map(Self).map_err(|error| PyTypeError::new_err(error.to_string()))
    }
}

#[verbs(Bucket)]
impl Open<Bucket> {
    /// Returns the state of versioning: ``"enabled"``, ``"suspended"``, or ``None`` if it was
    /// never set.
    async fn get_versioning(self) -> Result<Plain<Option<Versioning>>> {
        self.inner.get_versioning().await.map(Plain)
    }

    /// Sets the state of versioning: ``"enabled"``, or ``"suspended"``, which keeps the versions
    /// that exist and creates no further ones.
    ///
    /// Raises ``ConflictError`` for suspending under object lock.
    #[pyo3(signature = (versioning))]
    async fn set_versioning(self, versioning: Plain<Versioning>) -> Result<()> {
        self.inner.set_versioning(versioning.0).await
    }

    /// Returns the default retention of new objects, as ``{"mode": "governance", "days": 30}``;
    /// ``{}`` for object lock without a default, ``None`` for a bucket without object lock.
    async fn get_object_lock(self) -> Result<Plain<Option<ObjectLock>>> {
        self.inner.get_object_lock().await.map(Plain)
    }

    /// Sets the default retention of new objects: ``mode`` (``"governance"`` or
    /// ``"compliance"``) and ``days`` or ``years``; ``{}`` for none.
    ///
    /// Raises ``ConflictError`` on a bucket that was created without object lock.
    #[pyo3(signature = (lock))]
    async fn set_object_lock(self, lock: Plain<ObjectLock>) -> Result<()> {
        self.inner.set_object_lock(&lock.0).await
    }

    /// Returns the policy document, or ``None``.
    async fn get_policy(self) -> Result<Plain<Option<serde_json::Value>>> {
        self.inner.get_policy().await.map(Plain)
    }

    /// Sets the policy document; replaces an existing one.
    ///
    /// Raises ``InvalidInputError`` for an invalid document or one that the server refuses,
    /// ``TooLargeError`` above 20 KiB.
    #[pyo3(signature = (document))]
    async fn set_policy(self, document: Plain<serde_json::Value>) -> Result<()> {
        self.inner.set_policy(&document.0).await
    }

    /// Removes the policy, if there is one.
    async fn delete_policy(self) -> Result<()> {
        self.inner.delete_policy().await
    }

    /// Returns what callers without credentials may do: ``"none"``, ``"read"``, ``"write"`` or
    /// ``"read_write"`` in the whole bucket, or a dictionary of these by prefix.
    ///
    /// Raises ``ConflictError`` where the bucket has a policy that grants other things too.
    async fn get_anonymous_access(self) -> Result<Plain<AnonymousAccess>> {
        self.inner.get_anonymous_access().await.map(Plain)
    }

    /// Sets what callers without credentials may do, in the form that
    /// :meth:`get_anonymous_access` returns.
    ///
    /// Raises ``ConflictError`` instead of replacing a policy that grants other things too.
    #[pyo3(signature = (access))]
    async fn set_anonymous_access(self, access: Plain<AnonymousAccess>) -> Result<()> {
        self.inner.set_anonymous_access(&access.0).await
    }

    /// Returns the bucket's tags.
    async fn get_tags(self) -> Result<BTreeMap<String, String>> {
        self.inner.get_tags().await
    }

    /// Sets the tags; replaces existing ones. Up to 50 tags, with names of up to 128 characters
    /// and values of up to 256.
    #[pyo3(signature = (tags))]
    async fn set_tags(self, tags: TextMap) -> Result<()> {
        self.inner.set_tags(&tags.0).await
    }

    /// Removes all tags.
    async fn delete_tags(self) -> Result<()> {
        self.inner.delete_tags().await
    }

    /// Returns the lifecycle rules, one dictionary for each.
    ///
    /// Raises ``UnsupportedError`` for a rule that lakewright cannot express.
    async fn get_lifecycle(self) -> Result<Plain<Vec<LifecycleRule>>> {
        self.inner.get_lifecycle().await.map(Plain)
    }

    /// Sets the lifecycle rules; replaces existing ones. A rule has an ``id`` and any of
    /// ``enabled``, ``prefix``, ``tags``, ``object_size_greater_than``, ``object_size_less_than``,
    /// ``expire_after_days``, ``expire_on``, ``expired_object_delete_marker``,
    /// ``noncurrent_expire_after_days``, ``newer_noncurrent_versions``,
    /// ``abort_incomplete_after_days``, ``transitions`` and ``noncurrent_transitions``.
    ///
    /// Raises ``UnsupportedError``, and changes nothing, for a field that the server would drop.
    #[pyo3(signature = (rules))]
    async fn set_lifecycle(self, rules: Plain<Vec<LifecycleRule>>) -> Result<()> {
        self.inner.set_lifecycle(&rules.0).await
    }

    /// Removes all lifecycle rules.
    async fn delete_lifecycle(self) -> Result<()> {
        self.inner.delete_lifecycle().await
    }

    /// Returns the notifications that the bucket sends, one dictionary for each.
    async fn get_notifications(self) -> Result<Plain<Vec<Notification>>> {
        self.inner.get_notifications().await.map(Plain)
    }

    /// Sets the notifications that the bucket sends; replaces existing ones. Each is a dictionary
    /// with ``id``, ``arn``, ``events`` and any of ``prefix`` and ``suffix``; an empty list is
    /// for none.
    ///
    /// Raises ``InvalidInputError`` for a target that the server does not know.
    #[pyo3(signature = (notifications))]
    async fn set_notifications(self, notifications: Plain<Vec<Notification>>) -> Result<()> {
        self.inner.set_notifications(&notifications.0).await
    }

    /// Returns the default encryption of new objects: ``"sse_s3"``, ``{"sse_kms": key}`` or
    /// ``None``.
    async fn get_encryption(self) -> Result<Plain<Option<Encryption>>> {
        self.inner.get_encryption().await.map(Plain)
    }

    /// Sets the default encryption of new objects, in the form that :meth:`get_encryption`
    /// returns.
    ///
    /// Raises ``UnsupportedError`` where the server has no KMS.
    #[pyo3(signature = (encryption))]
    async fn set_encryption(self, encryption: Plain<Encryption>) -> Result<()> {
        self.inner.set_encryption(&encryption.0).await
    }

    /// Removes the default encryption of new objects.
    async fn delete_encryption(self) -> Result<()> {
        self.inner.delete_encryption().await
    }

    /// Returns any setting by the name of its field in a spec, such as ``"quota"``, in the form of
    /// the spec; ``None`` where nothing is configured.
    ///
    /// Raises ``UnsupportedError`` for a value that no spec can declare, and on a server without
    /// the setting.
    #[pyo3(signature = (name))]
    async fn get_setting(self, name: Name<BucketSetting>) -> Result<Json> {
        self.handle.open_lake()?.get_bucket_setting(self.inner.name(), name.0).await.map(Json)
    }

    /// Sets any setting by the name of its field in a spec, to a value in the form of the spec;
    /// ``None`` removes the setting.
    ///
    /// Raises ``InvalidInputError`` for a wrong value, and for removing versioning or object lock;
    /// ``UnsupportedError`` on a server without the setting.
    #[pyo3(signature = (name, value))]
    async fn set_setting(self, name: Name<BucketSetting>, value: AnyValue) -> Result<()> {
        self.handle.open_lake()?.set_bucket_setting(self.inner.name(), name.0, &value.0).await
    }

    /// Deletes everything in the bucket: all versions of all objects, delete markers, and
    /// incomplete multipart uploads. With ``bypass_governance`` also versions that are locked in
    /// governance mode.
    ///
    /// Raises ``PartialApplyError`` when locked versions remain, ``AccessDeniedError`` when
    /// nothing could be deleted.
    #[pyo3(signature = (*, bypass_governance=false))]
    async fn empty(self, bypass_governance: bool) -> Result<Emptied> {
        let options = EmptyOptions::builder().bypass_governance(bypass_governance).build();
        self.inner.empty(options).await.map(Emptied)
    }
}
