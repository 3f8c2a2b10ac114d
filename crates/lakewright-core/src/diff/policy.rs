//! Steps for named policies.

use serde_json::Value;

use super::{Planner, StepBuilder};
use crate::ErrorKind;
use crate::plan::{Action, PolicyAction};
use crate::policy;
use crate::resource::ResourceId;
use crate::spec::PolicySpec;

impl PolicySpec {
    /// Returns the declared policy document in the form that the server accepts. `registry` is the
    /// bucket of the registry.
    #[must_use]
    pub fn to_document(&self, registry: &str) -> Value {
        match (&self.document, &self.grants) {
            (Some(document), _) => policy::for_server(&document.0),
            (None, grants) => policy::of_grants(grants.as_deref().unwrap_or_default(), registry),
        }
    }
}

impl Planner<'_> {
    pub(super) fn policies(&mut self) {
        let (spec, observed) = (self.spec, self.observed);
        for (name, declared) in &spec.policies {
            let id = ResourceId::Policy(name.clone());
            let found = observed.policies.get(name);
            let Some(status) = self.status(&id, found.is_some(), declared.adopt) else {
                continue;
            };
            let document = declared.to_document(spec.registry_name());
            let empty = document["Statement"].as_array().is_none_or(Vec::is_empty);
            if empty {
                self.problem(
                    ErrorKind::Unsupported,
                    &id,
                    "its document has no statement, and MinIO refuses such policies: add a \
                     statement, or remove the policy and its attachments from the spec",
                );
                continue;
            }
            self.adopt(&id, status);
            if !found.is_some_and(|found| policy::same(found, &document)) {
                let reason = match found {
                    Some(_) => "it differs in meaning from what is declared",
                    None => status.creation_reason(),
                };
                let (old, new) = (found.cloned(), Some(document.clone()));
                let action = Action::Policy(name.clone(), PolicyAction::PutPolicy { document });
                let step = StepBuilder::new(action, reason);
                self.push(step.with_change("document", old, new));
            }
            self.record(&id, status, declared);
        }
    }
}
