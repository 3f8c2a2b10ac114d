//! `server_info`

use std::time::Duration;

use http::Method;
use lakewright_core::Result;
use serde::Deserialize;

use super::Admin;
use super::types::or_empty;

/// The state of a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerInfo {
    /// The id of the deployment, which stays the same for the life of its drives.
    pub deployment_id: String,
    /// `online`, or another state that MinIO reports.
    pub mode: String,
    /// The servers of the deployment.
    pub servers: Vec<ServerNode>,
}

/// One server of a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerNode {
    /// The host and the port.
    pub endpoint: String,
    /// `online`, or another state that MinIO reports.
    pub state: String,
    /// The version of MinIO; `None` for a server that does not respond.
    pub version: Option<String>,
    /// The time since the server started.
    pub uptime: Duration,
    /// The number of drives whose state is `ok`.
    pub drives_ok: usize,
    /// The number of drives.
    pub drives: usize,
}

#[derive(Deserialize)]
struct ServerInfoBody {
    #[serde(default, rename = "deploymentID")]
    deployment_id: String,
    mode: String,
    #[serde(default, deserialize_with = "or_empty")]
    servers: Vec<ServerBody>,
}

#[derive(Deserialize)]
struct ServerBody {
    #[serde(default)]
    endpoint: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    version: String,
    /// The uptime in seconds.
    #[serde(default)]
    uptime: u64,
    #[serde(default, deserialize_with = "or_empty")]
    drives: Vec<DriveBody>,
}

#[derive(Deserialize)]
struct DriveBody {
    #[serde(default)]
    state: String,
}

impl Admin {
    /// Returns the version and the state of all servers.
    ///
    /// # Errors
    /// `Denied` without `admin:ServerInfo`, and any connection or server error.
    pub async fn server_info(&self) -> Result<ServerInfo> {
        let at = self.client.profile().to_string();
        let info: ServerInfoBody =
            self.call("server_info", at, Method::GET, "info").send().await?.json()?;
        let node = |server: ServerBody| ServerNode {
            endpoint: server.endpoint,
            state: server.state,
            version: super::types::text(server.version),
            uptime: Duration::from_secs(server.uptime),
            drives_ok: server.drives.iter().filter(|drive| drive.state == "ok").count(),
            drives: server.drives.len(),
        };
        Ok(ServerInfo {
            deployment_id: info.deployment_id,
            mode: info.mode,
            servers: info.servers.into_iter().map(node).collect(),
        })
    }
}
