//! The strictest lint settings, under which the generated code must produce no warning.

#![deny(warnings, future_incompatible, nonstandard_style, unused, rust_2018_idioms)]
#![deny(missing_docs, missing_debug_implementations, unreachable_pub, unused_qualifications)]
#![deny(unnameable_types, unused_results, single_use_lifetimes)]
#![forbid(unsafe_code)]

mod inner {
    use lakewright_macros::Builder;

    /// A builder that is never used: its setters must not cause warnings.
    #[derive(Debug, Builder)]
    #[allow(dead_code)] // Applies to the fields, not to the generated code.
    pub(crate) struct Unused<'a, T> {
        first: &'a str,
        second: Option<T>,
    }

    /// A public type with fields of private types.
    #[derive(Debug, Builder)]
    #[allow(dead_code, non_snake_case)] // Applies to the fields, not to the generated code.
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

    /// A wrapper for types without `Debug`.
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
    // The return value of a setter may be ignored.
    let _ = builder.odd_Name(1);
    let _ = builder.build();
}
