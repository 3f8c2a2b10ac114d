//! `--at-version` and `--at-time`

use clap::Args;
use jiff::Timestamp;
use lakewright::table::{At, Table};

/// Which state of a table to read.
#[derive(Args, Clone, Debug)]
#[group(multiple = false)]
pub(crate) struct Past {
    /// The table as this version left it
    #[arg(long, value_name = "N")]
    at_version: Option<u64>,
    /// The table as it stood at this time, such as 2026-01-31T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time)]
    at_time: Option<Timestamp>,
}

fn time(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| "write date, time and offset, such as 2026-01-31T12:00:00Z".into())
}

impl Past {
    /// The table as it was then; as it is when nothing was said.
    pub(crate) fn of(&self, table: Table) -> Table {
        match (self.at_version, self.at_time) {
            (Some(version), _) => table.at(At::Version(version)),
            (None, Some(time)) => table.at(At::Timestamp(time)),
            (None, None) => table,
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
