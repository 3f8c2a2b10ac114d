//! Columns and the names of their types.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use super::decode::{At, Decode, Fields, deserialize_as_decoded, hint, quoted};
use super::node::Node;

/// The maximum depth of nested types: a hostile type name must not exhaust the stack.
const DEEPEST: usize = 32;
/// The maximum length of a type name in bytes: type names are stored in the registry.
const LONGEST: usize = 16 << 10;

/// The types without parameters, by Delta's names and by the equivalent names of SQL. The first
/// name of a type is the one that is written
/// (<https://github.com/delta-io/delta/blob/master/PROTOCOL.md#primitive-types>).
const PRIMITIVES: [(&str, ColumnType); 16] = [
    ("long", ColumnType::Long),
    ("bigint", ColumnType::Long),
    ("integer", ColumnType::Integer),
    ("int", ColumnType::Integer),
    ("short", ColumnType::Short),
    ("smallint", ColumnType::Short),
    ("byte", ColumnType::Byte),
    ("tinyint", ColumnType::Byte),
    ("double", ColumnType::Double),
    ("float", ColumnType::Float),
    ("string", ColumnType::String),
    ("boolean", ColumnType::Boolean),
    ("binary", ColumnType::Binary),
    ("date", ColumnType::Date),
    ("timestamp", ColumnType::Timestamp),
    ("timestamp_ntz", ColumnType::TimestampNtz),
];

/// The type of a column, as Delta has it. It is written by its name: `long`, `decimal(10,2)`,
/// `array<string>`, `map<string,long>`, `struct<a:long,b:string>` (nested types as Spark writes
/// them). The name of a field that contains one of `<`, `>`, `,` and `:` is written in backticks.
///
/// ```
/// use lakewright_core::spec::ColumnType;
/// assert_eq!(ColumnType::new("MAP< string, bigint >")?.to_string(), "map<string,long>");
/// assert!(ColumnType::new("text").unwrap_err().to_string().contains("no type of Delta"));
/// # Ok::<(), lakewright_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ColumnType {
    /// Signed integers of 64 bits.
    Long,
    /// Signed integers of 32 bits.
    Integer,
    /// Signed integers of 16 bits.
    Short,
    /// Signed integers of 8 bits.
    Byte,
    /// Floating-point numbers of 64 bits.
    Double,
    /// Floating-point numbers of 32 bits.
    Float,
    /// Text in UTF-8.
    String,
    /// The values true and false.
    Boolean,
    /// Sequences of bytes.
    Binary,
    /// Days of the calendar, without a time of day.
    Date,
    /// Points in time, in microseconds.
    Timestamp,
    /// Dates with a time of day and without a time zone, in microseconds.
    TimestampNtz,
    /// Decimal numbers.
    Decimal {
        /// The number of digits: 1 to 38.
        precision: u8,
        /// The number of digits after the point: 0 to the precision.
        scale: u8,
    },
    /// Lists of values of one type.
    Array(Box<Self>),
    /// Maps: the types of keys and of values.
    Map(Box<Self>, Box<Self>),
    /// Structs: the names and types of their fields.
    Struct(Vec<(String, Self)>),
}

impl ColumnType {
    /// Parses the name of a type.
    ///
    /// # Errors
    /// `InvalidInput` with the fault in the name.
    pub fn new(text: impl AsRef<str>) -> crate::Result<Self> {
        let text = text.as_ref();
        let parsed = if text.len() > LONGEST {
            Err(format!("it has {} bytes, and at most {LONGEST} are read", text.len()))
        } else {
            Parser { rest: text }.parse()
        };
        parsed.map_err(|why| {
            crate::Error::invalid_input(format!("{} is no type of a column: {why}", quoted(text)))
        })
    }

    /// Returns whether the type contains other types. A table cannot be partitioned by such a
    /// column.
    #[must_use]
    pub const fn is_nested(&self) -> bool {
        matches!(self, Self::Array(_) | Self::Map(..) | Self::Struct(_))
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decimal { precision, scale } => write!(f, "decimal({precision},{scale})"),
            Self::Array(element) => write!(f, "array<{element}>"),
            Self::Map(key, value) => write!(f, "map<{key},{value}>"),
            Self::Struct(fields) => {
                f.write_str("struct<")?;
                for (index, (name, data_type)) in fields.iter().enumerate() {
                    let comma = if index == 0 { "" } else { "," };
                    write!(f, "{comma}{}:{data_type}", field_name(name))?;
                }
                f.write_str(">")
            }
            primitive => {
                let name = PRIMITIVES.iter().find(|(_, known)| known == primitive);
                f.write_str(name.map_or("", |(name, _)| name))
            }
        }
    }
}

impl Serialize for ColumnType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Decode for ColumnType {
    fn decode(node: &Node, at: &mut At) -> Option<Self> {
        match node {
            Node::Text(text) => Self::new(text).map_err(|error| at.fault(error.message())).ok(),
            other => at.expected(TYPE_NAME, other),
        }
    }
}

const TYPE_NAME: &str = "the name of a type (like \"long\")";

deserialize_as_decoded!(ColumnType, "the name of a type");

/// A parser of the names of types.
struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    fn parse(mut self) -> Result<ColumnType, String> {
        let parsed = self.data_type(0)?;
        match self.rest.trim() {
            "" => Ok(parsed),
            rest => Err(format!("{} follows where it has ended", quoted(rest))),
        }
    }

    fn data_type(&mut self, depth: usize) -> Result<ColumnType, String> {
        if depth == DEEPEST {
            return Err(format!("it nests more than {DEEPEST} deep"));
        }
        let identifier = self.identifier().to_ascii_lowercase();
        if let Some((_, primitive)) = PRIMITIVES.iter().find(|(name, _)| *name == identifier) {
            return Ok(primitive.clone());
        }
        match &*identifier {
            "decimal" => self.decimal(),
            "array" => {
                self.expect('<')?;
                let element = self.data_type(depth + 1)?;
                self.expect('>')?;
                Ok(ColumnType::Array(element.into()))
            }
            "map" => {
                self.expect('<')?;
                let key = self.data_type(depth + 1)?;
                self.expect(',')?;
                let value = self.data_type(depth + 1)?;
                self.expect('>')?;
                Ok(ColumnType::Map(key.into(), value.into()))
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

    fn identifier(&mut self) -> String {
        let text = self.rest.trim_start();
        let end =
            text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len());
        let (identifier, rest) = text.split_at(end);
        self.rest = rest;
        identifier.to_owned()
    }

    /// Consumes one character, which must be `wanted`.
    fn expect(&mut self, wanted: char) -> Result<(), String> {
        match self.rest.trim_start().strip_prefix(wanted) {
            Some(rest) => {
                self.rest = rest;
                Ok(())
            }
            None if self.rest.trim().is_empty() => Err(format!("{wanted:?} is missing at its end")),
            None => Err(format!("{wanted:?} is missing before {}", quoted(self.rest.trim()))),
        }
    }

    fn decimal(&mut self) -> Result<ColumnType, String> {
        self.expect('(')?;
        let precision = self.identifier();
        self.expect(',')?;
        let scale = self.identifier();
        self.expect(')')?;
        match (precision.parse::<u8>(), scale.parse::<u8>()) {
            (Ok(precision @ 1..=38), Ok(scale)) if scale <= precision => {
                Ok(ColumnType::Decimal { precision, scale })
            }
            _ => {
                Err("decimal(p,s) has a precision of 1 to 38 and a scale of 0 to the precision"
                    .into())
            }
        }
    }

    fn field_name(&mut self) -> Result<String, String> {
        const FORM: &str = "the fields of a struct are written name:type, and `name`:type for a \
                            name with one of < > , : in it";
        let text = self.rest.trim_start();
        let (name, rest) = match text.strip_prefix('`') {
            None => {
                let (name, rest) = text.split_at(text.find(DELIMITERS).ok_or(FORM)?);
                (name.trim_end().to_owned(), rest)
            }
            Some(mut rest) => {
                let mut name = String::new();
                loop {
                    let (part, after) = rest.split_once('`').ok_or("a backtick is missing")?;
                    name.push_str(part);
                    // A doubled backtick stands for one in the name.
                    match after.strip_prefix('`') {
                        Some(after) => {
                            name.push('`');
                            rest = after;
                        }
                        None => break (name, after),
                    }
                }
            }
        };
        if name.is_empty() || !rest.trim_start().starts_with(':') {
            return Err(FORM.into());
        }
        self.rest = rest;
        Ok(name)
    }

    fn fields(&mut self, depth: usize) -> Result<ColumnType, String> {
        self.expect('<')?;
        let mut fields = Vec::new();
        loop {
            let name = self.field_name()?;
            self.expect(':')?;
            fields.push((name, self.data_type(depth + 1)?));
            match self.rest.trim_start().strip_prefix(',') {
                Some(rest) => self.rest = rest,
                None => {
                    self.expect('>')?;
                    return Ok(ColumnType::Struct(fields));
                }
            }
        }
    }
}

/// The characters that end the name of a field which is not in backticks.
const DELIMITERS: [char; 4] = ['<', '>', ',', ':'];

/// Returns the name of a field of a struct as [`ColumnType`] writes it: in backticks if it would
/// not be read back otherwise, with its own backticks doubled, as Spark writes them.
#[must_use]
pub fn field_name(name: &str) -> Cow<'_, str> {
    let plain = !name.starts_with('`') && name.trim() == name && !name.contains(DELIMITERS);
    if plain { name.into() } else { format!("`{}`", name.replace('`', "``")).into() }
}

/// A column: its name, its type, and whether its values may be null.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
pub struct Column {
    /// The name. Delta does not distinguish names that differ only in case.
    pub name: String,
    /// Delta's name of the type.
    #[serde(rename = "type")]
    #[schemars(with = "String")]
    pub data_type: ColumnType,
    /// Whether values may be null; the default is true.
    #[serde(default = "yes")]
    pub nullable: bool,
}

const fn yes() -> bool {
    true
}

impl Column {
    /// Parses a column: `type` or `type not null`.
    ///
    /// # Errors
    /// `InvalidInput` with the fault in the type.
    ///
    /// ```
    /// use lakewright_core::spec::Column;
    /// assert_eq!(Column::new("day", "date not null")?.to_string(), "day: date not null");
    /// # Ok::<(), lakewright_core::Error>(())
    /// ```
    pub fn new(name: impl Into<String>, text: &str) -> crate::Result<Self> {
        let data_type = ColumnType::new(without_not_null(text).unwrap_or(text))?;
        Ok(Self { name: name.into(), data_type, nullable: without_not_null(text).is_none() })
    }
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
/// (`{"day": "date not null"}`) whose order is kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Columns(pub Vec<Column>);

impl Columns {
    /// Returns the column of this name. Case is ignored, as Delta does.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Column> {
        self.0.iter().find(|column| same_name(&column.name, name))
    }
}

/// Returns whether two names are the same to Delta, which ignores case.
pub(crate) fn same_name(a: &str, b: &str) -> bool {
    a == b || a.to_lowercase() == b.to_lowercase()
}

/// Returns the type of `type not null`; `None` for a text without `not null`.
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
                            let Node::Text(text) = node else {
                                return at.expected(TYPE_NAME, node);
                            };
                            let column = Column::new(name, text);
                            column.map_err(|error| at.fault(error.message())).ok()
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
        ColumnType::new(text).unwrap().to_string()
    }

    #[test]
    fn a_type_has_one_name() {
        assert_eq!(written(" BigInt "), "long");
        assert_eq!(written("decimal( 10 , 2 )"), "decimal(10,2)");
        assert_eq!(
            written("struct< a : array<int>, `b c`: map<string, struct<x:date>> >"),
            "struct<a:array<integer>,b c:map<string,struct<x:date>>>"
        );
    }

    #[test]
    fn names_of_fields_are_written_in_backticks_where_they_need_them() {
        for (text, fields) in [
            ("struct<` c`:date>", vec![" c"]),
            ("struct<`a:b`:date,`x<y`:date,p`q:date>", vec!["a:b", "x<y", "p`q"]),
            ("struct<```a`:date,`b```:date>", vec!["`a", "b`"]),
        ] {
            let fields = fields.into_iter().map(|name| (name.to_owned(), ColumnType::Date));
            let parsed = ColumnType::new(text).unwrap();
            assert_eq!(parsed, ColumnType::Struct(fields.collect()));
            assert_eq!(ColumnType::new(parsed.to_string()).unwrap(), parsed);
        }
    }

    #[test]
    fn faults_in_a_type_are_named() {
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
            ("struct<:long>", "name:type"),
            ("struct<``:long>", "name:type"),
            ("struct<`a`b:long>", "name:type"),
            ("struct<`a:long>", "a backtick is missing"),
            (&"array<".repeat(100_000), "bytes"),
            (&"array<".repeat(1000), "32 deep"),
        ] {
            let error = ColumnType::new(text).unwrap_err().to_string();
            assert!(error.contains(why) && error.len() < 400, "{text:.20}: {error}");
        }
    }
}
