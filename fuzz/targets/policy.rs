//! Policy documents: the checks, the comparison and the form for servers.
#![no_main]

use lakewright_core::bucket_config::check_policy;
use lakewright_core::policy::{for_server, same};

libfuzzer_sys::fuzz_target!(|json: &[u8]| {
    let Ok(document) = serde_json::from_slice(json) else { return };
    let valid = check_policy(&document).is_ok();
    let sent = for_server(&document);
    assert!(!valid || same(&document, &sent), "the form for servers has the same meaning");
});
