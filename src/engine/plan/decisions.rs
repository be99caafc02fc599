//! Decides on every wanted object: update, restore or create.

use std::collections::BTreeSet;

use super::counterparts::{CounterpartState, Counterparts};
use super::{Decision, Planner, identities, not_creatable};
use crate::engine::body::leave_unsaid;
use crate::engine::refs::rewrite;
use crate::engine::schema;
use crate::kinds;
use crate::model::kind::Creation;
use crate::model::plan::{Loss, LossKind};
use crate::model::{Address, Coverage, Kind, Object};

/// Represents a wanted object as it is compared with the tenant.
struct Wanted {
    /// Present address.
    address: Address,
    /// The object, with the present ids in it.
    object: Object,
}

impl Planner<'_> {
    /// Notes what is not known completely, and decides on every wanted object in scope.
    pub(super) fn classify(&mut self) {
        for kind in kinds::ALL.iter().filter(|kind| self.inputs.scope.takes_kind(kind)) {
            self.note_unknown(kind);
        }
        let twice = self.wanted_twice();
        let counterparts = Counterparts::missing_from_tenant(self.inputs);
        for (address, object) in &self.inputs.wanted.objects {
            let today = Address::new(address.kind, self.inputs.ids.current(&address.id));
            if !self.known(address.kind) {
                continue;
            }
            if !self.inputs.scope.takes_by(address, &today, object.name()) {
                self.leave_out(address, &today, object);
            } else if twice.contains(&today) {
                self.leave_ambiguous(address, today, object);
            } else {
                let wanted = self.wanted_today(address, today, object);
                if !self.inputs.live.unchanged.contains(&wanted.address) {
                    self.decide(wanted, &counterparts);
                }
            }
        }
    }

    /// Notes a kind, and its links and other parts, as far as a side does not know them completely.
    fn note_unknown(&mut self, kind: &'static Kind) {
        let (wanted, live) = (&self.inputs.wanted.coverage, &self.inputs.live.coverage);
        let sides = (wanted.kind(kind.name), live.kind(kind.name));
        if !self.known(kind) && sides.0 != Coverage::Skipped {
            let worse = if sides.1.is_complete() { sides.0 } else { sides.1 };
            self.plan.unknown.push((kind.name.to_owned(), worse));
            if sides.0.is_complete() {
                self.plan.unproven.push(kind.name.to_owned());
            }
        }
        for link in kind.links {
            if !self.known(kind) || self.link_known(kind, link.name) {
                continue;
            }
            let name = format!("{}.{}", kind.name, link.name);
            if wanted.link(kind.name, link.name).is_complete() {
                self.plan.unproven.push(name.clone());
            }
            self.plan.unknown.push((name, live.link(kind.name, link.name)));
        }
        for (name, coverage) in wanted.unread(kind).chain(live.unread(kind)) {
            let name = format!("{}.{name}", kind.name);
            if self.plan.unknown.iter().all(|(known, _)| *known != name) {
                self.plan.unproven.push(name.clone());
                self.plan.unknown.push((name, coverage));
            }
        }
    }

    /// Remembers the ids of an object that is not in scope, if the tenant lacks it: nothing can be linked to it.
    fn leave_out(&mut self, address: &Address, today: &Address, object: &Object) {
        let live = self.inputs.live;
        if !live.objects.contains_key(today) && !live.unchanged.contains(today) {
            let object = rewrite(address.kind, object, self.inputs.ids);
            self.left_out.extend(identities(address.kind, &object).into_iter().map(|id| (id, address.clone())));
        }
    }

    /// Leaves alone an object for which two files stand.
    fn leave_ambiguous(&mut self, address: &Address, today: Address, object: &Object) {
        let what = "is left alone: two files of the commit stand for the same object".to_owned();
        self.plan.losses.push(Loss::new(address, object.name(), LossKind::Other(what)));
        self.without_steps.insert(today, rewrite(address.kind, object, self.inputs.ids));
    }

    /// Returns a wanted object with present ids. It gets the address of the live object that stands in for it, and of a file that
    /// a person wrote, what it does not say is as in the tenant.
    fn wanted_today(&self, address: &Address, today: Address, object: &Object) -> Wanted {
        let kind = address.kind;
        let is_authored = address.id.starts_with("new:");
        let mut wanted = Wanted { address: today, object: rewrite(kind, object, self.inputs.ids) };
        if let Some(stand_in) = self.stand_in(kind, &wanted.address, &wanted.object) {
            wanted.object.0.insert("id".to_owned(), stand_in.id.clone().into());
            wanted.address = stand_in;
        }
        if let Some(live) = self.inputs.live.objects.get(&wanted.address).filter(|_| is_authored) {
            leave_unsaid(kind, &mut wanted.object, live);
        }
        wanted
    }

    /// Decides on one object.
    fn decide(&mut self, wanted: Wanted, counterparts: &Counterparts) {
        let kind = wanted.address.kind;
        let decision = if self.inputs.live.objects.contains_key(&wanted.address) {
            Decision::Update
        } else if self.inputs.deleted.contains_key(&wanted.address) && !self.is_bound_to_moving(kind, &wanted.object) {
            Decision::Restore
        } else {
            Decision::Create
        };
        if decision != Decision::Update && !self.inputs.scope.properties.is_empty() {
            return;
        }
        if decision == Decision::Create && !(self.stands_alone(&wanted, counterparts) && self.can_be_created(&wanted)) {
            self.without_steps.insert(wanted.address, wanted.object);
            return;
        }
        let Wanted { address, object } = wanted;
        let ids = identities(kind, &object).into_iter().map(|id| (id, address.clone()));
        match decision {
            Decision::Create => self.moving.extend(ids),
            Decision::Restore => self.returning.extend(ids),
            Decision::Update => {}
        }
        self.decisions.insert(address, (object, decision));
    }

    /// Returns true if no counterpart keeps the object from being created by itself. Else notes what becomes of it.
    fn stands_alone(&mut self, wanted: &Wanted, counterparts: &Counterparts) -> bool {
        let Wanted { address, object } = wanted;
        let kind = address.kind;
        match counterparts.of(kind, object) {
            // The object has ended by itself, as it should.
            come if come == Some(CounterpartState::Ended)
                || kind.passing.is_some_and(|passing| passing.holds(&object.0)) =>
            {
                self.ended.insert(address.clone());
                false
            }
            Some(CounterpartState::Along) => {
                self.along.insert(address.clone());
                false
            }
            Some(CounterpartState::Not | CounterpartState::Ended) => {
                let what = "comes with its schedule, which is not in scope".to_owned();
                self.plan.losses.push(Loss::new(address, object.name(), LossKind::Other(what)));
                false
            }
            None if kind.twin.is_some_and(|twin| !self.is_wanted_whole(twin.kind)) => {
                let what = "is made for good: whether it had an end is not known".to_owned();
                self.plan.losses.push(Loss::new(address, object.name(), LossKind::Other(what)));
                true
            }
            None => true,
        }
    }

    /// Returns true if Graph can create the object. Else notes that it is lost, or comes along with what it is about.
    fn can_be_created(&mut self, wanted: &Wanted) -> bool {
        let Wanted { address, object } = wanted;
        let kind = address.kind;
        let Some(reason) = not_creatable(kind, object) else { return true };
        for id in identities(kind, object) {
            self.lost.insert(id, address.clone());
        }
        let about = kind.about(&object.0);
        let comes = |id: &String| self.moving.contains_key(id) || self.returning.contains_key(id);
        let parts = match about.iter().any(comes) {
            true => {
                self.along.insert(address.clone());
                let then = "and is put right once what it is about is there";
                vec![LossKind::NewId, LossKind::Other(then.to_owned())]
            }
            false => vec![LossKind::NotCreatable(reason.to_owned())],
        };
        self.plan.losses.push(Loss { address: address.clone(), name: object.name().to_owned(), parts });
        false
    }

    fn is_wanted_whole(&self, kind: &str) -> bool {
        self.inputs.wanted.coverage.kind(kind).is_complete()
    }

    /// Returns true if a property that is fixed at creation names an object that gets a new id: restored, the object would
    /// belong to nothing, as a service principal whose application was purged.
    fn is_bound_to_moving(&self, kind: &'static Kind, object: &Object) -> bool {
        let bound = |rule: &schema::Rule| rule.create_only && !rule.refs.is_empty();
        let schema = schema::of(kind);
        object
            .0
            .iter()
            .any(|(name, value)| schema.property(name).is_some_and(bound) && !self.moving_in(value).is_empty())
    }

    /// Returns the objects, by their current ids, that are wanted more than once. Neither may be chosen silently.
    fn wanted_twice(&self) -> BTreeSet<Address> {
        let (mut once, mut twice) = (BTreeSet::new(), BTreeSet::new());
        for old in self.inputs.wanted.objects.keys().chain(&self.inputs.wanted.unchanged) {
            let today = Address::new(old.kind, self.inputs.ids.current(&old.id));
            if !once.insert(today.clone()) {
                twice.insert(today);
            }
        }
        twice
    }

    /// Returns the live object that replaces one that nobody can create: Graph created it along with the object that it
    /// refers to.
    fn stand_in(&self, kind: &Kind, address: &Address, object: &Object) -> Option<Address> {
        let live = &self.inputs.live;
        let comes = matches!(kind.creation, Creation::Never { .. }) && !kind.about.is_empty() || kind.twin.is_some();
        if !comes || live.objects.contains_key(address) || live.unchanged.contains(address) {
            return None;
        }
        // The properties have to agree, too: a group has settings for its members and others for its owners.
        let same = |found: &Object| {
            kind.natural.iter().chain(kind.about).all(|name| found.0.get(*name) == object.0.get(*name))
        };
        let mut alike = live.objects.iter().filter(|(other, _)| other.kind.name == kind.name);
        alike
            .find(|(other, found)| same(found) && !self.inputs.wanted.objects.contains_key(*other))
            .map(|(other, _)| other.clone())
    }
}
