//! MinIO's own client, the second judge of what was set on a MinIO.

use std::path::PathBuf;
use std::process::{Command, Output};

use lakewright::SettingValue;

use crate::server::{Server, required};

/// The client, told of one server under the alias `kit`.
#[derive(Debug)]
pub struct Mc {
    executable: PathBuf,
    home: PathBuf,
    alias: String,
}

impl Mc {
    /// `None`, said aloud, where `LAKEWRIGHT_TEST_MC` names no client.
    ///
    /// # Panics
    /// When it is required and missing, and for a server without literal keys.
    #[must_use]
    pub fn of(server: &Server) -> Option<Self> {
        let Some(executable) = std::env::var_os("LAKEWRIGHT_TEST_MC").filter(|mc| !mc.is_empty())
        else {
            assert!(!required("minio"), "LAKEWRIGHT_TEST_MC is needed");
            eprintln!("SKIPPED: what mc says (LAKEWRIGHT_TEST_MC is not set)");
            return None;
        };
        let settings = &server.settings;
        let (Some(SettingValue::Literal(id)), Some(SettingValue::Literal(secret))) =
            (&settings.access_key_id, &settings.secret_access_key)
        else {
            panic!("the kit's keys are literal")
        };
        let host = settings.endpoint.as_ref().expect("a server's URL").replace("http://", "");
        let alias = format!("http://{}:{}@{host}", id.expose(), secret.expose());
        Some(Self { executable: executable.into(), home: server.data().into(), alias })
    }

    /// What it prints, on a success.
    ///
    /// # Panics
    /// When it fails.
    #[must_use]
    pub fn ask(&self, arguments: &[&str]) -> String {
        let done = self.run(arguments);
        let told = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "mc {}: {told}", arguments.join(" "));
        String::from_utf8_lossy(&done.stdout).into_owned()
    }

    /// Whatever comes of it.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> Output {
        Command::new(&self.executable)
            .arg("--config-dir")
            .arg(self.home.join("mc"))
            .args(arguments)
            .env_clear()
            .env("HOME", &self.home)
            .env("MC_HOST_kit", &self.alias)
            .output()
            .expect("mc starts")
    }
}
