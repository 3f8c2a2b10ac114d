//! Logging to stderr.

use std::io::{self, IsTerminal};

use lakewright::{Error, ErrorKind};
use tracing::{Level, Subscriber};
use tracing_subscriber::filter::{EnvFilter, FilterExt, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry};

/// The environment variable with the filter.
pub(crate) const VARIABLE: &str = "LAKEWRIGHT_LOG";

/// Prefixes of log targets whose messages below warnings may contain signatures and headers. Such
/// messages are logged only when the variable names the target.
const CAPPED: [&str; 5] = ["aws_", "h2", "hyper", "rustls", "s3s"];

/// Starts logging. Has no effect if the process already has a global subscriber, from an earlier
/// call or of an embedding program.
pub(crate) fn init(verbose: u8) -> Result<(), Error> {
    let filter = std::env::var(VARIABLE).ok().filter(|text| !text.trim().is_empty());
    let filter = filter.as_deref().unwrap_or(match verbose {
        // Warnings of libraries are omitted: their failures are reported as errors of the command.
        0 => "lakewright=warn",
        1 => "warn,lakewright=info",
        _ => "warn,lakewright=debug",
    });
    let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let subscriber = subscriber(filter, io::stderr, colour).map_err(|error| {
        let why = format!("${VARIABLE} is not a valid filter: {error}");
        Error::new(ErrorKind::InvalidConfig, why)
    })?;
    let _ = subscriber.try_init();
    Ok(())
}

fn subscriber<W>(
    filter: &str,
    writer: W,
    colour: bool,
) -> Result<impl Subscriber + Send + Sync + use<W>, tracing_subscriber::filter::ParseError>
where
    W: for<'a> tracing_subscriber::fmt::MakeWriter<'a> + Send + Sync + 'static,
{
    let named: Vec<String> = filter
        .split(',')
        .filter_map(|directive| directive.split(['=', '[']).next())
        .map(|target| target.trim().to_owned())
        .filter(|target| CAPPED.iter().any(|capped| target.starts_with(capped)))
        .collect();
    let cap = filter_fn(move |event| {
        *event.level() <= Level::WARN
            || !CAPPED.iter().any(|capped| event.target().starts_with(capped))
            || named.iter().any(|name| event.target().starts_with(name))
    });
    let lines = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(colour);
    Ok(Registry::default().with(lines.with_filter(EnvFilter::try_new(filter)?.and(cap))))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns whether the filter enables each of four events.
    fn enabled(filter: &str) -> [bool; 4] {
        tracing::subscriber::with_default(subscriber(filter, io::sink, false).unwrap(), || {
            [
                tracing::enabled!(target: "aws_smithy_runtime::client", Level::DEBUG),
                tracing::enabled!(target: "hyper_util::client", Level::DEBUG),
                tracing::enabled!(target: "lakewright_s3", Level::DEBUG),
                tracing::enabled!(target: "aws_runtime", Level::WARN),
            ]
        })
    }

    #[test]
    fn http_libraries_are_logged_only_when_named() {
        assert_eq!(enabled("trace"), [false, false, true, true]);
        assert_eq!(enabled("lakewright=debug"), [false, false, true, false]);
        assert_eq!(enabled("warn,aws_smithy_runtime=debug"), [true, false, false, true]);
        assert_eq!(enabled("aws_sdk_s3=debug,debug"), [false, false, true, true]);
        assert_eq!(enabled("hyper=trace"), [false, true, false, false]);
        assert!(subscriber("==", io::sink, false).is_err());
    }
}
