//! `attach_policy`, `detach_policy`

use http::Method;
use lakewright_core::{Error, ErrorKind, Result};
use serde_json::json;

use super::{Admin, Principal};

const DONE_ALREADY: &str = "XMinioAdminPolicyChangeAlreadyApplied";

impl Admin {
    /// Attaches policies to a user or a group, beside those that are attached. Whether that
    /// changed anything.
    ///
    /// # Errors
    /// `NotFound` where a policy, the user or the group does not exist, `Denied` without
    /// `admin:AttachUserOrGroupPolicy`, and whatever keeps the server from answering.
    pub async fn attach_policy(&self, policies: &[&str], to: Principal<'_>) -> Result<bool> {
        self.change("attach_policy", "idp/builtin/policy/attach", policies, to).await
    }

    /// Takes policies from a user or a group. Whether that changed anything: policies that are
    /// not attached, or not there, are no error.
    ///
    /// # Errors
    /// `NotFound` where the user or the group does not exist, `Denied` without
    /// `admin:AttachUserOrGroupPolicy`, and whatever keeps the server from answering.
    pub async fn detach_policy(&self, policies: &[&str], from: Principal<'_>) -> Result<bool> {
        self.change("detach_policy", "idp/builtin/policy/detach", policies, from).await
    }

    async fn change(
        &self,
        operation: &'static str,
        route: &'static str,
        policies: &[&str],
        principal: Principal<'_>,
    ) -> Result<bool> {
        let (field, name) = match principal {
            Principal::User(name) => ("user", name),
            Principal::Group(name) => ("group", name),
        };
        if policies.is_empty() {
            // MinIO calls it an internal error.
            let why = "no policy is named";
            return Err(Error::invalid_input(why).during(operation).on(name));
        }
        let body = json!({"policies": policies, field: name});
        let call = self.call(operation, name, Method::POST, route).secret(&body)?;
        // The answer says again what was changed, encrypted: not worth 70 ms and 64 MiB.
        match call.send().await {
            Ok(_) => Ok(true),
            Err(error) if is_done_already(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn is_done_already(error: &Error) -> bool {
    error.kind() == ErrorKind::Conflict
        && error.service().is_some_and(|said| said.code.as_deref() == Some(DONE_ALREADY))
}
