//! An entry point for fuzzing: a function that takes any bytes and must neither panic nor use
//! unbounded memory. A property test calls it here, and a fuzzer can.

use crate::bucket_config::{BucketSetting, ObservedBucket, SettingVisitor, Subresource};
use crate::plan::Plan;
use crate::spec::Spec;
use crate::state::{Reading, Registry};

/// Reads the bytes as a spec, a plan, a registry and each setting of a bucket.
pub fn documents(bytes: &[u8]) {
    drop(Spec::from_json(bytes));
    drop(Plan::from_json(bytes));
    drop(Registry::from_json(bytes));
    let text = String::from_utf8_lossy(bytes);
    for setting in BucketSetting::SETTINGS {
        setting.visit(ReadSetting(&text));
    }
}

struct ReadSetting<'a>(&'a str);

impl SettingVisitor for ReadSetting<'_> {
    type Output = ();

    fn contents(self) {}

    fn quota(self) {}

    fn s3<S: Subresource + Send + Sync + 'static>(self, _: fn(&mut ObservedBucket, Reading<S>)) {
        drop(S::from_body(self.0));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            super::documents(&bytes);
        }

        #[test]
        fn texts_like_documents_are_read_without_a_panic(
            text in "\\{\"version\":1,(\"(stack|serial|resources|buckets|users|tables|steps|lease|declared|since|kind)\":|[{}\\[\\],]|\"[a-z/.]{0,4}\"|null|[0-9]{1,3}){0,20}\\}"
        ) {
            super::documents(text.as_bytes());
        }
    }
}
