//! `group_info`

use std::collections::BTreeSet;

use http::Method;
use lakewright_core::Result;
use serde::Deserialize;

use super::types::{names, or_empty};
use super::{AccountStatus, Admin, Group};

#[derive(Deserialize)]
struct GroupBody {
    name: String,
    status: String,
    #[serde(default, deserialize_with = "or_empty")]
    members: BTreeSet<String>,
    #[serde(default)]
    policy: String,
}

impl Admin {
    /// Returns one group.
    ///
    /// # Errors
    /// `NotFound` if there is none of this name, `Denied` without `admin:GetGroup`, and any
    /// connection or server error.
    pub async fn group_info(&self, name: &str) -> Result<Group> {
        let call = self.call("group_info", name, Method::GET, "group");
        let group: GroupBody = call.query("group", name).send().await?.json()?;
        Ok(Group {
            name: group.name,
            enabled: group.status == AccountStatus::Enabled.as_str(),
            members: group.members,
            policies: names(&group.policy),
        })
    }
}
