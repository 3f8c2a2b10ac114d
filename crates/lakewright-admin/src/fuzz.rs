//! An entry point for fuzzing, see `lakewright_client::fuzz`.

use lakewright_client::fuzz::{SECRET, client_of_response};
use lakewright_core::{BucketName, Error, ErrorKind, Result, Secret};

use crate::Admin;
use crate::payload::{Suite, decrypt, encrypt};

/// Reads the bytes as the response to every request of this crate that has one: as they are,
/// encrypted, and as an encrypted payload.
///
/// # Errors
/// Those of the encryption, and of the runtime.
pub fn responses(bytes: &[u8]) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Error::new(ErrorKind::Internal, error.to_string()))?;
    let sealed = encrypt(Suite::Pbkdf2Aes, SECRET, bytes)?;
    for (status, body) in [(200, bytes), (200, &*sealed), (403, bytes)] {
        let admin = Admin::new(&client_of_response(status, body)?);
        runtime.block_on(async {
            if body.len() == sealed.len() {
                drop(admin.list_users().await);
                drop(admin.list_service_accounts().await);
                drop(admin.service_account_info("account").await);
                return;
            }
            drop(admin.list_groups().await);
            drop(admin.list_policies().await);
            drop(admin.group_info("group").await);
            drop(admin.user_info("user").await);
            drop(admin.server_info().await);
            drop(admin.policy_entities().await);
            drop(admin.export_bucket_metadata().await);
            if let Ok(bucket) = BucketName::new("bucket") {
                drop(admin.bucket_quota(&bucket).await);
            }
            drop(admin.verify_secret("user", &Secret::new("secret")).await);
        });
    }
    // Other key derivations take 70 ms and 64 MiB for each payload.
    let mut payload = bytes.to_vec();
    if let Some(suite) = payload.get_mut(32) {
        *suite = Suite::Pbkdf2Aes as u8;
    }
    drop(decrypt(SECRET, &payload));
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            super::responses(&bytes).unwrap();
        }

        #[test]
        fn texts_like_json_are_read_without_a_panic(
            text in "([{}\\[\\]:,]|\"(status|policyName|memberOf|members|quota|accounts|secretKey|mode|[a-z]{0,3})\"|null|true|-?[0-9.e]{1,20}){0,20}"
        ) {
            super::responses(text.as_bytes()).unwrap();
        }
    }
}
