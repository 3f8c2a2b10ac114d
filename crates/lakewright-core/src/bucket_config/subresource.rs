//! The settings as S3 transfers them: sub-resources of a bucket.

use quick_xml::DeError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Setting;
use crate::{Error, ErrorKind};

/// The namespace of the XML of S3.
const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

/// The value of a setting that S3 has as a sub-resource of the bucket: `GET /bucket?tagging`
/// reads it, `PUT` sets it, and `DELETE` removes it.
///
/// A setting that implements this needs no code of its own above this crate: every door can read
/// and set it by its name. A setting of everyday use also has verbs with a name of their own.
pub trait Subresource: Sized {
    /// The value in a spec, which is also its form in JSON.
    type Declared: Setting;

    /// The name of the sub-resource, such as `tagging`.
    const NAME: &'static str;

    /// The verb that reads the setting, for errors: `get_tags`.
    const GET: &'static str;

    /// The verb that sets it, for errors: `set_tags`.
    const SET: &'static str;

    /// The error code of the response to `GET` where nothing is configured, such as
    /// `NoSuchTagSet`; empty where the response is then the value of [`Self::not_configured`].
    const NOT_CONFIGURED: &'static str = "";

    /// Returns the value where nothing is configured.
    fn not_configured() -> Self;

    /// Returns the value as a spec declares it; `None` where nothing is configured.
    ///
    /// # Errors
    /// [`Unreadable::Inexpressible`] for a value that no spec can declare.
    fn into_declared(self) -> Result<Option<Self::Declared>, Unreadable>;

    /// Returns the value that is declared; `None` removes the setting.
    fn from_declared(declared: Option<Self::Declared>) -> Self;

    /// Returns the value in JSON, in the form of a spec; `null` where nothing is configured.
    ///
    /// # Errors
    /// `Unsupported` for a value that no spec can declare.
    fn into_value(self) -> crate::Result<Value> {
        let declared = self.into_declared().map_err(Unreadable::into_error)?;
        serde_json::to_value(declared).map_err(|error| {
            let why = "the setting cannot be converted to JSON";
            Error::new(ErrorKind::Internal, why).caused_by(error)
        })
    }

    /// Reads a value in the form of a spec; `null` removes the setting.
    ///
    /// # Errors
    /// `InvalidInput` with the path of each fault. Values out of range are left to
    /// [`Self::check_value`].
    fn from_declared_value(value: &Value) -> crate::Result<Self> {
        let declared = match value {
            Value::Null => None,
            value => Some(Self::Declared::from_value(value)?),
        };
        Ok(Self::from_declared(declared))
    }

    /// Checks the value before it is set.
    ///
    /// # Errors
    /// `InvalidInput` with the path of each fault.
    fn check_value(&self) -> crate::Result<()> {
        Ok(())
    }

    /// Reads the body of the response to `GET`.
    ///
    /// # Errors
    /// [`Unreadable`] for a body that is not such a document, or has a value that this type cannot
    /// express.
    fn from_body(body: &str) -> Result<Self, Unreadable>;

    /// Returns the body of `PUT`, or `None` where the value is set by `DELETE`.
    fn to_body(&self) -> Option<String>;

    /// Returns the error for a server that refused to set this value, with a better explanation
    /// than the server's where there is one.
    fn explain(&self, refusal: Error) -> Error {
        refusal
    }

    /// Whether a server may report success for this value and store only a part of it. The value
    /// is then read again after it was set.
    fn may_lose_parts(&self) -> bool {
        false
    }

    /// Returns why the server cannot store this value, if a part of it is missing in `stored`,
    /// which was read after this value was set.
    fn lost_part(&self, stored: &Self) -> Option<&'static str> {
        let _ = stored;
        None
    }
}

/// The reason why the body of a response has no value of a setting.
#[derive(Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// The body is not the document that S3 defines.
    Corrupt(String),
    /// The part of the body that the type cannot express, such as "several encryption rules".
    Inexpressible(String),
}

impl From<DeError> for Unreadable {
    fn from(error: DeError) -> Self {
        Self::Corrupt(error.to_string())
    }
}

impl Unreadable {
    /// Returns the error: a value that was read only in part would be wrong.
    #[must_use]
    pub fn into_error(self) -> Error {
        match self {
            Self::Corrupt(why) => {
                Error::new(ErrorKind::Corrupt, format!("the response is not valid: {why}"))
            }
            Self::Inexpressible(what) => Error::new(
                ErrorKind::Unsupported,
                format!("{what}, which lakewright cannot represent"),
            ),
        }
    }
}

/// Reads an XML document. Elements that `T` does not name are skipped.
pub(super) fn read_xml<T: DeserializeOwned>(body: &str) -> Result<T, Unreadable> {
    Ok(quick_xml::de::from_str(body)?)
}

/// Writes an XML document of S3.
pub(super) fn write_xml(root: &str, content: &impl Serialize) -> String {
    // Writing fails only for names that XML does not allow, and all names are constants. The
    // server refuses an empty body.
    let text = quick_xml::se::to_string_with_root(root, content).unwrap_or_default();
    text.replacen(&format!("<{root}"), &format!("<{root} xmlns=\"{NAMESPACE}\""), 1)
}
