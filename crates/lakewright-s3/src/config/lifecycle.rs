//! `get_lifecycle`, `set_lifecycle`, `delete_lifecycle`

mod wire;

use aws_sdk_s3::types::BucketLifecycleConfiguration;
use lakewright_core::bucket_config::{LifecycleRule, check_lifecycle};
use lakewright_core::{Error, ErrorKind, Result};

use super::{code, incomplete};
use crate::Bucket;
use wire::Unknown;

/// Of a server that has no rules for unfinished uploads.
const NO_ABORT: &str = "the server has no rules that end unfinished uploads \
    (abort_incomplete_after_days); MinIO ends them by itself, after the time that its setting \
    `api stale_uploads_expiry` says";

/// Of a server that takes "larger than 0 bytes" for "of any size".
const NO_ZERO: &str = "the server cannot tell empty objects from others \
    (object_size_greater_than is 0)";

/// What servers take and drop: MinIO answers that the rule is set, and does another.
fn often_dropped(rule: &LifecycleRule) -> Option<&'static str> {
    if rule.abort_incomplete_after_days.is_some() {
        return Some(NO_ABORT);
    }
    (rule.object_size_greater_than == Some(0)).then_some(NO_ZERO)
}

impl Bucket {
    /// What happens to the bucket's objects as they grow old; empty where nothing does.
    ///
    /// # Errors
    /// `NotFound` when the bucket is missing; `Unsupported` for rules that we have no words for;
    /// `Denied`, whatever keeps the server from answering.
    pub async fn get_lifecycle(&self) -> Result<Vec<LifecycleRule>> {
        self.lifecycle("get_lifecycle").await
    }

    async fn lifecycle(&self, operation: &'static str) -> Result<Vec<LifecycleRule>> {
        let unknown = Unknown::default();
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
        if let Some(element) = unknown.found() {
            let what = format!("a lifecycle rule has {element}");
            return Err(self.inexpressible(&what, operation));
        }
        let rules = answer.rules().iter().map(|rule| {
            let id = rule.id().unwrap_or_default();
            wire::read(rule).map_err(|what| {
                self.inexpressible(&format!("the lifecycle rule {id} has {what}"), operation)
            })
        });
        rules.collect()
    }

    /// Says what happens to the bucket's objects as they grow old, instead of what was said
    /// before; no rules remove all.
    ///
    /// # Errors
    /// `InvalidInput` for rules that do not hold together, that the server does not accept, or
    /// whose storage class it does not have; `Unsupported` for rules about unfinished uploads on
    /// a server without them: nothing is changed then. `NotFound`, `Denied`, whatever keeps the
    /// server from answering.
    pub async fn set_lifecycle(&self, rules: &[LifecycleRule]) -> Result<()> {
        const OPERATION: &str = "set_lifecycle";
        check_lifecycle(rules).map_err(|error| self.wrong(error, OPERATION))?;
        self.must_exist(OPERATION).await?;
        if !rules.iter().any(|rule| often_dropped(rule).is_some()) {
            return self.put_lifecycle(rules, OPERATION).await;
        }
        let unsupported = |why| self.wrong(Error::new(ErrorKind::Unsupported, why), OPERATION);
        let before = self.lifecycle(OPERATION).await?;
        let only_aborts = rules.iter().any(|rule| !rule.acts_on_objects());
        match self.put_lifecycle(rules, OPERATION).await {
            // Without the part that it drops there is nothing left for the rule to do.
            Err(error) if only_aborts && code(&error) == "InvalidArgument" => {
                return Err(unsupported(NO_ABORT).caused_by(error));
            }
            other => other?,
        }
        let kept = self.lifecycle(OPERATION).await?;
        let lost = rules.iter().filter_map(|rule| {
            let said = often_dropped(rule)?;
            let there = kept.iter().find(|other| other.id == rule.id);
            (there.and_then(often_dropped) != Some(said)).then_some(said)
        });
        let Some(why) = lost.min() else { return Ok(()) };
        self.put_lifecycle(&before, OPERATION).await?;
        Err(unsupported(why))
    }

    async fn put_lifecycle(&self, rules: &[LifecycleRule], operation: &'static str) -> Result<()> {
        if rules.is_empty() {
            return self.remove_lifecycle(operation).await;
        }
        let rules = rules.iter().map(wire::write).collect::<Result<Vec<_>>>();
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
                    error.saying(why)
                }
                _ => error,
            }
        })
    }

    /// Removes the bucket's lifecycle rules, where there are any.
    ///
    /// # Errors
    /// `NotFound` when the bucket is missing, `Denied`, whatever keeps the server from answering.
    pub async fn delete_lifecycle(&self) -> Result<()> {
        self.remove_lifecycle("delete_lifecycle").await
    }

    async fn remove_lifecycle(&self, operation: &'static str) -> Result<()> {
        let request = self.s3().sdk.delete_bucket_lifecycle().bucket(self.name.as_str()).send();
        request.await.map(drop).map_err(|error| self.refusal(error, operation))
    }
}
