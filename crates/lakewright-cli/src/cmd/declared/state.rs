//! `lakewright state`

use std::io::{self, Write};

use clap::Args;
use lakewright::BucketName;
use lakewright::spec::Spec;
use lakewright::state::Registry;
use serde_json::{Value, json};

use crate::context::Context;
use crate::failure::CommandResult;
use crate::human::{count, printable, time};
use crate::output::{Header, Render, aligned};

/// Show which stack owns which resources
///
/// Prints the content of the registry: the owner of each resource, since when, and whether its
/// declaration was applied completely; and the process that is applying now, or was interrupted.
/// With --json also the declarations that were applied last.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright state
  lakewright state --json | jq '.resources | keys'")]
pub(crate) struct State {
    /// The bucket of the registry
    #[arg(long, value_name = "BUCKET", default_value = Spec::DEFAULT_REGISTRY)]
    registry: BucketName,
}

impl State {
    pub(crate) async fn run(self, context: &mut Context) -> CommandResult {
        let state = context.lake().await?.state(&self.registry).await?;
        context.out.show(&RegistryOutput { bucket: self.registry, state })
    }
}

/// The content of a registry.
struct RegistryOutput {
    bucket: BucketName,
    state: Registry,
}

impl Render for RegistryOutput {
    fn json(&self) -> Value {
        let lease = self.state.lease.as_ref().map(|lease| {
            json!({
                "holder": lease.holder, "stack": lease.stack, "taken": lease.taken,
                "expires": lease.expires, "pending": lease.pending.keys().collect::<Vec<_>>(),
            })
        });
        json!({
            "registry": self.bucket,
            "serial": self.state.serial,
            "resources": self.state.resources,
            "lease": lease,
        })
    }

    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let Registry { serial, resources, lease, .. } = &self.state;
        writeln!(out, "registry {}, serial {serial}", self.bucket)?;
        if resources.is_empty() {
            writeln!(out, "no resources")?;
        } else {
            let headers = ["STACK", "ADDRESS", "SINCE", "DECLARATION"].map(Header::parse);
            let mut rows: Vec<Vec<String>> = resources
                .iter()
                .map(|(id, owned)| {
                    let declaration = match (&owned.declared, &owned.attempted) {
                        (_, Some(_)) => "applied in part",
                        (Some(_), None) => "applied",
                        (None, None) => "none yet",
                    };
                    let (stack, since) = (owned.stack.to_string(), time(Some(owned.since)));
                    vec![stack, id.address(), since, declaration.into()]
                })
                .collect();
            // The sort is stable: the resources of a stack keep their order.
            rows.sort_by(|a, b| a.first().cmp(&b.first()));
            out.write_all(aligned(&headers, rows).as_bytes())?;
        }
        if let Some(lease) = lease {
            let holder = lease.holder.to_string();
            writeln!(
                out,
                "{} is applying the stack {} since {}, {} remaining; its lease expires at {} \
                 unless it is renewed",
                printable(&holder),
                lease.stack,
                time(Some(lease.taken)),
                count(lease.pending.len() as u64, "resource"),
                time(Some(lease.expires)),
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registry_as_text() {
        let state: Registry = serde_json::from_value(json!({
            "version": 1, "serial": 7,
            "resources": {
                "bucket/raw": {"stack": "lake", "declared": {}, "since": "2026-01-02T03:04:05Z"},
                "group/a\u{2066}": {"stack": "iam", "attempted": {}, "since": "2026-01-02T03:04:05Z"},
                "user/etl": {"stack": "lake", "since": "2026-01-02T03:04:05Z"}
            },
            "lease": {
                "token": "nonce", "holder": {"host": "h\u{1b}", "pid": 9, "process_start": 1},
                "stack": "lake", "taken": "2026-01-02T03:04:05Z",
                "expires": "2026-01-02T03:04:35Z", "pending": {"bucket/x-1": {"kind": "create", "declared": {}}}
            }
        })).unwrap();
        let output =
            RegistryOutput { bucket: BucketName::new(Spec::DEFAULT_REGISTRY).unwrap(), state };
        let mut text = Vec::new();
        output.text(&mut text).unwrap();
        assert_eq!(
            String::from_utf8(text).unwrap(),
            "\
registry lakewright-state, serial 7
STACK  ADDRESS          SINCE                 DECLARATION
iam    group/a\\u{2066}  2026-01-02 03:04:05Z  applied in part
lake   bucket/raw       2026-01-02 03:04:05Z  applied
lake   user/etl         2026-01-02 03:04:05Z  none yet
h\\u{1b} (process 9) is applying the stack lake since 2026-01-02 03:04:05Z, 1 resource remaining; \
its lease expires at 2026-01-02 03:04:35Z unless it is renewed
"
        );
        // The token identifies the holder of the lease, and is not printed.
        assert!(!output.json().to_string().contains("nonce"));
    }
}
