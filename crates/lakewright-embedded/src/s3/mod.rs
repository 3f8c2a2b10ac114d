//! The S3 operations, one per file. Operations that are missing here return NotImplemented, which
//! is the default of the trait.

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

/// Returns an S3 error with a code that s3s does not define.
fn custom(code: &'static str, status: http::StatusCode, message: &'static str) -> S3Error {
    let mut error = S3Error::with_message(S3ErrorCode::Custom(code.into()), message);
    error.set_status_code(status);
    error
}

/// The region of this server. Requests may be signed for any region.
pub(crate) const REGION: &str = "us-east-1";

/// Default and largest number of keys, parts or uploads of a page.
const MAX_PAGE: usize = 1000;

/// The implementation of the S3 operations.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    pub(crate) index: Index,
    pub(crate) blobs: BlobStore,
}

impl Service {
    /// Runs blocking work on a thread for it.
    async fn run_blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> S3Result<T> + Send + 'static,
    ) -> S3Result<T> {
        let this = self.clone();
        tokio::task::spawn_blocking(move || work(&this))
            .await
            .unwrap_or_else(|error| Err(S3Error::internal_error(error)))
    }

    /// Reads one consistent state of the index.
    async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&View) -> Result<T, IndexError> + Send + 'static,
    ) -> S3Result<T> {
        self.run_blocking(|this| Ok(this.index.read(query)?)).await
    }

    /// Changes the index; see [`Index::write`].
    async fn write<T: Send + 'static>(
        &self,
        staged: Vec<StagedBlob>,
        decide: impl FnOnce(&mut Tables<'_>) -> Result<T, IndexError> + Send + 'static,
    ) -> S3Result<T> {
        Ok(self.index.write(staged, decide).await?)
    }

    /// Changes the index in a way that frees space; see [`Index::free`].
    async fn free<T: Send + 'static>(
        &self,
        decide: impl FnMut(&mut Tables<'_>) -> Result<T, IndexError> + Send + 'static,
    ) -> S3Result<T> {
        Ok(self.index.free(decide).await?)
    }
}

/// Returns the number of entries of a page that the client requests.
fn page_size(requested: Option<i32>, name: &str) -> S3Result<usize> {
    match requested.map(usize::try_from) {
        None => Ok(MAX_PAGE),
        Some(Ok(requested)) => Ok(requested.min(MAX_PAGE)),
        Some(Err(_)) => Err(S3Error::with_message(
            S3ErrorCode::InvalidArgument,
            format!("{name} must not be negative."),
        )),
    }
}

/// Converts a size or a count to the type of S3's responses. Sizes are at most 5 TiB, so none is
/// clamped.
fn signed(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

/// Implements the trait's methods; each calls the function of the same name.
macro_rules! operations {
    ($($operation:ident($module:path): $input:ty => $output:ty;)*) => {
        #[async_trait::async_trait]
        impl S3 for Service {
            $(
                async fn $operation(&self, req: S3Request<$input>) -> S3Result<S3Response<$output>> {
                    use $module as module;
                    module::$operation(self, req).await
                }
            )*
        }
    };
}

operations! {
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
