use lakewright_macros::Builder;

#[derive(Builder)]
#[builder(default)]
struct Command {
    #[builder(each = 1)]
    args: Vec<String>,
}

fn main() {}
