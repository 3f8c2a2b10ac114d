//! Tables in the directory of another table. Dropping a table deletes everything below its path,
//! whichever stack owns it. A spec has the tables of one stack, the registry those of all.

use super::Planner;
use crate::ErrorKind;
use crate::name::{BucketName, TableUri};
use crate::resource::ResourceId;
use crate::spec::short_uri;
use crate::state::Owned;

impl Planner<'_> {
    /// Whether a table may be created or adopted at this path; adds a problem where it lies inside
    /// or around one of the registry. Two tables of one spec are checked when it is read.
    pub(super) fn is_free_path(&mut self, uri: &TableUri) -> bool {
        let registry = self.registry;
        let mut neighbours = ancestors(uri)
            .filter_map(|outer| registry.resources.get_key_value(&ResourceId::Table(outer)))
            .chain(inside(&registry.resources, uri));
        let neighbour = neighbours.find(|(id, owned)| {
            // A table of this stack that does not exist any more is removed from the registry.
            owned.stack != self.spec.stack || self.observed.has(id, None)
        });
        let Some((other, owned)) = neighbour else { return true };
        let why = format!(
            "{}, and dropping the outer one deletes the files of both: choose a path beside it",
            relation(uri, other, &format!("of the stack {}", owned.stack))
        );
        self.problem(ErrorKind::Conflict, &ResourceId::Table(uri.clone()), why);
        false
    }

    /// Whether a table can be dropped without deleting files of one that stays; adds a problem
    /// otherwise. Tables of this stack that are not declared may be deleted with it.
    pub(super) fn can_drop_alone(&mut self, uri: &TableUri) -> bool {
        let registry = self.registry;
        let registered = ancestors(uri)
            .filter_map(|outer| registry.resources.get_key_value(&ResourceId::Table(outer)))
            .chain(inside(&registry.resources, uri))
            .find(|(_, owned)| owned.stack != self.spec.stack)
            .map(|(other, owned)| (other.clone(), format!("of the stack {}", owned.stack)));
        let declared = || {
            let around = ancestors(uri).find(|outer| self.spec.tables.contains_key(outer));
            around
                .or_else(|| {
                    let from = first_inside(uri)?;
                    let (inner, _) = self.spec.tables.range(from..).next()?;
                    lies_in(inner, uri).then(|| inner.clone())
                })
                .map(|other| (ResourceId::Table(other), "which is declared".to_owned()))
        };
        let Some((other, whose)) = registered.or_else(declared) else { return true };
        let id = ResourceId::Table(uri.clone());
        let why = format!(
            "{}, and dropping one deletes files below the path of the other: keep it and remove \
             it from the registry: `lakewright forget {} --stack {}`",
            relation(uri, &other, &whose),
            id.address(),
            self.spec.stack
        );
        self.problem(ErrorKind::PreconditionFailed, &id, why);
        false
    }

    /// Returns a table in this bucket that another stack owns.
    pub(super) fn table_of_another(&self, bucket: &BucketName) -> Option<(ResourceId, &Owned)> {
        let from = TableUri::new(format!("{bucket}/{FIRST}")).ok()?;
        self.registry
            .resources
            .range(ResourceId::Table(from)..)
            .take_while(|(id, _)| matches!(id, ResourceId::Table(uri) if uri.bucket() == bucket))
            .find(|(_, owned)| owned.stack != self.spec.stack)
            .map(|(id, owned)| (id.clone(), owned))
    }
}

/// The lowest character that a path may contain.
const FIRST: &str = " ";

/// Returns the possible tables whose directory contains this one. Looking up each of them takes
/// less time than a comparison with all tables.
fn ancestors(uri: &TableUri) -> impl Iterator<Item = TableUri> {
    let path = uri.path();
    path.match_indices('/')
        .filter_map(|(end, _)| TableUri::new(format!("{}/{}", uri.bucket(), &path[..end])).ok())
}

/// Returns the first possible table in the directory of this one, in the order of tables; none
/// where its path would be too long.
fn first_inside(uri: &TableUri) -> Option<TableUri> {
    TableUri::new(format!("{}/{}/{FIRST}", uri.bucket(), uri.path())).ok()
}

fn inside<'a>(
    resources: &'a std::collections::BTreeMap<ResourceId, Owned>,
    uri: &TableUri,
) -> impl Iterator<Item = (&'a ResourceId, &'a Owned)> {
    let from = first_inside(uri).map(ResourceId::Table);
    from.into_iter()
        .flat_map(|from| resources.range(from..))
        .take_while(move |(id, _)| matches!(id, ResourceId::Table(inner) if lies_in(inner, uri)))
}

pub(super) fn lies_in(inner: &TableUri, outer: &TableUri) -> bool {
    let rest = inner.path().strip_prefix(outer.path());
    inner.bucket() == outer.bucket() && rest.is_some_and(|rest| rest.starts_with('/'))
}

fn relation(uri: &TableUri, other: &ResourceId, whose: &str) -> String {
    match other {
        ResourceId::Table(inner) if lies_in(inner, uri) => {
            format!("the table {} {whose} lies inside it", short_uri(inner))
        }
        other => format!("it lies inside the {other} {whose}"),
    }
}
