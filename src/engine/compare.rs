//! Compares two snapshots into a [`Report`]: objects that were added, removed, changed, or re-created under another id.

use std::collections::{BTreeMap, BTreeSet};

use super::diff::{called, objects, top};
use super::{risk, schema};
use crate::kinds;
use crate::model::{
    Address, Change, ChangeKind, Coverage, CoverageMap, FieldChange, IdMap, Kind, Lifecycle, Object, Report, Snapshot,
};

/// Returns the differences between two snapshots. A kind that one side does not know completely yields neither additions nor
/// removals, a link that one side does not know completely yields nothing; both are listed as unknown.
///
/// A removed and an added object are reported as one that was re-created if `ids` says so, or if they are the only removed and
/// the only added object with their natural key (`x-entra-natural-key`, else the display name).
pub fn snapshots(before: &Snapshot, after: &Snapshot, ids: &IdMap) -> Report {
    let mut report = Report { unknown: incomplete_parts(&before.coverage, &after.coverage), ..Report::default() };
    let pairs = pair_recreated(before, after, ids);
    let gone: BTreeSet<&Address> = pairs.values().copied().collect();
    let addresses: BTreeSet<&Address> = before.objects.keys().chain(after.objects.keys()).collect();
    for address in addresses {
        let kind = address.kind;
        let complete = before.coverage.kind(kind.name).is_complete() && after.coverage.kind(kind.name).is_complete();
        let old = pairs.get(address).copied();
        let (a, b) = (before.objects.get(old.unwrap_or(address)), after.objects.get(address));
        let what = match (a, b) {
            _ if gone.contains(address) => continue,
            (Some(a), Some(b)) => {
                let changes = changes_read_on_both_sides(kind, objects(kind, a, b), before, after, old.is_some());
                if changes.is_empty() && old.is_none() {
                    continue;
                }
                ChangeKind::Modified(changes)
            }
            (None, Some(_)) if complete && !before.unchanged.contains(address) => ChangeKind::Added,
            (Some(_), None) if complete && !after.unchanged.contains(address) => ChangeKind::Removed,
            _ => continue,
        };
        let renamed = a.zip(b).map(|(a, b)| (a.name(), b.name())).filter(|(a, b)| a != b && old.is_none());
        let manner = match (old, renamed) {
            (Some(old), _) => Some(Lifecycle::Recreated { from: old.id.clone() }),
            (None, Some((from, _))) => Some(Lifecycle::Renamed { from: from.to_owned() }),
            (None, None) => None,
        };
        let object = b.or(a);
        report.changes.push(Change {
            address: address.clone(),
            called: object.map_or(kind.name, |object| called(kind, object)),
            name: object.map_or(String::new(), |object| object.name().to_owned()),
            about: object.map(|object| kind.about(&object.0)).unwrap_or_default(),
            risks: risk::of(kind, &what, a, b),
            whole: properties_of_object(kind, &what, a, b),
            what,
            manner,
            path: String::new(),
            events: Vec::new(),
        });
    }
    report
}

/// Returns the properties of an object that was added or removed, except those in the heading.
fn properties_of_object(
    kind: &'static Kind,
    what: &ChangeKind,
    a: Option<&Object>,
    b: Option<&Object>,
) -> Vec<FieldChange> {
    let nothing = Object::default();
    let mut fields = match what {
        ChangeKind::Modified(_) => return Vec::new(),
        ChangeKind::Added | ChangeKind::Removed => objects(kind, a.unwrap_or(&nothing), b.unwrap_or(&nothing)),
    };
    fields.retain(|field| !matches!(field.path(), "id" | "displayName"));
    fields
}

/// Returns the changes of properties and links that both sides have read. A new id is no change of an object created again.
fn changes_read_on_both_sides(
    kind: &'static Kind,
    mut changes: Vec<FieldChange>,
    before: &Snapshot,
    after: &Snapshot,
    recreated: bool,
) -> Vec<FieldChange> {
    changes.retain(|change| {
        let name = top(change.path());
        match kind.link(name) {
            Some(link) => [before, after].iter().all(|side| side.coverage.link(kind.name, link.name).is_complete()),
            None if name == "id" && recreated => false,
            None => [before, after].iter().all(|side| !side.coverage.withholds(kind.name, name)),
        }
    });
    changes
}

/// Returns a map from new to old address of objects that were created again. It is one to one.
fn pair_recreated<'a>(before: &'a Snapshot, after: &'a Snapshot, ids: &IdMap) -> BTreeMap<&'a Address, &'a Address> {
    let complete = |kind: &str| before.coverage.kind(kind).is_complete() && after.coverage.kind(kind).is_complete();
    let only = |side: &'a Snapshot, other: &Snapshot| -> BTreeMap<&'a Address, &'a Object> {
        side.objects.iter().filter(|(address, _)| complete(address.kind.name) && !other.contains(address)).collect()
    };
    let (mut gone, mut came) = (only(before, after), only(after, before));
    let mut pairs = BTreeMap::new();
    // The id map of the manifest comes first; it works in either direction of comparison.
    let mut heirs: BTreeMap<(&str, &str), &'a Address> = BTreeMap::new();
    for address in came.keys() {
        heirs.insert((address.kind.name, ids.current(&address.id)), address);
    }
    for old in gone.keys() {
        if let Some(new) = heirs.remove(&(old.kind.name, ids.current(&old.id))) {
            pairs.insert(new, *old);
        }
    }
    gone.retain(|old, _| !pairs.values().any(|paired| paired == old));
    came.retain(|new, _| !pairs.contains_key(new));
    // The natural key comes second, if no other object shares it.
    let (gone, mut came) = (by_natural_key(&gone), by_natural_key(&came));
    for (key, old) in gone {
        if let ([old], Some([new])) = (old.as_slice(), came.remove(&key).as_deref()) {
            pairs.insert(*new, *old);
        }
    }
    pairs
}

/// Groups addresses by kind and natural key; objects without a key are left out.
fn by_natural_key<'a>(objects: &BTreeMap<&'a Address, &'a Object>) -> BTreeMap<(&'a str, String), Vec<&'a Address>> {
    let mut known_by: BTreeMap<(&str, String), Vec<&Address>> = BTreeMap::new();
    for (address, object) in objects {
        let key = natural_key(address.kind.name, object);
        if !key.is_empty() {
            known_by.entry((address.kind.name, key)).or_default().push(address);
        }
    }
    known_by
}

/// Returns the natural key of an object, in lower case; empty if it has none.
fn natural_key(kind: &str, object: &Object) -> String {
    let key = kinds::by_name(kind).map_or("displayName", |kind| schema::of(kind).natural_key());
    object.text(key).unwrap_or_default().to_lowercase()
}

/// Lists the kinds, links and properties that one side did not read completely, each with the coverage of both sides.
fn incomplete_parts(before: &CoverageMap, after: &CoverageMap) -> Vec<(String, Coverage, Coverage)> {
    let mut unknown = Vec::new();
    for kind in kinds::ALL {
        let sides = (before.kind(kind.name), after.kind(kind.name));
        if is_incomplete(sides.0, sides.1) {
            unknown.push((kind.name.to_owned(), sides.0, sides.1));
        }
        for link in kind.links {
            let sides = (before.link(kind.name, link.name), after.link(kind.name, link.name));
            if is_incomplete(sides.0, sides.1) {
                unknown.push((format!("{}.{}", kind.name, link.name), sides.0, sides.1));
            }
        }
        let names: BTreeSet<&str> = before.unread(kind).chain(after.unread(kind)).map(|(name, _)| name).collect();
        for name in names {
            let of = |map: &CoverageMap| {
                map.unread(kind).find(|(own, _)| *own == name).map_or(map.kind(kind.name), |(_, c)| c)
            };
            unknown.push((format!("{}.{name}", kind.name), of(before), of(after)));
        }
    }
    unknown
}

/// Returns true if one side was not read completely. A kind or link that neither side was asked for does not count.
fn is_incomplete(a: Coverage, b: Coverage) -> bool {
    let known = |side: Coverage| matches!(side, Coverage::Complete);
    !(known(a) && known(b)) && (a, b) != (Coverage::Skipped, Coverage::Skipped)
}
