//! A parsed JSON document that keeps the order of keys. Duplicate keys are refused, and the size is
//! bounded.

use std::cell::Cell;
use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::json::{MAX_BYTES, MAX_VALUES};
use crate::{Error, ErrorKind, Result};

/// The maximum depth of nesting. A declaration needs 7 levels, a condition in a policy document 9.
const MAX_DEPTH: usize = 32;

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

impl Node {
    /// Reads a document.
    pub(crate) fn parse(json: &[u8]) -> Result<Self> {
        let invalid = |why: String| Error::new(ErrorKind::InvalidSpec, why);
        if json.len() > MAX_BYTES {
            return Err(invalid(format!(
                "the document has more than {MAX_BYTES} bytes, and larger ones are not read"
            )));
        }
        // Some editors write a byte order mark, which parsers may ignore (RFC 8259, section 8.1).
        let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
        let values = Cell::new(0);
        let mut reader = serde_json::Deserializer::from_slice(json);
        let node = Seed { values: &values, depth: 0 }
            .deserialize(&mut reader)
            .and_then(|node| reader.end().map(|()| node));
        node.map_err(|error| invalid(format!("the document cannot be read: {error}")))
    }

    /// Converts to serde_json's value, which does not keep the order of keys.
    pub(crate) fn to_value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(truth) => Value::Bool(*truth),
            Self::Number(number) => Value::Number(number.clone()),
            Self::Text(text) => Value::String(text.clone()),
            Self::List(items) => items.iter().map(Self::to_value).collect(),
            Self::Map(entries) => {
                let entries = entries.iter().map(|(key, value)| (key.clone(), value.to_value()));
                Value::Object(entries.collect::<Map<_, _>>())
            }
        }
    }

    /// Converts from serde_json's value.
    ///
    /// # Errors
    /// `InvalidSpec` when a bound is exceeded; the bounds are those of [`Self::parse`].
    pub(crate) fn from_value(value: &Value) -> Result<Self> {
        fn convert(value: &Value, depth: usize, values: &mut usize) -> Result<Node, String> {
            *values += 1;
            within(*values, depth)?;
            Ok(match value {
                Value::Null => Node::Null,
                Value::Bool(truth) => Node::Bool(*truth),
                Value::Number(number) => Node::Number(number.clone()),
                Value::String(text) => Node::Text(text.clone()),
                Value::Array(items) => Node::List(
                    items
                        .iter()
                        .map(|item| convert(item, depth + 1, values))
                        .collect::<Result<_, _>>()?,
                ),
                Value::Object(entries) => Node::Map(
                    entries
                        .iter()
                        .map(|(key, item)| Ok((key.clone(), convert(item, depth + 1, values)?)))
                        .collect::<Result<_, String>>()?,
                ),
            })
        }
        convert(value, 0, &mut 0).map_err(|why| Error::new(ErrorKind::InvalidSpec, why))
    }

    /// Returns the type of the value, for people, without the value, because it might be a secret.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "true or false",
            Self::Number(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }
}

fn within(values: usize, depth: usize) -> Result<(), String> {
    if values > MAX_VALUES {
        return Err(format!("it has more than {MAX_VALUES} values"));
    }
    if depth > MAX_DEPTH {
        return Err(format!("it nests more than {MAX_DEPTH} deep"));
    }
    Ok(())
}

struct Seed<'a> {
    values: &'a Cell<usize>,
    depth: usize,
}

impl<'a> Seed<'a> {
    fn below(&self) -> Seed<'a> {
        Seed { values: self.values, depth: self.depth + 1 }
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Node;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        self.values.set(self.values.get() + 1);
        within(self.values.get(), self.depth).map_err(D::Error::custom)?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Node, E> {
        Ok(Node::Bool(truth))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Node, E> {
        Ok(Node::Number(number.into()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Node, E> {
        Ok(Node::Number(number.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Node, E> {
        Number::from_f64(number).map(Node::Number).ok_or_else(|| E::custom("a number is too large"))
    }

    fn visit_str<E>(self, text: &str) -> Result<Node, E> {
        Ok(Node::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Node, E> {
        Ok(Node::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element_seed(self.below())? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        let mut seen = HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            if !seen.insert(key.clone()) {
                let shown: String = key.chars().take(60).collect();
                return Err(A::Error::custom(format!("the key {shown:?} stands twice in one map")));
            }
            entries.push((key, map.next_value_seed(self.below())?));
        }
        Ok(Node::Map(entries))
    }
}
