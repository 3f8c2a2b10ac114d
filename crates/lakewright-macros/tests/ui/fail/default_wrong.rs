use lakewright_macros::Builder;

#[derive(Builder)]
struct WrongType {
    #[builder(default = "text")]
    a: u8,
}

#[derive(Builder)]
struct OutOfSight {
    a: u8,
    #[builder(default = self.a)]
    b: u8,
    #[builder(default = a)]
    c: u8,
    #[builder(default = value)]
    d: u8,
}

#[derive(Builder)]
struct Leaves {
    a: u8,
    #[builder(default = "1".parse().map_err(|_| error())?)]
    b: u8,
    #[builder(default = return Err(error()))]
    c: u8,
}

fn error() -> LeavesBuilderError {
    Leaves::builder().build().err().unwrap()
}

fn main() {}
