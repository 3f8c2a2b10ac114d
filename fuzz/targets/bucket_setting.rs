//! `Subresource::from_body` of every setting of a bucket: the body of a response of S3.
#![no_main]

use lakewright_core::bucket_config::{BucketSetting, ObservedBucket, SettingVisitor, Subresource};
use lakewright_core::state::Reading;

struct Read<'a>(&'a str);

impl SettingVisitor for Read<'_> {
    type Output = ();

    fn contents(self) {}

    fn quota(self) {}

    fn s3<S: Subresource>(self, _: fn(&mut ObservedBucket, Reading<S>)) {
        let Ok(setting) = S::from_body(self.0) else { return };
        let Some(written) = setting.to_body() else { return };
        let again = S::from_body(&written).expect("what was written can be read");
        assert_eq!(again.to_body().as_ref(), Some(&written));
        if let Ok(value) = setting.into_value() {
            let _ = S::from_declared_value(&value).expect("a value can be declared").check_value();
        }
    }
}

libfuzzer_sys::fuzz_target!(|body: &str| {
    for setting in BucketSetting::SETTINGS {
        setting.visit(Read(body));
    }
});
