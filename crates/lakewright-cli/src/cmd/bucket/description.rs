//! A bucket as the output of `head` and as a row of `list`.

use std::io::{self, Write};

use lakewright::BucketInfo;
use serde_json::{Value, json};

use crate::human::time;
use crate::output::{Render, Row, pairs};

/// A bucket as the server describes it.
pub(super) struct Description(pub(super) BucketInfo);

impl Row for Description {
    const HEADERS: &'static [&'static str] = &["NAME", "CREATED", "REGION"];

    fn json(&self) -> Value {
        let BucketInfo { name, created, region } = &self.0;
        json!({ "name": name, "created": created.map(|at| at.to_string()), "region": region })
    }

    fn cells(&self) -> Vec<String> {
        let BucketInfo { name, created, region } = &self.0;
        vec![name.to_string(), time(*created), region.clone().unwrap_or("-".into())]
    }
}

impl Render for Description {
    fn json(&self) -> Value {
        Row::json(self)
    }

    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let BucketInfo { name, created, region } = &self.0;
        let mut lines = vec![("name", name.to_string())];
        lines.extend(created.map(|at| ("created", time(Some(at)))));
        lines.extend(region.clone().map(|region| ("region", region)));
        out.write_all(pairs(lines).as_bytes())
    }
}
