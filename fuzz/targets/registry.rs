//! `Registry::from_json`: an object in the store, and what an interrupted apply left in it.
#![no_main]

use lakewright_core::state::{Capabilities, Observed, Registry};

libfuzzer_sys::fuzz_target!(|json: &[u8]| {
    let Ok(registry) = Registry::from_json(json) else { return };
    let written = registry.to_json().expect("a registry that was read can be written");
    assert_eq!(Registry::from_json(&written).expect("what was written can be read"), registry);
    let recovered = registry.recovered(&Observed::nothing(Capabilities::MINIO));
    assert_eq!(recovered.pending().count(), 0, "a recovered registry has nothing pending");
});
