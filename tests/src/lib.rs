//! The test kit: servers on free ports, unique buckets, and the suites that every server must
//! pass.
//!
//! | variable | meaning |
//! |---|---|
//! | `LAKEWRIGHT_TEST_MINIO` | the MinIO binary |
//! | `LAKEWRIGHT_TEST_MC` | MinIO's client, the second judge of what was set |
//! | `LAKEWRIGHT_TEST_PYTHON` | a Python that has minio-py, the judge of the admin API |
//! | `LAKEWRIGHT_TEST_S3_URL` | another server to test instead, with `LAKEWRIGHT_TEST_ACCESS_KEY_ID` and `LAKEWRIGHT_TEST_SECRET_ACCESS_KEY` |
//! | `LAKEWRIGHT_TEST_REQUIRE` | what must not be missing: `minio`, `embedded`, … separated by commas |

// What clippy.toml allows in a test, allowed in the kit of the tests.
#![allow(clippy::expect_used, clippy::panic, clippy::print_stderr, clippy::unwrap_used)]

pub mod careless;
pub mod command;
pub mod conformance;
pub mod mc;
pub mod proxy;
pub mod server;
pub mod webhook;

pub use command::Command;
pub use mc::Mc;
pub use server::{Server, servers};
