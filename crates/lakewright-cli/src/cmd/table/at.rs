//! `--at-version` and `--at-time`

use clap::Args;
use jiff::Timestamp;
use lakewright::table::{self, Table};

/// The version of a table to read.
#[derive(Args, Clone, Debug)]
#[group(multiple = false)]
pub(crate) struct At {
    /// Read this version of the table
    #[arg(long, value_name = "N")]
    at_version: Option<u64>,
    /// Read the version that was current at this time, such as 2026-01-31T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time)]
    at_time: Option<Timestamp>,
}

fn time(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| "write date, time and offset, such as 2026-01-31T12:00:00Z".into())
}

impl At {
    /// Returns the table at the given version or time, the current table if none is given.
    pub(crate) fn apply(&self, current: Table) -> Table {
        match (self.at_version, self.at_time) {
            (Some(version), _) => current.at(table::At::Version(version)),
            (None, Some(time)) => current.at(table::At::Timestamp(time)),
            (None, None) => current,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_an_offset() {
        assert!(time("2026-01-31T12:00:00Z").is_ok());
        assert!(time("2026-01-31 12:00:00+01:00").is_ok());
        for bad in ["2026-01-31", "2026-01-31T12:00:00", "now", ""] {
            assert!(time(bad).unwrap_err().contains("2026-01-31T12:00:00Z"), "{bad}");
        }
    }
}
