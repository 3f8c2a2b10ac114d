use lakewright_macros::Builder;

#[derive(Builder)]
struct Command {
    #[builder(each = "arg", each = "argument")]
    args: Vec<String>,
    #[builder(each = "var")]
    #[builder(each = "env")]
    env: Vec<String>,
    #[builder(default = 1, default)]
    attempts: u8,
    #[builder(into, into)]
    name: String,
}

fn main() {}
