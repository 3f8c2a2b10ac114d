//! `lakewright state`

use std::io::{self, Write};

use clap::Args;
use lakewright::BucketName;
use lakewright::state::Registry;
use serde_json::{Value, json};

use super::REGISTRY;
use crate::context::Context;
use crate::failure::Outcome;
use crate::human::{count, printable, time};
use crate::output::{Answer, Header, aligned};

/// Show which stack owns what
///
/// And since when, what of it was not applied as a whole, and who is applying right now or was
/// cut off. With --json also the declarations that were applied last.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  lakewright state
  lakewright state --json | jq '.resources | keys'")]
pub(crate) struct State {
    /// The bucket of the registry
    #[arg(long, value_name = "BUCKET", default_value = REGISTRY)]
    registry: BucketName,
}

impl State {
    pub(crate) async fn run(self, context: &mut Context) -> Outcome {
        let state = context.lake().await?.state(&self.registry).await?;
        context.out.show(&Shown { bucket: self.registry, state })
    }
}

struct Shown {
    bucket: BucketName,
    state: Registry,
}

impl Answer for Shown {
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
            writeln!(out, "nobody owns anything")?;
        } else {
            let headers = ["STACK", "ADDRESS", "SINCE", "DECLARATION"].map(Header::marked);
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
            // By stack; the resources of each keep their order.
            rows.sort_by(|a, b| a.first().cmp(&b.first()));
            out.write_all(aligned(&headers, rows).as_bytes())?;
        }
        if let Some(lease) = lease {
            let holder = lease.holder.to_string();
            writeln!(
                out,
                "{} is applying the stack {} since {}, with {} to go; its lease ends at {} unless \
                 it is renewed",
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
    fn a_registry_reads_like_this() {
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
                "expires": "2026-01-02T03:04:35Z", "pending": {"bucket/x-1": {"kind": "create"}}
            }
        })).unwrap();
        let shown = Shown { bucket: BucketName::new(REGISTRY).unwrap(), state };
        let mut text = Vec::new();
        shown.text(&mut text).unwrap();
        assert_eq!(
            String::from_utf8(text).unwrap(),
            "\
registry lakewright-state, serial 7
STACK  ADDRESS          SINCE                 DECLARATION
iam    group/a\\u{2066}  2026-01-02 03:04:05Z  applied in part
lake   bucket/raw       2026-01-02 03:04:05Z  applied
lake   user/etl         2026-01-02 03:04:05Z  none yet
h\\u{1b} (process 9) is applying the stack lake since 2026-01-02 03:04:05Z, with 1 resource to go; \
its lease ends at 2026-01-02 03:04:35Z unless it is renewed
"
        );
        // The nonce is its holder's business.
        assert!(!shown.json().to_string().contains("nonce"));
    }
}
