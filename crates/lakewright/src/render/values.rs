//! The changes of a field as lines of text.

use std::collections::BTreeSet;

use lakewright_core::plan::Change;
use lakewright_core::printable;
use serde_json::{Map, Value};

use super::number::size;

/// The maximum length of a value, in characters. Longer values are truncated; JSON output has all
/// of them.
const LONGEST: usize = 400;

/// One line: a field, or a part of one, with its old and its new value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) field: String,
    pub(super) old: Option<String>,
    pub(super) new: Option<String>,
}

/// Returns the lines of a change. Objects and lists are split into the parts that differ.
pub(super) fn lines(change: &Change) -> Vec<Line> {
    let mut lines = Vec::new();
    let field = path(&change.field);
    let (old, new) = (change.old.as_ref(), change.new.as_ref());
    differ(&field, old, new, &mut lines);
    // Lists with the same items in another order have no differing part, but are different values.
    if lines.is_empty() && old != new {
        lines.push(line(&field, old, new));
    }
    lines
}

/// Escapes the name of a field, because users choose the names of properties and constraints.
fn path(field: &str) -> String {
    printable(field).into_owned()
}

/// Returns the path of a part of a field.
fn part(field: &str, key: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '/' | ':' | '.');
    if !key.is_empty() && key.chars().all(plain) {
        format!("{field}.{key}")
    } else {
        format!("{field}[{}]", quoted(key))
    }
}

/// Appends the lines in which two values differ.
fn differ(field: &str, old: Option<&Value>, new: Option<&Value>, out: &mut Vec<Line>) {
    if old == new {
        return;
    }
    let no_fields = Map::new();
    match (old, new) {
        (Some(Value::Object(_)) | None, Some(Value::Object(_)))
        | (Some(Value::Object(_)), None)
            if ![old, new].into_iter().flatten().any(|value| column(value).is_some()) =>
        {
            let fields = |value: Option<&'_ Value>| value.and_then(Value::as_object).cloned();
            let (old, new) = (fields(old), fields(new));
            let empty = [&old, &new].into_iter().flatten().all(Map::is_empty);
            if empty {
                out.push(line(
                    field,
                    old.map(Value::Object).as_ref(),
                    new.map(Value::Object).as_ref(),
                ));
                return;
            }
            let (old, new) =
                (old.as_ref().unwrap_or(&no_fields), new.as_ref().unwrap_or(&no_fields));
            let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            for key in keys {
                differ(&part(field, key), old.get(key), new.get(key), out);
            }
        }
        (Some(Value::Array(_)) | None, Some(Value::Array(_))) | (Some(Value::Array(_)), None) => {
            let items = |value: Option<&Value>| -> Vec<Value> {
                value.and_then(Value::as_array).cloned().unwrap_or_default()
            };
            lists(field, &items(old), &items(new), out);
        }
        _ => out.push(line(field, old, new)),
    }
}

/// Appends the lines in which two lists differ: by item for lists of named items, otherwise the
/// items that only one of the lists contains.
fn lists(field: &str, old: &[Value], new: &[Value], out: &mut Vec<Line>) {
    if let (Some(old), Some(new)) = (named(old), named(new)) {
        let mut keys: Vec<&str> = old.iter().map(|(key, _)| *key).collect();
        keys.extend(
            new.iter().map(|(key, _)| *key).filter(|key| !keys.contains(key)).collect::<Vec<_>>(),
        );
        let find = |list: &[(&str, &Value)], key: &str| {
            list.iter().find(|(name, _)| *name == key).map(|(_, value)| (*value).clone())
        };
        for key in keys {
            let (mut before, mut after) = (find(&old, key), find(&new, key));
            // The path already contains the name.
            for value in [&mut before, &mut after].into_iter().flatten() {
                if let Value::Object(fields) = value
                    && fields.len() > 1
                    && !fields.contains_key("type")
                {
                    NAMES.iter().for_each(|name| {
                        fields.remove(*name);
                    });
                    // Servers return the default `enabled: true`, which specs leave out.
                    if field == "lifecycle" && fields.get("enabled") == Some(&Value::Bool(true)) {
                        fields.remove("enabled");
                    }
                }
            }
            differ(&part(field, key), before.as_ref(), after.as_ref(), out);
        }
        return;
    }
    // Items that both lists contain, with the same multiplicity, are unchanged.
    let mut added: Vec<&Value> = new.iter().collect();
    let mut removed = Vec::new();
    for value in old {
        match added.iter().position(|other| *other == value) {
            Some(index) => {
                added.remove(index);
            }
            None => removed.push(value),
        }
    }
    if removed.is_empty() && added.is_empty() {
        let value = |list: &[Value]| Some(Value::Array(list.to_vec()));
        out.push(line(field, value(old).as_ref(), value(new).as_ref()));
        return;
    }
    out.extend(removed.into_iter().map(|value| line(field, Some(value), None)));
    out.extend(added.into_iter().map(|value| line(field, None, Some(value))));
}

/// The fields that name an item of a list: `id` of rules and notifications, `Sid` of policy
/// statements, `name` of columns.
const NAMES: [&str; 3] = ["id", "Sid", "name"];

/// Returns the items of a list with their names, if every item has a unique name.
fn named(list: &[Value]) -> Option<Vec<(&str, &Value)>> {
    let mut seen = BTreeSet::new();
    list.iter()
        .map(|value| {
            let name = NAMES.iter().find_map(|name| value.get(name)?.as_str())?;
            (!name.is_empty() && seen.insert(name)).then_some((name, value))
        })
        .collect()
}

/// Returns the text of a column: `date`, `long not null`; `None` if the value is not a column.
fn column(value: &Value) -> Option<String> {
    let fields = value.as_object()?;
    let kind = fields.get("type")?.as_str()?;
    fields.get("name")?.as_str()?;
    let mut text = printable(kind).into_owned();
    for (field, value) in fields {
        match (field.as_str(), value) {
            ("name" | "type", _) | ("nullable", Value::Bool(true)) => {}
            ("nullable", Value::Bool(false)) => text += " not null",
            (_, value) => text += &format!(", {}: {}", printable(field), plain(value)),
        }
    }
    Some(text)
}

/// Returns one line for a whole value.
fn line(field: &str, old: Option<&Value>, new: Option<&Value>) -> Line {
    let shown = |value: &Value| match (field, value) {
        // The exact number is what the server stores; the rounded one is easier to read.
        ("quota", Value::Number(bytes)) => bytes
            .as_u64()
            .map_or_else(|| plain(value), |bytes| format!("{} ({bytes} B)", size(bytes))),
        _ => column(value).unwrap_or_else(|| plain(value)),
    };
    Line { field: field.to_owned(), old: old.map(shown), new: new.map(shown) }
}

/// Returns a value on one line. Text is quoted unless it cannot be confused with another value.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => {
            let unambiguous = !text.is_empty()
                && text.trim() == text
                && !text.starts_with(['"', '{', '['])
                && !["none", "null", "true", "false"].contains(&text.as_str())
                && text.parse::<f64>().is_err()
                && printable(text) == *text;
            if unambiguous { truncate(text) } else { quoted(text) }
        }
        other => truncate(&printable(&other.to_string())),
    }
}

/// Returns text in quotes, with control characters escaped.
pub(super) fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", truncate(&printable(&text)))
}

/// Truncates text to [`LONGEST`] characters.
fn truncate(text: &str) -> String {
    let length = text.chars().count();
    if length <= LONGEST {
        return text.to_owned();
    }
    let head: String = text.chars().take(LONGEST).collect();
    format!("{head}… ({length} characters)")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn shown(field: &str, old: Value, new: Value) -> Vec<String> {
        let some = |value: Value| Some(value).filter(|value| !value.is_null());
        let change = Change { field: field.into(), old: some(old), new: some(new) };
        let text = |value: Option<String>| value.unwrap_or_else(|| "-".into());
        lines(&change)
            .into_iter()
            .map(|line| format!("{}: {} > {}", line.field, text(line.old), text(line.new)))
            .collect()
    }

    #[test]
    fn objects_are_split_into_the_parts_that_differ() {
        assert_eq!(
            shown("tags", json!({"a": "1", "b": "x", "c d": "y"}), json!({"a": "1", "b": "z"})),
            ["tags.b: x > z", "tags[\"c d\"]: y > -"]
        );
        assert_eq!(shown("tags", Value::Null, json!({})), ["tags: - > {}"]);
        assert_eq!(
            shown(
                "lifecycle",
                json!([{"id": "tmp", "enabled": true, "expire_after_days": 7, "prefix": "tmp/"}, {"id": "old"}]),
                json!([{"id": "tmp", "expire_after_days": 9, "prefix": "tmp/"}, {"id": "new", "expire_after_days": 1}]),
            ),
            [
                "lifecycle.tmp.expire_after_days: 7 > 9",
                "lifecycle.old.id: old > -",
                "lifecycle.new.expire_after_days: - > 1"
            ]
        );
        assert_eq!(
            shown(
                "lifecycle",
                json!([{"id": "a"}, {"id": "b"}]),
                json!([{"id": "b"}, {"id": "a"}])
            ),
            [r#"lifecycle: [{"id":"a"},{"id":"b"}] > [{"id":"b"},{"id":"a"}]"#]
        );
        assert_eq!(
            shown("policies", json!(["a", "b"]), json!(["b", "c"])),
            ["policies: a > -", "policies: - > c"]
        );
        // The same items in another order are a different value.
        assert_eq!(
            shown("partition_by", json!(["a", "b"]), json!(["b", "a"])),
            ["partition_by: [\"a\",\"b\"] > [\"b\",\"a\"]"]
        );
        assert_eq!(
            shown(
                "schema",
                Value::Null,
                json!([{"name": "day", "type": "date"}, {"name": "n", "type": "long", "nullable": false}])
            ),
            ["schema.day: - > date", "schema.n: - > long not null"]
        );
    }

    #[test]
    fn values_are_unambiguous() {
        assert_eq!(
            shown("quota", Value::Null, json!(10_737_418_240_u64)),
            ["quota: - > 10.0 GiB (10737418240 B)"]
        );
        for (value, text) in [
            (json!("plain text"), "plain text"),
            (json!(" edge"), "\" edge\""),
            (json!(""), "\"\""),
            (json!("true"), "\"true\""),
            (json!("12"), "\"12\""),
            (json!("{\"a\""), "\"{\\\"a\\\"\""),
            (json!(12), "12"),
            (json!("\u{1b}[2J\u{202e}x"), "\"\\u{1b}[2J\\u{202e}x\""),
        ] {
            assert_eq!(plain(&value), text);
        }
        let long = plain(&json!("x".repeat(5000)));
        assert!(long.len() < 500 && long.ends_with("… (5000 characters)"), "{long}");
        assert_eq!(shown("properties.a\nb", Value::Null, json!("v")), ["properties.a\\nb: - > v"]);
    }

    fn json_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            let map = proptest::collection::hash_map(any::<String>(), inner.clone(), 0..4);
            prop_oneof![
                proptest::collection::vec(inner, 0..4).prop_map(Value::from),
                map.prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_value_stays_on_its_line(
            field in any::<String>(),
            old in proptest::option::of(json_value()),
            new in proptest::option::of(json_value()),
        ) {
            let differs = old != new;
            let lines = lines(&Change { field, old, new });
            prop_assert_eq!(lines.is_empty(), !differs);
            for Line { field, old, new } in lines {
                for text in [Some(field), old, new].into_iter().flatten() {
                    prop_assert_eq!(&*printable(&text), &text);
                }
            }
        }
    }
}
