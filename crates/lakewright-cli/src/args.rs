//! The grammar of the command line: the nouns and verbs of [`cmd`] and the global options.

use clap::{CommandFactory, Parser, Subcommand};

use crate::cmd;
use crate::context::Context;
use crate::failure::CommandResult;
use crate::global::Global;

/// The command line.
#[derive(Debug, Parser)]
#[command(
    name = "lakewright",
    bin_name = "lakewright",
    version,
    about = ABOUT,
    long_about = format!("{ABOUT}.\n\nCommands have the form `lakewright NOUN VERB …`. {ADDRESSES}"),
    after_help = "`lakewright help NOUN VERB` describes a verb, with examples.",
    after_long_help = long_help(),
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
const ADDRESSES: &str = "Objects are named BUCKET/KEY (raw/2013/01.csv), tables BUCKET/PATH \
    (raw/flights), optionally with the prefix s3://.";
#[cfg(not(feature = "tables"))]
const ADDRESSES: &str = "Objects are named BUCKET/KEY (raw/2013/01.csv), optionally with the \
    prefix s3://.";

#[cfg(feature = "tables")]
const TABLE_EXAMPLES: &str = "
  lakewright table create raw/flights --schema 'month: int, delay: double' --partition-by month
  lakewright table append raw/flights 01.csv
  lakewright sql 'SELECT month, avg(delay) FROM flights GROUP BY 1' --table flights=raw/flights";
#[cfg(not(feature = "tables"))]
const TABLE_EXAMPLES: &str = "";

fn long_help() -> String {
    format!("{EXAMPLES}{TABLE_EXAMPLES}\n\n{CONVENTIONS}")
}

const EXAMPLES: &str = "\
Examples:
  lakewright embedded --data ./data &                 starts a server on this machine
  export LAKEWRIGHT_ENDPOINT=embedded:./data          connects to it
  lakewright bucket create raw
  lakewright object put 01.csv raw/in/01.csv";

const CONVENTIONS: &str = "\
Settings of the connection are read from these sources, in order of precedence: options, the profile
that --profile names, LAKEWRIGHT_* variables, AWS_* variables and files, the profile `default`.
Credentials are never options, because other users can read the arguments of a process: put them
into profiles.toml, a file or the environment. `lakewright profile show` shows the source of each
value.

Output: results are printed on stdout, everything else on stderr. With --json a result is one JSON
document, a list one JSON object per line, and an error one JSON object at the end of stderr.

Exit codes:
  0    success (also when the reader of stdout closes the pipe early)
  1    the operation failed: not found, denied, conflict, unavailable …
  2    invalid input: arguments, names, specs, profile, configuration
  3    drift and plan --detailed-exit-code: the server differs from the spec
  130  interrupted (Ctrl-C); 143 terminated. Objects and commits are written completely or not at
       all.";

/// The nouns.
#[derive(Debug, Subcommand)]
pub(crate) enum Noun {
    /// Buckets: create, list, head, delete, empty, and their settings
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
    /// Delta tables (not in this build)
    #[cfg(not(feature = "tables"))]
    #[command(hide = true)]
    Table(cmd::tableless::Unsupported),
    /// SQL (not in this build)
    #[cfg(not(feature = "tables"))]
    #[command(hide = true)]
    Sql(cmd::tableless::Unsupported),
    /// Specs, which declare resources: check, show, schema
    #[command(subcommand)]
    Spec(cmd::spec::Verb),
    Plan(cmd::declared::plan::Plan),
    Apply(cmd::declared::apply::Apply),
    Drift(cmd::declared::drift::Drift),
    State(cmd::declared::state::State),
    Adopt(cmd::declared::adopt::Adopt),
    Forget(cmd::declared::forget::Forget),
    Seal(cmd::declared::seal::Seal),
    Destroy(cmd::declared::destroy::Destroy),
    Wait(cmd::wait::Wait),
    /// Connection profiles: list, show, check
    #[command(subcommand)]
    Profile(cmd::profile::Verb),
    /// Serve a directory as object storage on this machine
    Embedded(cmd::embedded::Embedded),
    /// Print a completion script for a shell
    Completions(cmd::completions::Completions),
    /// Print or write the manual pages
    Man(cmd::man::Man),
}

impl Noun {
    /// Runs the command.
    pub(crate) async fn run(self, context: &mut Context) -> CommandResult {
        match self {
            Self::Bucket(verb) => verb.run(context).await,
            Self::Object(verb) => verb.run(context).await,
            #[cfg(feature = "tables")]
            Self::Table(verb) => verb.run(context).await,
            #[cfg(feature = "tables")]
            Self::Sql(sql) => sql.run(context).await,
            #[cfg(not(feature = "tables"))]
            Self::Table(verb) | Self::Sql(verb) => verb.run(),
            Self::Spec(verb) => verb.run(context),
            Self::Plan(plan) => plan.run(context).await,
            Self::Apply(apply) => apply.run(context).await,
            Self::Drift(drift) => drift.run(context).await,
            Self::State(state) => state.run(context).await,
            Self::Adopt(adopt) => adopt.run(context).await,
            Self::Forget(forget) => forget.run(context).await,
            Self::Seal(seal) => seal.run(context).await,
            Self::Destroy(destroy) => destroy.run(context).await,
            Self::Wait(wait) => wait.run(context).await,
            Self::Profile(verb) => verb.run(context).await,
            Self::Embedded(embedded) => embedded.run(context).await,
            Self::Completions(completions) => completions.run(Cli::command(), context),
            Self::Man(man) => man.run(Cli::command(), context),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_grammar_is_valid() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_help_and_examples() {
        fn walk(command: &clap::Command) {
            assert!(command.get_about().is_some(), "{} has no help", command.get_name());
            for argument in command.get_arguments() {
                let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
                assert!(!help.is_empty(), "{} {}", command.get_name(), argument.get_id());
            }
            let verbs: Vec<_> = command.get_subcommands().collect();
            if verbs.is_empty() {
                assert!(
                    command.get_after_help().is_some(),
                    "{} has no example",
                    command.get_name()
                );
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
    fn global_options_are_accepted_after_the_verb() {
        let line = ["lakewright", "bucket", "list", "--endpoint", "http://x:1", "--timeout", "2.5"];
        let cli = Cli::try_parse_from(line).unwrap();
        let settings = cli.global.connection.settings();
        assert_eq!(settings.endpoint.as_deref(), Some("http://x:1"));
        assert_eq!(settings.timeout, Some(Duration::from_millis(2500)));
        assert_eq!(settings.anonymous, None);
    }

    #[test]
    fn every_command_has_a_manual_page() {
        let mut grammar = Cli::command();
        grammar.build();
        let pages = cmd::man::pages(grammar);
        let names: Vec<_> = pages.iter().map(|(name, _)| name.as_str()).collect();
        assert!(names.contains(&"lakewright-object-put"), "{names:?}");
        assert!(names.contains(&"lakewright"));
        for (name, command) in pages {
            let text = String::from_utf8(cmd::man::render(command).unwrap()).unwrap();
            assert!(text.contains(".SH SYNOPSIS"), "{name}");
        }
    }
}
