//! Makes a server match a spec file, shows that nothing is left to do, and then declares less.
//!
//! `cargo run --example declared [ENDPOINT]`; without an endpoint it starts an embedded server in a
//! temporary directory.

#![expect(clippy::print_stdout, reason = "this program prints its results")]

use lakewright::render::{self, Style};
use lakewright::{Lake, PlanOptions, Settings, Spec, connect, spec};

const FLIGHTS: &str = r#"{
  "version": 1,
  "stack": "flights",
  "buckets": { "raw": {}, "lake": {} },
  "tables": {
    "lake/flights": {
      "schema": { "month": "integer", "carrier": "string", "delay": "double" },
      "partition_by": ["month"]
    }
  }
}"#;

const WITHOUT_TABLE: &str = r#"{
  "version": 1,
  "stack": "flights",
  "buckets": { "raw": {}, "lake": {} }
}"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = tempfile::tempdir()?;
    let embedded = format!("embedded:{}", directory.path().join("data").display());
    let endpoint = std::env::args().nth(1).unwrap_or(embedded);
    let lake = connect(Settings::builder().endpoint(endpoint).build()).await?;

    let file = directory.path().join("lake.json");
    std::fs::write(&file, FLIGHTS)?;
    let declared = spec::load(&file)?;
    apply(&lake, &declared, PlanOptions::default()).await?;
    println!("drift: {}", lake.drift(&declared).await?.differs());

    // Without `prune` a plan keeps what the spec no longer declares.
    let less = Spec::from_json(WITHOUT_TABLE.as_bytes())?;
    apply(&lake, &less, PlanOptions::builder().prune(true).build()).await
}

/// Shows the plan, applies it and shows the outcome of each step. A program that is used by people
/// would ask for confirmation between the two, because a plan may delete data.
async fn apply(
    lake: &Lake,
    spec: &Spec,
    options: PlanOptions,
) -> Result<(), Box<dyn std::error::Error>> {
    let plan = lake.plan(spec, &options).await?;
    print!("{}", render::plan(&plan, Style::Plain));
    let applied = lake.apply(&plan, &|_event| {}).await;
    print!("{}", render::report(&plan, &applied.report, Style::Plain));
    match applied.error {
        Some(error) => Err(error.into()),
        None => Ok(()),
    }
}
