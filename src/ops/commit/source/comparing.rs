//! Collects the live tenant as one side of a comparison.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use super::{Entry, Side};
use crate::engine::refs::{Mentioned, Names};
use crate::engine::schema;
use crate::kinds;
use crate::model::{Address, Coverage, IdMap, Kind, Object};
use crate::ops::read::absence::Expected;
use crate::ops::read::facts::Candidates;
use crate::ops::read::live::{LiveObject, Sink, bytes_of};
use crate::repo::{Repo, blob_id};

/// Adds the objects read from the live tenant to a side, next to the sides that it is compared with.
pub(super) struct Comparing<'a> {
    pub(super) repo: &'a Repo,
    pub(super) side: &'a mut Side,
    pub(super) others: &'a [&'a Side],
    /// The last snapshot, if its objects that the lists lack are to be asked for by id.
    pub(super) last: Option<&'a Side>,
    /// Sides that may know objects which left a filter.
    pub(super) known: Vec<&'a Side>,
    pub(super) filters: &'a BTreeMap<String, String>,
    /// Addresses of objects that are taken although nobody changed them.
    pub(super) untouched: BTreeSet<Address>,
}

/// Returns the addresses at present of the objects that a side has a file of, of those kinds of which unchanged objects have
/// none. Their ids are made up of others, each of which may be another today.
pub(super) fn untouched(kinds: &[&'static Kind], sides: &[&Side], ids: &IdMap) -> BTreeSet<Address> {
    let mut found = BTreeSet::new();
    for kind in kinds.iter().filter(|kind| kind.for_each.is_some_and(|each| each.defaults.is_some())) {
        for address in sides.iter().flat_map(|side| side.index.keys()).filter(|address| address.kind.name == kind.name)
        {
            let parts: Vec<&str> = address.id.split('_').map(|part| ids.current(part)).collect();
            found.insert(kind.address(&parts.join("_")));
        }
    }
    found
}

impl Side {
    /// Adds the objects that `live` has and no file of this side, of those kinds of which a missing file means that the object is
    /// as the server made it. They are wanted as others are that nobody changed.
    ///
    /// # Errors
    /// If an object cannot be read.
    pub fn want_defaults(&mut self, repo: &Repo, live: &Side, ids: &IdMap) -> Result<()> {
        let kinds: Vec<&'static Kind> = live.defaults.keys().filter_map(|(kind, _)| kinds::by_name(kind)).collect();
        let wanted = untouched(&kinds, &[self], ids);
        // A file under an id of Graph's own stands for settings that cannot be told here.
        let is_made_up =
            |address: &Address| address.id.split('_').next().is_some_and(|id| uuid::Uuid::try_parse(id).is_ok());
        let of_kinds = |address: &&Address| kinds.iter().any(|kind| kind.name == address.kind.name);
        if !self.index.keys().filter(of_kinds).all(is_made_up) {
            return Ok(());
        }
        // What belongs to an object that this side does not have is not its affair.
        let about: BTreeSet<Address> = kinds
            .iter()
            .filter_map(|kind| kinds::by_name(kind.for_each?.kind))
            .filter(|other| self.coverage().kind(other.name).is_complete())
            .flat_map(|other| self.index.keys().filter(|address| address.kind.name == other.name))
            .map(|address| Address::new(address.kind, ids.current(&address.id)))
            .collect();
        let belongs = |address: &Address| {
            let other = address.kind.for_each;
            let first = address.id.split('_').next().unwrap_or_default();
            other.and_then(|each| kinds::address(each.kind, first)).is_some_and(|object| about.contains(&object))
        };
        for (address, entry) in live.index.iter().filter(|(address, _)| !wanted.contains(*address) && belongs(address))
        {
            let default = address.id.split_once('_').map(|(_, word)| (address.kind.name, word.to_owned()));
            let Some(default) = default.and_then(|default| live.defaults.get(&default)) else { continue };
            let kind = address.kind;
            if !self.coverage().kind(kind.name).is_complete() {
                continue;
            }
            let Some(mut object) = live.object(repo, kind, entry)? else { continue };
            for link in kind.links {
                object.0.extend(default.get(link.name).map(|value| (link.name.to_owned(), value.clone())));
            }
            let bytes = bytes_of(kind, &object, &Names::default());
            let blob = blob_id(&bytes);
            self.bytes.insert(blob, bytes);
            self.index.insert(address.clone(), Entry { path: entry.path.clone(), blob });
        }
        Ok(())
    }
}

impl Sink for Comparing<'_> {
    fn carry(&mut self, _: &'static Kind, _: &mut Object, _: &[(&'static str, Coverage)]) -> Result<()> {
        // A link that is not completely known is not compared.
        Ok(())
    }

    fn knows(&mut self, kinds: &[&'static Kind]) -> Result<bool> {
        let of = |address: &Address| kinds.iter().any(|kind| kind.name == address.kind.name);
        Ok(self.others.first().is_some_and(|side| side.index.keys().any(of)))
    }

    fn names(&mut self, kinds: &[&'static Kind], asked: &Mentioned) -> Result<Candidates> {
        let mut found = Candidates::default();
        let Some(side) = self.others.first() else { return Ok(found) };
        for (address, entry) in &side.index {
            let Some(kind) = kinds.iter().copied().find(|kind| kind.name == address.kind.name) else { continue };
            let own = asked.ids.contains(&address.id);
            let others = schema::of(kind).identities();
            if !own && (others.is_empty() || asked.identities.is_empty()) {
                continue;
            }
            let Some(object) = side.object(self.repo, kind, entry)? else { continue };
            if own {
                found.add(kind, &address.id, object.name());
            }
            for id in others.iter().filter_map(|property| object.text(property)) {
                if asked.identities.contains(id) {
                    found.add(kind, id, object.name());
                }
            }
        }
        Ok(found)
    }

    fn expected(&mut self, kind: &'static Kind) -> Result<Option<Expected>> {
        let Some(filter) = self.filters.get(kind.name) else {
            // A snapshot that was read through a filter lacks objects that are listed today, so it is no list of the expected
            // ones.
            let Some(last) = self.last.filter(|last| !last.manifest.filters.contains_key(kind.name)) else {
                return Ok(None);
            };
            let addresses = last.index.keys().filter(|address| address.kind.name == kind.name);
            return Ok(Some(Expected::unfiltered(addresses.map(|address| address.id.clone()))));
        };
        let alike = self.known.iter().filter(|side| side.manifest.filters.get(kind.name) == Some(filter));
        let ids = alike.flat_map(|side| {
            let addresses = side.index.keys().filter(|address| address.kind.name == kind.name);
            addresses.map(|address| side.manifest.ids.current(&address.id).to_owned())
        });
        Ok(Some(Expected::filtered(ids)))
    }

    fn untouched(&mut self, kind: &'static Kind, object: &Object) -> bool {
        let links = || kind.links.iter().all(|link| object.get(link.name).is_some());
        if let Some((_, word)) = object.id().split_once('_').filter(|_| links()) {
            self.side.defaults.entry((kind.name, word.to_owned())).or_insert_with(|| object.clone());
        }
        self.untouched.contains(&kind.address(object.id()))
    }

    fn take(&mut self, live: LiveObject) -> Result<()> {
        let blob = live.content.id();
        let address = live.kind.address(live.object.id());
        let known = !self.others.is_empty()
            && self.others.iter().all(|side| side.index.get(&address).is_some_and(|entry| entry.blob == blob));
        if !known {
            self.side.bytes.insert(blob, live.content.into_bytes());
        }
        self.side.index.insert(address, Entry { path: live.path, blob });
        Ok(())
    }
}
