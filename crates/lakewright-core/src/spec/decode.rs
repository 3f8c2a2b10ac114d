//! Reads JSON into typed values and reports every fault in it at once, each with its path.
//!
//! serde's derived readers stop at the first fault and know no paths. Here one declaration of a
//! struct ([`declared!`]) gives the type, its JSON Schema and a reader that goes on after a fault.
//! The checks of values that are made in code report their faults to the same [`At`].

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::node::Node;
use crate::{Error, ErrorKind};

/// The maximum number of faults that are kept; further ones are only counted, because a hostile
/// spec has millions.
const MAX_FAULTS: usize = 100;
/// The maximum number of names that a misspelt one is compared with.
const MAX_CANDIDATES: usize = 1000;
/// The maximum number of characters of a text from the spec that a message quotes.
const QUOTED_CHARS: usize = 60;

/// The place in a value that is being read or checked, and the faults found so far.
#[derive(Debug)]
pub struct At {
    /// The kind of error that a fault becomes.
    kind: ErrorKind,
    path: Vec<Step>,
    faults: Vec<Error>,
    dropped: usize,
}

#[derive(Clone, Debug)]
enum Step {
    Key(String),
    Index(usize),
}

/// Creates the root of a spec.
impl Default for At {
    fn default() -> Self {
        Self::new(ErrorKind::InvalidSpec)
    }
}

impl At {
    /// Creates the root of a value whose faults are errors of this kind.
    pub(crate) fn new(kind: ErrorKind) -> Self {
        Self { kind, path: Vec::new(), faults: Vec::new(), dropped: 0 }
    }

    /// Runs `work` at the value of a key.
    pub(crate) fn key<T>(&mut self, key: &str, work: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(Step::Key(key.to_owned()));
        let done = work(self);
        self.path.pop();
        done
    }

    /// Runs `work` at an item of a list.
    pub(crate) fn index<T>(&mut self, index: usize, work: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(Step::Index(index));
        let done = work(self);
        self.path.pop();
        done
    }

    /// Reports a fault at this place.
    pub(crate) fn fault(&mut self, why: impl Into<String>) {
        if self.faults.len() == MAX_FAULTS {
            self.dropped += 1;
            return;
        }
        let error = Error::new(self.kind, why);
        let path = self.path();
        self.faults.push(if path.is_empty() { error } else { error.on(path) });
    }

    /// Reports a fault whose message takes time to make. The message is made only for faults that
    /// are kept, so a hostile spec cannot cause much work.
    pub(crate) fn costly_fault(&mut self, why: impl FnOnce() -> String) {
        if self.faults.len() == MAX_FAULTS {
            self.dropped += 1;
        } else {
            self.fault(why());
        }
    }

    /// Reports a value of the wrong type. The message names the type and never the value.
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

    /// Returns whether no fault was found.
    pub(crate) fn is_clean(&self) -> bool {
        self.faults.is_empty()
    }

    /// Returns the faults that are kept, each with its path as the resource.
    pub(crate) fn into_faults(self) -> Vec<Error> {
        self.faults
    }

    /// Converts the faults to one error. The error of a single fault has its path as the resource;
    /// the error of several quotes the first, and [`Error::failures`] has each.
    pub(crate) fn into_error(self, what: &str) -> Error {
        let Self { kind, mut faults, dropped, .. } = self;
        let total = faults.len() + dropped;
        if total == 1
            && let Some(only) = faults.pop()
        {
            return only;
        }
        let first = faults.first().map(ToString::to_string).unwrap_or_default();
        if dropped > 0 {
            let more = format!("{dropped} more faults are not listed");
            faults.push(Error::new(kind, more));
        }
        let message = format!("{total} things are wrong with {what}; the first: {first}");
        Error::new(kind, message).with_failures(faults)
    }

    /// Returns `value` if no fault was found. The error's message names the path, because the
    /// resource of a verb's error is the bucket.
    pub(crate) fn finish<T>(self, value: Option<T>, what: &str) -> crate::Result<T> {
        match value {
            Some(value) if self.is_clean() => Ok(value),
            _ => {
                let kind = self.kind;
                let error = self.into_error(what);
                let failures = error.failures().iter().map(Error::without_source).collect();
                Err(Error::new(kind, error.to_string()).with_failures(failures))
            }
        }
    }
}

fn is_plain(key: &str) -> bool {
    !key.is_empty()
        && key.len() <= QUOTED_CHARS
        && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
}

/// Quotes a text from the spec for a message: escaped and of bounded length.
pub(crate) fn quoted(text: &str) -> String {
    let mut shown: String = text.chars().take(QUOTED_CHARS).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    format!("{shown:?}")
}

/// Formats alternatives as `"a", "b" or "c"`.
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

/// Returns the known name that is most like the misspelt one.
pub(crate) fn did_you_mean<'a>(
    word: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    // The time of a comparison is the product of both lengths, so the text is shortened.
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

/// Returns `; did you mean "x"?`, or an empty text if no known name is similar.
pub(crate) fn hint<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    did_you_mean(word, known).map(|meant| format!("; did you mean {meant:?}?")).unwrap_or_default()
}

/// A type that can be read from JSON.
pub trait Decode: Sized {
    /// Reads the value. Returns `None` and reports at least one fault if the value is invalid.
    fn decode(node: &Node, at: &mut At) -> Option<Self>;

    /// Returns the value of a field that is left out; `None` if the field is required.
    fn absent() -> Option<Self> {
        None
    }

    /// Returns whether the value equals that of a field that is left out, so that it is not
    /// written.
    fn is_absent(&self) -> bool {
        false
    }
}

/// The entries of a map whose keys are fields.
pub(crate) struct Fields<'n> {
    entries: &'n [(String, Node)],
}

impl<'n> Fields<'n> {
    /// Takes a map and reports each key that is not a known field.
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
                    Some(meant) => format!("did you mean {meant:?}?"),
                    None => format!("there are {}", known.join(", ")),
                };
                format!("{what} has no such field; {hint}")
            };
            at.key(key, |at| at.costly_fault(why));
        }
        Some(Self { entries })
    }

    /// Returns the value of a field, before it is read.
    pub(crate) fn get(&self, name: &str) -> Option<&'n Node> {
        self.entries.iter().find(|(key, _)| key == name).map(|(_, node)| node)
    }

    /// Reads a field. `null` is read as a field that is left out, because Nix writes `null` there.
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

/// Declares a struct of the spec: the type, its JSON Schema and its reader. Fields that are
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
                // All fields are read before `?`, so that the faults of all are reported.
                $( let $field = fields.take::<$ty>(stringify!($field), at); )*
                Some(Self { $( $field: $field? ),* })
            }
        }

        crate::spec::decode::deserialize_as_decoded!($name, $what);
    };
}
pub(crate) use declared;

/// Declares an enum whose variants are written as texts.
macro_rules! text_enum {
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
            /// Every value, in the order of declaration.
            pub const ALL: &[Self] = &[$( Self::$variant ),*];

            /// Returns the text of the value in JSON and on the command line.
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
pub(crate) use text_enum;

/// Implements `Deserialize` by [`Decode`], so that a plan or a registry is read by the same rules.
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

/// Reads a value that is in memory, or returns all its faults.
pub(crate) fn decode_value<T: Decode>(value: &serde_json::Value, what: &str) -> crate::Result<T> {
    decode_node(&Node::from_value(value)?, what)
}

/// Reads a complete document, or returns all its faults.
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

macro_rules! decode_whole_numbers {
    ($($number:ty),*) => { $(
        impl Decode for $number {
            fn decode(node: &Node, at: &mut At) -> Option<Self> {
                let expected = "a whole number";
                match node {
                    Node::Number(number) => match number.as_u64().map(Self::try_from) {
                        Some(Ok(number)) => Some(number),
                        _ => {
                            at.fault(format!(
                                "{expected} from 0 to {} is expected here",
                                Self::MAX
                            ));
                            None
                        }
                    },
                    other => at.expected(expected, other),
                }
            }
        }
    )* };
}
decode_whole_numbers!(u32, u64);

/// Accepts any JSON. The form of a policy document is checked later, by `crate::policy`.
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

/// A type that can be the key of a map. Keys are checked like any value.
pub(crate) trait Key: Ord + Sized {
    /// Reads the key, or returns why it cannot be one.
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

    /// Returns an empty map. Where an empty map differs from a field that is left out, the field is
    /// an `Option`.
    fn absent() -> Option<Self> {
        Some(Self::new())
    }

    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

/// Implements [`Decode`] and [`Key`] for names that a constructor checks.
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
                // No valid name is longer, and the constructor's message would quote the name.
                if text.len() > 2048 {
                    return Err(format!("{} of {} bytes is too long", $expected, text.len()));
                }
                <$name>::new(text).map_err(|error| error.message().to_owned())
            }
        }
    )* };
}
pub(crate) use decode_by_new;
