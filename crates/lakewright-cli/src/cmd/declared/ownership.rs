//! Arguments and output that `adopt`, `forget` and `seal` share.

use std::io::{self, Write};

use clap::Args;
use lakewright::spec::Spec;
use lakewright::{BucketName, ResourceId, StackName};
use serde_json::{Value, json};

use crate::human::printable;
use crate::output::Render;

/// The stack, and the registry that records what the stack owns.
#[derive(Args, Debug)]
pub(super) struct Owner {
    /// The stack
    #[arg(long, value_name = "NAME")]
    pub(super) stack: StackName,
    /// The bucket of the registry
    #[arg(long, value_name = "BUCKET", default_value = Spec::DEFAULT_REGISTRY)]
    pub(super) registry: BucketName,
}

/// Resources whose owner has changed.
pub(super) struct OwnershipChange {
    pub(super) stack: StackName,
    pub(super) addresses: Vec<ResourceId>,
    /// The field of the JSON output that lists the addresses.
    pub(super) field: &'static str,
    /// The text between a resource's name and that of the stack.
    pub(super) text: &'static str,
}

impl Render for OwnershipChange {
    fn json(&self) -> Value {
        let mut document = json!({ "stack": self.stack });
        document[self.field] = json!(self.addresses);
        document
    }

    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        for address in &self.addresses {
            let name = address.to_string();
            writeln!(out, "{}: {} {}", printable(&name), self.text, self.stack)?;
        }
        Ok(())
    }
}
