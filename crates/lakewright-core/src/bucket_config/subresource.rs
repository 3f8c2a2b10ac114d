//! The settings as S3 transfers them: sub-resources of a bucket.

use quick_xml::DeError;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Error, ErrorKind};

/// The namespace of the XML of S3.
const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

/// The value of a setting that S3 has as a sub-resource of the bucket: `GET /bucket?tagging`
/// reads it, `PUT` sets it, and `DELETE` removes it.
///
/// A setting that implements this needs no code of its own above this crate, except the names of
/// its verbs.
pub trait Subresource: Sized {
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

/// Returns the error code of a refusal; empty if there is none.
pub(super) fn code(refusal: &Error) -> &str {
    refusal.service().and_then(|service| service.code.as_deref()).unwrap_or_default()
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
