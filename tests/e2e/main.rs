//! The end-to-end tests. One binary, since each one links DataFusion: a new subject is a new
//! module here, never a new `[[test]]`.

// what `clippy.toml` allows in a `#[test]`, allowed in the helpers beside it
#![allow(clippy::expect_used, clippy::panic, clippy::print_stderr, clippy::unwrap_used)]

mod admin;
mod bucket_config;
mod conformance;
mod declared;
mod failures;
mod kit;
mod layers;
