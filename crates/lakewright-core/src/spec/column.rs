//! Columns and the names of their types.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

use super::decode::{At, Decode, Fields, deserialize_as_decoded, hint, quoted};
use super::node::Node;

/// Deeper nesting is refused: a hostile type name must not exhaust the stack.
const DEEPEST: usize = 32;
/// A longer name of a type is refused: it is quoted in messages and kept in the registry.
const LONGEST: usize = 16 << 10;

/// Delta's names, and those of SQL that mean the same
/// (<https://github.com/delta-io/delta/blob/master/PROTOCOL.md#primitive-types>).
const PRIMITIVES: [(&str, &str); 16] = [
    ("long", "long"),
    ("bigint", "long"),
    ("integer", "integer"),
    ("int", "integer"),
    ("short", "short"),
    ("smallint", "short"),
    ("byte", "byte"),
    ("tinyint", "byte"),
    ("double", "double"),
    ("float", "float"),
    ("string", "string"),
    ("boolean", "boolean"),
    ("binary", "binary"),
    ("date", "date"),
    ("timestamp", "timestamp"),
    ("timestamp_ntz", "timestamp_ntz"),
];

/// The name of a column's type in Delta's words, in one way of writing: `long`,
/// `decimal(10,2)`, `array<string>`, `map<string,long>`, `struct<a:long,b:string>`.
///
/// ```
/// use lakewright_core::spec::ColumnType;
/// assert_eq!(ColumnType::new("MAP< string, bigint >")?.as_str(), "map<string,long>");
/// assert!(ColumnType::new("text").unwrap_err().to_string().contains("no type of Delta"));
/// # Ok::<(), lakewright_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct ColumnType(String);

impl ColumnType {
    /// Checks the name and writes it in Delta's way.
    ///
    /// # Errors
    /// `InvalidInput` with what is wrong with it.
    pub fn new(text: impl AsRef<str>) -> crate::Result<Self> {
        let text = text.as_ref();
        let parsed = if text.len() > LONGEST {
            Err(format!("it has {} bytes, and at most {LONGEST} are read", text.len()))
        } else {
            let mut parser = Parser { rest: text, out: String::new() };
            parser.whole().map(|()| parser.out)
        };
        parsed.map(Self).map_err(|why| {
            crate::Error::invalid_input(format!("{} is no type of a column: {why}", quoted(text)))
        })
    }

    /// The name in Delta's way.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Decode for ColumnType {
    fn decode(node: &Node, at: &mut At) -> Option<Self> {
        match node {
            Node::Text(text) => {
                Self::new(text).map_err(|error| at.fault(error.message().to_owned())).ok()
            }
            other => at.expected("the name of a type (like \"long\")", other),
        }
    }
}

deserialize_as_decoded!(ColumnType, "the name of a type");

/// Reads a name of a type and writes it anew.
struct Parser<'a> {
    rest: &'a str,
    out: String,
}

impl Parser<'_> {
    fn whole(&mut self) -> Result<(), String> {
        self.one(0)?;
        match self.rest.trim() {
            "" => Ok(()),
            rest => Err(format!("{} follows where it has ended", quoted(rest))),
        }
    }

    fn one(&mut self, depth: usize) -> Result<(), String> {
        if depth == DEEPEST {
            return Err(format!("it nests more than {DEEPEST} deep"));
        }
        let word = self.word().to_ascii_lowercase();
        if let Some((_, name)) = PRIMITIVES.iter().find(|(name, _)| *name == word) {
            self.out.push_str(name);
            return Ok(());
        }
        match &*word {
            "decimal" => self.decimal(),
            "array" => {
                self.punctuation('<', "array<")?;
                self.one(depth + 1)?;
                self.punctuation('>', ">")
            }
            "map" => {
                self.punctuation('<', "map<")?;
                self.one(depth + 1)?;
                self.punctuation(',', ",")?;
                self.one(depth + 1)?;
                self.punctuation('>', ">")
            }
            "struct" => self.fields(depth),
            "" => Err("the name of a type is missing".into()),
            other => {
                let names = PRIMITIVES.iter().map(|(name, _)| *name);
                Err(format!(
                    "{} is no type of Delta{}",
                    quoted(other),
                    match hint(other, names.chain(["decimal", "array", "map", "struct"])) {
                        meant if meant.is_empty() =>
                            "; there are long, integer, short, byte, double, float, string, \
                             boolean, binary, date, timestamp, timestamp_ntz, decimal(p,s), \
                             array<…>, map<…,…> and struct<name:…>"
                                .to_owned(),
                        meant => meant,
                    }
                ))
            }
        }
    }

    fn word(&mut self) -> String {
        let text = self.rest.trim_start();
        let end =
            text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len());
        let (word, rest) = text.split_at(end);
        self.rest = rest;
        word.to_owned()
    }

    /// Takes one sign and writes what it stands for.
    fn punctuation(&mut self, wanted: char, written: &str) -> Result<(), String> {
        match self.rest.trim_start().strip_prefix(wanted) {
            Some(rest) => {
                self.rest = rest;
                self.out.push_str(written);
                Ok(())
            }
            None if self.rest.trim().is_empty() => Err(format!("{wanted:?} is missing at its end")),
            None => Err(format!("{wanted:?} is missing before {}", quoted(self.rest.trim()))),
        }
    }

    fn decimal(&mut self) -> Result<(), String> {
        self.punctuation('(', "decimal(")?;
        let precision = self.word();
        self.out.push_str(&precision);
        self.punctuation(',', ",")?;
        let scale = self.word();
        self.out.push_str(&scale);
        self.punctuation(')', ")")?;
        match (precision.parse::<u8>(), scale.parse::<u8>()) {
            (Ok(p @ 1..=38), Ok(s)) if s <= p => Ok(()),
            _ => {
                Err("decimal(p,s) has a precision of 1 to 38 and a scale of 0 to the precision"
                    .into())
            }
        }
    }

    fn fields(&mut self, depth: usize) -> Result<(), String> {
        self.punctuation('<', "struct<")?;
        loop {
            let text = self.rest.trim_start();
            let end = text.find(':').ok_or("the fields of a struct are written name:type")?;
            let name = text[..end].trim().trim_matches('`');
            if name.is_empty() || name.contains(['<', '>', ',']) {
                return Err("the fields of a struct are written name:type".into());
            }
            self.out.push_str(name);
            self.out.push(':');
            self.rest = &text[end + 1..];
            self.one(depth + 1)?;
            match self.rest.trim_start().strip_prefix(',') {
                Some(rest) => {
                    self.rest = rest;
                    self.out.push(',');
                }
                None => return self.punctuation('>', ">"),
            }
        }
    }
}

/// A column: its name, its type, and whether it may be null.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
pub struct Column {
    /// Its name. Delta does not tell names apart that differ in case only.
    pub name: String,
    /// Delta's name of its type.
    #[serde(rename = "type")]
    #[schemars(with = "String")]
    pub data_type: ColumnType,
    /// Whether values may be missing; they may where nothing is said.
    #[serde(default = "yes")]
    pub nullable: bool,
}

const fn yes() -> bool {
    true
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let null = if self.nullable { "" } else { " not null" };
        write!(f, "{}: {}{null}", self.name, self.data_type)
    }
}

impl Decode for Column {
    fn decode(node: &Node, at: &mut At) -> Option<Self> {
        let fields = Fields::of(node, "a column", &["name", "type", "nullable"], at)?;
        let name = fields.take::<String>("name", at);
        let data_type = fields.take::<ColumnType>("type", at);
        let nullable = fields.take::<Option<bool>>("nullable", at);
        Some(Self { name: name?, data_type: data_type?, nullable: nullable?.unwrap_or(true) })
    }
}

deserialize_as_decoded!(Column, "a column");

/// The columns of a table in their order: a list of columns, or a map from names to types
/// (`{"day": "date not null"}`), which is taken in the order it is written in.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Columns(pub Vec<Column>);

impl Columns {
    /// The column of this name, as Delta looks for it: without regard to case.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Column> {
        self.0.iter().find(|column| same_name(&column.name, name))
    }
}

/// Whether Delta takes two names for one.
pub(crate) fn same_name(a: &str, b: &str) -> bool {
    a == b || a.to_lowercase() == b.to_lowercase()
}

fn without_not_null(text: &str) -> Option<&str> {
    let text = text.trim_end();
    let (front, back) = text.split_at_checked(text.len().checked_sub("not null".len())?)?;
    (back.eq_ignore_ascii_case("not null") && front.ends_with(char::is_whitespace)).then_some(front)
}

impl Decode for Columns {
    fn decode(node: &Node, at: &mut At) -> Option<Self> {
        let columns: Option<Vec<Column>> = match node {
            Node::List(_) => Vec::decode(node, at),
            Node::Map(entries) => {
                let columns: Vec<Option<Column>> = entries
                    .iter()
                    .map(|(name, node)| {
                        at.key(name, |at| {
                            let (data_type, nullable) = match node {
                                Node::Text(text) if without_not_null(text).is_some() => {
                                    let text = without_not_null(text).unwrap_or(text);
                                    (ColumnType::decode(&Node::Text(text.into()), at)?, false)
                                }
                                node => (ColumnType::decode(node, at)?, true),
                            };
                            Some(Column { name: name.clone(), data_type, nullable })
                        })
                    })
                    .collect();
                columns.into_iter().collect()
            }
            other => at.expected("columns (a map from names to types, or a list)", other),
        };
        columns.map(Self)
    }
}

deserialize_as_decoded!(Columns, "columns");

impl JsonSchema for Columns {
    fn schema_name() -> Cow<'static, str> {
        "Columns".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let column = generator.subschema_for::<Column>();
        json_schema!({
            "description": "Columns in their order: a map from names to Delta's names of types, or a list.",
            "oneOf": [
                { "type": "object", "additionalProperties": { "type": "string" } },
                { "type": "array", "items": column },
            ],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn written(text: &str) -> String {
        ColumnType::new(text).unwrap().as_str().to_owned()
    }

    #[test]
    fn types_have_one_way_of_writing() {
        assert_eq!(written(" BigInt "), "long");
        assert_eq!(written("decimal( 10 , 2 )"), "decimal(10,2)");
        assert_eq!(
            written("struct< a : array<int>, `b c`: map<string, struct<x:date>> >"),
            "struct<a:array<integer>,b c:map<string,struct<x:date>>>"
        );
    }

    #[test]
    fn what_is_no_type_is_told() {
        for (text, why) in [
            ("", "missing"),
            ("strng", "did you mean \"string\""),
            ("text", "there are long"),
            ("array<", "missing"),
            ("array<long", "'>' is missing at its end"),
            ("long>", "follows"),
            ("decimal(39,0)", "1 to 38"),
            ("decimal(5,6)", "1 to 38"),
            ("map<string>", "',' is missing"),
            ("struct<long>", "name:type"),
            (&"array<".repeat(100_000), "bytes"),
            (&"array<".repeat(1000), "32 deep"),
        ] {
            let error = ColumnType::new(text).unwrap_err().to_string();
            assert!(error.contains(why) && error.len() < 400, "{text:.20}: {error}");
        }
    }
}
