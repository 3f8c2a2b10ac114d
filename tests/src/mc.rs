//! MinIO's own client, a second client that reads and changes what lakewright set on a MinIO.

use std::ffi::OsString;
use std::process::{Command, Output};
use std::sync::Arc;

use tempfile::TempDir;

use crate::harness::{Fixture, Skip};
use crate::server::{Server, SharedMinio};

/// The client, configured for one server under the alias `kit`.
#[derive(Debug)]
pub struct Mc {
    executable: OsString,
    home: TempDir,
    alias: String,
}

impl Mc {
    /// Configures the client for `server`.
    ///
    /// # Errors
    /// [`Skip`] where `LAKEWRIGHT_TEST_MC` names no client.
    ///
    /// # Panics
    /// When the server's credentials are not literal or the client's folder cannot be created.
    pub fn for_server(server: &Server) -> Result<Self, Skip> {
        let executable = std::env::var_os("LAKEWRIGHT_TEST_MC").filter(|path| !path.is_empty());
        let executable =
            executable.ok_or_else(|| Skip::missing("minio", "LAKEWRIGHT_TEST_MC is not set"))?;
        let (access_key, secret_key) = server.credentials();
        let host = server.endpoint().replace("http://", "");
        let alias = format!("http://{access_key}:{secret_key}@{host}");
        let home = tempfile::tempdir().expect("a temporary folder");
        Ok(Self { executable, home, alias })
    }

    /// Runs a command that must succeed, and returns its standard output.
    ///
    /// # Panics
    /// When the command fails.
    #[must_use]
    pub fn output(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "mc {}: {errors}", arguments.join(" "));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Runs a command that must succeed, for its effect.
    ///
    /// # Panics
    /// When the command fails.
    pub fn change(&self, arguments: &[&str]) {
        let _ = self.output(arguments);
    }

    /// Runs a command, which may fail.
    ///
    /// # Panics
    /// When the client cannot be started.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> Output {
        Command::new(&self.executable)
            .arg("--config-dir")
            .arg(self.home.path().join("mc"))
            .args(arguments)
            .env_clear()
            .env("HOME", self.home.path())
            .env("MC_HOST_kit", &self.alias)
            .output()
            .expect("mc starts")
    }
}

/// The MinIO that tests share, with `mc` for it.
#[derive(Debug)]
pub struct SharedMinioWithMc {
    /// The server.
    pub server: Arc<Server>,
    /// The client.
    pub mc: Mc,
}

impl Fixture for SharedMinioWithMc {
    async fn set_up() -> Result<Self, Skip> {
        let SharedMinio(server) = SharedMinio::set_up().await?;
        let mc = Mc::for_server(&server)?;
        Ok(Self { server, mc })
    }
}
