//! `bucket/key` as people write it.

use std::fmt;
use std::str::FromStr;

use lakewright::{BucketName, Error, ObjectKey};

/// An object: `raw/2013/01.csv` or `s3://raw/2013/01.csv`. The key is taken literally.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ObjectAddress {
    pub(crate) bucket: BucketName,
    pub(crate) key: ObjectKey,
}

/// What keys begin with: `raw`, `raw/` or `raw/2013/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PrefixAddress {
    pub(crate) bucket: BucketName,
    pub(crate) prefix: String,
}

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
    /// The last part of the key, as a file would be called.
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

/// Where a put or copy goes: an object, or with `/` at its end (`raw/`, `raw/in/`) a folder in
/// which the object keeps its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Object(ObjectAddress),
    Folder(PrefixAddress),
}

impl Target {
    /// The object that is meant when what goes there is called `name`.
    pub(crate) fn object(self, name: Option<&str>) -> Result<ObjectAddress, Error> {
        match self {
            Self::Object(address) => Ok(address),
            Self::Folder(PrefixAddress { bucket, prefix }) => match name {
                Some(name) if !name.is_empty() => {
                    Ok(ObjectAddress { bucket, key: ObjectKey::new(format!("{prefix}{name}"))? })
                }
                _ => Err(Error::invalid_input(format!(
                    "nothing says what to call the object in {bucket}/{prefix}; write out its key"
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
        // Keys are literal: neither slashes nor dots nor schemes in them mean anything.
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
        fn no_text_panics_and_addresses_come_back(text in any::<String>(), key in ".{1,40}") {
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
