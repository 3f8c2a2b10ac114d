//! Conditions and queries that are so long or so deeply nested that the stack of a thread is not
//! enough for them. Each runs in a process of its own, because an overflow would end the tests.

use std::collections::BTreeMap;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::Instant;

use lakewright::arrow::array::{Int64Array, RecordBatch};
use lakewright::table::{same_condition, schema_from_types};
use lakewright::{
    Batches, CreateTableOptions, Error, ErrorKind, Lake, ObjectKey, OverwriteOptions, Result,
    ScanOptions, Settings, Table, TableUri, WriteOptions,
};
use lakewright_tests::conformance::bucket;
use lakewright_tests::tests;
use tempfile::TempDir;

tests![
    long_conditions_of_scans,
    long_queries,
    long_conditions_of_overwrites,
    long_constraints,
    long_constraints_in_a_log,
    compared_conditions,
];

/// The variable that makes this program the process of the queries at one door, which it names.
/// Without it the program runs the tests.
const DOOR: &str = "LAKEWRIGHT_TEST_DEEP_DOOR";

/// The numbers of terms. The parser refuses nesting in the first by itself, and people write lists
/// as long as the second.
const SIZES: [usize; 4] = [60, 1_500, 100_000, 1_000_000];

/// The number of rows of the table: 0 to 9 in one file, 10 to 19 in another.
const ROWS: i64 = 20;

/// A name, and the text with a number of terms.
type Shape = (&'static str, fn(usize) -> String);

/// Conditions that hold for every row of the table.
const SHAPES: [Shape; 14] = [
    ("in list", |n| format!("id IN ({})", joined(n, ",", |i| i.to_string()))),
    ("not in list", |n| format!("id NOT IN ({})", joined(n, ",", |i| (-1 - i).to_string()))),
    ("or", |n| joined(n, " OR ", |i| format!("id = {i}"))),
    ("and", |n| joined(n, " AND ", |i| format!("id <> {}", -1 - i))),
    ("sum", |n| format!("id < 100 + {}", joined(n, " + ", |i| i.to_string()))),
    ("between", |n| format!("id >= 0 AND true{}", " BETWEEN false AND true".repeat(n))),
    ("distinct", |n| {
        format!("id >= 0 OR {}", joined(2 * n, " IS DISTINCT FROM ", |_| "true".into()))
    }),
    ("concatenation", |n| format!("'b' < {}", joined(n, " || ", |_| "'c'".into()))),
    ("parentheses", |n| format!("{}id{} >= 0", "(".repeat(n), ")".repeat(n))),
    ("functions", |n| format!("{}id{} >= 0", "abs(".repeat(n), ")".repeat(n))),
    ("not", |n| format!("{}(id >= 0)", "NOT ".repeat(n / 2 * 2))),
    ("minus", |n| format!("{}id >= 0", "- ".repeat(n / 2 * 2))),
    ("is true", |n| format!("(id >= 0){}", " IS TRUE".repeat(n))),
    ("case", |n| {
        let cases = "CASE WHEN id < 0 THEN id ELSE ".repeat(n);
        format!("{cases}id{} >= 0", " END".repeat(n))
    }),
];

/// Queries that return every row of the table `t`.
const QUERIES: [Shape; 6] = [
    ("union", |n| {
        format!("SELECT id FROM t{}", " UNION ALL SELECT id FROM t WHERE false".repeat(n))
    }),
    ("subqueries", |n| format!("{}SELECT id FROM t{}", "SELECT * FROM (".repeat(n), ")".repeat(n))),
    ("joins", |n| {
        let joins = |i| format!("CROSS JOIN (SELECT 1 AS a{i}) AS b{i}");
        format!("SELECT t.id FROM t {}", joined(n, " ", joins))
    }),
    ("tables", |n| {
        let tables = |i| format!("(SELECT 1 AS a{i}) AS b{i}");
        format!("SELECT t.id FROM t, {}", joined(n, ", ", tables))
    }),
    ("columns", |n| {
        format!("SELECT id, {} FROM t", joined(n, ",", |i| format!("id + {i} AS c{i}")))
    }),
    ("casts", |n| format!("SELECT id{} AS id FROM t", "::bigint".repeat(n))),
];

/// Conditions that people and programs write, and that have to be answered.
const NEAR_THE_LIMITS: [(&str, usize); 8] = [
    ("in list", 10_000),
    ("or", 240),
    ("and", 240),
    ("sum", 240),
    ("concatenation", 240),
    ("is true", 115),
    ("between", 115),
    ("distinct", 10),
];

/// Queries that have to be answered.
const QUERIES_NEAR_THE_LIMITS: [(&str, usize); 4] =
    [("union", 60), ("joins", 40), ("tables", 40), ("columns", 1_000)];

fn joined(count: usize, separator: &str, term: impl Fn(i64) -> String) -> String {
    (0..count as i64).map(term).collect::<Vec<_>>().join(separator)
}

/// The queries of one door, in a process of their own.
pub(crate) struct DeepQueries {
    door: String,
}

impl DeepQueries {
    /// Starts this program again as the process, and asserts that it does not end before its last
    /// query.
    fn run_in_process(door: &str) {
        let output = Command::new(std::env::current_exe().unwrap())
            .env(DOOR, door)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let printed = String::from_utf8_lossy(&output.stderr);
        // The end has the query that was running.
        let last: Vec<&str> = printed.lines().rev().take(20).collect();
        let last: Vec<&str> = last.into_iter().rev().collect();
        assert!(output.status.success(), "{door}: {}\n{}", output.status, last.join("\n"));
        eprintln!("{printed}");
    }

    /// Reads the door, in the process that [`run_in_process`](Self::run_in_process) started.
    pub(crate) fn from_env() -> Option<Self> {
        Some(Self { door: std::env::var(DOOR).ok()? })
    }

    /// Runs the queries, in the process that [`run_in_process`](Self::run_in_process) started.
    pub(crate) fn run(self) -> ExitCode {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let folder = TempDir::new().unwrap();
        let settings =
            Settings::builder().endpoint(format!("embedded:{}", folder.path().display())).build();
        // Spawned, so that the queries run on a worker, whose stack is small.
        let queries = runtime.spawn(async move {
            let lake = lakewright::connect(settings).await.unwrap();
            let shared = table(&lake).await;
            for (shape, terms, answered) in self.queries() {
                // The other doors change the table.
                let table = match &*self.door {
                    "scan" | "sql" | "compare" => shared.clone(),
                    _ => table(&lake).await,
                };
                // The last line of a process that crashes names the query.
                eprint!("{}, {terms} × {shape}: ", self.door);
                let started = Instant::now();
                let result = run(&lake, table, &self.door, shape, terms).await;
                let elapsed = started.elapsed().as_millis();
                match result {
                    Ok(()) => eprintln!("answered in {elapsed} ms"),
                    Err(error) if error.kind() == ErrorKind::InvalidInput && !answered => {
                        eprintln!("refused in {elapsed} ms: {}", error.message());
                        assert!(error.message().len() < 500, "a long message");
                    }
                    Err(error) => panic!("{error:?}"),
                }
            }
        });
        runtime.block_on(queries).unwrap();
        ExitCode::SUCCESS
    }

    /// Returns the queries: a shape, a number of terms, and whether it has to be answered.
    fn queries(&self) -> Vec<(&'static str, usize, bool)> {
        let every = |shapes: &'static [Shape]| {
            shapes.iter().flat_map(|(shape, _)| SIZES.map(|terms| (*shape, terms, false)))
        };
        let mut queries: Vec<_> = every(&SHAPES).collect();
        // A log with such a constraint is read as any other.
        if self.door != "log" {
            queries.extend(NEAR_THE_LIMITS.map(|(shape, terms)| (shape, terms, true)));
        }
        if self.door == "sql" {
            queries.extend(every(&QUERIES));
            queries.extend(QUERIES_NEAR_THE_LIMITS.map(|(shape, terms)| (shape, terms, true)));
        }
        queries
    }
}

fn rows(ids: std::ops::Range<i64>) -> Batches {
    let schema = schema_from_types([("id", "long")]).unwrap();
    let ids = Arc::new(Int64Array::from_iter_values(ids));
    Batches::from_batches(schema.clone(), vec![RecordBatch::try_new(schema, vec![ids]).unwrap()])
}

/// Creates a table in a bucket of its own.
async fn table(lake: &Lake) -> Table {
    let bucket = bucket(lake).await;
    let uri = TableUri::new(format!("{}/t", bucket.name())).unwrap();
    let schema = schema_from_types([("id", "long")]).unwrap();
    let table = lake.create_table(&uri, schema, CreateTableOptions::default()).await.unwrap();
    for ids in [0..ROWS / 2, ROWS / 2..ROWS] {
        table.append(rows(ids), WriteOptions::default()).await.unwrap();
    }
    table
}

fn condition(shape: &str, terms: usize) -> String {
    let (_, text) = SHAPES.iter().find(|(name, _)| *name == shape).unwrap();
    text(terms)
}

async fn run(lake: &Lake, table: Table, door: &str, shape: &str, terms: usize) -> Result<()> {
    match door {
        "scan" => {
            let options = ScanOptions::builder().filter(condition(shape, terms)).build();
            let batches = table.scan(options).stream().await?.collect().await?;
            assert_eq!(count(&batches), ROWS as usize);
        }
        "sql" => {
            let query = match QUERIES.iter().find(|(name, _)| *name == shape) {
                Some((_, text)) => text(terms),
                None => format!("SELECT id FROM t WHERE {}", condition(shape, terms)),
            };
            let tables = BTreeMap::from([("t".to_owned(), table)]);
            let batches = lake.sql(query, tables).stream().await?.collect().await?;
            assert_eq!(count(&batches), ROWS as usize);
        }
        "overwrite" => {
            let options =
                OverwriteOptions::builder().replace_where(condition(shape, terms)).build();
            let commit = table.overwrite(rows(0..ROWS), options).await?;
            assert_eq!(commit.rows, ROWS as u64);
        }
        "constraint" => {
            table.add_constraint("long", &condition(shape, terms)).await?;
            let commit = table.append(rows(0..1), WriteOptions::default()).await?;
            assert_eq!(commit.rows, 1);
        }
        "compare" => {
            let schema = schema_from_types([("id", "long")])?;
            let condition = condition(shape, terms);
            assert!(same_condition(&schema, &condition, &condition));
            // Not the same text, so that both are parsed.
            let _ = same_condition(&schema, &condition, &format!(" {condition}"));
        }
        "log" => {
            let bucket = lake.bucket(table.uri().bucket().clone());
            let key = |version: u64| ObjectKey::new(format!("t/_delta_log/{version:020}.json"));
            let first = bucket.get(&key(0)?, Default::default()).await?.bytes;
            let entry = std::str::from_utf8(&first).unwrap();
            let metadata = entry.lines().find(|line| line.contains("metaData")).unwrap();
            let mut metadata: serde_json::Value = serde_json::from_str(metadata).unwrap();
            metadata["metaData"]["configuration"]["delta.constraints.long"] =
                condition(shape, terms).into();
            bucket.put(&key(3)?, metadata.to_string(), Default::default()).await?;
            match table.append(rows(0..1), WriteOptions::default()).await {
                Err(error) if error.kind() == ErrorKind::Corrupt => {
                    return Err(Error::invalid_input(error.message()));
                }
                other => assert_eq!(other?.rows, 1),
            }
        }
        other => panic!("no such door: {other}"),
    }
    Ok(())
}

fn count(batches: &[RecordBatch]) -> usize {
    batches.iter().map(RecordBatch::num_rows).sum()
}

async fn long_conditions_of_scans() {
    DeepQueries::run_in_process("scan");
}

async fn long_queries() {
    DeepQueries::run_in_process("sql");
}

async fn long_conditions_of_overwrites() {
    DeepQueries::run_in_process("overwrite");
}

async fn long_constraints() {
    DeepQueries::run_in_process("constraint");
}

/// A constraint in a log that another program wrote is refused before it is parsed.
async fn long_constraints_in_a_log() {
    DeepQueries::run_in_process("log");
}

async fn compared_conditions() {
    DeepQueries::run_in_process("compare");
}
