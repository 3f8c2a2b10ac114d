//! The S3 operations, one verb a file. What is not here answers NotImplemented, which is what
//! the trait does by itself.

mod attributes;
mod bucket;
mod conditions;
mod copy_object;
mod delete_object;
mod delete_objects;
mod get_object;
mod head_object;
mod headers;
mod list_objects;
mod multipart;
mod put_object;
mod range;
mod source;
mod tagging;
mod text;

use s3s::dto::*;
use s3s::{S3, S3Error, S3ErrorCode, S3Request, S3Response, S3Result};

use crate::blob::{BlobStore, StagedBlob};
use crate::index::{Index, IndexError, Tables, View};

/// An S3 error that s3s has no name for.
fn custom(code: &'static str, status: http::StatusCode, message: &'static str) -> S3Error {
    let mut error = S3Error::with_message(S3ErrorCode::Custom(code.into()), message);
    error.set_status_code(status);
    error
}

/// The region this server says it is in. Any region in a signature is accepted.
pub(crate) const REGION: &str = "us-east-1";

/// Keys, parts or uploads of a page, unless the client wants fewer.
const PAGE: usize = 1000;

/// What answers S3's requests.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    pub(crate) index: Index,
    pub(crate) blobs: BlobStore,
}

impl Service {
    /// Runs work that blocks where it may.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> S3Result<T> + Send + 'static,
    ) -> S3Result<T> {
        let this = self.clone();
        tokio::task::spawn_blocking(move || work(&this))
            .await
            .unwrap_or_else(|lost| Err(S3Error::internal_error(lost)))
    }

    /// Reads one consistent state of the index.
    async fn read<T: Send + 'static>(
        &self,
        look: impl FnOnce(&View) -> Result<T, IndexError> + Send + 'static,
    ) -> S3Result<T> {
        self.blocking(|this| Ok(this.index.read(look)?)).await
    }

    /// Changes the index; see [`Index::write`].
    async fn write<T: Send + 'static>(
        &self,
        staged: Vec<StagedBlob>,
        decide: impl FnOnce(&mut Tables<'_>) -> Result<T, IndexError> + Send + 'static,
    ) -> S3Result<T> {
        Ok(self.index.write(staged, decide).await?)
    }

    /// Changes the index to name less; see [`Index::free`].
    async fn free<T: Send + 'static>(
        &self,
        decide: impl FnMut(&mut Tables<'_>) -> Result<T, IndexError> + Send + 'static,
    ) -> S3Result<T> {
        Ok(self.index.free(decide).await?)
    }
}

/// A number of things a client asks for on a page.
fn page_size(asked: Option<i32>, name: &str) -> S3Result<usize> {
    match asked.map(usize::try_from) {
        None => Ok(PAGE),
        Some(Ok(asked)) => Ok(asked.min(PAGE)),
        Some(Err(_)) => Err(S3Error::with_message(
            S3ErrorCode::InvalidArgument,
            format!("{name} must not be negative."),
        )),
    }
}

/// A size or a count in the type that S3's answers have. Sizes end at 5 TiB, far below.
fn signed(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

/// Writes the trait's methods, each of which hands over to the function of its name.
macro_rules! verbs {
    ($($verb:ident($module:path): $input:ty => $output:ty;)*) => {
        #[async_trait::async_trait]
        impl S3 for Service {
            $(
                async fn $verb(&self, req: S3Request<$input>) -> S3Result<S3Response<$output>> {
                    use $module as module;
                    module::$verb(self, req).await
                }
            )*
        }
    };
}

verbs! {
    create_bucket(bucket): CreateBucketInput => CreateBucketOutput;
    head_bucket(bucket): HeadBucketInput => HeadBucketOutput;
    list_buckets(bucket): ListBucketsInput => ListBucketsOutput;
    delete_bucket(bucket): DeleteBucketInput => DeleteBucketOutput;
    get_bucket_location(bucket): GetBucketLocationInput => GetBucketLocationOutput;
    get_bucket_versioning(bucket): GetBucketVersioningInput => GetBucketVersioningOutput;

    put_object(put_object): PutObjectInput => PutObjectOutput;
    get_object(get_object): GetObjectInput => GetObjectOutput;
    head_object(head_object): HeadObjectInput => HeadObjectOutput;
    copy_object(copy_object): CopyObjectInput => CopyObjectOutput;
    delete_object(delete_object): DeleteObjectInput => DeleteObjectOutput;
    delete_objects(delete_objects): DeleteObjectsInput => DeleteObjectsOutput;
    get_object_attributes(attributes): GetObjectAttributesInput => GetObjectAttributesOutput;

    list_objects(list_objects): ListObjectsInput => ListObjectsOutput;
    list_objects_v2(list_objects): ListObjectsV2Input => ListObjectsV2Output;

    get_object_tagging(tagging): GetObjectTaggingInput => GetObjectTaggingOutput;
    put_object_tagging(tagging): PutObjectTaggingInput => PutObjectTaggingOutput;
    delete_object_tagging(tagging): DeleteObjectTaggingInput => DeleteObjectTaggingOutput;

    create_multipart_upload(multipart::create): CreateMultipartUploadInput => CreateMultipartUploadOutput;
    upload_part(multipart::upload_part): UploadPartInput => UploadPartOutput;
    upload_part_copy(multipart::upload_part_copy): UploadPartCopyInput => UploadPartCopyOutput;
    complete_multipart_upload(multipart::complete): CompleteMultipartUploadInput => CompleteMultipartUploadOutput;
    abort_multipart_upload(multipart::abort): AbortMultipartUploadInput => AbortMultipartUploadOutput;
    list_parts(multipart::list_parts): ListPartsInput => ListPartsOutput;
    list_multipart_uploads(multipart::list_uploads): ListMultipartUploadsInput => ListMultipartUploadsOutput;
}
