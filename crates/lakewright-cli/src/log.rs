//! Logging: to stderr, quiet unless asked.

use std::io::{self, IsTerminal};

use lakewright::{Error, ErrorKind};
use tracing::{Level, Subscriber};
use tracing_subscriber::filter::{EnvFilter, FilterExt, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry};

/// The variable that takes a filter.
pub(crate) const VARIABLE: &str = "LAKEWRIGHT_LOG";

/// What these log below warnings may hold signatures and headers: it is shown only where the
/// variable names them.
const CAPPED: [&str; 5] = ["aws_", "h2", "hyper", "rustls", "s3s"];

/// Starts logging. A second call in one process finds the logging of the first, and so does a
/// program that has its own.
pub(crate) fn init(verbose: u8) -> Result<(), Error> {
    let wanted = std::env::var(VARIABLE).ok().filter(|filter| !filter.trim().is_empty());
    let wanted = wanted.as_deref().unwrap_or(match verbose {
        // What the libraries below have to say comes back as an error, in better words.
        0 => "lakewright=warn",
        1 => "warn,lakewright=info",
        _ => "warn,lakewright=debug",
    });
    let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let subscriber = subscriber(wanted, io::stderr, colour).map_err(|error| {
        let why = format!("${VARIABLE} is no filter: {error}");
        Error::new(ErrorKind::InvalidConfig, why)
    })?;
    let _ = subscriber.try_init();
    Ok(())
}

fn subscriber<W>(
    wanted: &str,
    writer: W,
    colour: bool,
) -> Result<impl Subscriber + Send + Sync + use<W>, tracing_subscriber::filter::ParseError>
where
    W: for<'a> tracing_subscriber::fmt::MakeWriter<'a> + Send + Sync + 'static,
{
    let named: Vec<String> = wanted
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
    Ok(Registry::default().with(lines.with_filter(EnvFilter::try_new(wanted)?.and(cap))))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a filter lets through is only known to a subscriber that has it.
    fn lets_through(wanted: &str) -> [bool; 4] {
        tracing::subscriber::with_default(subscriber(wanted, io::sink, false).unwrap(), || {
            [
                tracing::enabled!(target: "aws_smithy_runtime::client", Level::DEBUG),
                tracing::enabled!(target: "hyper_util::client", Level::DEBUG),
                tracing::enabled!(target: "lakewright_s3", Level::DEBUG),
                tracing::enabled!(target: "aws_runtime", Level::WARN),
            ]
        })
    }

    #[test]
    fn http_layers_speak_only_when_named() {
        assert_eq!(lets_through("trace"), [false, false, true, true]);
        assert_eq!(lets_through("lakewright=debug"), [false, false, true, false]);
        assert_eq!(lets_through("warn,aws_smithy_runtime=debug"), [true, false, false, true]);
        assert_eq!(lets_through("aws_sdk_s3=debug,debug"), [false, false, true, true]);
        assert_eq!(lets_through("hyper=trace"), [false, true, false, false]);
        assert!(subscriber("==", io::sink, false).is_err());
    }
}
