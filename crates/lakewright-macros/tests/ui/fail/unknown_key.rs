use lakewright_macros::Builder;

#[derive(Builder)]
struct Command {
    #[builder(eac = "arg")]
    args: Vec<String>,
    #[builder(default, skip, some::path(x, y))]
    env: Vec<String>,
}

fn main() {}
