//! Listing: which keys and common prefixes a page has, over anything that can be scanned from a
//! key onwards.
//!
//! A common prefix is found with its first key and then stepped over with one seek, however many
//! keys it stands for.

use std::ops::Bound;

/// What to list.
#[derive(Clone, Debug, Default)]
pub(crate) struct Walk<'q> {
    pub(crate) prefix: &'q str,
    /// Keys that go on after the prefix are cut behind its first occurrence. Empty: none are.
    pub(crate) delimiter: &'q str,
    /// Only what sorts after this, keys and common prefixes alike.
    pub(crate) after: Option<&'q str>,
    /// Keys and common prefixes of a page together.
    pub(crate) limit: usize,
}

/// One line of a listing.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Found<V> {
    Key(String, V),
    Prefix(String),
}

impl<V> Found<V> {
    /// What a next page goes on after.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Key(name, _) | Self::Prefix(name) => name,
        }
    }
}

/// A page of a listing.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Page<V> {
    pub(crate) found: Vec<Found<V>>,
    /// Whether there is more.
    pub(crate) truncated: bool,
}

/// Lists. `scan` begins at a key and yields keys in the order of their bytes; `value` makes what
/// the caller wants of an entry that is shown, so that those which are not cost nothing.
pub(crate) fn walk<I, R, V, E>(
    query: &Walk<'_>,
    mut scan: impl FnMut(Bound<&[u8]>) -> Result<I, E>,
    mut value: impl FnMut(R) -> Result<V, E>,
) -> Result<Page<V>, E>
where
    I: Iterator<Item = Result<(Vec<u8>, R), E>>,
{
    let mut page = Page { found: Vec::new(), truncated: false };
    if query.limit == 0 {
        return Ok(page); // as S3: not truncated, or the client would ask for ever
    }
    let prefix = query.prefix.as_bytes();
    let after = query.after.map(str::as_bytes);
    let mut entries = match after {
        Some(after) if after >= prefix => match over(query, after) {
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
        if page.found.len() == query.limit {
            page.truncated = true;
            break;
        }
        match common_prefix(query, &key) {
            None => page.found.push(Found::Key(text(&key), value(raw)?)),
            Some(common) => {
                page.found.push(Found::Prefix(text(common)));
                entries = scan(Bound::Included(&successor(common)))?;
            }
        }
    }
    Ok(page)
}

/// Keys went in as UTF-8 and come out unchanged; an index that was tampered with must not panic.
fn text(key: &[u8]) -> String {
    String::from_utf8_lossy(key).into_owned()
}

/// The common prefix that stands for the key, if one does.
fn common_prefix<'k>(query: &Walk<'_>, key: &'k [u8]) -> Option<&'k [u8]> {
    let delimiter = query.delimiter.as_bytes();
    if delimiter.is_empty() {
        return None;
    }
    let rest = key.get(query.prefix.len()..)?;
    let at = rest.windows(delimiter.len()).position(|window| window == delimiter)?;
    key.get(..query.prefix.len() + at + delimiter.len())
}

/// Where to go on when `after` is, or lies within, a common prefix: that prefix does not sort
/// after it and must not be shown (again), and neither may what it stands for.
fn over(query: &Walk<'_>, after: &[u8]) -> Option<Vec<u8>> {
    if !after.starts_with(query.prefix.as_bytes()) {
        return None;
    }
    common_prefix(query, after).map(successor)
}

/// The first byte string after all that begin with `prefix`. UTF-8 has no byte 0xff, so the last
/// byte can be counted up.
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

    fn page(keys: &Keys, query: &Walk<'_>, seen: &Cell<usize>) -> Page<usize> {
        let scan = |from: Bound<&[u8]>| {
            let entries: Vec<_> = keys
                .range((from.map(<[u8]>::to_vec), Bound::Unbounded))
                .map(|(key, value)| (key.clone(), *value))
                .collect();
            let entries = entries.into_iter().inspect(|_| seen.set(seen.get() + 1));
            Ok::<_, Infallible>(entries.map(Ok))
        };
        walk(query, scan, Ok).unwrap()
    }

    /// S3's definition, without any thought for speed.
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
        page.found.iter().map(|found| found.name().to_owned()).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn pages_together_are_the_listing(
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
                prop_assert!(page.found.len() <= limit);
                got.extend(names(&page));
                if !page.truncated {
                    break;
                }
                prop_assert_eq!(page.found.len(), limit);
                after = got.last().cloned();
            }
            prop_assert_eq!(got, expected);
        }
    }

    #[test]
    fn common_prefixes_are_stepped_over() {
        let keys: Keys =
            (0..1000).map(|n| (format!("{}/{n:03}", n / 100).into_bytes(), n)).collect();
        let seen = Cell::new(0);
        let query = Walk { delimiter: "/", limit: 1000, ..Walk::default() };
        let page = page(&keys, &query, &seen);
        assert_eq!(page.found.len(), 10);
        assert!(seen.get() <= 20, "{} entries were looked at", seen.get());
    }

    #[test]
    fn no_keys_asked_for_is_a_whole_listing() {
        let keys: Keys = [(b"a".to_vec(), 0)].into();
        let page = page(&keys, &Walk::default(), &Cell::new(0));
        assert_eq!((page.found.len(), page.truncated), (0, false));
    }
}
