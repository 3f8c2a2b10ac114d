//! `set_policies`

use http::Method;
use lakewright_core::Result;

use super::{Admin, Principal};

impl Admin {
    /// Replaces the policies of a user or a group; an empty list detaches all. Neither the request
    /// nor the response is encrypted, which makes it twenty times cheaper than
    /// [`Self::attach_policy`].
    ///
    /// # Errors
    /// `NotFound` if a policy, the user or the group does not exist (nothing is changed then),
    /// `Denied` without `admin:AttachUserOrGroupPolicy`, and any connection or server error.
    pub async fn set_policies(&self, policies: &[&str], of: Principal<'_>) -> Result<()> {
        let (name, is_group) = match of {
            Principal::User(name) => (name, "false"),
            Principal::Group(name) => (name, "true"),
        };
        let call = self.call("set_policies", name, Method::PUT, "set-user-or-group-policy");
        call.mention_policies(policies)
            .query("policyName", &policies.join(","))
            .query("userOrGroup", name)
            .query("isGroup", is_group)
            .send()
            .await?;
        Ok(())
    }
}
