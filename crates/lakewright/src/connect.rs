//! `connect`: resolves the settings and connects to the endpoint, for every scheme.

use lakewright_client::profile::{EMBEDDED, Resolved, Settings};
use lakewright_core::{Error, ErrorKind, Result};

use crate::Lake;

/// Connects to the endpoint in `settings`, the profile or the environment: `http(s)://host:port` is
/// an S3 server, `embedded:DIR` an embedded server on that directory. An embedded server is started
/// in this process, unless another process already runs one on the directory; a server that was
/// started here ends with the last clone of the lake. When a server of another process ends, requests
/// fail as `Unavailable` until a process serves the directory again.
///
/// # Errors
/// Those of [`Settings::resolve`] and [`Resolved::into_profile`]; `Unsupported` for a scheme
/// that this build does not have.
pub async fn connect(settings: Settings) -> Result<Lake> {
    let resolved = settings.resolve().await?;
    if let Some(scheme) = resolved.endpoint().and_then(gateway_scheme) {
        let why = format!("{scheme} names a gateway, which lakewright does not have yet");
        return Err(Error::new(ErrorKind::Unsupported, why).during("connect"));
    }
    let connected = match resolved.endpoint().and_then(|at| at.strip_prefix(EMBEDDED)) {
        Some(directory) => {
            let directory = directory.to_owned();
            embedded(resolved, directory).await
        }
        None => resolved.into_profile().and_then(Lake::new),
    };
    connected.map_err(|error| error.during("connect"))
}

/// Returns the scheme of an endpoint that names a gateway, which does not exist yet.
fn gateway_scheme(endpoint: &str) -> Option<&'static str> {
    ["lakewright+https:", "lakewright+http:", "unix:"].into_iter().find(|s| endpoint.starts_with(s))
}

#[cfg(feature = "embedded")]
async fn embedded(resolved: Resolved, directory: String) -> Result<Lake> {
    use std::sync::Arc;

    use lakewright_core::Secret;
    use lakewright_embedded::{Embedded, EmbeddedOptions, start_or_attach};

    use crate::dial_directory::DialDirectory;

    if directory.is_empty() {
        let why = "embedded: names no directory; write embedded:DIR";
        return Err(Error::new(ErrorKind::InvalidConfig, why));
    }
    // The process may change its working directory later.
    let absolute = std::path::absolute(&directory).unwrap_or_else(|_| (&directory).into());
    let endpoint = format!("{EMBEDDED}{}", absolute.display());
    let options = EmbeddedOptions::new(&absolute).without_tcp();
    let (server, key, secret) = match start_or_attach(options).await? {
        Embedded::Started(server) => {
            let key = server.access_key_id().to_owned();
            let secret = server.secret_access_key().clone();
            (Some(server), key, secret)
        }
        Embedded::Attached(there) => (None, there.access_key_id, there.secret_access_key),
    };
    let profile = resolved.served_at(endpoint, Secret::new(key), secret).into_profile()?;
    let lake = Lake::dialed(profile, Arc::new(DialDirectory(absolute.into())))?;
    Ok(match server {
        Some(server) => lake.with_guard(Arc::new(server)),
        None => lake,
    })
}

#[cfg(not(feature = "embedded"))]
async fn embedded(_: Resolved, _: String) -> Result<Lake> {
    let why = "this build of lakewright has no embedded server";
    Err(Error::new(ErrorKind::Unsupported, why))
}
