//! Steps for buckets.

use std::collections::BTreeSet;

use super::{Planner, ResourceStatus, StepBuilder, previous_declarations};
use crate::bucket_config::{SettingPlan, SettingStep, declared_settings, plan_settings};
use crate::name::BucketName;
use crate::plan::{Action, BucketAction};
use crate::resource::ResourceId;
use crate::spec::BucketSpec;
use crate::state::ObservedBucket;
use crate::{Error, ErrorKind};

impl Planner<'_> {
    pub(super) fn buckets(&mut self) {
        let (spec, observed) = (self.spec, self.observed);
        for (name, declared) in &spec.buckets {
            let id = ResourceId::Bucket(name.clone());
            let found = observed.buckets.get(name);
            let Some(status) = self.status(&id, found.is_some(), declared.adopt) else {
                continue;
            };
            self.adopt(&id, status);
            self.bucket(&id, name, declared, status, found);
            self.record(&id, status, declared);
        }
    }

    fn bucket(
        &mut self,
        id: &ResourceId,
        name: &BucketName,
        declared: &BucketSpec,
        status: ResourceStatus<'_>,
        found: Option<&ObservedBucket>,
    ) {
        let previous: Vec<BucketSpec> = previous_declarations(status.owned());
        let previous: BTreeSet<_> = previous.iter().flat_map(declared_settings).collect();
        let new_bucket;
        let bucket = match found {
            Some(found) => found,
            None => {
                let object_lock = declared.object_lock.is_some();
                let action = BucketAction::CreateBucket { object_lock };
                let action = Action::Bucket(name.clone(), action);
                self.push(StepBuilder::new(action, status.creation_reason()));
                let lacks = &self.observed.capabilities.lacks;
                new_bucket = ObservedBucket::new_bucket(object_lock, lacks);
                &new_bucket
            }
        };
        let mut settings = SettingPlan {
            name,
            stack: &self.spec.stack,
            spec: declared,
            previous: &previous,
            observed: bucket,
            exists: status.exists(),
            capabilities: &self.observed.capabilities,
            steps: Vec::new(),
            notes: Vec::new(),
            problems: Vec::new(),
        };
        plan_settings(&mut settings);
        let SettingPlan { steps, notes, problems, .. } = settings;
        for SettingStep { action, risk, reason, change } in steps {
            let mut step = StepBuilder::new(Action::Bucket(name.clone(), action), reason);
            step.changes.push(change);
            self.push(step.with_risk(risk));
        }
        for note in notes {
            self.note(id, note);
        }
        self.problems.extend(problems);
    }

    /// Whether the bucket of a table exists or is declared; adds a problem otherwise.
    pub(super) fn has_bucket(&mut self, id: &ResourceId, bucket: &BucketName) -> bool {
        if self.spec.buckets.contains_key(bucket) || self.observed.buckets.contains_key(bucket) {
            return true;
        }
        self.problems.push(
            Error::new(
                ErrorKind::NotFound,
                format!("its bucket {bucket} does not exist: declare it under \"buckets\" too"),
            )
            .on(id.to_string()),
        );
        false
    }
}
