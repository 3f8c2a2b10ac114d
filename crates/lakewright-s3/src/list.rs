//! `list` and `list_pages`

use aws_sdk_s3::types::EncodingType;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use lakewright_core::{Error, ErrorKind, Result};
use lakewright_macros::Builder;
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

use super::continuation::{Continuation, Keys};
use super::types::{timestamp, unquoted};
use super::{Bucket, ObjectInfo};

/// The maximum number of entries that are collected in memory, where they take some 300 MB.
pub(super) const MAX_ENTRIES: usize = 1_000_000;

/// The options of [`Bucket::list`].
#[derive(Clone, Debug, Default, Builder)]
#[non_exhaustive]
pub struct ListOptions {
    /// Lists only keys after this one, in the order of UTF-8 bytes.
    #[builder(into)]
    pub start_after: Option<String>,
    /// The text at which keys are grouped, usually `/`. Keys that have it after the prefix are not
    /// listed; their part up to the first delimiter is listed once, as a common prefix.
    #[builder(into)]
    pub delimiter: Option<String>,
    /// The maximum number of keys in a page, at most 1,000.
    pub page_size: Option<u16>,
}

/// One page of a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ListPage {
    /// The objects, in the order of their keys' UTF-8 bytes.
    pub objects: Vec<ObjectInfo>,
    /// The common prefixes, each with the delimiter at its end.
    pub prefixes: Vec<String>,
}

impl Bucket {
    /// Lists every object whose key begins with `prefix`. Reading the stream requests the pages.
    ///
    /// # Errors
    /// `NotFound` when the bucket is missing; any connection or server error. The stream ends after
    /// the first error.
    pub fn list(
        &self,
        prefix: impl Into<String>,
        options: ListOptions,
    ) -> BoxStream<'static, Result<ObjectInfo>> {
        self.list_pages(prefix, options)
            .map_ok(|page| futures::stream::iter(page.objects.into_iter().map(Ok)))
            .try_flatten()
            .boxed()
    }

    /// Returns the objects and common prefixes directly below `prefix`, all pages in one.
    ///
    /// # Errors
    /// Those of [`Bucket::list`], and `TooLarge` for more than a million of them, which
    /// [`Bucket::list_pages`] lists.
    pub async fn list_with_delimiter(&self, prefix: impl Into<String>) -> Result<ListPage> {
        let prefix = prefix.into();
        let options = ListOptions::builder().delimiter("/").build();
        let mut pages = self.list_pages(prefix.clone(), options);
        let mut all = ListPage::default();
        while let Some(mut page) = pages.try_next().await? {
            all.objects.append(&mut page.objects);
            all.prefixes.append(&mut page.prefixes);
            if all.objects.len() + all.prefixes.len() > MAX_ENTRIES {
                let why = format!("there are more than {MAX_ENTRIES} entries; list them by pages");
                return Err(Error::new(ErrorKind::TooLarge, why)
                    .during("list")
                    .on(format!("{}/{prefix}", self.name)));
            }
        }
        Ok(all)
    }

    /// Lists objects in the pages that the server sends.
    ///
    /// # Errors
    /// Those of [`Bucket::list`].
    pub fn list_pages(
        &self,
        prefix: impl Into<String>,
        options: ListOptions,
    ) -> BoxStream<'static, Result<ListPage>> {
        let (bucket, prefix) = (self.clone(), prefix.into());
        let start = Some((None::<String>, Continuation::of(Keys::Unique)));
        futures::stream::try_unfold(start, move |position| {
            let (bucket, prefix, options) = (bucket.clone(), prefix.clone(), options.clone());
            async move {
                let Some((token, mut continuation)) = position else { return Ok(None) };
                let (page, next) = bucket.list_page(&prefix, &options, token).await?;
                let objects = page.objects.iter().map(|object| &*object.key);
                let keys = objects.chain(page.prefixes.iter().map(|prefix| &**prefix));
                continuation.check(keys, next.as_deref()).map_err(|error| {
                    error.during("list").on(format!("{}/{prefix}", bucket.name))
                })?;
                Ok(Some((page, next.map(|token| (Some(token), continuation)))))
            }
        })
        .boxed()
    }

    async fn list_page(
        &self,
        prefix: &str,
        options: &ListOptions,
        token: Option<String>,
    ) -> Result<(ListPage, Option<String>)> {
        let resource = || format!("{}/{prefix}", self.name);
        if let Some(size) = options.page_size
            && !(1..=1000).contains(&size)
        {
            let why = format!("page_size is {size}; S3 lists 1 to 1000 keys a page");
            return Err(Error::invalid_input(why).during("list").on(resource()));
        }
        let response = self
            .s3()
            .sdk
            .list_objects_v2()
            .bucket(self.name.as_str())
            .set_prefix((!prefix.is_empty()).then(|| prefix.to_owned()))
            .set_delimiter(options.delimiter.clone())
            .set_start_after(options.start_after.clone().filter(|_| token.is_none()))
            .set_continuation_token(token)
            .set_max_keys(options.page_size.map(i32::from))
            // Keys may have characters that XML 1.0 cannot contain.
            .encoding_type(EncodingType::Url)
            .send()
            .await
            .map_err(|error| self.s3().classify(error, "list", resource()))?;
        let encoded = response.encoding_type() == Some(&EncodingType::Url);
        let text = |text: Option<&str>| {
            decoded(text.unwrap_or_default(), encoded)
                .map_err(|error| error.during("list").on(resource()))
        };
        let mut page = ListPage::default();
        for object in response.contents() {
            page.objects.push(ObjectInfo {
                key: text(object.key())?,
                size: object.size().and_then(|size| size.try_into().ok()).unwrap_or(0),
                etag: unquoted(object.e_tag()),
                last_modified: timestamp(object.last_modified()),
                ..ObjectInfo::default()
            });
        }
        for common in response.common_prefixes() {
            page.prefixes.push(text(common.prefix())?);
        }
        let more = response.is_truncated() == Some(true);
        let next = response.next_continuation_token().map(String::from).filter(|_| more);
        if more && next.is_none() {
            let why = "the server returned a truncated page without the position of the next";
            return Err(Error::new(ErrorKind::Corrupt, why).during("list").on(resource()));
        }
        Ok((page, next))
    }
}

/// Decodes S3's URL encoding of listings, in which a space may be a `+`.
pub(super) fn decoded(text: &str, encoded: bool) -> Result<String> {
    if !encoded {
        return Ok(text.to_owned());
    }
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().map(Into::into).map_err(|error| {
        Error::new(ErrorKind::Corrupt, "the listing holds a key that is no UTF-8").caused_by(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn encoded_keys_round_trip(key in any::<String>()) {
            let text = percent_encoding::utf8_percent_encode(&key, percent_encoding::NON_ALPHANUMERIC).to_string();
            prop_assert_eq!(decoded(&text, true).unwrap(), key.clone());
            prop_assert_eq!(decoded(&text.replace("%20", "+"), true).unwrap(), key.clone());
            prop_assert_eq!(decoded(&key, false).unwrap(), key);
        }
    }
}
