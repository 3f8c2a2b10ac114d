use lakewright_macros::Builder;

#[derive(Builder)]
struct Command {
    #[builder(each = "executable")]
    args: Vec<String>,
    executable: String,
    #[builder(each = "one")]
    env: Vec<String>,
    #[builder(each = "one")]
    paths: Vec<String>,
    #[builder(each = "build")]
    steps: Vec<String>,
}

#[derive(Builder)]
struct Named {
    build: String,
}

#[derive(Builder)]
struct SameName {
    #[builder(each = "build")]
    build: Vec<String>,
}

fn main() {}
