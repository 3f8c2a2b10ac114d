use lakewright_macros::Builder;

#[derive(Builder)]
struct Command {
    #[builder(default)]
    dir: Option<String>,
    #[builder(default = Some(1))]
    attempts: Option<u8>,
}

fn main() {}
