//! The strictest crate: nothing that is generated may trip a lint.

#![deny(warnings, future_incompatible, nonstandard_style, unused, rust_2018_idioms)]
#![deny(missing_docs, missing_debug_implementations, unreachable_pub, unused_qualifications)]
#![deny(unnameable_types, unused_results, single_use_lifetimes)]
#![forbid(unsafe_code)]

mod inner {
    use lakewright_macros::Builder;

    /// Never built: unused setters do not warn.
    #[derive(Debug, Builder)]
    #[allow(dead_code)] // of the fields here, not of what is generated
    pub(crate) struct Unused<'a, T> {
        first: &'a str,
        second: Option<T>,
    }

    /// Reachable from outside, with fields of private types.
    #[derive(Debug, Builder)]
    #[allow(dead_code, non_snake_case)] // of the fields here, not of what is generated
    pub struct Public {
        odd_Name: u8,
        #[deprecated]
        old: Option<u8>,
        private: Private,
        #[builder(default, each = "one")]
        many: Vec<Private>,
        #[builder(default = Option2(None))]
        complex: Option2<Box<dyn Fn(&str) -> Result<Vec<u8>, std::fmt::Error> + Send>>,
        from_here: bool,
        into_there: bool,
        is_new: bool,
    }

    /// A private type.
    #[derive(Debug)]
    struct Private;

    /// Holds what has no `Debug`.
    struct Option2<T>(Option<T>);

    impl<T> std::fmt::Debug for Option2<T> {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(if self.0.is_some() { "set" } else { "unset" })
        }
    }
}

pub use inner::Public;

fn main() {
    let mut builder = Public::builder();
    // A setter's return value may be dropped.
    let _ = builder.odd_Name(1);
    let _ = builder.build();
}
