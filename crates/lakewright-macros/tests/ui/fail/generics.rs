use lakewright_macros::Builder;

trait Fits {}

impl Fits for [u8; 2] {}

#[derive(Builder)]
struct Bound<'a, T: Copy, const N: usize>
where
    [T; N]: Fits,
{
    one: &'a T,
    all: Option<[T; N]>,
}

fn main() {
    let _ = Bound::<'_, u8, 2>::builder().one(&1).build();
    // The builder has the bounds of the struct.
    let _: BoundBuilder<'_, u8, 3>;
    let _: BoundBuilder<'_, String, 2>;
}
