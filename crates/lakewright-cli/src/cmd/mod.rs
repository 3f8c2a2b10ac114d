//! The nouns and verbs: a folder for each noun, a file for each verb, which contains the arguments
//! of the verb and the function that runs it.

pub(crate) mod bucket;
pub(crate) mod completions;
pub(crate) mod declared;
pub(crate) mod embedded;
pub(crate) mod man;
pub(crate) mod object;
pub(crate) mod profile;
#[cfg(feature = "tables")]
mod rows;
pub(crate) mod spec;
#[cfg(feature = "tables")]
pub(crate) mod sql;
#[cfg(feature = "tables")]
pub(crate) mod table;
#[cfg(not(feature = "tables"))]
pub(crate) mod tableless;
pub(crate) mod wait;
