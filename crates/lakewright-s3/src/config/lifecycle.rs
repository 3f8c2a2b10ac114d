//! `get_lifecycle`, `set_lifecycle`, `delete_lifecycle`

mod conversion;

use aws_sdk_s3::types::BucketLifecycleConfiguration;
use lakewright_core::bucket_config::{LifecycleRule, check_lifecycle};
use lakewright_core::{Error, ErrorKind, Result};

use super::{code, incomplete};
use crate::Bucket;
use crate::body_reader::BodyReader;

impl Bucket {
    /// Returns the bucket's lifecycle rules, in normal form
    /// ([`normalised`](LifecycleRule::normalised)).
    ///
    /// # Errors
    /// `NotFound` when the bucket is missing; `Unsupported` for rules that [`LifecycleRule`] cannot
    /// express; `Denied`, and failures of the request.
    pub async fn get_lifecycle(&self) -> Result<Vec<LifecycleRule>> {
        self.lifecycle("get_lifecycle").await
    }

    async fn lifecycle(&self, operation: &'static str) -> Result<Vec<LifecycleRule>> {
        let unknown = BodyReader::new(conversion::minio_element);
        let request = self
            .s3()
            .sdk
            .get_bucket_lifecycle_configuration()
            .bucket(self.name.as_str())
            .customize()
            .interceptor(unknown.clone())
            .send();
        let answer = match request.await.map_err(|error| self.refusal(error, operation)) {
            Ok(answer) => answer,
            Err(error) if code(&error) == "NoSuchLifecycleConfiguration" => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        if let Some(element) = unknown.take() {
            let what = format!("a lifecycle rule has {element}");
            return Err(self.inexpressible(&what, operation));
        }
        let rules = answer.rules().iter().map(|rule| {
            let id = rule.id().unwrap_or_default();
            conversion::read(rule).map_err(|what| {
                self.inexpressible(&format!("the lifecycle rule {id} has {what}"), operation)
            })
        });
        rules.collect()
    }

    /// Replaces the bucket's lifecycle rules; an empty slice removes all.
    ///
    /// # Errors
    /// `InvalidInput` for a fault of the rules, with its path, for rules that the server does not
    /// accept, and for a storage class that it does not have; `Unsupported` for rules that the
    /// server would drop in part, in which case nothing is changed; `NotFound`, `Denied`, and
    /// failures of the request.
    pub async fn set_lifecycle(&self, rules: &[LifecycleRule]) -> Result<()> {
        const OPERATION: &str = "set_lifecycle";
        check_lifecycle(rules).map_err(|error| self.wrong(error, OPERATION))?;
        self.must_exist(OPERATION).await?;
        if !rules.iter().any(|rule| rule.ignored_by_minio().is_some()) {
            return self.put_lifecycle(rules, OPERATION).await;
        }
        let unsupported = |why| self.wrong(Error::new(ErrorKind::Unsupported, why), OPERATION);
        let before = self.lifecycle(OPERATION).await?;
        // MinIO drops the whole content of such a rule, and then refuses the empty rule.
        let mut empty = rules.iter().filter(|rule| !rule.acts_on_objects());
        let empty = empty.find_map(LifecycleRule::ignored_by_minio);
        match (self.put_lifecycle(rules, OPERATION).await, empty) {
            (Err(error), Some(why)) if code(&error) == "InvalidArgument" => {
                return Err(unsupported(why).caused_by(error));
            }
            (other, _) => other?,
        }
        let kept = self.lifecycle(OPERATION).await?;
        let lost = rules.iter().filter_map(|rule| {
            let refusal = rule.ignored_by_minio()?;
            let there = kept.iter().find(|other| other.id == rule.id);
            let dropped = there.and_then(LifecycleRule::ignored_by_minio) != Some(refusal);
            dropped.then_some(refusal)
        });
        let Some(why) = lost.min() else { return Ok(()) };
        self.put_lifecycle(&before, OPERATION).await?;
        Err(unsupported(why))
    }

    async fn put_lifecycle(&self, rules: &[LifecycleRule], operation: &'static str) -> Result<()> {
        if rules.is_empty() {
            return self.remove_lifecycle(operation).await;
        }
        let rules = rules.iter().map(conversion::write).collect::<Result<Vec<_>>>();
        let configuration = rules.and_then(|rules| {
            let all = BucketLifecycleConfiguration::builder().set_rules(Some(rules)).build();
            all.map_err(incomplete)
        });
        let configuration = configuration.map_err(|error| self.wrong(error, operation))?;
        let request = self
            .s3()
            .sdk
            .put_bucket_lifecycle_configuration()
            .bucket(self.name.as_str())
            .lifecycle_configuration(configuration)
            .send();
        request.await.map(drop).map_err(|error| {
            let error = self.refusal(error, operation);
            match code(&error) {
                "InvalidArgument" | "MalformedXML" => {
                    let why = format!("the server does not accept the rules: {}", error.message());
                    error.with_message(why)
                }
                _ => error,
            }
        })
    }

    /// Removes the bucket's lifecycle rules.
    ///
    /// # Errors
    /// `NotFound` when the bucket is missing, `Denied`, and failures of the request.
    pub async fn delete_lifecycle(&self) -> Result<()> {
        self.remove_lifecycle("delete_lifecycle").await
    }

    async fn remove_lifecycle(&self, operation: &'static str) -> Result<()> {
        let request = self.s3().sdk.delete_bucket_lifecycle().bucket(self.name.as_str()).send();
        request.await.map(drop).map_err(|error| self.refusal(error, operation))
    }
}
