use lakewright_macros::Builder;

#[derive(Builder)]
enum Color {
    Red,
}

#[derive(Builder)]
union Either {
    a: u8,
    b: i8,
}

#[derive(Builder)]
struct Tuple(String, u8);

#[derive(Builder)]
struct Unit;

fn main() {}
