//! Types for names that are checked when they are created.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Implements the conversions of a checked name, which all call its constructor `new`.
macro_rules! text_of {
    ($name:ident) => {
        impl $name {
            /// Returns the checked text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }

        impl FromStr for $name {
            type Err = Error;
            fn from_str(text: &str) -> Result<Self> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = Error;
            fn try_from(text: String) -> Result<Self> {
                Self::new(text)
            }
        }

        impl TryFrom<&str> for $name {
            type Error = Error;
            fn try_from(text: &str) -> Result<Self> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }
    };
}
pub(crate) use text_of;

/// The name of a bucket, by S3's rules for general purpose buckets
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>): 3 to 63
/// bytes of `a-z`, `0-9`, `.` and `-`, a letter or digit at both ends, no `..`, no IPv4
/// address, none of the reserved prefixes and suffixes.
///
/// ```
/// use lakewright_core::BucketName;
/// assert!(BucketName::new("raw-2013").is_ok());
/// assert!(BucketName::new("Raw").unwrap_err().to_string().contains("raw"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BucketName(String);

const BUCKET_BYTES: std::ops::RangeInclusive<usize> = 3..=63;
const RESERVED_PREFIXES: [&str; 3] = ["xn--", "sthree-", "amzn-s3-demo-"];
const RESERVED_SUFFIXES: [&str; 5] = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];

impl BucketName {
    /// Checks the name.
    ///
    /// # Errors
    /// `InvalidInput` with the rule that the name breaks.
    pub fn new(name: impl Into<String>) -> Result<Self> {
        let name = name.into();
        match Self::broken_rule(&name) {
            None => Ok(Self(name)),
            Some(rule) => {
                Err(Error::invalid_input(format!("{name:?} cannot name a bucket: {rule}")))
            }
        }
    }

    fn broken_rule(name: &str) -> Option<String> {
        if !BUCKET_BYTES.contains(&name.len()) {
            return Some(format!("it has {} bytes, and 3 to 63 are allowed", name.len()));
        }
        if name.bytes().any(|b| b.is_ascii_uppercase()) {
            return Some(format!("write it in lower case: {:?}", name.to_ascii_lowercase()));
        }
        if let Some(c) = name.chars().find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '.' | '-')) {
            return Some(format!("{c:?} is not one of a-z, 0-9, '.' and '-'"));
        }
        let ends_well = |name: &str| {
            let bytes = name.as_bytes();
            [bytes.first(), bytes.last()].into_iter().flatten().all(u8::is_ascii_alphanumeric)
        };
        if !ends_well(name) {
            return Some("it must begin and end with a letter or a digit".into());
        }
        if name.contains("..") {
            return Some("two dots may not follow each other".into());
        }
        if name.parse::<std::net::Ipv4Addr>().is_ok() {
            return Some("it must not look like an IPv4 address".into());
        }
        if let Some(prefix) = RESERVED_PREFIXES.iter().find(|p| name.starts_with(**p)) {
            return Some(format!("the prefix {prefix:?} is reserved"));
        }
        if let Some(suffix) = RESERVED_SUFFIXES.iter().find(|s| name.ends_with(**s)) {
            return Some(format!("the suffix {suffix:?} is reserved"));
        }
        None
    }
}

text_of!(BucketName);

/// The key of an object: 1 to 1,024 bytes of UTF-8, taken literally. `a//b` and `../x` are keys
/// like any other; whether they are accepted depends on the server.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ObjectKey(String);

impl ObjectKey {
    /// The longest key that S3 accepts, in bytes.
    pub const MAX_BYTES: usize = 1024;

    /// Checks the key.
    ///
    /// # Errors
    /// `InvalidInput` when the key is empty or longer than [`Self::MAX_BYTES`].
    pub fn new(key: impl Into<String>) -> Result<Self> {
        let key = key.into();
        match key.len() {
            0 => Err(Error::invalid_input("the key of an object cannot be empty")),
            1..=Self::MAX_BYTES => Ok(Self(key)),
            bytes => Err(Error::invalid_input(format!(
                "the key has {bytes} bytes of UTF-8, and at most {} are allowed: {}…",
                Self::MAX_BYTES,
                key.chars().take(40).collect::<String>(),
            ))),
        }
    }
}

text_of!(ObjectKey);

/// The location of a table: a bucket and a path in it. It is parsed from `raw/flights` and
/// `s3://raw/flights`, and displayed as the latter.
///
/// ```
/// use lakewright_core::TableUri;
/// let uri = TableUri::new("raw/2013/flights/")?;
/// assert_eq!(uri.to_string(), "s3://raw/2013/flights");
/// assert_eq!((uri.bucket().as_str(), uri.path()), ("raw", "2013/flights"));
/// # Ok::<(), lakewright_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TableUri {
    bucket: BucketName,
    path: String,
}

impl TableUri {
    /// The longest path in bytes: the limit of S3 for a key, less the length that data files need
    /// below the path (partition directories, file name).
    pub const MAX_PATH_BYTES: usize = 512;

    /// Checks the URI.
    ///
    /// # Errors
    /// `InvalidInput` for another scheme, an invalid bucket name, no path, or a path with segments
    /// that are empty, `.`, `..` or `_delta_log`, or with `%` or control characters.
    pub fn new(uri: impl Into<String>) -> Result<Self> {
        let uri = uri.into();
        let wrong = |why: String| Error::invalid_input(format!("{uri:?} is no table: {why}"));
        let rest = match uri.split_once("://") {
            None | Some(("s3" | "s3a", _)) => uri.split_once("://").map_or(&*uri, |(_, rest)| rest),
            Some((scheme, _)) => {
                return Err(wrong(format!(
                    "write bucket/path or s3://bucket/path, not {scheme}://"
                )));
            }
        };
        let Some((bucket, path)) = rest.trim_end_matches('/').split_once('/') else {
            return Err(wrong("a table needs a path below its bucket, as in bucket/path".into()));
        };
        let bucket = BucketName::new(bucket)?;
        if path.len() > Self::MAX_PATH_BYTES {
            return Err(wrong(format!(
                "its path has {} bytes, and at most {} leave room for its files",
                path.len(),
                Self::MAX_PATH_BYTES
            )));
        }
        if let Some(c) = path.chars().find(|c| c.is_control()) {
            return Err(wrong(format!("{c:?} cannot stand in a path")));
        }
        if path.contains('%') {
            // The Delta kernel decodes paths twice, so `a%20b` would be read as the table `a b`.
            return Err(wrong("'%' cannot stand in the path of a table".into()));
        }
        for segment in path.split('/') {
            if matches!(segment, "" | "." | ".." | "_delta_log") {
                return Err(wrong(format!("{segment:?} cannot be a part of its path")));
            }
        }
        let path = path.to_owned();
        Ok(Self { bucket, path })
    }

    /// Returns the bucket.
    #[must_use]
    pub fn bucket(&self) -> &BucketName {
        &self.bucket
    }

    /// Returns the path in the bucket, without slashes at its ends.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the last part of the path, which is the name of the table in a scan.
    #[must_use]
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

impl fmt::Display for TableUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.path)
    }
}

impl FromStr for TableUri {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        Self::new(text)
    }
}

impl TryFrom<String> for TableUri {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        Self::new(text)
    }
}

impl TryFrom<&str> for TableUri {
    type Error = Error;
    fn try_from(text: &str) -> Result<Self> {
        Self::new(text)
    }
}

impl From<TableUri> for String {
    fn from(uri: TableUri) -> Self {
        uri.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bucket_names_follow_the_rules_of_s3() {
        for good in ["raw", "a-b", "a.b.c", "0a0", "1.2.3", &"x".repeat(63)] {
            assert_eq!(BucketName::new(good).unwrap().as_str(), good);
        }
        for bad in [
            "",
            "ab",
            &"x".repeat(64),
            "Raw",
            "raw_1",
            "-raw",
            "raw-",
            ".raw",
            "raw.",
            "a..b",
            "192.168.0.1",
            "xn--raw",
            "sthree-raw",
            "amzn-s3-demo-raw",
            "raw-s3alias",
            "raw--ol-s3",
            "raw.mrap",
            "raw--x-s3",
            "raw--table-s3",
            "räw",
            "ra w",
            "raw/x",
            "a\0b",
        ] {
            let error = BucketName::new(bad).expect_err(bad);
            assert_eq!(error.kind(), crate::ErrorKind::InvalidInput, "{bad}");
        }
    }

    #[test]
    fn keys_are_counted_in_bytes() {
        assert!(ObjectKey::new("ä".repeat(512)).is_ok());
        assert!(ObjectKey::new("ä".repeat(513)).is_err());
        assert!(ObjectKey::new("").is_err());
        assert!(ObjectKey::new("../a//b\n").is_ok());
    }

    #[test]
    fn table_uris_refuse_what_would_leave_the_table() {
        for bad in [
            "raw",
            "raw/",
            "s3://raw",
            "file:///raw/t",
            "raw//t",
            "raw/../t",
            "raw/t/./u",
            "raw/_delta_log",
            "raw/t/_delta_log/x",
            "Raw/t",
            "raw/a\0b",
            "raw/a%20b",
            "/raw/t",
            "",
        ] {
            assert!(TableUri::new(bad).is_err(), "{bad}");
        }
        assert_eq!(TableUri::new("s3a://raw/t").unwrap(), TableUri::new("raw/t/").unwrap());
    }

    proptest! {
        #[test]
        fn no_text_panics_and_valid_names_round_trip(text in any::<String>()) {
            if let Ok(name) = BucketName::new(text.clone()) {
                prop_assert_eq!(name.as_str(), &text);
                prop_assert!(name.as_str().is_ascii());
            }
            if let Ok(key) = ObjectKey::new(text.clone()) {
                prop_assert_eq!(String::from(key), text.clone());
            }
            if let Ok(uri) = TableUri::new(text) {
                prop_assert_eq!(TableUri::new(uri.to_string()).unwrap(), uri);
            }
        }

        #[test]
        fn names_of_allowed_characters_are_valid(name in "[a-z0-9][a-z0-9-]{1,60}[a-z0-9]") {
            let reserved = RESERVED_PREFIXES.iter().any(|p| name.starts_with(p))
                || RESERVED_SUFFIXES.iter().any(|s| name.ends_with(s));
            prop_assert_eq!(BucketName::new(name).is_ok(), !reserved);
        }

        #[test]
        fn table_uris_round_trip(bucket in "[a-z]{3,10}", path in "[a-zA-Z0-9 =+ü_-]{1,20}(/[a-z]{1,9}){0,3}") {
            let uri = TableUri::new(format!("{bucket}/{path}")).unwrap();
            prop_assert_eq!(uri.to_string(), format!("s3://{}/{}", bucket, path));
            prop_assert_eq!(uri.clone(), serde_json::from_str(&serde_json::to_string(&uri).unwrap()).unwrap());
        }
    }
}
