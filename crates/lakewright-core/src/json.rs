//! The limits of JSON documents that other programs wrote.

/// The maximum size in bytes of a spec, a plan and a registry: some ten thousand resources.
pub(crate) const MAX_BYTES: usize = 16 << 20;

/// The maximum number of values in a document. A value takes up to about 100 bytes of memory, and a
/// document of `[0,0,…` has one for every two bytes.
pub(crate) const MAX_VALUES: usize = 1 << 20;

/// Checks that a document can be parsed in a bounded amount of memory, at most some 100 MB.
///
/// # Errors
/// The reason, if the document is too long or has too many values. Whether it is JSON is not
/// checked.
pub fn check_json_size(json: &[u8]) -> Result<(), String> {
    if json.len() > MAX_BYTES {
        return Err(format!("it has more than {MAX_BYTES} bytes"));
    }
    // A map has two of them for each value.
    if count(json) > 2 * MAX_VALUES {
        return Err(format!("it has more than {MAX_VALUES} values"));
    }
    Ok(())
}

/// Returns at least the number of values and keys of a document.
fn count(json: &[u8]) -> usize {
    let (mut values, mut is_text, mut is_escaped) = (1_usize, false, false);
    for byte in json {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_text => is_escaped = true,
            b'"' => is_text = !is_text,
            // Each value but the first follows one of these.
            b'[' | b'{' | b',' | b':' if !is_text => values += 1,
            _ => {}
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn bytes_and_values_are_limited() {
        let list = |values: usize| format!("[{}0]", "0,".repeat(values)).into_bytes();
        assert!(check_json_size(&list(MAX_VALUES)).is_ok());
        assert!(check_json_size(&list(2 * MAX_VALUES)).is_err());
        assert!(check_json_size(&vec![b' '; MAX_BYTES + 1]).is_err());
        let text = format!(r#"["\\\"{}"]"#, ",".repeat(3 * MAX_VALUES));
        assert!(check_json_size(text.as_bytes()).is_ok(), "commas of a text are no values");
    }

    fn values(value: &Value) -> usize {
        1 + match value {
            Value::Array(items) => items.iter().map(values).sum(),
            Value::Object(entries) => entries.values().map(|value| 1 + values(value)).sum(),
            _ => 0,
        }
    }

    proptest! {
        #[test]
        fn no_value_is_missed(texts in prop::collection::vec("[\\PC\"\\\\\\[,]{0,5}", 0..20)) {
            let list = Value::from(texts.clone());
            let entries = texts.into_iter().map(|text| (text, list.clone()));
            let document: Value = entries.collect::<serde_json::Map<_, _>>().into();
            prop_assert!(count(document.to_string().as_bytes()) >= values(&document));
            prop_assert!(count(list.to_string().as_bytes()) <= values(&list) + 1);
        }
    }
}
