//! The rules for dependencies between crates.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::Value;

/// One row of the layer table.
pub(super) struct Rule {
    /// The name of the crate without `lakewright-`; that of the facade is `lakewright`.
    part: &'static str,
    /// Crates of this workspace that the crate may depend on, named in the same way.
    may: &'static [&'static str],
    /// Packages that the crate must not depend on directly, though it may through another crate.
    never_direct: &'static [&'static str],
    /// Packages that the crate must not depend on, directly or through other packages. `x*` matches
    /// every name that begins with x.
    never_reach: &'static [&'static str],
}

/// The SDKs. A crate that depends on one of them directly bypasses the layers below it.
const SDKS: &[&str] =
    &["aws-*", "buoyant_kernel*", "datafusion*", "deltalake*", "object_store", "redb", "s3s"];

/// The layers, from the lowest to the highest.
pub(super) const TABLE: &[Rule] = &[
    Rule {
        part: "macros",
        may: &[],
        never_direct: &[],
        never_reach: &["arrow*", "aws-*", "deltalake*", "pyo3*", "tokio*"],
    },
    Rule {
        part: "core",
        may: &["macros"],
        never_direct: &[],
        never_reach: &["arrow*", "aws-*", "deltalake*", "pyo3*", "tokio*"],
    },
    Rule {
        part: "client",
        may: &["core", "macros"],
        never_direct: &[],
        never_reach: &["arrow*", "aws-sdk-s3", "clap*", "deltalake*", "pyo3*", "s3s"],
    },
    Rule {
        part: "s3",
        may: &["client", "core", "macros"],
        never_direct: &[],
        never_reach: &["arrow*", "clap*", "deltalake*", "lakewright-admin", "pyo3*", "s3s"],
    },
    Rule {
        part: "admin",
        may: &["client", "core", "macros"],
        never_direct: &["aws-*"],
        never_reach: &["arrow*", "aws-sdk-s3", "clap*", "deltalake*", "pyo3*", "s3s"],
    },
    Rule {
        part: "delta",
        may: &["core", "macros", "s3"],
        never_direct: &["aws-*"],
        never_reach: &["clap*", "lakewright-admin", "pyo3*", "s3s"],
    },
    Rule {
        part: "declare",
        may: &["admin", "client", "core", "delta", "macros", "s3"],
        never_direct: SDKS,
        never_reach: &["clap*", "pyo3*", "s3s"],
    },
    Rule {
        part: "embedded",
        may: &["core", "macros"],
        never_direct: &[],
        never_reach: &["aws-sdk-*", "clap*", "deltalake*", "lakewright-client", "pyo3*"],
    },
    Rule {
        part: "lakewright",
        may: &["admin", "client", "core", "declare", "delta", "embedded", "macros", "s3"],
        never_direct: SDKS,
        never_reach: &["clap*", "pyo3*"],
    },
    Rule {
        part: "cli",
        may: &["lakewright", "macros"],
        never_direct: SDKS,
        never_reach: &["pyo3*"],
    },
    Rule {
        part: "spec",
        may: &["core"],
        never_direct: SDKS,
        never_reach: &["arrow*", "aws-*", "deltalake*", "lakewright-client", "pyo3*", "tokio*"],
    },
    Rule {
        part: "python",
        may: &["cli", "lakewright", "macros"],
        never_direct: SDKS,
        never_reach: &[],
    },
    Rule {
        part: "tests",
        may: &["cli", "core", "embedded", "lakewright", "macros", "spec"],
        never_direct: &[],
        never_reach: &[],
    },
];

/// The packages and their dependencies, except dev-dependencies: tests may use any package.
pub(super) struct Graph {
    /// Ids of the workspace's own packages.
    members: BTreeSet<String>,
    /// The name of each id; two versions of a package have two ids.
    names: BTreeMap<String, String>,
    /// The ids of the dependencies of each id.
    edges: BTreeMap<String, BTreeSet<String>>,
}

impl From<&Value> for Graph {
    /// Reads the output of `cargo metadata`.
    fn from(metadata: &Value) -> Self {
        let list = |value: &Value| value.as_array().expect("a list").clone();
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let nodes = list(&metadata["resolve"]["nodes"]);
        let edges = nodes.iter().map(|node| {
            let needed = list(&node["deps"]).into_iter().filter(|dep| {
                list(&dep["dep_kinds"]).iter().any(|dep| dep["kind"].as_str() != Some("dev"))
            });
            (text(&node["id"]), needed.map(|dep| text(&dep["pkg"])).collect())
        });
        Self {
            members: list(&metadata["workspace_members"]).iter().map(text).collect(),
            names: list(&metadata["packages"])
                .iter()
                .map(|package| (text(&package["id"]), text(&package["name"])))
                .collect(),
            edges: edges.collect(),
        }
    }
}

impl Graph {
    fn name<'a>(&'a self, id: &'a str) -> &'a str {
        self.names.get(id).map_or(id, String::as_str)
    }

    fn needs(&self, id: &str) -> impl Iterator<Item = &str> {
        self.edges.get(id).into_iter().flatten().map(String::as_str)
    }

    /// Returns the shortest chain of names from a package to one that matches, if there is any.
    fn chain_to(&self, start: &str, patterns: &[&str]) -> Option<Vec<String>> {
        let mut came_from: BTreeMap<&str, &str> = BTreeMap::new();
        let mut queue = VecDeque::from([start]);
        while let Some(id) = queue.pop_front() {
            if id != start && matches_any(self.name(id), patterns) {
                let steps = std::iter::successors(Some(id), |id| came_from.get(id).copied());
                let mut chain: Vec<String> = steps.map(|id| self.name(id).to_owned()).collect();
                chain.reverse();
                return Some(chain);
            }
            for next in self.needs(id) {
                if next != start && !came_from.contains_key(next) {
                    came_from.insert(next, id);
                    queue.push_back(next);
                }
            }
        }
        None
    }
}

fn matches_any(name: &str, patterns: &[&str]) -> bool {
    patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == *pattern,
    })
}

fn part_of(name: &str) -> &str {
    name.strip_prefix("lakewright-").unwrap_or(name)
}

/// Returns every violation of the table, as a sentence.
pub(super) fn violations(graph: &Graph, table: &[Rule]) -> Vec<String> {
    let mut found = Vec::new();
    for member in &graph.members {
        let name = graph.name(member);
        let Some(rule) = table.iter().find(|rule| rule.part == part_of(name)) else {
            found.push(format!("{name} has no row in the layer table: give it one"));
            continue;
        };
        for needed in graph.needs(member) {
            let needed_name = graph.name(needed);
            if graph.members.contains(needed) && !rule.may.contains(&part_of(needed_name)) {
                found.push(format!("{name} must not depend on {needed_name}"));
            }
            if matches_any(needed_name, rule.never_direct) {
                found.push(format!("{name} must not depend on {needed_name} itself"));
            }
        }
        for pattern in rule.never_reach {
            if let Some(chain) = graph.chain_to(member, &[pattern]) {
                found.push(format!("{name} must not reach {pattern}: {}", chain.join(" -> ")));
            }
        }
    }
    found
}

mod tests {
    use super::{Graph, TABLE, violations};

    /// Returns a graph whose ids are names; its members are those that begin with `lakewright`.
    fn forged(edges: &[(&str, &[&str])]) -> Graph {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let ours = edges.iter().map(|(name, _)| *name).filter(|n| n.starts_with("lakewright"));
        Graph {
            members: owned(&ours.collect::<Vec<_>>()),
            names: edges.iter().map(|(name, _)| ((*name).to_owned(), (*name).to_owned())).collect(),
            edges: edges.iter().map(|(name, needs)| ((*name).to_owned(), owned(needs))).collect(),
        }
    }

    #[track_caller]
    fn assert_finds(edges: &[(&str, &[&str])], expected: &[&str]) {
        assert_eq!(violations(&forged(edges), TABLE), expected);
    }

    #[test]
    fn a_graph_in_order_passes() {
        assert_finds(
            &[
                ("lakewright-core", &["serde", "lakewright-macros"]),
                ("lakewright-macros", &["syn"]),
                ("lakewright-s3", &["lakewright-core", "aws-sdk-s3"]),
                ("lakewright-delta", &["lakewright-core", "lakewright-s3", "deltalake"]),
                ("lakewright", &["lakewright-core", "lakewright-delta", "lakewright-s3"]),
                ("lakewright-cli", &["lakewright", "clap"]),
                ("lakewright-python", &["lakewright", "lakewright-cli", "pyo3"]),
                ("deltalake", &["tokio", "arrow"]),
            ],
            &[],
        );
    }

    #[test]
    fn an_internal_edge_upwards_is_found() {
        assert_finds(
            &[
                ("lakewright-embedded", &["lakewright-core"]),
                ("lakewright-core", &["lakewright-cli"]),
                ("lakewright-cli", &[]),
            ],
            &["lakewright-core must not depend on lakewright-cli"],
        );
    }

    #[test]
    fn a_direct_sdk_is_found_but_not_one_that_is_reached() {
        assert_finds(
            &[
                ("lakewright-s3", &["aws-sdk-s3"]),
                ("lakewright", &["lakewright-s3"]),
                ("lakewright-cli", &["lakewright", "aws-sdk-s3"]),
                ("lakewright-python", &["lakewright", "deltalake-core"]),
            ],
            &[
                "lakewright-cli must not depend on aws-sdk-s3 itself",
                "lakewright-python must not depend on deltalake-core itself",
            ],
        );
    }

    #[test]
    fn an_indirect_dependency_is_found_with_its_chain() {
        assert_finds(
            &[
                ("lakewright-core", &["harmless"]),
                ("harmless", &["deeper"]),
                ("deeper", &["tokio-util"]),
            ],
            &[
                "lakewright-core must not reach tokio*: lakewright-core -> harmless -> deeper -> tokio-util",
            ],
        );
        assert_finds(
            &[
                ("lakewright-embedded", &["helper"]),
                ("helper", &["lakewright-client"]),
                ("lakewright-client", &[]),
            ],
            &["lakewright-embedded must not reach lakewright-client: \
               lakewright-embedded -> helper -> lakewright-client"],
        );
    }

    #[test]
    fn the_search_ends_on_a_cycle() {
        assert_finds(
            &[("lakewright-core", &["a"]), ("a", &["b"]), ("b", &["a", "lakewright-core"])],
            &[],
        );
    }

    #[test]
    fn a_crate_without_a_row_is_found() {
        assert_finds(
            &[("lakewright-surprise", &[])],
            &["lakewright-surprise has no row in the layer table: give it one"],
        );
    }
}
