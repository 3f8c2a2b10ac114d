//! Plans and reports as text, the same for the command line and for Python.
//!
//! [`plan`] and [`drift`] render a plan as a tree of resources and fields, [`graph()`] as a graph
//! of its steps, [`step`] and [`report`] render what is done while a plan is applied and
//! afterwards. All text is safe to print on a terminal: control characters in names and values
//! are escaped as [`printable`](crate::printable) escapes them.

mod graph;
mod number;
mod report;
mod style;
mod tree;
mod values;

pub use graph::{GraphFormat, graph};
pub use number::{count, size};
pub use report::{report, step};
pub use style::Style;
pub use tree::{drift, plan};
