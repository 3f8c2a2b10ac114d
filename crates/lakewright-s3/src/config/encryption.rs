//! `get_encryption`, `set_encryption`, `delete_encryption`

use aws_sdk_s3::types::{
    ServerSideEncryption, ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration,
    ServerSideEncryptionRule,
};
use lakewright_core::Result;
use lakewright_core::bucket_config::{Encryption, Setting};

use super::server_text::has_no_kms;
use super::{code, incomplete};
use crate::Bucket;

/// The key that Amazon S3 uses if a configuration names none
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html>).
const DEFAULT_KMS_KEY: &str = "alias/aws/s3";

impl Bucket {
    /// Returns the default encryption of new objects; `None` if none is configured.
    ///
    /// # Errors
    /// `NotFound` when the bucket is missing; `Unsupported` for an encryption that [`Encryption`]
    /// cannot express; `Denied`, and failures of the request.
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
                Ok(Some(Encryption::SseKms(key.unwrap_or(DEFAULT_KMS_KEY).to_owned())))
            }
            other => {
                let what = format!("the encryption is {:?}", other.as_str());
                Err(self.inexpressible(&what, OPERATION))
            }
        }
    }

    /// Sets the default encryption of new objects. Existing objects stay as they are.
    ///
    /// # Errors
    /// `Unsupported` if the server has no KMS; `InvalidInput` for a key that its KMS does not have;
    /// `NotFound`, `Denied`, and failures of the request.
    pub async fn set_encryption(&self, encryption: &Encryption) -> Result<()> {
        const OPERATION: &str = "set_encryption";
        encryption.check().map_err(|error| self.wrong(error, OPERATION))?;
        let default = ServerSideEncryptionByDefault::builder();
        let default = match encryption {
            Encryption::SseS3 => default.sse_algorithm(ServerSideEncryption::Aes256),
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
            if !has_no_kms(&error) {
                return error;
            }
            error.with_message(
                "the server has no KMS that could hold keys; MinIO takes one key with \
                 MINIO_KMS_SECRET_KEY or a KMS with MINIO_KMS_SERVER",
            )
        })
    }

    /// Removes the default encryption. Amazon S3 then returns to SSE-S3.
    ///
    /// # Errors
    /// `NotFound` when the bucket is missing, `Denied`, and failures of the request.
    pub async fn delete_encryption(&self) -> Result<()> {
        let request = self.s3().sdk.delete_bucket_encryption().bucket(self.name.as_str()).send();
        request.await.map(drop).map_err(|error| self.refusal(error, "delete_encryption"))
    }
}
