//! `Spec::from_json`: the declared document, in a file of the user or from Nix.
#![no_main]

use lakewright_core::Spec;

libfuzzer_sys::fuzz_target!(|json: &[u8]| {
    let Ok(spec) = Spec::from_json(json) else { return };
    let written = serde_json::to_vec(&spec).expect("a spec that was read can be written");
    assert_eq!(Spec::from_json(&written).expect("what was written can be read"), spec);
});
