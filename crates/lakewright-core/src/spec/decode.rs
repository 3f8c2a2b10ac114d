//! From a document to typed values, with everything that is wrong with it told at once.
//!
//! serde's derived readers stop at the first fault and know no paths. Here one declaration of a
//! struct ([`declared!`]) gives the type, its JSON Schema and a reader that goes on after a fault.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::node::Node;
use crate::{Error, ErrorKind};

/// More faults than this are counted, not kept: nobody reads them, and a hostile document has
/// millions.
const MAX_FAULTS: usize = 100;
/// Names that a misspelt one is compared with, at most.
const MAX_CANDIDATES: usize = 1000;
/// Characters of a text from the document that a message quotes.
const QUOTED_CHARS: usize = 60;

/// Where we are in the document, and what was found wrong so far.
#[derive(Debug, Default)]
pub(crate) struct At {
    path: Vec<Step>,
    faults: Vec<Error>,
    dropped: usize,
}

#[derive(Clone, Debug)]
enum Step {
    Key(String),
    Index(usize),
}

impl At {
    /// Goes one key down.
    pub(crate) fn key<T>(&mut self, key: &str, work: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(Step::Key(key.to_owned()));
        let done = work(self);
        self.path.pop();
        done
    }

    /// Goes to an item of a list.
    pub(crate) fn index<T>(&mut self, index: usize, work: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(Step::Index(index));
        let done = work(self);
        self.path.pop();
        done
    }

    /// Something is wrong here.
    pub(crate) fn fault(&mut self, why: impl Into<String>) {
        if self.faults.len() == MAX_FAULTS {
            self.dropped += 1;
            return;
        }
        let error = Error::new(ErrorKind::InvalidSpec, why);
        let path = self.path();
        self.faults.push(if path.is_empty() { error } else { error.on(path) });
    }

    /// Something is wrong here, and saying what costs time: a hostile document pays for the
    /// faults that are kept only.
    pub(crate) fn costly_fault(&mut self, why: impl FnOnce() -> String) {
        if self.faults.len() == MAX_FAULTS {
            self.dropped += 1;
        } else {
            self.fault(why());
        }
    }

    /// A value is of the wrong type. Says which type it has, never the value.
    pub(crate) fn expected<T>(&mut self, expected: &str, found: &Node) -> Option<T> {
        self.fault(format!("{expected} is expected here, and {} was found", found.kind()));
        None
    }

    fn path(&self) -> String {
        let mut text = String::new();
        for step in &self.path {
            // Writing to a String cannot fail.
            let _ = match step {
                Step::Index(index) => write!(text, "[{index}]"),
                Step::Key(key) if is_plain(key) && text.is_empty() => write!(text, "{key}"),
                Step::Key(key) if is_plain(key) => write!(text, ".{key}"),
                Step::Key(key) => write!(text, "[{}]", quoted(key)),
            };
        }
        text
    }

    /// Whether anything was found wrong.
    pub(crate) fn is_clean(&self) -> bool {
        self.faults.is_empty()
    }

    /// All faults as one error, the first of them quoted.
    pub(crate) fn into_error(self, what: &str) -> Error {
        let Self { mut faults, dropped, .. } = self;
        let total = faults.len() + dropped;
        if total == 1
            && let Some(only) = faults.pop()
        {
            return only;
        }
        let first = faults.first().map(ToString::to_string).unwrap_or_default();
        if dropped > 0 {
            let more = format!("{dropped} more faults are not listed");
            faults.push(Error::new(ErrorKind::InvalidSpec, more));
        }
        let message = format!("{total} things are wrong with {what}; the first: {first}");
        Error::new(ErrorKind::InvalidSpec, message).with_failures(faults)
    }
}

fn is_plain(key: &str) -> bool {
    !key.is_empty()
        && key.len() <= QUOTED_CHARS
        && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
}

/// Text from the document for a message: quoted, escaped, of bounded length.
pub(crate) fn quoted(text: &str) -> String {
    let mut shown: String = text.chars().take(QUOTED_CHARS).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    format!("{shown:?}")
}

/// `"a", "b" or "c"`.
pub(crate) fn one_of(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [only] => format!("{only:?}"),
        [first @ .., last] => {
            let first: Vec<String> = first.iter().map(|word| format!("{word:?}")).collect();
            format!("{} or {last:?}", first.join(", "))
        }
    }
}

/// The word that was probably meant.
pub(crate) fn did_you_mean<'a>(
    word: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    // Comparing costs the product of both lengths.
    let word: String = word.chars().take(QUOTED_CHARS).collect::<String>().to_lowercase();
    known
        .into_iter()
        .take(MAX_CANDIDATES)
        .map(|candidate| {
            (strsim::normalized_damerau_levenshtein(&word, &candidate.to_lowercase()), candidate)
        })
        .filter(|(likeness, _)| *likeness >= 0.6)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, candidate)| candidate)
}

/// `; did you mean "x"?`, or nothing.
pub(crate) fn hint<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    did_you_mean(word, known).map(|meant| format!("; did you mean {meant:?}?")).unwrap_or_default()
}

/// What can be read from a document.
pub(crate) trait Decode: Sized {
    /// The value, or nothing and at least one fault.
    fn decode(node: &Node, at: &mut At) -> Option<Self>;

    /// The value where the document says nothing; none if it must say something.
    fn absent() -> Option<Self> {
        None
    }

    /// Whether writing nothing says the same.
    fn is_absent(&self) -> bool {
        false
    }
}

/// S3's word for a rule that people bring along from there.
fn is_abort_rule(key: &str) -> bool {
    let letters: String = key.chars().take(80).filter(char::is_ascii_alphabetic).collect();
    letters.to_ascii_lowercase().starts_with("abortincompletemultipart")
}

/// The entries of a map whose keys are fields.
pub(crate) struct Fields<'n> {
    entries: &'n [(String, Node)],
}

impl<'n> Fields<'n> {
    /// Takes a map and reports keys that are no fields of it.
    pub(crate) fn of(node: &'n Node, what: &str, known: &[&str], at: &mut At) -> Option<Self> {
        let Node::Map(entries) = node else {
            return at.expected(&format!("{what} (a map)"), node);
        };
        for (key, _) in entries {
            if known.contains(&key.as_str()) {
                continue;
            }
            let why = || {
                let hint = match did_you_mean(key, known.iter().copied()) {
                    _ if is_abort_rule(key) => "MinIO has no rule for them: it clears incomplete \
                                                uploads away by itself, after 24 hours unless \
                                                configured otherwise"
                        .to_owned(),
                    Some(meant) => format!("did you mean {meant:?}?"),
                    None => format!("there are {}", known.join(", ")),
                };
                format!("{what} has no such field; {hint}")
            };
            at.key(key, |at| at.costly_fault(why));
        }
        Some(Self { entries })
    }

    /// The field as it is written.
    pub(crate) fn get(&self, name: &str) -> Option<&'n Node> {
        self.entries.iter().find(|(key, _)| key == name).map(|(_, node)| node)
    }

    /// Reads a field. `null` is as good as nothing, which is how Nix says it.
    pub(crate) fn take<T: Decode>(&self, name: &str, at: &mut At) -> Option<T> {
        match self.get(name) {
            None | Some(Node::Null) => {
                let absent = T::absent();
                if absent.is_none() {
                    at.fault(format!("the field {name:?} is missing"));
                }
                absent
            }
            Some(node) => at.key(name, |at| T::decode(node, at)),
        }
    }
}

/// Declares a struct of the document: the type, its schema, its reader. Fields that are
/// [`Decode::is_absent`] are not written.
macro_rules! declared {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident($what:literal) {
            $( $(#[$field_meta:meta])* pub $field:ident: $ty:ty, )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields)]
        $vis struct $name {
            $(
                $(#[$field_meta])*
                #[serde(skip_serializing_if = "crate::spec::decode::Decode::is_absent")]
                pub $field: $ty,
            )*
        }

        impl crate::spec::decode::Decode for $name {
            fn decode(
                node: &crate::spec::node::Node,
                at: &mut crate::spec::decode::At,
            ) -> Option<Self> {
                const KNOWN: &[&str] = &[$(stringify!($field)),*];
                let fields = crate::spec::decode::Fields::of(node, $what, KNOWN, at)?;
                // All fields are read before the first missing one ends it.
                $( let $field = fields.take::<$ty>(stringify!($field), at); )*
                Some(Self { $( $field: $field? ),* })
            }
        }

        crate::spec::decode::deserialize_as_decoded!($name, $what);
    };
}
pub(crate) use declared;

/// Declares an enum of words.
macro_rules! words {
    (
        $(#[$meta:meta])*
        pub enum $name:ident($what:literal) { $( $(#[$variant_meta:meta])* $variant:ident = $word:literal, )* }
    ) => {
        $(#[$meta])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash,
            serde::Serialize, schemars::JsonSchema,
        )]
        pub enum $name {
            $( $(#[$variant_meta])* #[serde(rename = $word)] $variant, )*
        }

        impl $name {
            /// The word that documents use.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $word, )* }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl crate::spec::decode::Decode for $name {
            fn decode(
                node: &crate::spec::node::Node,
                at: &mut crate::spec::decode::At,
            ) -> Option<Self> {
                const KNOWN: &[&str] = &[$($word),*];
                let expected = || format!("{} ({})", $what, crate::spec::decode::one_of(KNOWN));
                match node {
                    $( crate::spec::node::Node::Text(text) if text == $word => Some(Self::$variant), )*
                    crate::spec::node::Node::Text(text) => {
                        at.fault(format!(
                            "{} is expected here, and {} was found{}",
                            expected(),
                            crate::spec::decode::quoted(text),
                            crate::spec::decode::hint(text, KNOWN.iter().copied()),
                        ));
                        None
                    }
                    other => at.expected(&expected(), other),
                }
            }
        }

        crate::spec::decode::deserialize_as_decoded!($name, $what);
    };
}
pub(crate) use words;

/// serde's reader of a type is its own: a plan or registry is read by the same rules.
macro_rules! deserialize_as_decoded {
    ($name:ty, $what:literal) => {
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
                let value = serde_json::Value::deserialize(reader)?;
                crate::spec::decode::decode_value(&value, $what).map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use deserialize_as_decoded;

/// Reads a value that is in memory.
pub(crate) fn decode_value<T: Decode>(value: &serde_json::Value, what: &str) -> crate::Result<T> {
    decode_node(&Node::from_value(value)?, what)
}

/// Reads a whole node: the value, or all its faults.
pub(crate) fn decode_node<T: Decode>(node: &Node, what: &str) -> crate::Result<T> {
    let mut at = At::default();
    match T::decode(node, &mut at) {
        Some(value) if at.is_clean() => Ok(value),
        _ => Err(at.into_error(what)),
    }
}

impl Decode for bool {
    fn decode(node: &Node, at: &mut At) -> Option<Self> {
        match node {
            Node::Bool(truth) => Some(*truth),
            other => at.expected("true or false", other),
        }
    }

    fn absent() -> Option<Self> {
        Some(false)
    }

    fn is_absent(&self) -> bool {
        !self
    }
}

impl Decode for String {
    fn decode(node: &Node, at: &mut At) -> Option<Self> {
        match node {
            Node::Text(text) => Some(text.clone()),
            other => at.expected("a text", other),
        }
    }
}

impl Decode for u32 {
    fn decode(node: &Node, at: &mut At) -> Option<Self> {
        let expected = "a whole number";
        match node {
            Node::Number(number) => match number.as_u64().map(Self::try_from) {
                Some(Ok(number)) => Some(number),
                _ => {
                    at.fault(format!("{expected} from 0 to {} is expected here", Self::MAX));
                    None
                }
            },
            other => at.expected(expected, other),
        }
    }
}

/// Any JSON: a policy document is looked at later, by who knows policies.
impl Decode for serde_json::Value {
    fn decode(node: &Node, _: &mut At) -> Option<Self> {
        Some(node.to_value())
    }
}

impl<T: Decode> Decode for Option<T> {
    fn decode(node: &Node, at: &mut At) -> Option<Self> {
        match node {
            Node::Null => Some(None),
            node => T::decode(node, at).map(Some),
        }
    }

    fn absent() -> Option<Self> {
        Some(None)
    }

    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl<T: Decode> Decode for Vec<T> {
    fn decode(node: &Node, at: &mut At) -> Option<Self> {
        let Node::List(items) = node else { return at.expected("a list", node) };
        let read: Vec<Option<T>> = items
            .iter()
            .enumerate()
            .map(|(index, item)| at.index(index, |at| T::decode(item, at)))
            .collect();
        read.into_iter().collect()
    }
}

/// What may be the key of a map: checked like any value.
pub(crate) trait Key: Ord + Sized {
    /// The key, or why it cannot be one.
    fn from_key(text: &str) -> Result<Self, String>;
}

impl Key for String {
    fn from_key(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }
}

impl<K: Key, V: Decode> Decode for BTreeMap<K, V> {
    fn decode(node: &Node, at: &mut At) -> Option<Self> {
        let Node::Map(entries) = node else { return at.expected("a map", node) };
        let mut map = Self::new();
        let mut whole = true;
        for (text, value) in entries {
            at.key(text, |at| {
                let key = K::from_key(text).map_err(|why| at.fault(why));
                let value = V::decode(value, at);
                let (Ok(key), Some(value)) = (key, value) else {
                    whole = false;
                    return;
                };
                if map.insert(key, value).is_some() {
                    at.fault("the same name stands here twice, written in two ways");
                }
            });
        }
        whole.then_some(map)
    }

    /// An empty map of resources says nothing. Where "none of these" is something to say, the
    /// field is an `Option`.
    fn absent() -> Option<Self> {
        Some(Self::new())
    }

    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

/// Names that are checked by a constructor read as text and may be keys.
macro_rules! decode_by_new {
    ($($name:ty: $expected:literal),* $(,)?) => { $(
        impl crate::spec::decode::Decode for $name {
            fn decode(
                node: &crate::spec::node::Node,
                at: &mut crate::spec::decode::At,
            ) -> Option<Self> {
                match node {
                    crate::spec::node::Node::Text(text) => {
                        match <Self as crate::spec::decode::Key>::from_key(text) {
                            Ok(name) => Some(name),
                            Err(why) => { at.fault(why); None }
                        }
                    }
                    other => at.expected($expected, other),
                }
            }
        }

        impl crate::spec::decode::Key for $name {
            fn from_key(text: &str) -> Result<Self, String> {
                // No name is longer than this, and the message quotes it.
                if text.len() > 2048 {
                    return Err(format!("{} of {} bytes is too long", $expected, text.len()));
                }
                <$name>::new(text).map_err(|error| error.message().to_owned())
            }
        }
    )* };
}
pub(crate) use decode_by_new;
