//! Arguments and output that the settings of a bucket share.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use lakewright::{BucketName, Error, ErrorKind, bucket_config};
use serde::Serialize;
use serde_json::Value;

use crate::input::{display_name, read};
use crate::output::Render;

/// The maximum size of a setting in JSON, in bytes. The longest setting that S3 accepts, a thousand
/// lifecycle rules, is shorter.
const MAX_BYTES: usize = 4 << 20;

/// The arguments of a verb that takes only the bucket.
#[derive(Args, Debug)]
pub(crate) struct BucketArg {
    /// The bucket
    pub(super) name: BucketName,
}

/// The arguments of a verb that takes the bucket and a value in JSON.
#[derive(Args, Debug)]
pub(crate) struct JsonArgs {
    /// The bucket
    pub(super) name: BucketName,
    /// JSON file in the format that `get` prints; - for stdin
    pub(super) file: PathBuf,
}

/// Reads a value from a JSON file, or from stdin for `-`.
///
/// # Errors
/// `InvalidInput` for a file that is too long or does not contain a `T`.
pub(super) fn read_json<T: bucket_config::Setting>(
    file: &Path,
    operation: &'static str,
) -> Result<T, Error> {
    let bytes = read_bytes(file, operation)?;
    T::from_json(&bytes).map_err(|error| error.during(operation).on(display_name(file)))
}

/// Reads any JSON value from a file, or from stdin for `-`.
///
/// # Errors
/// `InvalidInput` for a file that is too long or not JSON.
pub(super) fn read_value(file: &Path, operation: &'static str) -> Result<Value, Error> {
    let bytes = read_bytes(file, operation)?;
    serde_json::from_slice(&bytes).map_err(|error| {
        let why = Error::invalid_input(format!("this is not JSON: {error}"));
        why.during(operation).on(display_name(file))
    })
}

fn read_bytes(file: &Path, operation: &'static str) -> Result<Vec<u8>, Error> {
    let bytes = read(file, MAX_BYTES, operation)?;
    if bytes.len() > MAX_BYTES {
        let why = Error::invalid_input(format!("the file has more than {MAX_BYTES} bytes"));
        return Err(why.during(operation).on(display_name(file)));
    }
    Ok(bytes)
}

/// The value of a setting. JSON output is the value alone, so that the output of `get` is input
/// for `set`.
pub(super) struct SettingOutput {
    value: Value,
    text: String,
}

impl SettingOutput {
    /// A value with a text of its own.
    pub(super) fn with_text(value: impl Serialize, text: impl Into<String>) -> Result<Self, Error> {
        Ok(Self { value: to_json(value)?, text: text.into() })
    }

    /// A value that is printed as indented JSON, `none` when it is null.
    pub(super) fn as_json(value: impl Serialize) -> Result<Self, Error> {
        let value = to_json(value)?;
        let text = if value.is_null() { "none".into() } else { format!("{value:#}") };
        Ok(Self { value, text })
    }
}

fn to_json(value: impl Serialize) -> Result<Value, Error> {
    serde_json::to_value(value).map_err(|error| {
        let why = "the setting cannot be converted to JSON";
        Error::new(ErrorKind::Internal, why).caused_by(error)
    })
}

impl Render for SettingOutput {
    fn json(&self) -> Value {
        self.value.clone()
    }

    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}", self.text)
    }
}
