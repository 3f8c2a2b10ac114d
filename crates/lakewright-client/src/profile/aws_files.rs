//! The locations of the shared AWS files. `~/.aws/config` may name a program that is run
//! (`credential_process`), so a file of the current folder must never be taken for it.

use std::path::{Path, PathBuf};

use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};

use super::env;
use super::resolve::Surroundings;

/// The two files: the variable that names another path, and the default below the home directory.
const FILES: [(EnvConfigFileKind, &str, &str); 2] = [
    (EnvConfigFileKind::Config, env::AWS_CONFIG_FILE, ".aws/config"),
    (EnvConfigFileKind::Credentials, env::AWS_SHARED_CREDENTIALS_FILE, ".aws/credentials"),
];

/// Returns the path of a file; `None` if it is below a home directory that is not known. A relative
/// path in the variable is relative to the current folder, as in the AWS tools: it is the user's own
/// choice.
fn path(around: &Surroundings, variable: &str, default: &str) -> Option<PathBuf> {
    let Some(given) = around.var(variable) else { return Some(around.home()?.join(default)) };
    match Path::new(given).strip_prefix("~") {
        Ok(below_home) => Some(around.home()?.join(below_home)),
        Err(_) => Some(given.into()),
    }
}

/// Returns the paths of the files that are read.
pub(super) fn paths(around: &Surroundings) -> Vec<PathBuf> {
    FILES.iter().filter_map(|(_, variable, default)| path(around, variable, default)).collect()
}

/// Returns the files for the SDK, which would look for `~` in the current folder if the home
/// directory is not known.
pub(super) fn files(around: &Surroundings) -> EnvConfigFiles {
    let mut files = EnvConfigFiles::builder();
    for (kind, variable, default) in FILES {
        if path(around, variable, default).is_none() {
            files = files.with_contents(kind, "");
            continue;
        }
        // The SDK finds the same path and, unlike with a path that it is given, accepts that the
        // file is missing.
        files = match kind {
            EnvConfigFileKind::Config => files.include_default_config_file(true),
            EnvConfigFileKind::Credentials => files.include_default_credentials_file(true),
        };
    }
    files.build()
}
