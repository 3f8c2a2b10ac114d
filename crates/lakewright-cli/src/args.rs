//! What may be written on the command line, apart from the verbs' own arguments, which stand
//! beside the verbs.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, Parser, Subcommand};
use lakewright::Settings;

use crate::cmd;

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "lakewright",
    bin_name = "lakewright",
    version,
    about = ABOUT,
    long_about = format!("{ABOUT}.\n\nEvery command reads `lakewright NOUN VERB …`. {ADDRESSES}"),
    after_help = "`lakewright help NOUN VERB` explains a verb, with examples.",
    after_long_help = tour(),
    propagate_version = false,
    subcommand_required = true,
    arg_required_else_help = true,
    max_term_width = 100
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) noun: Noun,
}

#[cfg(feature = "tables")]
const ABOUT: &str = "Object storage and Delta Lake: buckets, objects and tables of one server";
#[cfg(not(feature = "tables"))]
const ABOUT: &str = "Object storage: buckets and objects of one server (a build without tables)";

#[cfg(feature = "tables")]
const ADDRESSES: &str = "Objects are written BUCKET/KEY (raw/2013/01.csv), tables BUCKET/PATH \
    (raw/flights); s3://… works as well.";
#[cfg(not(feature = "tables"))]
const ADDRESSES: &str = "Objects are written BUCKET/KEY (raw/2013/01.csv); s3://… works as well.";

#[cfg(feature = "tables")]
const TOUR_OF_TABLES: &str = "
  lakewright table create raw/flights --schema 'month: int, delay: double' --partition-by month
  lakewright table append raw/flights 01.csv
  lakewright sql 'SELECT month, avg(delay) FROM flights GROUP BY 1' --table flights=raw/flights";
#[cfg(not(feature = "tables"))]
const TOUR_OF_TABLES: &str = "";

fn tour() -> String {
    format!("{TOUR}{TOUR_OF_TABLES}\n\n{CONVENTIONS}")
}

const TOUR: &str = "\
A first tour:
  lakewright embedded --data ./data &                 a server on this machine
  export LAKEWRIGHT_ENDPOINT=embedded:./data          … and the way to it
  lakewright bucket create raw
  lakewright object put 01.csv raw/in/01.csv";

const CONVENTIONS: &str = "\
Where the connection comes from, the first that says something wins: options, the profile that
--profile names, LAKEWRIGHT_* variables, AWS_* variables and files, the profile `default`. Keys are
never options, because other users see the arguments of a process: put them into profiles.toml, a
file or the environment. `lakewright profile show` says where each value came from.

Output: stdout carries the answer, stderr everything else. With --json the answer is one JSON
document, a list one JSON object a line, and an error one JSON object at the end of stderr.

Exit codes:
  0    done (also when the reader of the output went away early)
  1    the service or the state of things said no: not found, denied, conflict, unavailable …
  2    the question was wrong: arguments, names, documents, profile, configuration
  3    drift, and plan --detailed-exit-code: something differs from what is declared
  130  interrupted (Ctrl-C); 143 terminated. No half object and no half commit stays behind.";

/// The nouns.
#[derive(Debug, Subcommand)]
pub(crate) enum Noun {
    /// Buckets: create, list, head, delete, empty, and what they do by themselves
    #[command(subcommand)]
    Bucket(cmd::bucket::Verb),
    /// Objects: put, get, list, head, delete, copy
    #[command(subcommand)]
    Object(cmd::object::Verb),
    /// Delta tables: list, create, append, overwrite, scan, show, history, files, drop
    #[cfg(feature = "tables")]
    #[command(subcommand)]
    Table(cmd::table::Verb),
    /// Query tables with SQL
    #[cfg(feature = "tables")]
    Sql(cmd::sql::Sql),
    /// Not in this build: Delta tables
    #[cfg(not(feature = "tables"))]
    #[command(hide = true)]
    Table(cmd::tableless::Refused),
    /// Not in this build: SQL
    #[cfg(not(feature = "tables"))]
    #[command(hide = true)]
    Sql(cmd::tableless::Refused),
    /// Documents of what should exist: check, show, schema
    #[command(subcommand)]
    Spec(cmd::declared::SpecVerb),
    Plan(cmd::declared::Plan),
    Apply(cmd::declared::Apply),
    Drift(cmd::declared::Drift),
    State(cmd::declared::State),
    Adopt(cmd::declared::Adopt),
    Forget(cmd::declared::Forget),
    Destroy(cmd::declared::Destroy),
    Wait(cmd::wait::Wait),
    /// Profiles: who talks to which server, and where that was said
    #[command(subcommand)]
    Profile(cmd::profile::Verb),
    /// Serve a directory as object storage on this machine
    Embedded(cmd::embedded::Embedded),
    /// Print the completions of a shell
    Completions(cmd::completions::Completions),
    /// Print or write the manual pages
    Man(cmd::man::Man),
}

/// Options that every verb takes.
#[derive(Args, Clone, Debug)]
pub(crate) struct Global {
    /// Print JSON: one document, a list one object a line
    #[arg(long, global = true, help_heading = "Output")]
    pub(crate) json: bool,

    /// Say more on stderr; twice for debugging
    ///
    /// LAKEWRIGHT_LOG takes a filter in the syntax of tracing-subscriber instead, such as
    /// `lakewright_s3=debug`. What the HTTP layers log below warnings may hold signatures
    /// and is shown only where LAKEWRIGHT_LOG names them.
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = "Output")]
    pub(crate) verbose: u8,

    #[command(flatten)]
    pub(crate) connection: Connection,
}

/// Which server, as whom. No secret is among these: the arguments of a process are public.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Connection")]
pub(crate) struct Connection {
    /// Profile of profiles.toml to connect with
    #[arg(long, global = true, value_name = "NAME")]
    profile: Option<String>,

    /// Server: http(s)://host:port or embedded:DIR
    #[arg(long, global = true, value_name = "URL")]
    endpoint: Option<String>,

    /// Region that requests are signed for
    #[arg(long, global = true, hide_short_help = true)]
    region: Option<String>,

    /// Do not sign requests
    #[arg(long, global = true, hide_short_help = true)]
    anonymous: bool,

    /// Profile of the shared AWS files to sign with
    #[arg(long, global = true, value_name = "NAME", hide_short_help = true)]
    aws_profile: Option<String>,

    /// Ask the cloud machine's metadata service for credentials
    #[arg(long, global = true, hide_short_help = true)]
    instance_metadata: bool,

    /// Put the bucket into the host name
    #[arg(long, global = true, hide_short_help = true)]
    virtual_host_style: bool,

    /// PEM file of certificates to trust besides the system's
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true)]
    ca_file: Option<PathBuf>,

    /// How long a connection may take to come up
    #[arg(long, global = true, value_name = "SECONDS", value_parser = seconds, hide_short_help = true)]
    connect_timeout: Option<Duration>,

    /// How long the server may be silent
    #[arg(long, global = true, value_name = "SECONDS", value_parser = seconds, hide_short_help = true)]
    read_timeout: Option<Duration>,

    /// How long one request may take with all its retries
    #[arg(long, global = true, value_name = "SECONDS", value_parser = seconds, hide_short_help = true)]
    timeout: Option<Duration>,

    /// How often a failed request is sent again
    #[arg(long, global = true, value_name = "N", hide_short_help = true)]
    retries: Option<u32>,

    /// How many requests one transfer keeps under way
    #[arg(long, global = true, value_name = "N", hide_short_help = true)]
    concurrency: Option<usize>,

    /// Send uploads without a CRC32C
    #[arg(long, global = true, hide_short_help = true)]
    no_checksums: bool,
}

impl Connection {
    /// What the command line says, as the first layer of a resolution.
    pub(crate) fn settings(&self) -> Settings {
        let said = |flag: bool| flag.then_some(true);
        let this = self.clone();
        Settings {
            profile: this.profile,
            endpoint: this.endpoint,
            region: this.region,
            anonymous: said(this.anonymous),
            aws_profile: this.aws_profile,
            instance_metadata: said(this.instance_metadata),
            virtual_host_style: said(this.virtual_host_style),
            ca_file: this.ca_file,
            connect_timeout: this.connect_timeout,
            read_timeout: this.read_timeout,
            timeout: this.timeout,
            retries: this.retries,
            concurrency: this.concurrency,
            checksums: this.no_checksums.then_some(false),
            ..Settings::default()
        }
    }
}

/// A time span: a number of seconds, or with its unit.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    const UNITS: [(&str, f64); 4] = [("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];
    let unit = UNITS.iter().find_map(|(unit, length)| Some((text.strip_suffix(unit)?, *length)));
    let (number, length) = unit.unwrap_or((text, 1.0));
    let number: f64 = number
        .trim()
        .parse()
        .map_err(|_| "write a number of seconds, such as 2.5, or 500ms, 2m")?;
    Duration::try_from_secs_f64(number * length).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_grammar_holds_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_explains_itself() {
        fn walk(command: &clap::Command) {
            assert!(command.get_about().is_some(), "{} says nothing", command.get_name());
            for argument in command.get_arguments() {
                let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
                assert!(!help.is_empty(), "{} {}", command.get_name(), argument.get_id());
            }
            let verbs: Vec<_> = command.get_subcommands().collect();
            if verbs.is_empty() {
                assert!(command.get_after_help().is_some(), "{} no example", command.get_name());
            }
            verbs.into_iter().for_each(walk);
        }
        walk(&Cli::command());
    }

    #[test]
    fn no_option_takes_a_secret() {
        fn walk(command: &clap::Command) {
            for argument in command.get_arguments() {
                let name = argument.get_long().unwrap_or_default();
                for word in ["secret", "password", "token", "access-key"] {
                    assert!(!name.contains(word), "--{name}");
                }
            }
            command.get_subcommands().for_each(walk);
        }
        walk(&Cli::command());
    }

    #[test]
    fn wait_has_a_timeout_of_its_own() {
        for (line, limit) in
            [(&["lakewright", "wait"][..], 60), (&["lakewright", "wait", "--timeout", "2m"], 120)]
        {
            let cli = Cli::try_parse_from(line).unwrap();
            assert!(matches!(cli.noun, Noun::Wait(_)));
            assert!(format!("{:?}", cli.noun).contains(&format!("{limit}s")), "{:?}", cli.noun);
        }
    }

    #[test]
    fn global_options_stand_anywhere() {
        let line = ["lakewright", "bucket", "list", "--endpoint", "http://x:1", "--timeout", "2.5"];
        let cli = Cli::try_parse_from(line).unwrap();
        let settings = cli.global.connection.settings();
        assert_eq!(settings.endpoint.as_deref(), Some("http://x:1"));
        assert_eq!(settings.timeout, Some(Duration::from_millis(2500)));
        assert_eq!(settings.anonymous, None);
        for (text, millis) in [("500ms", 500), ("60s", 60_000), ("1.5m", 90_000), ("1h", 3_600_000)]
        {
            assert_eq!(seconds(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for bad in ["soon", "-1", "NaN", "inf", "s", "5 days"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }
}
