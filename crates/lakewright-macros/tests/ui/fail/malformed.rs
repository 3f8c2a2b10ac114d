use lakewright_macros::Builder;

#[derive(Builder)]
struct Command {
    #[builder]
    a: Vec<String>,
    #[builder = "each"]
    b: Vec<String>,
    #[builder(each)]
    c: Vec<String>,
    #[builder(each("x"))]
    d: Vec<String>,
    #[builder(each = x)]
    e: Vec<String>,
    #[builder(each = 1)]
    f: Vec<String>,
    #[builder(each =)]
    g: Vec<String>,
    #[builder(default(1))]
    h: u8,
    #[builder(default = )]
    i: u8,
    #[builder("each")]
    j: Vec<String>,
    #[builder(default each = "x")]
    k: Vec<String>,
    #[builder(into = "x")]
    l: String,
}

fn main() {}
