use lakewright_macros::Builder;

struct NoDefault;

#[derive(Builder)]
struct Command {
    #[builder(default)]
    a: NoDefault,
}

fn main() {}
