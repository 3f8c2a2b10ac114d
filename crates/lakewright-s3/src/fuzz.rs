//! An entry point for fuzzing, see `lakewright_client::fuzz`.

use futures::StreamExt;
use lakewright_client::fuzz::client_of_response;
use lakewright_core::bucket_config::{BucketSetting, ObservedBucket, SettingVisitor, Subresource};
use lakewright_core::state::Reading;
use lakewright_core::{BucketName, Error, ErrorKind, ObjectKey, Result};

use crate::{
    Bucket, CopyOptions, CreateBucketOptions, EmptyOptions, GetOptions, ListOptions, Multipart,
    PutOptions, S3,
};

/// Reads the bytes as the response to every request that this crate sends.
///
/// # Errors
/// Those of the last request; they are of no interest.
pub fn responses(bytes: &[u8]) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Error::new(ErrorKind::Internal, error.to_string()))?;
    for status in [200, 404] {
        let s3 = S3::new(&client_of_response(status, bytes)?);
        runtime.block_on(read(&s3))?;
    }
    Ok(())
}

async fn read(s3: &S3) -> Result<()> {
    let key = ObjectKey::new("key")?;
    let bucket = s3.bucket(BucketName::new("bucket")?);
    drop(s3.list_buckets().await);
    drop(s3.create_bucket(bucket.name(), CreateBucketOptions::default()).await);
    drop(s3.delete_bucket(bucket.name()).await);
    drop(bucket.list_pages("", ListOptions::default()).take(3).collect::<Vec<_>>().await);
    drop(bucket.list_version_pages("").take(3).collect::<Vec<_>>().await);
    drop(bucket.list_with_delimiter("").await);
    drop(bucket.head(&key).await);
    drop(bucket.get(&key, GetOptions::default()).await);
    drop(bucket.put(&key, "bytes", PutOptions::default()).await);
    drop(bucket.copy(&key, &bucket, &key, CopyOptions::default()).await);
    drop(bucket.delete_many([key.clone()]).await);
    drop(bucket.empty(EmptyOptions::default()).await);
    let upload = Multipart::create(bucket.clone(), key, PutOptions::default(), "put").await;
    if let Ok(mut upload) = upload {
        drop(upload.send("part".into()).await);
        drop(upload.complete().await);
        drop(upload.abort().await);
    }
    for setting in BucketSetting::SETTINGS {
        setting.visit(ReadSetting(bucket.clone())).await;
    }
    Ok(())
}

/// Reads a setting of a bucket.
struct ReadSetting(Bucket);

impl SettingVisitor for ReadSetting {
    type Output = futures::future::BoxFuture<'static, ()>;

    fn contents(self) -> Self::Output {
        Box::pin(async {})
    }

    fn quota(self) -> Self::Output {
        Box::pin(async {})
    }

    fn s3<S: Subresource + Send + Sync + 'static>(
        self,
        _: fn(&mut ObservedBucket, Reading<S>),
    ) -> Self::Output {
        Box::pin(async move { drop(self.0.get_setting::<S>().await) })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            super::responses(&bytes).unwrap();
        }

        #[test]
        fn texts_like_xml_are_read_without_a_panic(
            root in "(ListBucketResult|ListVersionsResult|ListAllMyBucketsResult|ListMultipartUploadsResult|DeleteResult|Error|LifecycleConfiguration|Tagging|VersioningConfiguration|ServerSideEncryptionConfiguration|NotificationConfiguration|ObjectLockConfiguration)",
            inner in "(</?(Contents|Key|Version|DeleteMarker|VersionId|Size|LastModified|ETag|CommonPrefixes|Prefix|IsTruncated|NextContinuationToken|NextKeyMarker|Buckets|Bucket|Name|CreationDate|Upload|UploadId|Code|Message|Rule|ID|Status|Filter|Days|TagSet|Tag|Value)>|true|-?[0-9]{1,20}|2013-01-02T03:04:05Z|%[0-9A-F]{0,2}|&[a-z#0-9]{0,4};|[a-z ]{1,3}){0,24}"
        ) {
            super::responses(format!("<{root}>{inner}</{root}>").as_bytes()).unwrap();
        }
    }
}
