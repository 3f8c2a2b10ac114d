//! `connect`: from what the caller and the surroundings say to a lake, for every scheme.

use lakewright_core::Result;
use lakewright_engine::Lake;
use lakewright_engine::profile::Settings;

/// Connects to what `settings`, profiles and environment name.
///
/// # Errors
/// Those of [`Settings::resolve`].
pub async fn connect(settings: Settings) -> Result<Lake> {
    let resolved = settings.resolve().await?;
    Lake::new(resolved.into_profile().map_err(|error| error.during("connect"))?)
}
