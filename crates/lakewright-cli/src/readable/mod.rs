//! Plans as people read them. Command line and Python show the same text.

mod graph;
mod tree;
mod values;

pub use graph::{Graph, graph};
pub use tree::{Paint, drift, plan, report, step};
