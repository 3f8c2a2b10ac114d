//! The result of a write.

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The result of a write to a table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Commit {
    /// The version that the write created.
    pub version: u64,
    /// The name of the operation in Delta, such as `WRITE`.
    pub operation: String,
    /// The time of the commit.
    pub timestamp: Option<Timestamp>,
    /// The number of rows written.
    pub rows: u64,
    /// The number of data files added.
    pub files_added: u64,
    /// The number of data files that no longer belong to the table.
    pub files_removed: u64,
    /// The size of the added data files in bytes.
    pub bytes_added: u64,
    /// The number of concurrent commits that came first, each of which caused a retry.
    pub retries: u64,
}

/// The actions of a commit that are counted (Delta protocol, "Actions").
#[derive(Deserialize)]
struct Action {
    add: Option<File>,
    remove: Option<serde::de::IgnoredAny>,
    #[serde(rename = "commitInfo")]
    commit_info: Option<Info>,
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    size: u64,
}

#[derive(Deserialize)]
struct Info {
    operation: Option<String>,
    timestamp: Option<i64>,
}

impl Commit {
    /// Counts the actions in the entry of the log.
    pub(super) fn read(version: u64, entry: &Bytes, rows: u64, retries: u64) -> Self {
        let mut commit = Self { version, rows, retries, ..Self::default() };
        let lines = entry.split(|byte| *byte == b'\n');
        for line in lines.filter(|line| !line.is_empty()) {
            let Ok(action) = serde_json::from_slice::<Action>(line) else { continue };
            if let Some(file) = action.add {
                commit.files_added += 1;
                commit.bytes_added += file.size;
            }
            commit.files_removed += u64::from(action.remove.is_some());
            if let Some(info) = action.commit_info {
                commit.operation = info.operation.unwrap_or_default();
                commit.timestamp =
                    info.timestamp.and_then(|at| Timestamp::from_millisecond(at).ok());
            }
        }
        commit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_the_lines_of_an_entry() {
        let entry = Bytes::from_static(
            br#"{"commitInfo":{"timestamp":1000,"operation":"WRITE"}}
{"add":{"path":"a","size":3}}
{"add":{"path":"b","size":4}}
{"remove":{"path":"c"}}
"#,
        );
        let commit = Commit::read(7, &entry, 12, 1);
        assert_eq!(
            commit,
            Commit {
                version: 7,
                operation: "WRITE".into(),
                timestamp: Some(Timestamp::from_second(1).unwrap()),
                rows: 12,
                files_added: 2,
                files_removed: 1,
                bytes_added: 7,
                retries: 1,
            }
        );
    }
}
