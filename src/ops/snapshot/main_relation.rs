//! Decides how `main` relates to a new snapshot: whether the tenant has by now what people wrote there.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use serde_json::{Map, Value};

use crate::engine::normalize::{normalize, writable, writable_value};
use crate::engine::plan::owned_elsewhere;
use crate::engine::refs::rewrite;
use crate::engine::schema;
use crate::format::path::{address_of, is_reserved};
use crate::format::yaml;
use crate::model::kind::{Deletion, LinkShape};
use crate::model::{Address, IdMap, Kind, Object};
use crate::ops::commit::source::new_object;
use crate::ops::{Context, files_of};
use crate::repo::ObjectId;

/// Relation of `main` to the new snapshot.
#[derive(Debug)]
pub(in crate::ops) enum MainRelation {
    /// `main` holds no edit of its own: it is fast-forwarded.
    FastForward,
    /// `main` holds edits of settings and the like only, or edits that the tenant has by now: the two branches are merged.
    Merge,
    /// `main` holds edits of objects that are not applied yet.
    Pending(Pending),
}

/// Lists the files of `main` with edits that the tenant does not have.
#[derive(Debug, Clone, Default)]
pub(in crate::ops) struct Pending {
    /// Paths of all of them, in order.
    pub paths: Vec<String>,
    /// Paths whose remaining edits no step can write, as far as that is known.
    pub unwritable: Vec<String>,
}

impl Pending {
    /// Returns the value for a branch that has no commit in common with the snapshots.
    pub(in crate::ops) fn unrelated() -> Pending {
        Pending { paths: vec![NO_COMMON_HISTORY.to_owned()], unwritable: Vec::new() }
    }
}

impl MainRelation {
    /// Returns the pending edits; empty if there are none.
    pub(in crate::ops) fn pending(&self) -> Pending {
        match self {
            MainRelation::Pending(pending) => pending.clone(),
            MainRelation::FastForward | MainRelation::Merge => Pending::default(),
        }
    }
}

/// Represents the changes that people made on `main` since it left the snapshots.
#[derive(Debug)]
pub(in crate::ops) enum Edits {
    /// `main` has no commit of its own.
    None,
    /// `main` shares no history with the snapshots.
    Unrelated,
    /// Edits of `main`.
    Of {
        /// Edited objects, by their present id.
        objects: BTreeMap<Address, Edit>,
        /// Paths of edited files that name no object.
        nameless: BTreeSet<String>,
    },
}

/// Represents the edit of one object's file on `main`.
#[derive(Debug, Default)]
pub(in crate::ops) struct Edit {
    /// Path of the file, for people.
    path: String,
    /// Object at the commit where `main` left the snapshots.
    before: Option<Object>,
    /// Object on `main`.
    wanted: Option<Object>,
    /// True if one of the files cannot be parsed.
    broken: bool,
}

impl Edits {
    /// Reads the files that `main` changed since it left the snapshots at `parent`.
    pub(in crate::ops) fn on_main(
        context: &Context,
        parent: Option<ObjectId>,
        main: Option<ObjectId>,
        ids: &IdMap,
    ) -> Result<Edits> {
        let (Some(parent), Some(main)) = (parent, main) else { return Ok(Edits::None) };
        if context.repo.is_ancestor(main, parent)? {
            return Ok(Edits::None);
        }
        let Some(fork) = context.repo.merge_base(main, parent)? else { return Ok(Edits::Unrelated) };
        let sides = [files_of(&context.repo, fork)?, files_of(&context.repo, main)?];
        let changed: BTreeSet<&String> = edited(&sides[0], &sides[1]).filter(|path| !is_reserved(path)).collect();
        let mut objects: BTreeMap<Address, Edit> = BTreeMap::new();
        let mut nameless = BTreeSet::new();
        for path in changed {
            for (of_main, files) in [(false, &sides[0]), (true, &sides[1])] {
                let Some(blob) = files.get(path) else { continue };
                let Some((address, object)) = parse(path, &context.repo.blob(*blob)?) else {
                    nameless.insert(path.clone());
                    continue;
                };
                let today = Address::new(address.kind, ids.current(&address.id));
                let edit = objects.entry(today).or_default();
                if of_main || edit.path.is_empty() {
                    edit.path.clone_from(path);
                }
                edit.broken |= object.is_none();
                *(if of_main { &mut edit.wanted } else { &mut edit.before }) = object;
            }
        }
        Ok(Edits::Of { objects, nameless })
    }

    /// Returns true if an object's bytes are needed to decide how `main` relates to the snapshot.
    pub(in crate::ops) fn concern(&self, address: &Address) -> bool {
        matches!(self, Edits::Of { objects, .. } if objects.contains_key(address))
    }

    /// Returns how `main` relates to a snapshot in which `now` returns the present state of the edited objects.
    pub(in crate::ops) fn main_relation(
        &self,
        ids: &IdMap,
        mut now: impl FnMut(&Address) -> Result<Option<Object>>,
    ) -> Result<MainRelation> {
        let (edits, nameless) = match self {
            Edits::None => return Ok(MainRelation::FastForward),
            Edits::Unrelated => {
                return Ok(MainRelation::Pending(Pending::unrelated()));
            }
            Edits::Of { objects, nameless } => (objects, nameless),
        };
        let mut pending = Pending { paths: nameless.iter().cloned().collect(), unwritable: Vec::new() };
        for (address, edit) in edits {
            let now = now(address)?;
            let applied = match (&edit.wanted, &now) {
                _ if edit.broken => false,
                (Some(wanted), Some(now)) => has(address.kind, edit.before.as_ref(), wanted, now, ids),
                (None, None) => true,
                (Some(_), None) | (None, Some(_)) => false,
            };
            if !applied {
                pending.paths.push(edit.path.clone());
            }
            if !applied && !edit.broken && is_unwritable(address, edit, now.as_ref(), ids) {
                pending.unwritable.push(edit.path.clone());
            }
        }
        pending.paths.sort();
        pending.unwritable.sort();
        Ok(if pending.paths.is_empty() { MainRelation::Merge } else { MainRelation::Pending(pending) })
    }
}

/// Returns the object in a file; its address also where it does not parse. `None` if the file names no object.
fn parse(path: &str, bytes: &[u8]) -> Option<(Address, Option<Object>)> {
    match address_of(path) {
        Ok((kind, id)) => {
            let object = yaml::read(path, bytes).ok().map(|document| normalize(kind, document.value).object);
            Some((Address::new(kind, id), object))
        }
        // The path has no id, so a person chose the file's name.
        Err(_) => new_object(path, bytes).ok().map(|(address, object)| (address, Some(object))),
    }
}

/// Returns true if the tenant has everything that the edit from `before` to `wanted` says, not merely what can be written: an
/// edit that no step can carry out stays pending.
fn has(kind: &'static Kind, before: Option<&Object>, wanted: &Object, now: &Object, ids: &IdMap) -> bool {
    let today = rewrite(kind, wanted, ids);
    let same = |today: &Map<String, Value>, now: &Map<String, Value>, names: BTreeSet<&String>| {
        names.into_iter().all(|name| today.get(name) == now.get(name))
    };
    match before {
        Some(before) => {
            let names = before.0.keys().chain(wanted.0.keys());
            same(&today.0, &now.0, names.filter(|name| before.get(name) != wanted.get(name)).collect())
        }
        None if today.id() == wanted.id() => same(&today.0, &now.0, today.0.keys().chain(now.0.keys()).collect()),
        // An object that this tool created has the properties that can be set, and others that Graph added.
        None => {
            let (today, now) = (creatable_properties(kind, &today), creatable_properties(kind, now));
            same(&today, &now, today.keys().collect())
        }
    }
}

/// Returns true if no step can write what is left of an edit: properties that Graph alone sets, the deletion of an object that
/// cannot be deleted, or an object that another directory owns.
fn is_unwritable(address: &Address, edit: &Edit, now: Option<&Object>, ids: &IdMap) -> bool {
    let kind = address.kind;
    if now.is_some_and(|now| owned_elsewhere(kind, now).is_some()) {
        return true;
    }
    match (&edit.before, &edit.wanted, now) {
        (Some(before), Some(wanted), Some(now)) => {
            let today = rewrite(kind, wanted, ids);
            let edited = before.0.keys().chain(wanted.0.keys()).filter(|name| before.get(name) != wanted.get(name));
            let left = edited.filter(|name| today.get(name) != now.get(name));
            let writable = |object: &Object, name: &str| {
                schema::of(kind).property(name).zip(object.get(name)).and_then(|(rule, value)| {
                    if rule.link { Some(value.clone()) } else { writable_value(rule, value, false) }
                })
            };
            left.into_iter().all(|name| writable(&today, name) == writable(now, name))
        }
        (_, None, Some(_)) => matches!(kind.deletion, Deletion::Never),
        _ => false,
    }
}

/// Returns the properties that a new object can be given: without ids of credentials or children, which Graph makes.
fn creatable_properties(kind: &'static Kind, object: &Object) -> Map<String, Value> {
    let mut given = writable(kind, object, true);
    for link in kind.links.iter().filter(|link| !matches!(link.shape, LinkShape::Children(_))) {
        given.extend(object.get(link.name).map(|value| (link.name.to_owned(), value.clone())));
    }
    given
}

/// Returns how `main` relates to a snapshot in which `now` is at a path, where `parent` was the last one. It compares whole
/// files, for a watch round that has no time to look inside: an edit that it takes for pending the next export may find applied.
pub(in crate::ops) fn relation_by_files(
    context: &Context,
    parent: Option<ObjectId>,
    main: Option<ObjectId>,
    now: impl Fn(&str) -> Result<Option<ObjectId>>,
) -> Result<MainRelation> {
    let (Some(parent), Some(main)) = (parent, main) else { return Ok(MainRelation::FastForward) };
    if context.repo.is_ancestor(main, parent)? {
        return Ok(MainRelation::FastForward);
    }
    let Some(fork) = context.repo.merge_base(main, parent)? else {
        return Ok(MainRelation::Pending(Pending::unrelated()));
    };
    let at_fork = files_of(&context.repo, fork)?;
    let on_main = files_of(&context.repo, main)?;
    let mut pending = Vec::new();
    for path in edited(&at_fork, &on_main).filter(|path| !is_reserved(path)) {
        if on_main.get(path).copied() != now(path)? {
            pending.push(path.clone());
        }
    }
    pending.sort();
    let pending = Pending { paths: pending, unwritable: Vec::new() };
    Ok(if pending.paths.is_empty() { MainRelation::Merge } else { MainRelation::Pending(pending) })
}

/// Text in place of paths if `main` and the snapshots have no commit in common.
pub(in crate::ops) const NO_COMMON_HISTORY: &str = "the branch has no common history with the snapshots";

/// Returns the paths whose content differs between two trees.
pub(in crate::ops) fn edited<'a>(
    a: &'a BTreeMap<String, ObjectId>,
    b: &'a BTreeMap<String, ObjectId>,
) -> impl Iterator<Item = &'a String> {
    let gone = a.keys().filter(|path| !b.contains_key(*path));
    gone.chain(b.iter().filter(|(path, blob)| a.get(*path) != Some(blob)).map(|(path, _)| path))
}
