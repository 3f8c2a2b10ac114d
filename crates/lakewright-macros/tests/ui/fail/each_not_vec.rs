use lakewright_macros::Builder;

#[derive(Builder)]
struct Command {
    #[builder(each = "letter")]
    name: String,
    #[builder(each = "arg")]
    args: Option<Vec<String>>,
    #[builder(default, each = "item")]
    items: mine::Vec<u8>,
    #[builder(each = "byte")]
    bytes: [u8; 2],
}

fn main() {}
