//! Computes a page of a listing, its keys and common prefixes, from anything that can be scanned
//! from a given key.
//!
//! A common prefix is found at its first key and then skipped with one seek, however many keys it
//! covers.

use std::ops::Bound;

/// The parameters of a listing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Walk<'q> {
    pub(crate) prefix: &'q str,
    /// A key that contains the delimiter after the prefix is listed as the common prefix up to its
    /// first occurrence. Empty for a listing without common prefixes.
    pub(crate) delimiter: &'q str,
    /// Only keys and common prefixes that sort after this are listed.
    pub(crate) after: Option<&'q str>,
    /// Largest number of keys and common prefixes of a page together.
    pub(crate) limit: usize,
}

/// One entry of a listing.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Entry<V> {
    Key(String, V),
    Prefix(String),
}

impl<V> Entry<V> {
    /// Returns the name after which the next page begins.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Key(name, _) | Self::Prefix(name) => name,
        }
    }
}

/// A page of a listing.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Page<V> {
    pub(crate) entries: Vec<Entry<V>>,
    /// Whether more entries follow.
    pub(crate) truncated: bool,
}

/// Computes a page. `scan` starts at a key and returns keys in the order of their bytes; `value`
/// converts an entry and is called only for those that are listed.
pub(crate) fn walk<I, R, V, E>(
    query: &Walk<'_>,
    mut scan: impl FnMut(Bound<&[u8]>) -> Result<I, E>,
    mut value: impl FnMut(R) -> Result<V, E>,
) -> Result<Page<V>, E>
where
    I: Iterator<Item = Result<(Vec<u8>, R), E>>,
{
    let mut page = Page { entries: Vec::new(), truncated: false };
    if query.limit == 0 {
        return Ok(page); // As S3: a truncated empty page would make the client repeat the request for ever.
    }
    let prefix = query.prefix.as_bytes();
    let after = query.after.map(str::as_bytes);
    let mut entries = match after {
        Some(after) if after >= prefix => match skip_target(query, after) {
            Some(from) => scan(Bound::Included(&from))?,
            None => scan(Bound::Excluded(after))?,
        },
        _ => scan(Bound::Included(prefix))?,
    };
    while let Some(entry) = entries.next() {
        let (key, raw) = entry?;
        if !key.starts_with(prefix) {
            break;
        }
        if page.entries.len() == query.limit {
            page.truncated = true;
            break;
        }
        match common_prefix(query, &key) {
            None => page.entries.push(Entry::Key(text(&key), value(raw)?)),
            Some(common) => {
                page.entries.push(Entry::Prefix(text(common)));
                entries = scan(Bound::Included(&successor(common)))?;
            }
        }
    }
    Ok(page)
}

/// Keys are stored as UTF-8 and returned unchanged; a damaged index must not cause a panic.
fn text(key: &[u8]) -> String {
    String::from_utf8_lossy(key).into_owned()
}

/// Returns the common prefix of the key, if it has one.
fn common_prefix<'k>(query: &Walk<'_>, key: &'k [u8]) -> Option<&'k [u8]> {
    let delimiter = query.delimiter.as_bytes();
    if delimiter.is_empty() {
        return None;
    }
    let rest = key.get(query.prefix.len()..)?;
    let at = rest.windows(delimiter.len()).position(|window| window == delimiter)?;
    key.get(..query.prefix.len() + at + delimiter.len())
}

/// Returns where to continue when `after` is a common prefix or lies within one: that prefix does
/// not sort after itself, so neither it nor its keys may be listed (again).
fn skip_target(query: &Walk<'_>, after: &[u8]) -> Option<Vec<u8>> {
    if !after.starts_with(query.prefix.as_bytes()) {
        return None;
    }
    common_prefix(query, after).map(successor)
}

/// Returns the first byte string after all that begin with `prefix`. UTF-8 has no byte 0xff, so the
/// last byte can be incremented.
fn successor(prefix: &[u8]) -> Vec<u8> {
    let mut next = prefix.to_vec();
    if let Some(last) = next.last_mut() {
        *last = last.saturating_add(1);
    }
    next
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::cell::Cell;
    use std::collections::{BTreeMap, BTreeSet};
    use std::convert::Infallible;

    type Keys = BTreeMap<Vec<u8>, usize>;

    fn page(keys: &Keys, query: &Walk<'_>, scanned: &Cell<usize>) -> Page<usize> {
        let scan = |from: Bound<&[u8]>| {
            let entries: Vec<_> = keys
                .range((from.map(<[u8]>::to_vec), Bound::Unbounded))
                .map(|(key, value)| (key.clone(), *value))
                .collect();
            let entries = entries.into_iter().inspect(|_| scanned.set(scanned.get() + 1));
            Ok::<_, Infallible>(entries.map(Ok))
        };
        walk(query, scan, Ok).unwrap()
    }

    /// S3's definition of a listing, implemented without optimisations.
    fn naive(keys: &Keys, query: &Walk<'_>) -> Vec<String> {
        let names: BTreeSet<String> = keys
            .keys()
            .map(|key| String::from_utf8(key.clone()).unwrap())
            .filter(|key| key.starts_with(query.prefix))
            .map(|key| {
                let rest = &key[query.prefix.len()..];
                match rest.find(query.delimiter) {
                    Some(at) if !query.delimiter.is_empty() => {
                        key[..query.prefix.len() + at + query.delimiter.len()].to_owned()
                    }
                    _ => key,
                }
            })
            .collect();
        names
            .into_iter()
            .filter(|name| query.after.is_none_or(|after| name.as_str() > after))
            .collect()
    }

    fn names(page: &Page<usize>) -> Vec<String> {
        page.entries.iter().map(|entry| entry.name().to_owned()).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn all_pages_together_equal_the_listing(
            keys in prop::collection::btree_set("[ab/\u{0}\u{7f}é]{1,5}", 0..25),
            prefix in "[ab/é]{0,2}",
            delimiter in "(|/|//|a|é)",
            after in prop::option::of("[ab/é]{0,4}"),
            limit in 1..6_usize,
        ) {
            let keys: Keys = keys.into_iter().map(String::into_bytes).zip(0..).collect();
            let all = Walk { prefix: &prefix, delimiter: &delimiter, after: after.as_deref(), limit };
            let expected = naive(&keys, &all);
            let mut got = Vec::new();
            let mut after = after.clone();
            loop {
                let query = Walk { after: after.as_deref(), ..all };
                let page = page(&keys, &query, &Cell::new(0));
                prop_assert!(page.entries.len() <= limit);
                got.extend(names(&page));
                if !page.truncated {
                    break;
                }
                prop_assert_eq!(page.entries.len(), limit);
                after = got.last().cloned();
            }
            prop_assert_eq!(got, expected);
        }
    }

    #[test]
    fn common_prefixes_are_skipped() {
        let keys: Keys =
            (0..1000).map(|n| (format!("{}/{n:03}", n / 100).into_bytes(), n)).collect();
        let scanned = Cell::new(0);
        let query = Walk { delimiter: "/", limit: 1000, ..Walk::default() };
        let page = page(&keys, &query, &scanned);
        assert_eq!(page.entries.len(), 10);
        assert!(scanned.get() <= 20, "{} entries were scanned", scanned.get());
    }

    #[test]
    fn a_listing_limited_to_zero_keys_is_not_truncated() {
        let keys: Keys = [(b"a".to_vec(), 0)].into();
        let page = page(&keys, &Walk::default(), &Cell::new(0));
        assert_eq!((page.entries.len(), page.truncated), (0, false));
    }
}
