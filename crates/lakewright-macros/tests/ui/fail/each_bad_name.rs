use lakewright_macros::Builder;

#[derive(Builder)]
struct Command {
    #[builder(each = "")]
    a: Vec<String>,
    #[builder(each = "two words")]
    b: Vec<String>,
    #[builder(each = "1st")]
    c: Vec<String>,
    #[builder(each = "type")]
    d: Vec<String>,
    #[builder(each = "(")]
    e: Vec<String>,
    #[builder(each = "_")]
    f: Vec<String>,
    #[builder(each = " spaced")]
    g: Vec<String>,
    #[builder(each = "commented/* out */")]
    h: Vec<String>,
    #[builder(each = "r#self")]
    i: Vec<String>,
    #[builder(each = "suffixed"x)]
    j: Vec<String>,
}

fn main() {}
