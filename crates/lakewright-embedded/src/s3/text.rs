//! Encodings of S3's requests and responses: owners, URL encoding, tags.

use s3s::dto::{EncodingType, Owner};
use s3s::{S3Error, S3Result, s3_error};

/// The owner of all buckets and objects.
const OWNER: &str = "lakewright";

pub(super) fn owner() -> Owner {
    Owner { display_name: Some(OWNER.to_owned()), id: Some(OWNER.to_owned()) }
}

/// Returns whether the client requests URL-encoded names, which XML can always represent.
pub(super) fn wants_url_encoding(encoding: Option<&EncodingType>) -> S3Result<bool> {
    match encoding {
        None => Ok(false),
        Some(encoding) if encoding.as_str() == EncodingType::URL => Ok(true),
        Some(_) => Err(s3_error!(InvalidArgument, "Invalid Encoding Method specified in Request")),
    }
}

/// Returns a name for a response.
pub(super) fn name(text: &str, urls: bool) -> String {
    if urls { encode(text) } else { text.to_owned() }
}

/// Percent-encodes all bytes but letters, digits and `-_.~/`. Space becomes `%20`, which all
/// decoders accept, unlike `+`.
fn encode(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}"); // Writing to a String cannot fail.
        }
    }
    out
}

/// Decodes a value of `application/x-www-form-urlencoded`.
fn decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [bytes.next()?, bytes.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(out).ok()
}

/// Parses `x-amz-tagging: a=1&b=2`.
pub(super) fn parse_tags(header: Option<&str>) -> S3Result<Vec<(String, String)>> {
    let Some(header) = header.filter(|header| !header.is_empty()) else { return Ok(Vec::new()) };
    let pairs = header.split('&').map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Some((decode(name)?, decode(value)?))
    });
    let tags = pairs.collect::<Option<Vec<_>>>().ok_or_else(|| {
        s3_error!(InvalidArgument, "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.")
    })?;
    check_tags(tags)
}

/// Checks S3's limits on tags: 10 tags, names of 1 to 128 and values of up to 256 characters.
pub(super) fn check_tags(tags: Vec<(String, String)>) -> S3Result<Vec<(String, String)>> {
    let invalid = |message: &'static str| -> S3Error { s3_error!(InvalidTag, "{message}") };
    if tags.len() > 10 {
        return Err(super::custom(
            "BadRequest",
            http::StatusCode::BAD_REQUEST,
            "Object tags cannot be greater than 10",
        ));
    }
    for (at, (name, value)) in tags.iter().enumerate() {
        if name.is_empty() || name.chars().count() > 128 {
            return Err(invalid("The TagKey you have provided is invalid"));
        }
        if value.chars().count() > 256 {
            return Err(invalid("The TagValue you have provided is invalid"));
        }
        if tags.iter().take(at).any(|(other, _)| other == name) {
            return Err(invalid("Cannot provide multiple Tags with the same key"));
        }
    }
    Ok(tags)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn encoded_text_decodes_to_itself(text in "(?s).{0,20}") {
            let encoded = encode(&text);
            prop_assert!(encoded.bytes().all(|byte| byte.is_ascii_graphic()));
            prop_assert_eq!(decode(&encoded), Some(text));
        }
    }

    #[test]
    fn tags() {
        let tags = parse_tags(Some("a=1&b+c=%C3%A9&d")).unwrap();
        let expected = [("a", "1"), ("b c", "é"), ("d", "")];
        assert_eq!(tags, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        for wrong in ["a=1&a=2", "=1", "a=%G0", "a=%ff"] {
            assert!(parse_tags(Some(wrong)).is_err(), "{wrong}");
        }
    }
}
