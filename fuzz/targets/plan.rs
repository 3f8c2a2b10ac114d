//! `Plan::from_json`: a plan file.
#![no_main]

use lakewright_core::Plan;

libfuzzer_sys::fuzz_target!(|json: &[u8]| {
    let Ok(plan) = Plan::from_json(json) else { return };
    let written = plan.to_json().expect("a plan that was read can be written");
    assert_eq!(Plan::from_json(written.as_bytes()).expect("what was written can be read"), plan);
});
