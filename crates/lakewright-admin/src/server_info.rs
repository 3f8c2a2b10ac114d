//! `server_info`

use std::time::Duration;

use http::Method;
use lakewright_core::Result;
use serde::Deserialize;

use super::Admin;
use super::types::or_empty;

/// What a deployment says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerInfo {
    /// Its id, which stays the same for the life of its drives.
    pub deployment_id: String,
    /// `online`, or what MinIO says instead.
    pub mode: String,
    /// Its servers.
    pub servers: Vec<ServerNode>,
}

/// One server of a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerNode {
    /// Host and port.
    pub endpoint: String,
    /// `online`, or what MinIO says instead.
    pub state: String,
    /// MinIO's version; none for a server that does not answer.
    pub version: Option<String>,
    /// How long it has been running.
    pub uptime: Duration,
    /// How many of its drives are well.
    pub drives_ok: usize,
    /// How many drives it has.
    pub drives: usize,
}

#[derive(Deserialize)]
struct Wire {
    #[serde(default, rename = "deploymentID")]
    deployment_id: String,
    mode: String,
    #[serde(default, deserialize_with = "or_empty")]
    servers: Vec<WireServer>,
}

#[derive(Deserialize)]
struct WireServer {
    #[serde(default)]
    endpoint: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    version: String,
    /// In seconds.
    #[serde(default)]
    uptime: u64,
    #[serde(default, deserialize_with = "or_empty")]
    drives: Vec<WireDrive>,
}

#[derive(Deserialize)]
struct WireDrive {
    #[serde(default)]
    state: String,
}

impl Admin {
    /// Version and state of all servers.
    ///
    /// # Errors
    /// `Denied` without `admin:ServerInfo`, and whatever keeps the server from answering.
    pub async fn server_info(&self) -> Result<ServerInfo> {
        let at = self.client.profile().to_string();
        let info: Wire = self.call("server_info", at, Method::GET, "info").send().await?.json()?;
        let node = |server: WireServer| ServerNode {
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
