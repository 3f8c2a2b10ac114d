use lakewright_macros::Builder;

#[derive(Builder)]
#[allow(non_camel_case_types)]
struct r#struct(u8);

#[derive(Builder)]
enum Never {}

#[derive(Builder)]
struct Empty();

#[derive(Builder)]
enum Variants {
    Named {
        #[builder(default)]
        a: u8,
    },
}

fn main() {}
