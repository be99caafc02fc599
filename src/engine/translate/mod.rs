//! Translates a snapshot of one tenant for another: an object with a counterpart in this tenant gets its id, one without
//! keeps the id of its origin, and everything that cannot be carried over is reported.

mod merge;
mod text;

use std::collections::{BTreeMap, BTreeSet};

use super::adopt::{Ambiguous, Sides, matched};
use super::plan::{is_deletable, moving_identities, not_creatable, owned_elsewhere};
use super::refs::{references, rewrite};
use super::schema;
use super::scope::Scope;
use crate::kinds;
use crate::model::plan::{Loss, LossKind};
use crate::model::words::agreeing;
use crate::model::{Address, IdMap, Kind, Object, Snapshot, TenantMap};

/// Holds the inputs of a translation.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// The snapshot of the other tenant, parsed whole.
    pub source: &'a Snapshot,
    /// The last snapshot of this tenant, parsed whole.
    pub target: &'a Snapshot,
    /// Ids learned by earlier translations and recoveries: old id → new id.
    pub ids: &'a IdMap,
    /// Map of ids and domains that a person wrote.
    pub map: &'a TenantMap,
    /// Ids of the two tenants: the other one's, this one's.
    pub tenants: (&'a str, &'a str),
    /// Scope of the objects that are carried over from the other tenant.
    pub scope: &'a Scope,
    /// True if objects that only this tenant has are to be deleted.
    pub prune: bool,
}

/// Holds the wanted objects of this tenant, as far as they differ from its last snapshot.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Translated {
    /// Objects by the id that they have in this tenant; those that do not exist here yet by the id in the other tenant.
    pub objects: BTreeMap<Address, Object>,
    /// Objects that are to be deleted.
    pub gone: BTreeSet<Address>,
    /// Id in the other tenant → id in this one, of all counterparts.
    pub same: IdMap,
    /// Values that are not carried over, or may not mean the same in this tenant.
    pub losses: Vec<Loss>,
}

/// Describes something that only a person can decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Address of the object in the other tenant; `None` for a problem of the map itself.
    pub address: Option<Address>,
    /// Name of the object.
    pub name: String,
    /// Description of the problem and advice.
    pub what: String,
}

/// Translates a snapshot.
///
/// # Errors
/// Every reference without a counterpart in this tenant, every domain of accounts that this tenant does not have, and every
/// object with more than one candidate here.
pub fn translate(inputs: &Inputs<'_>) -> Result<Translated, Vec<Problem>> {
    let mut work = Work::new(inputs);
    work.match_all();
    work.choose();
    work.check_domains();
    work.carry();
    work.prune();
    if work.problems.is_empty() { Ok(work.out) } else { Err(work.problems) }
}

struct Work<'a> {
    inputs: &'a Inputs<'a>,
    /// Objects of the other tenant with this tenant's domains and id in their texts.
    source: Snapshot,
    ids: IdMap,
    /// Objects of the other tenant by all their identities there.
    known: BTreeMap<String, Address>,
    /// Identities of all objects that this tenant has, or will have.
    here: BTreeSet<String>,
    /// Objects that are carried over, by their address in the other tenant.
    chosen: BTreeSet<Address>,
    ambiguous: BTreeMap<Address, Ambiguous>,
    out: Translated,
    problems: Vec<Problem>,
}

impl<'a> Work<'a> {
    fn new(inputs: &'a Inputs<'a>) -> Self {
        let mut source = Snapshot { coverage: inputs.source.coverage.clone(), ..Snapshot::default() };
        let words = text::Words::new(inputs.map, inputs.tenants.0, inputs.tenants.1);
        let mut known = BTreeMap::new();
        for (address, object) in &inputs.source.objects {
            let kind = address.kind;
            for id in all_identities(kind, object) {
                known.insert(id, address.clone());
            }
            source.objects.insert(address.clone(), words.translate(kind, object));
        }
        let here = inputs.target.objects.iter().map(|(address, object)| all_identities(address.kind, object));
        Work {
            here: here.flatten().collect(),
            source,
            known,
            ids: inputs.ids.clone(),
            chosen: BTreeSet::new(),
            ambiguous: BTreeMap::new(),
            out: Translated::default(),
            problems: Vec::new(),
            inputs,
        }
    }

    fn problem(&mut self, address: &Address, what: String) {
        let name = self.inputs.source.objects.get(address).map_or("", Object::name).to_owned();
        self.problems.push(Problem { address: Some(address.clone()), name, what });
    }

    fn loss(&mut self, address: &Address, name: &str, what: String) {
        self.out.losses.push(Loss::new(address, name, LossKind::Other(what)));
    }

    /// Returns true if the kind is known completely in both tenants: otherwise nothing follows from an absent object.
    fn known_kind(&self, kind: &Kind) -> bool {
        [&self.source, self.inputs.target].iter().all(|side| side.coverage.kind(kind.name).is_complete())
    }

    /// Returns the object of this tenant that stands for an object of the other one.
    fn counterpart(&self, address: &Address) -> Option<(Address, &'a Object)> {
        let today = Address::new(address.kind, self.ids.current(&address.id));
        let object = self.inputs.target.objects.get(&today)?;
        Some((today, object))
    }

    /// Finds the counterparts of objects: by the map, by known ids, by address, by natural key.
    fn match_all(&mut self) {
        for (there, here) in &self.inputs.map.ids {
            let Some(address) = self.known.get(there).cloned() else {
                let what = format!("the map gives {here} for {there}, which the other tenant does not have");
                self.problems.push(Problem { address: None, name: String::new(), what });
                continue;
            };
            let found = self.inputs.target.objects.iter().find_map(|(own, object)| {
                let same = own.kind == address.kind && all_identities(own.kind, object).contains(here);
                same.then_some((own.kind, own, object))
            });
            let Some((kind, own, object)) = found else {
                self.problem(
                    &address,
                    format!("the map gives {here} for it, and no {} here is known by that", address.kind.name),
                );
                continue;
            };
            let theirs = &self.inputs.source.objects[&address];
            let mut pairs = vec![(address.id.clone(), own.id.clone())];
            let (before, now) = (moving_identities(kind, theirs), moving_identities(kind, object));
            pairs.extend(before.into_iter().filter_map(|(name, id)| Some((id, now.get(&name)?.clone()))));
            for (there, here) in pairs {
                self.ids.learn(&there, &here);
                self.out.same.learn(&there, &here);
            }
        }
        let (nothing, everything) = (BTreeMap::new(), Scope::default());
        let sides = Sides {
            wanted: &self.source,
            live: self.inputs.target,
            deleted: &nothing,
            ids: &self.ids,
            scope: &everything,
        };
        let (found, ambiguous) = matched(&sides);
        self.ids.extend(&found);
        self.out.same.extend(&found);
        self.ambiguous = ambiguous.into_iter().map(|one| (one.wanted.clone(), one)).collect();
    }

    /// Chooses the objects that are carried over: those in scope that exist here or can be created here.
    fn choose(&mut self) {
        let mut unknown = BTreeSet::new();
        let addresses: Vec<Address> = self.source.objects.keys().cloned().collect();
        for address in addresses {
            let kind = address.kind;
            let object = &self.source.objects[&address];
            let name = object.name().to_owned();
            if !self.inputs.scope.takes(&address, &name) || self.left_out(kind, object) {
                continue;
            }
            if !self.known_kind(kind) {
                unknown.insert(kind.title);
                continue;
            }
            if let Some(one) = self.ambiguous.get(&address) {
                let ids: Vec<&str> = one.candidates.iter().map(|address| address.id.as_str()).collect();
                let what = format!("here it may be any of {}; say which under `ids` in the map", ids.join(", "));
                self.problem(&address, what);
                continue;
            }
            match (self.counterpart(&address), not_creatable(kind, object)) {
                (None, Some(reason)) => self.loss(&address, &name, format!("is not here and cannot be made: {reason}")),
                _ => drop(self.chosen.insert(address)),
            }
        }
        for title in unknown {
            let Some(address) = kinds::address("organization", self.inputs.tenants.0) else { continue };
            self.loss(&address, title, "are not completely known in both tenants and are left alone".to_owned());
        }
        self.drop_without_subject();
        for address in &self.chosen {
            let kind = address.kind;
            self.here.extend(all_identities(kind, &rewrite(kind, &self.source.objects[address], &self.ids)));
        }
    }

    /// Drops objects that are fixed at creation and name an object without a counterpart, such as a role assignment to an
    /// absent user.
    fn drop_without_subject(&mut self) {
        let mut here = self.here.clone();
        let added = |address: &Address| all_identities(address.kind, &self.source.objects[address]);
        here.extend(self.chosen.iter().flat_map(added));
        loop {
            let mut dropped = Vec::new();
            for address in self.chosen.iter().filter(|address| self.counterpart(address).is_none()) {
                let kind = address.kind;
                let object = &self.source.objects[address];
                let fixed = |property: &str| schema::of(kind).property(property).is_some_and(|rule| rule.create_only);
                let lost = references(kind, object).into_iter().find(|reference| {
                    fixed(reference.property) && !reference.link && self.is_lost(reference.value, &here)
                });
                if let Some(lost) = lost {
                    let what = format!("is not carried over: its {} is {}", lost.property, self.called(lost.value));
                    dropped.push((address.clone(), what, all_identities(kind, object)));
                }
            }
            if dropped.is_empty() {
                return;
            }
            for (address, what, identities) in dropped {
                self.chosen.remove(&address);
                here.retain(|id| !identities.contains(id));
                let name = self.source.objects[&address].name().to_owned();
                self.loss(&address, &name, what);
            }
        }
    }

    fn left_out(&self, kind: &'static Kind, object: &Object) -> bool {
        all_identities(kind, object).iter().any(|id| self.inputs.map.leave_out.contains(id))
    }

    /// Returns true if the object with this id in the other tenant has no counterpart here. An id that the other tenant does
    /// not know either is the same everywhere: a word, or an application of Microsoft.
    fn is_lost(&self, id: &str, here: &BTreeSet<String>) -> bool {
        self.inputs.map.leave_out.contains(id) || self.known.contains_key(id) && !here.contains(self.ids.current(id))
    }

    /// Describes an object of the other tenant without a counterpart, for people.
    fn called(&self, id: &str) -> String {
        let Some(address) = self.known.get(id) else { return format!("{id}, which the map leaves out") };
        let name = self.inputs.source.objects.get(address).map_or("", Object::name);
        let why = if self.inputs.map.leave_out.contains(id) { "the map leaves out" } else { "is not here" };
        format!("{} \"{name}\" ({id}), which {why}", address.kind.name)
    }

    fn carry(&mut self) {
        for address in std::mem::take(&mut self.chosen) {
            let kind = address.kind;
            let object = self.source.objects[&address].clone();
            let lost: Vec<(String, String, bool, String)> = references(kind, &object)
                .into_iter()
                .filter(|reference| self.is_lost(reference.value, &self.here))
                .map(|found| (found.pointer, found.property.to_owned(), found.link, found.value.to_owned()))
                .collect();
            let mut partial = BTreeSet::new();
            let mut links: BTreeMap<String, (usize, String)> = BTreeMap::new();
            for (pointer, property, link, id) in &lost {
                if *link {
                    partial.insert(property.clone());
                    links.entry(property.clone()).or_insert_with(|| (0, self.called(id))).0 += 1;
                } else if !self.inputs.map.leave_out.contains(id) {
                    let place: Vec<&str> =
                        pointer.split('/').filter(|part| part.parse::<usize>().is_err() && !part.is_empty()).collect();
                    let place = place.join(".");
                    let what = format!(
                        "{place} names {}; carry it over as well, say under `ids` in the map what stands for it, or name \
                         it under `leaveOut`",
                        self.called(id)
                    );
                    self.problem(&address, what);
                }
            }
            for (property, (count, called)) in links {
                let rest = if count > 1 { format!(" and {} more", count - 1) } else { String::new() };
                self.loss(&address, object.name(), format!("{property}: without {called}{rest}"));
            }
            let pointers: Vec<&str> = lost.iter().map(|(pointer, ..)| pointer.as_str()).collect();
            let object = text::without(kind, &object, &pointers);
            let object = rewrite(kind, &object, &self.ids);
            let (today, object) = match self.counterpart(&address) {
                Some((today, own)) => {
                    if let Some(reason) = owned_elsewhere(kind, own) {
                        let mut theirs = object.clone();
                        theirs.0.insert("id".to_owned(), own.id().into());
                        if theirs != *own {
                            self.loss(&today, own.name(), format!("differs and is left alone: {reason}"));
                        }
                        continue;
                    }
                    let link_known = |link: &str| {
                        let sides = [&self.source, self.inputs.target];
                        sides.iter().all(|side| side.coverage.link(kind.name, link).is_complete())
                    };
                    let merged = merge::onto(kind, &object, own, &partial, &link_known);
                    for property in merged.fixed {
                        let what = format!("{property} is fixed when the object is created and stays as it is here");
                        self.loss(&today, own.name(), what);
                    }
                    for child in merged.missing {
                        self.loss(&today, own.name(), format!("{child} is not here and cannot be made"));
                    }
                    if merged.object == *own {
                        continue;
                    }
                    (today, merged.object)
                }
                None => (kind.address(object.id()), object),
            };
            let bound = text::bound(kind, &object, &self.foreign_domains());
            if !bound.is_empty() {
                self.loss(&today, object.name(), format!("{}: of the other tenant's domains", bound.join(", ")));
            }
            self.out.objects.insert(today, object);
        }
    }

    /// Checks that accounts are only created in domains of this tenant. An absent domain is one problem, however many
    /// accounts it has.
    fn check_domains(&mut self) {
        let own = text::domains(self.inputs.target);
        let mut missing: BTreeMap<String, Vec<&Address>> = BTreeMap::new();
        for address in self.chosen.iter().filter(|address| self.counterpart(address).is_none()) {
            let accounts = address.kind.natural == ["userPrincipalName"];
            let domain = self.source.objects[address].text("userPrincipalName").and_then(text::domain);
            let known =
                |domain: &String| own.contains(domain) || self.inputs.map.domains.values().any(|here| here == domain);
            if let Some(domain) = domain.filter(|domain| accounts && !known(domain)) {
                missing.entry(domain).or_default().push(address);
            }
        }
        let problems = missing.into_iter().map(|(domain, addresses)| {
            let what = format!(
                "{} in {domain}, and none here is; say under `domains` in the map what stands for it, or leave \
                 users out with --exclude user",
                agreeing(addresses.len(), "account", "is", "are")
            );
            Problem { address: None, name: String::new(), what }
        });
        self.problems.extend(problems);
    }

    fn foreign_domains(&self) -> BTreeSet<String> {
        let here = text::domains(self.inputs.target);
        text::domains(self.inputs.source).into_iter().filter(|domain| !here.contains(domain)).collect()
    }

    fn prune(&mut self) {
        if !self.inputs.prune {
            return;
        }
        let matched: BTreeSet<Address> = self
            .source
            .objects
            .keys()
            .map(|address| Address::new(address.kind, self.ids.current(&address.id)))
            .chain(self.out.objects.keys().cloned())
            .collect();
        for (address, object) in &self.inputs.target.objects {
            let kind = address.kind;
            if is_deletable(kind, object)
                && self.known_kind(kind)
                && self.inputs.scope.takes(address, object.name())
                && !matched.contains(address)
            {
                self.out.gone.insert(address.clone());
            }
        }
    }
}

/// Returns every identity by which others refer to an object.
fn all_identities(kind: &'static Kind, object: &Object) -> Vec<String> {
    let others = schema::of(kind).identities().iter().filter_map(|property| object.text(property));
    std::iter::once(object.id()).chain(others).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests;
