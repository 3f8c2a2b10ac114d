//! `get_encryption`, `set_encryption`, `delete_encryption`

use aws_sdk_s3::types::{
    ServerSideEncryption, ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration,
    ServerSideEncryptionRule,
};
use lakewright_core::bucket_config::Encryption;
use lakewright_core::{Error, Result};

use super::{code, incomplete};
use crate::Bucket;

/// The key that Amazon uses where a configuration names none
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html>).
const AMAZONS_KEY: &str = "alias/aws/s3";

impl Bucket {
    /// How objects are encrypted that are written without a word about it; `None` where nothing
    /// is configured.
    ///
    /// # Errors
    /// `NotFound` when the bucket is missing; `Unsupported` for an encryption that we have no
    /// words for; `Denied`, whatever keeps the server from answering.
    pub async fn get_encryption(&self) -> Result<Option<Encryption>> {
        const OPERATION: &str = "get_encryption";
        let request = self.s3().sdk.get_bucket_encryption().bucket(self.name.as_str()).send();
        let answer = match request.await.map_err(|error| self.refusal(error, OPERATION)) {
            Ok(answer) => answer,
            Err(error) if code(&error) == "ServerSideEncryptionConfigurationNotFoundError" => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let rules = answer.server_side_encryption_configuration().map(|all| all.rules());
        let rule = match rules.unwrap_or_default() {
            [] => return Ok(None),
            [rule] => rule,
            _ => return Err(self.inexpressible("there are several encryption rules", OPERATION)),
        };
        let Some(default) = rule.apply_server_side_encryption_by_default() else {
            return Ok(None);
        };
        match default.sse_algorithm() {
            ServerSideEncryption::Aes256 => Ok(Some(Encryption::SseS3)),
            ServerSideEncryption::AwsKms => {
                let key = default.kms_master_key_id().filter(|key| !key.is_empty());
                Ok(Some(Encryption::SseKms(key.unwrap_or(AMAZONS_KEY).to_owned())))
            }
            other => {
                let what = format!("the encryption is {:?}", other.as_str());
                Err(self.inexpressible(&what, OPERATION))
            }
        }
    }

    /// Says how objects are encrypted that are written without a word about it. Objects that are
    /// there stay as they are.
    ///
    /// # Errors
    /// `Unsupported` where the server has no KMS; `InvalidInput` for a key that its KMS does not
    /// have; `NotFound`, `Denied`, whatever keeps the server from
    /// answering.
    pub async fn set_encryption(&self, encryption: &Encryption) -> Result<()> {
        const OPERATION: &str = "set_encryption";
        let default = ServerSideEncryptionByDefault::builder();
        let default = match encryption {
            Encryption::SseS3 => default.sse_algorithm(ServerSideEncryption::Aes256),
            Encryption::SseKms(key) if key.is_empty() => {
                let error = Error::invalid_input("sse_kms names no key");
                return Err(self.wrong(error, OPERATION));
            }
            Encryption::SseKms(key) => {
                default.sse_algorithm(ServerSideEncryption::AwsKms).kms_master_key_id(key)
            }
        };
        let configuration = default.build().and_then(|default| {
            let rule = ServerSideEncryptionRule::builder()
                .apply_server_side_encryption_by_default(default)
                .build();
            ServerSideEncryptionConfiguration::builder().rules(rule).build()
        });
        let configuration =
            configuration.map_err(|error| self.wrong(incomplete(error), OPERATION))?;
        let request = self
            .s3()
            .sdk
            .put_bucket_encryption()
            .bucket(self.name.as_str())
            .server_side_encryption_configuration(configuration)
            .send();
        request.await.map(drop).map_err(|error| {
            let error = self.refusal(error, OPERATION);
            match code(&error) {
                "NotImplemented" if error.message().contains("KMS") => error.saying(
                    "the server has no KMS that could hold keys; MinIO takes one key with \
                     MINIO_KMS_SECRET_KEY or a KMS with MINIO_KMS_SERVER",
                ),
                _ => error,
            }
        })
    }

    /// New objects are no longer encrypted by themselves (Amazon returns to SSE-S3).
    ///
    /// # Errors
    /// `NotFound` when the bucket is missing, `Denied`, whatever keeps the server from answering.
    pub async fn delete_encryption(&self) -> Result<()> {
        let request = self.s3().sdk.delete_bucket_encryption().bucket(self.name.as_str()).send();
        request.await.map(drop).map_err(|error| self.refusal(error, "delete_encryption"))
    }
}
