//! Leaves out of what is written what names something that is gone for good: Graph refuses the whole request. Policies name
//! people (1011, 1020), service principals the certificate that signs their tokens.

use serde_json::{Map, Value};

use super::{Planner, identities};
use crate::engine::diff;
use crate::engine::refs::is_guid;
use crate::engine::schema::{self, GoneTarget, Rule, Shape};
use crate::kinds;
use crate::model::plan::{Loss, LossKind};
use crate::model::{Address, Kind, Object};

/// Holds what was left out of an object.
#[derive(Default)]
struct Omitted {
    /// Path of the list, and the id, of each reference that is left out.
    ids: Vec<(String, String)>,
    /// Path of the first list that cannot be written without what is left out of it.
    stopped_by: Option<String>,
}

impl Planner<'_> {
    /// Leaves out the references to objects that are gone, where the schema says so, and lists them as losses. An object of
    /// which too little would remain gets no step.
    pub(super) fn leave_out_gone(&mut self) {
        for kind in kinds::ALL.iter().copied().filter(|kind| schema::of(kind).root.leaves_out_gone()) {
            let own = |address: &&Address| address.kind.name == kind.name;
            let addresses: Vec<Address> = self.decisions.keys().filter(own).cloned().collect();
            for address in addresses {
                self.leave_out_of(kind, &address);
            }
        }
    }

    fn leave_out_of(&mut self, kind: &'static Kind, address: &Address) {
        let Some((object, decision)) = self.decisions.get(address) else { return };
        let before = self.inputs.live.objects.get(address).or_else(|| self.inputs.deleted.get(address));
        let before = before.map(|before| Value::Object(before.0.clone()));
        let mut omitted = Omitted::default();
        let is_gone = |rule: &Rule, id: &str| self.is_gone(rule, id);
        let rest = remainder(
            &schema::of(kind).root,
            &Value::Object(object.0.clone()),
            before.as_ref(),
            "",
            &is_gone,
            &mut omitted,
        );
        if omitted.ids.is_empty() {
            return;
        }
        let rest = Object(rest.and_then(|rest| rest.as_object().cloned()).unwrap_or_default());
        let (object, decision) = (object.clone(), *decision);
        let named = |id: &str| self.name_of_gone(id);
        let parts: Vec<LossKind> = match &omitted.stopped_by {
            Some(list) => {
                let all: Vec<String> =
                    omitted.ids.iter().filter(|(path, _)| path == list).map(|(_, id)| named(id)).collect();
                let what = format!("is left alone: {list} names what is gone, {}; correct it first", all.join(" and "));
                vec![LossKind::Other(what)]
            }
            None => {
                let one = |(path, id): &(String, String)| format!("{path} loses {}, which is gone", named(id));
                omitted.ids.iter().map(|gone| LossKind::Other(one(gone))).collect()
            }
        };
        self.plan.losses.push(Loss { address: address.clone(), name: object.name().to_owned(), parts });
        for (_, id) in omitted.ids {
            self.gone.insert(id.clone(), Address::new(kind, id));
        }
        if omitted.stopped_by.is_none() {
            let fields = diff::objects(kind, &object, &rest);
            self.whole.insert(address.clone(), (object, fields));
            self.decisions.insert(address.clone(), (rest, decision));
            return;
        }
        self.decisions.remove(address);
        for id in identities(kind, &object) {
            self.returning.remove(&id);
            if self.moving.remove(&id).is_some() {
                self.lost.insert(id, address.clone());
            }
        }
        self.without_steps.insert(address.clone(), object);
    }

    /// Returns true if the tenant is proven to lack the object, and the plan does not bring it back.
    fn is_gone(&self, rule: &Rule, id: &str) -> bool {
        // Graph uses this id as a placeholder.
        let is_id = is_guid(id) && id != "00000000-0000-0000-0000-000000000000";
        let comes = self.moving.contains_key(id) || self.returning.contains_key(id);
        let absent = |to: &schema::Ref| {
            to.property == "id" && kinds::by_name(to.kind).is_some_and(|kind| self.inputs.live.proves_absent(kind, id))
        };
        is_id && !comes && rule.refs.iter().all(absent)
    }

    /// Returns the name that the commit has for an id, in quotes, or the id.
    fn name_of_gone(&self, id: &str) -> String {
        let wanted = &self.inputs.wanted.objects;
        let is_it = |address: &&Address| self.inputs.ids.current(&address.id) == id;
        let named = wanted.iter().find(|(address, _)| is_it(address)).map(|(_, object)| object.name());
        named.filter(|name| !name.is_empty()).map_or_else(|| id.to_owned(), |name| format!("\"{name}\""))
    }
}

impl Planner<'_> {
    /// Leaves out of the body of a creation what names a certificate that is not created again.
    pub(super) fn leave_out_thumbprints(
        &mut self,
        kind: &'static Kind,
        address: &Address,
        object: &Object,
        body: &mut Map<String, Value>,
    ) {
        let schema = schema::of(kind);
        let lacks = |name: &str| schema.property(name).is_some_and(|rule| self.lacks_certificate(kind, rule, None));
        let names: Vec<String> = body.keys().filter(|name| lacks(name)).cloned().collect();
        for name in names {
            body.remove(&name);
            self.plan.losses.push(Loss::new(address, object.name(), thumbprint_lost(&name)));
        }
    }

    /// Returns true if the property names a certificate and the object has none; `live` is `None` for an object that is created.
    pub(super) fn lacks_certificate(&self, kind: &'static Kind, rule: &Rule, live: Option<&Object>) -> bool {
        let Some(list) = &rule.thumbprint_of else { return false };
        match live {
            Some(live) => live.get(list).is_none() && !self.inputs.live.coverage.withholds(kind.name, list),
            None => true,
        }
    }
}

/// Returns the loss of a property that names a certificate which is gone.
pub(super) fn thumbprint_lost(name: &str) -> LossKind {
    LossKind::Other(format!("loses {name}, which names a certificate that is gone: make a new one and name it"))
}

/// Returns `value` without the references that are gone and that `before`, the tenant's own value, does not have either; `None`
/// if nothing remains.
fn remainder(
    rule: &Rule,
    value: &Value,
    before: Option<&Value>,
    path: &str,
    is_gone: &dyn Fn(&Rule, &str) -> bool,
    omitted: &mut Omitted,
) -> Option<Value> {
    match (&rule.shape, value) {
        (Shape::Object(rules, _), Value::Object(map)) => {
            let mut kept = Map::new();
            for (name, value) in map {
                let rest = match rules.get(name) {
                    Some(rule) => {
                        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                        let before = before.and_then(|before| before.get(name));
                        remainder(rule, value, before, &path, is_gone, omitted)
                    }
                    None => Some(value.clone()),
                };
                kept.extend(rest.map(|rest| (name.clone(), rest)));
            }
            (map.is_empty() || !kept.is_empty()).then_some(Value::Object(kept))
        }
        (Shape::List(items), Value::Array(elements)) if items.gone.is_some() => {
            let had = |element: &Value| {
                before.and_then(Value::as_array).is_some_and(|before| before.iter().any(|had| had == element))
            };
            let goes = |element: &Value| element.as_str().is_some_and(|id| is_gone(items, id)) && !had(element);
            let (gone, kept): (Vec<&Value>, Vec<&Value>) = elements.iter().partition(|element| goes(element));
            let ids = gone.iter().filter_map(|id| id.as_str());
            omitted.ids.extend(ids.map(|id| (path.to_owned(), id.to_owned())));
            let is_emptied = kept.is_empty() && !gone.is_empty();
            let stops = match items.gone {
                Some(GoneTarget::Stop) => !gone.is_empty(),
                Some(GoneTarget::LeaveSome) => is_emptied,
                Some(GoneTarget::LeaveOut) | None => false,
            };
            if stops {
                omitted.stopped_by.get_or_insert_with(|| path.to_owned());
            }
            (!is_emptied).then(|| kept.into_iter().cloned().collect())
        }
        _ => Some(value.clone()),
    }
}
