//! Addresses of objects and prefixes: `bucket/key`.

use std::fmt;
use std::str::FromStr;

use lakewright::{BucketName, Error, ObjectKey};

/// The address of an object: `raw/2013/01.csv` or `s3://raw/2013/01.csv`. The key is taken
/// literally.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ObjectAddress {
    pub(crate) bucket: BucketName,
    pub(crate) key: ObjectKey,
}

/// A prefix of keys: `raw`, `raw/` or `raw/2013/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PrefixAddress {
    pub(crate) bucket: BucketName,
    pub(crate) prefix: String,
}

/// Splits an address into bucket and key. The key may be empty.
fn split(text: &str) -> Result<(BucketName, &str), Error> {
    let rest = match text.split_once("://") {
        Some(("s3" | "s3a", rest)) => rest,
        Some((scheme @ ("http" | "https" | "file" | "gs" | "az"), _)) => {
            return Err(Error::invalid_input(format!(
                "write BUCKET/KEY or s3://BUCKET/KEY, not {scheme}://"
            )));
        }
        _ => text,
    };
    let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
    Ok((BucketName::new(bucket)?, key))
}

impl ObjectAddress {
    /// Returns the last part of the key, as a file name.
    pub(crate) fn name(&self) -> &str {
        let key = self.key.as_str();
        key.rsplit('/').next().unwrap_or(key)
    }
}

impl FromStr for ObjectAddress {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        let (bucket, key) = split(text)?;
        if key.is_empty() {
            return Err(Error::invalid_input("write BUCKET/KEY, such as raw/2013/01.csv"));
        }
        Ok(Self { bucket, key: ObjectKey::new(key)? })
    }
}

impl FromStr for PrefixAddress {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        let (bucket, prefix) = split(text)?;
        Ok(Self { bucket, prefix: prefix.into() })
    }
}

impl fmt::Display for ObjectAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.bucket, self.key)
    }
}

impl fmt::Display for PrefixAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.bucket, self.prefix)
    }
}

/// The target of a put or copy: an object, or a folder ending in `/` (`raw/`, `raw/in/`), in which
/// the object keeps its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Object(ObjectAddress),
    Folder(PrefixAddress),
}

impl Target {
    /// Returns the target object; `name` is the name of the source.
    pub(crate) fn object(self, name: Option<&str>) -> Result<ObjectAddress, Error> {
        match self {
            Self::Object(address) => Ok(address),
            Self::Folder(PrefixAddress { bucket, prefix }) => match name {
                Some(name) if !name.is_empty() => {
                    Ok(ObjectAddress { bucket, key: ObjectKey::new(format!("{prefix}{name}"))? })
                }
                _ => Err(Error::invalid_input(format!(
                    "the source has no name to keep in {bucket}/{prefix}; write the whole key"
                ))),
            },
        }
    }
}

impl FromStr for Target {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        let (bucket, key) = split(text)?;
        match key {
            "" if !text.ends_with('/') => {
                Err(Error::invalid_input("write BUCKET/KEY, or BUCKET/ to keep the name"))
            }
            folder if folder.is_empty() || folder.ends_with('/') => {
                Ok(Self::Folder(PrefixAddress { bucket, prefix: folder.into() }))
            }
            key => Ok(Self::Object(ObjectAddress { bucket, key: ObjectKey::new(key)? })),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_with_and_without_scheme() {
        for text in ["raw/a/b.csv", "s3://raw/a/b.csv", "s3a://raw/a/b.csv"] {
            let address: ObjectAddress = text.parse().unwrap();
            assert_eq!(address.to_string(), "raw/a/b.csv");
            assert_eq!(address.name(), "b.csv");
        }
        // Keys are taken literally: slashes, dots and schemes in them have no meaning.
        for key in ["/a", "a//b", "../a", "http://x", "a b", "ä", "s3://raw/x"] {
            let address: ObjectAddress = format!("raw/{key}").parse().unwrap();
            assert_eq!(address.key.as_str(), key);
        }
        for bad in ["raw", "raw/", "", "/", "/raw/a", "Raw/a", "http://raw/a", "s3://raw"] {
            assert!(bad.parse::<ObjectAddress>().is_err(), "{bad}");
        }
    }

    #[test]
    fn prefixes_may_be_empty() {
        for (text, prefix) in [("raw", ""), ("raw/", ""), ("raw/a", "a"), ("s3://raw/a/", "a/")] {
            assert_eq!(text.parse::<PrefixAddress>().unwrap().prefix, prefix);
        }
    }

    #[test]
    fn folders_keep_the_name() {
        let object = |text: &str, name| {
            text.parse::<Target>().and_then(|target| target.object(name)).map(|a| a.to_string())
        };
        assert_eq!(object("raw/", Some("a.csv")).unwrap(), "raw/a.csv");
        assert_eq!(object("raw/in/", Some("a.csv")).unwrap(), "raw/in/a.csv");
        assert_eq!(object("raw/in", Some("a.csv")).unwrap(), "raw/in");
        assert!(object("raw", Some("a.csv")).is_err());
        assert!(object("raw/in/", None).is_err());
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_addresses_round_trip(text in any::<String>(), key in ".{1,40}") {
            let _ = text.parse::<ObjectAddress>();
            let _ = text.parse::<PrefixAddress>();
            let _ = text.parse::<Target>();
            let address: ObjectAddress = format!("raw/{key}").parse().unwrap();
            prop_assert_eq!(address.to_string(), format!("raw/{key}"));
            let address: ObjectAddress = format!("s3://raw/{key}").parse().unwrap();
            prop_assert_eq!(address.key.as_str(), key);
        }
    }
}
