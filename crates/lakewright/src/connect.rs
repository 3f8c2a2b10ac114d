//! `connect`: from what the caller and the surroundings say to a lake, for every scheme.

use lakewright_client::profile::{Resolved, Settings};
use lakewright_core::{Error, ErrorKind, Result};

use crate::Lake;

/// The scheme of an embedded server's endpoint.
const EMBEDDED: &str = "embedded:";

/// Connects to what `settings`, profiles and environment name: `http(s)://host:port` is S3,
/// `embedded:DIR` a server behind the connection. The latter is started here, or attached to
/// where another process runs it on that directory already; a started one ends with the last
/// clone of the lake.
///
/// # Errors
/// Those of [`Settings::resolve`] and [`Resolved::into_profile`]; `Unsupported` for a scheme
/// that this build does not have.
pub async fn connect(settings: Settings) -> Result<Lake> {
    let resolved = settings.resolve().await?;
    if let Some(scheme) = resolved.endpoint().and_then(later) {
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

/// The schemes of the gateway.
fn later(endpoint: &str) -> Option<&'static str> {
    ["lakewright+https:", "lakewright+http:", "unix:"].into_iter().find(|s| endpoint.starts_with(s))
}

#[cfg(feature = "embedded")]
async fn embedded(resolved: Resolved, directory: String) -> Result<Lake> {
    use std::sync::Arc;

    use lakewright_core::Secret;
    use lakewright_embedded::{Embedded, EmbeddedOptions, start_or_attach};

    if directory.is_empty() {
        let why = "embedded: names no directory; write embedded:DIR";
        return Err(Error::new(ErrorKind::InvalidConfig, why));
    }
    // The directory is the server, whatever port it has and wherever it is named from.
    let absolute = std::path::absolute(&directory).unwrap_or_else(|_| (&directory).into());
    let name = format!("{EMBEDDED}{}", absolute.display());
    match start_or_attach(EmbeddedOptions::new(directory)).await? {
        Embedded::Started(server) => {
            let key = Secret::new(server.access_key_id());
            let secret = server.secret_access_key().clone();
            let profile = resolved.served_at(server.endpoint(), key, secret).into_profile()?;
            Ok(Lake::new(profile)?.with_display_name(&name).with_guard(Arc::new(server)))
        }
        Embedded::Attached(there) => {
            let key = Secret::new(there.access_key_id);
            let profile =
                resolved.served_at(there.endpoint, key, there.secret_access_key).into_profile()?;
            Ok(Lake::new(profile)?.with_display_name(&name))
        }
    }
}

#[cfg(not(feature = "embedded"))]
async fn embedded(_: Resolved, _: String) -> Result<Lake> {
    let why = "this build of lakewright has no embedded server";
    Err(Error::new(ErrorKind::Unsupported, why))
}
