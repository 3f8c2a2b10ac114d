//! What should exist, as one document: `lakewright spec`, `plan`, `apply`, `drift`, `state`,
//! `adopt`, `forget`, `destroy`.

mod apply;
mod destroy;
mod drift;
mod owner;
mod plan;
mod spec;
mod state;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use lakewright::Error;
use lakewright::spec::Spec;

pub(crate) use apply::Apply;
pub(crate) use destroy::Destroy;
pub(crate) use drift::Drift;
pub(crate) use owner::{Adopt, Forget};
pub(crate) use plan::Plan;
pub(crate) use spec::Verb as SpecVerb;
pub(crate) use state::State;

use crate::failure::local;

/// Where the registry is unless somebody says otherwise.
const REGISTRY: &str = Spec::DEFAULT_REGISTRY;

/// How the file is called in messages.
fn place(file: &Path) -> String {
    if file == Path::new("-") { "stdin".into() } else { file.display().to_string() }
}

/// A file, or stdin for `-`, of which no more than `most` bytes and one are read: so that what is
/// too long is seen and not held.
fn read(file: &Path, most: usize, operation: &'static str) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let most = most as u64 + 1;
    let read = if file == Path::new("-") {
        io::stdin().lock().take(most).read_to_end(&mut bytes)
    } else {
        File::open(file).and_then(|file| file.take(most).read_to_end(&mut bytes))
    };
    read.map_err(|error| local(error, place(file)).during(operation))?;
    Ok(bytes)
}

/// A spec document. Its faults keep their own paths as resources, and say no file: they stand
/// under the command line that names it.
fn read_spec(file: &Path, operation: &'static str) -> Result<Spec, Error> {
    Spec::from_json(&read(file, Spec::MAX_BYTES, operation)?)
}
