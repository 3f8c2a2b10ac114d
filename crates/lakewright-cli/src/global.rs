//! Options that every verb takes.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args};
use lakewright::Settings;

use crate::duration;

/// Options that every verb takes.
#[derive(Args, Clone, Debug)]
pub(crate) struct Global {
    /// Print JSON: one document, or one object per line for a list
    #[arg(long, global = true, help_heading = "Output")]
    pub(crate) json: bool,

    /// Log more on stderr; twice for debug messages
    ///
    /// LAKEWRIGHT_LOG sets a filter in the syntax of tracing-subscriber instead, such as
    /// `lakewright_s3=debug`. Messages of the HTTP libraries below warnings may contain
    /// signatures, and are logged only when LAKEWRIGHT_LOG names these libraries.
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = "Output")]
    pub(crate) verbose: u8,

    #[command(flatten)]
    pub(crate) connection: Connection,
}

/// Options of the connection. No option takes a secret, because other users of the machine can read
/// the arguments of a process.
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

    /// Use credentials of the cloud instance's metadata service
    #[arg(long, global = true, hide_short_help = true)]
    instance_metadata: bool,

    /// Put the bucket into the host name
    #[arg(long, global = true, hide_short_help = true)]
    virtual_host_style: bool,

    /// PEM file with certificates to trust besides those of the system
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true)]
    ca_file: Option<PathBuf>,

    /// Timeout for establishing a connection
    #[arg(long, global = true, value_name = "SECONDS", value_parser = duration::parse, hide_short_help = true)]
    connect_timeout: Option<Duration>,

    /// Timeout for each read from the server
    #[arg(long, global = true, value_name = "SECONDS", value_parser = duration::parse, hide_short_help = true)]
    read_timeout: Option<Duration>,

    /// Timeout for a request with all its retries
    #[arg(long, global = true, value_name = "SECONDS", value_parser = duration::parse, hide_short_help = true)]
    timeout: Option<Duration>,

    /// Maximum number of retries of a failed request
    #[arg(long, global = true, value_name = "N", hide_short_help = true)]
    retries: Option<u32>,

    /// Number of concurrent requests per transfer
    #[arg(long, global = true, value_name = "N", hide_short_help = true)]
    concurrency: Option<usize>,

    /// Do not send CRC32C checksums with uploads
    #[arg(long, global = true, hide_short_help = true)]
    no_checksums: bool,

    /// Whether signatures cover the SHA-256 of bodies; by default on plain HTTP to another machine
    #[arg(long, global = true, value_name = "BOOL", hide_short_help = true)]
    payload_signing: Option<bool>,
}

impl Connection {
    /// Returns the settings that are given on the command line.
    pub(crate) fn settings(&self) -> Settings {
        let given = |flag: bool| flag.then_some(true);
        let this = self.clone();
        Settings::builder()
            .maybe_profile(this.profile)
            .maybe_endpoint(this.endpoint)
            .maybe_region(this.region)
            .maybe_anonymous(given(this.anonymous))
            .maybe_aws_profile(this.aws_profile)
            .maybe_instance_metadata(given(this.instance_metadata))
            .maybe_virtual_host_style(given(this.virtual_host_style))
            .maybe_ca_file(this.ca_file)
            .maybe_connect_timeout(this.connect_timeout)
            .maybe_read_timeout(this.read_timeout)
            .maybe_timeout(this.timeout)
            .maybe_retries(this.retries)
            .maybe_concurrency(this.concurrency)
            .maybe_checksums(this.no_checksums.then_some(false))
            .maybe_payload_signing(this.payload_signing)
            .build()
    }
}
