mod inner {
    use lakewright_macros::Builder;

    #[derive(Builder)]
    struct Private {
        a: u8,
    }

    pub mod deep {
        use lakewright_macros::Builder;

        #[derive(Builder)]
        pub(super) struct OfTheParent {
            pub a: u8,
        }
    }

    #[derive(Builder)]
    pub struct Open {
        #[builder(each = "one")]
        many: Vec<u8>,
    }

    pub fn parent_may() {
        let _ = deep::OfTheParent::builder().a(1).build();
        let _ = Private::builder().a(1).build();
    }
}

fn main() {
    inner::parent_may();
    let _ = inner::Private::builder();
    let _ = inner::deep::OfTheParent::builder();
    let _ = inner::Open::builder().one(1).many(vec![]).build();
    // The builder's fields are private.
    let _ = inner::Open::builder().many;
}
