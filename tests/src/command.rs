//! Programs that tests start.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Child, Stdio};

use lakewright_macros::Builder;

/// A program with everything it is started with. It inherits no environment: `CI`, for one,
/// changes what MinIO allows.
#[derive(Clone, Debug, Builder)]
pub struct Command {
    executable: PathBuf,
    #[builder(each = "arg")]
    args: Vec<OsString>,
    #[builder(each = "var")]
    env: Vec<(String, String)>,
    current_dir: Option<PathBuf>,
}

impl Command {
    /// Starts it, deaf and mute but for standard error.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn spawn(&self) -> std::io::Result<Child> {
        let mut command = std::process::Command::new(&self.executable);
        command
            .args(&self.args)
            .env_clear()
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if let Some(directory) = &self.current_dir {
            command.current_dir(directory);
        }
        command.spawn()
    }
}
