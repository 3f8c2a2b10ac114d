use lakewright_macros::Builder;

#[derive(Builder)]
struct Borrowing<'a> {
    #[builder(each = "one")]
    many: Vec<&'a str>,
}

fn main() {
    let mut builder = Borrowing::builder();
    {
        let short = String::from("gone");
        builder.one(&short);
    }
    let _ = builder.build();
}
