//! Collects the live tenant as one side of a comparison.

use std::collections::BTreeMap;

use anyhow::Result;

use super::{Entry, Side};
use crate::engine::refs::Mentioned;
use crate::engine::schema;
use crate::model::{Address, Coverage, Kind, Object};
use crate::ops::absence::Expected;
use crate::ops::facts::Candidates;
use crate::ops::live::{LiveObject, Sink};
use crate::repo::Repo;

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
}

impl Sink for Comparing<'_> {
    fn carry(&mut self, _: &'static Kind, _: &mut Object, _: &[(&'static str, Coverage)]) -> Result<()> {
        // A link that is not completely known is not compared.
        Ok(())
    }

    fn knows(&mut self, kinds: &[&'static Kind]) -> Result<bool> {
        let of = |address: &Address| kinds.iter().any(|kind| kind.name == address.kind);
        Ok(self.others.first().is_some_and(|side| side.index.keys().any(of)))
    }

    fn names(&mut self, kinds: &[&'static Kind], asked: &Mentioned) -> Result<Candidates> {
        let mut found = Candidates::default();
        let Some(side) = self.others.first() else { return Ok(found) };
        for (address, entry) in &side.index {
            let Some(kind) = kinds.iter().copied().find(|kind| kind.name == address.kind) else { continue };
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
            let addresses = last.index.keys().filter(|address| address.kind == kind.name);
            return Ok(Some(Expected::unfiltered(addresses.map(|address| address.id.clone()))));
        };
        let alike = self.known.iter().filter(|side| side.manifest.filters.get(kind.name) == Some(filter));
        let ids = alike.flat_map(|side| {
            let addresses = side.index.keys().filter(|address| address.kind == kind.name);
            addresses.map(|address| side.manifest.ids.current(&address.id).to_owned())
        });
        Ok(Some(Expected::filtered(ids)))
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
