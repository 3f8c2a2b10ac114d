//! The files `profiles.toml`, which contain named profiles. Those of the user have precedence over
//! those of the system.
//!
//! ```toml
//! [prod]
//! endpoint = "https://s3.example.org"
//! access_key_id = "etl"
//! secret_access_key = { file = "/run/agenix/etl" }
//! ```

use std::collections::BTreeMap;
use std::path::PathBuf;

use lakewright_core::{Error, ErrorKind, Result};

use super::env;
use super::resolve::Surroundings;
use super::settings::Settings;
use crate::local_file::read_small_file;

/// The path of the system's profiles.
const SYSTEM: &str = "/etc/lakewright/profiles.toml";

/// The maximum size of a profile file in bytes: thousands of profiles.
const MAX_BYTES: usize = 1 << 20;

/// Returns the files that may contain profiles. The first that has a profile of a name is used.
pub(super) fn paths(around: &Surroundings) -> Vec<PathBuf> {
    if let Some(only) = around.var(env::PROFILES_FILE) {
        return vec![only.into()];
    }
    // A relative XDG_CONFIG_HOME is ignored, as the XDG Base Directory Specification demands.
    let config = around
        .directory(env::XDG_CONFIG_HOME)
        .map(PathBuf::from)
        .or_else(|| around.home().map(|home| home.join(".config")));
    let user = config.map(|dir| dir.join("lakewright/profiles.toml"));
    user.into_iter().chain([SYSTEM.into()]).collect()
}

/// Returns every profile, with the path of its file.
///
/// # Errors
/// `InvalidConfig` with path, line and reason if a file cannot be read or parsed.
pub(super) fn load(around: &Surroundings) -> Result<BTreeMap<String, (PathBuf, Settings)>> {
    let mut profiles = BTreeMap::new();
    for path in paths(around) {
        let wrong =
            |why: String| Error::new(ErrorKind::InvalidConfig, why).on(path.display().to_string());
        let bytes = match read_small_file(&path, MAX_BYTES) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => {
                let why = format!("the profile file cannot be read: {error}");
                return Err(wrong(why).caused_by(error));
            }
        };
        let text = std::str::from_utf8(&bytes).map_err(|error| {
            wrong("the profile file cannot be read: it is no UTF-8".into()).caused_by(error)
        })?;
        for (name, settings) in parse(text).map_err(|error| error.on(path.display().to_string()))? {
            profiles.entry(name).or_insert_with(|| (path.clone(), settings));
        }
    }
    Ok(profiles)
}

/// Parses the bytes of a profile file, for fuzzing.
pub(crate) fn parse_profiles(bytes: &[u8]) {
    if bytes.len() <= MAX_BYTES
        && let Ok(text) = std::str::from_utf8(bytes)
    {
        drop(parse(text));
    }
}

/// Parses the text of a profile file.
fn parse(text: &str) -> Result<BTreeMap<String, Settings>> {
    toml::from_str(text).map_err(|error| {
        // The `Display` of a TOML error quotes the line, which may contain a secret.
        let place = error.span().map_or(String::new(), |span| {
            let line = text.get(..span.start).unwrap_or(text).matches('\n').count() + 1;
            format!(" in line {line}")
        });
        let why = format!("the profile file is wrong{place}: {}", plain(error.message()));
        Error::new(ErrorKind::InvalidConfig, why)
    })
}

/// Removes the value from serde's "invalid type" messages, because it may be a secret.
fn plain(message: &str) -> String {
    let message = message.trim().replace('\n', " ");
    match message.split_once("invalid type: ") {
        Some((_, rest)) => match rest.rsplit_once("expected ") {
            Some((_, expected)) => format!("expected {expected}"),
            None => "a value has the wrong type".into(),
        },
        None => message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::SettingValue;
    use lakewright_core::{Secret, SecretRef};

    #[test]
    fn reads_every_way_to_write_a_secret() {
        let profiles = parse(
            r#"
            [a]
            access_key_id = "literal"
            secret_access_key = { file = "/run/agenix/a" }
            session_token = { credential = "token" }
            timeout = 2.5
            "#,
        )
        .unwrap();
        let a = &profiles["a"];
        assert_eq!(a.access_key_id, Some(SettingValue::Literal(Secret::new("literal"))));
        assert_eq!(
            a.secret_access_key,
            Some(SettingValue::Reference(SecretRef::File("/run/agenix/a".into())))
        );
        assert_eq!(a.timeout, Some(std::time::Duration::from_millis(2500)));
    }

    #[test]
    fn errors_name_the_line_and_repeat_no_value() {
        for text in [
            "[a]\nsecret_access_kye = \"hunter2\"\n",
            "[a]\nretries = \"hunter2\"\n",
            "[a]\nsecret_access_key = hunter2\n",
            "[a]\nsecret_access_key = { literal = \"hunter2\" }\n",
            "[a]\ntimeout = -1\n",
            "secret_access_key = \"hunter2\"\n",
        ] {
            let error = parse(text).expect_err(text);
            assert_eq!(error.kind(), ErrorKind::InvalidConfig);
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
        let error = parse("[a]\nsecret_access_kye = 1\n").unwrap_err();
        assert!(error.to_string().contains("line 2"), "{error}");
        assert!(error.to_string().contains("secret_access_kye"), "{error}");
    }
}
