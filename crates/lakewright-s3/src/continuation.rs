//! The check that a listing in pages advances, so that it ends.

use lakewright_core::{Error, ErrorKind, Result};

/// The maximum number of pages in a row without a new entry. A server returns an empty page where
/// it skipped all that it looked at, such as delete markers, which may be many in a row.
const MAX_IDLE_PAGES: u32 = 1000;

/// Whether several entries of a listing may have the same key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keys {
    /// Objects, common prefixes and buckets.
    Unique,
    /// Versions and uploads.
    Repeated,
}

/// The part of a listing that was received.
#[derive(Clone, Debug)]
pub(super) struct Continuation {
    keys: Keys,
    /// The greatest key.
    last: Option<String>,
    /// The number of pages since the last one with a new entry.
    idle: u32,
    pages: u64,
    /// The position after the page whose number is the greatest power of two. A listing that goes in
    /// a circle returns to it, however long the circle is (Brent's algorithm).
    checkpoint: Option<String>,
}

impl Continuation {
    pub(super) const fn of(keys: Keys) -> Self {
        Self { keys, last: None, idle: 0, pages: 0, checkpoint: None }
    }

    /// Checks a page that has entries with these `keys` and after which the listing continues at
    /// `next`.
    ///
    /// # Errors
    /// `Corrupt` if the listing goes back in the order of keys, returns to a position, or has many
    /// pages without a new entry.
    pub(super) fn check<'a>(
        &mut self,
        keys: impl Iterator<Item = &'a str> + Clone,
        next: Option<&str>,
    ) -> Result<()> {
        let stuck = |why: &str| {
            let why = format!("the listing of the server does not advance: {why}");
            Err(Error::new(ErrorKind::Corrupt, why))
        };
        let (first, last) = (keys.clone().min(), keys.max());
        if first.zip(self.last.as_deref()).is_some_and(|(first, last)| first < last) {
            return stuck("a page has keys that come before those of the previous pages");
        }
        let is_new = match (last, &self.last) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(key), Some(before)) => self.keys == Keys::Repeated || key > before.as_str(),
        };
        self.idle = if is_new { 0 } else { self.idle + 1 };
        self.last = last.map(String::from).or(self.last.take());
        let Some(next) = next else { return Ok(()) };
        if self.idle > MAX_IDLE_PAGES {
            return stuck(&format!("{MAX_IDLE_PAGES} pages in a row had no new entry"));
        }
        if self.checkpoint.as_deref() == Some(next) {
            return stuck("it returns to an earlier position");
        }
        self.pages += 1;
        if self.pages.is_power_of_two() {
            self.checkpoint = Some(next.to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Checks pages until one is refused or `limit` were accepted, and returns their number.
    fn accepted(keys: Keys, limit: usize, page: impl Fn(usize) -> (Vec<String>, String)) -> usize {
        let mut continuation = Continuation::of(keys);
        (0..limit)
            .take_while(|number| {
                let (keys, next) = page(*number);
                let keys = keys.iter().map(String::as_str);
                match continuation.check(keys, Some(&next)) {
                    Ok(()) => true,
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::Corrupt);
                        false
                    }
                }
            })
            .count()
    }

    #[test]
    fn listings_that_advance_are_accepted() {
        let key = |number: usize| format!("{number:09}");
        let each = |number| (vec![key(2 * number), key(2 * number + 1)], key(number));
        assert_eq!(accepted(Keys::Unique, 5000, each), 5000);
        let versions = |number| (vec!["one".to_owned()], format!("one {number}"));
        assert_eq!(accepted(Keys::Repeated, 5000, versions), 5000);
        // A common prefix may be repeated at the border of two pages.
        let border = |number| (vec![key(number), key(number + 1)], key(number));
        assert_eq!(accepted(Keys::Unique, 5000, border), 5000);
    }

    #[test]
    fn listings_that_do_not_advance_are_refused() {
        let keys = || vec!["a".to_owned(), "b".to_owned()];
        assert_eq!(accepted(Keys::Repeated, 9, |_| (keys(), "same".into())), 1);
        assert_eq!(accepted(Keys::Unique, 9, |number| (keys(), number.to_string())), 1);
        let same = |number: usize| (vec!["a".to_owned()], number.to_string());
        assert_eq!(accepted(Keys::Unique, 5000, same), MAX_IDLE_PAGES as usize + 1);
        let empty = |number: usize| (Vec::new(), number.to_string());
        assert_eq!(accepted(Keys::Repeated, 5000, empty), MAX_IDLE_PAGES as usize);
    }

    proptest! {
        #[test]
        fn circles_are_refused(before in 0usize..50, length in 1usize..50) {
            let position = |number: usize| if number < before { number } else { before + (number - before) % length };
            let found = accepted(Keys::Repeated, 1000, |number| (vec!["k".into()], position(number).to_string()));
            prop_assert!(found <= 4 * (before + length), "{found}");
        }
    }
}
