//! Programs that tests start, and how they end.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Child, Command as StdCommand, Stdio};

use lakewright_macros::Builder;

/// Runs the program in its arguments until standard input ends, then kills it. A shell does this
/// so that the program ends with the test process even where that process is killed: the kernel
/// closes the pipe then. The shell itself ignores the signals of a terminal, which every process
/// in the foreground receives, so that it is still there to kill the program.
const GUARD: &str = r#"trap '' HUP INT TERM; "$@" & read -r _; kill -KILL $!; wait"#;

/// A program with its arguments and environment. It inherits no environment, because variables
/// such as `CI` change what MinIO allows.
#[derive(Clone, Debug, Builder)]
pub struct Command {
    #[builder(into)]
    executable: PathBuf,
    #[builder(each = "arg", into)]
    args: Vec<OsString>,
    #[builder(each = "var")]
    env: Vec<(String, String)>,
    #[builder(into)]
    current_dir: Option<PathBuf>,
}

impl Command {
    /// Starts the program without standard input and output.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn spawn(&self) -> std::io::Result<Process> {
        let mut command = StdCommand::new("/bin/sh");
        command
            .args(["-c", GUARD, "sh"])
            .arg(&self.executable)
            .args(&self.args)
            .env_clear()
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if let Some(directory) = &self.current_dir {
            command.current_dir(directory);
        }
        Ok(Process { guard: command.spawn()? })
    }
}

/// A running program. It is killed when this is dropped, and when this process ends.
#[derive(Debug)]
pub struct Process {
    guard: Child,
}

impl Process {
    /// Kills the program with SIGKILL and waits until it is gone.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn kill(&mut self) -> std::io::Result<()> {
        drop(self.guard.stdin.take());
        self.guard.wait().map(drop)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // An error means that there is no process to wait for.
        let _ = self.kill();
    }
}
