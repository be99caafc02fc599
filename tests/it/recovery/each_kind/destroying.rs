//! What can be written is destroyed, kind after kind, as far as Graph lets somebody, and recovered.

use entragit::engine::normalize::{normalize, writable};
use entragit::engine::schema;
use entragit::kinds;
use entragit::model::kind::{Children, Creation, Deletion, LinkShape, Readers};
use entragit::model::plan::Loss;
use entragit::model::{Kind, Object, Write};
use entragit::ops::apply::{Applied, apply, prepare};
use entragit::ops::plan::Aim;
use entragit::tenant::{RawObject, TenantWrite};
use serde_json::{Map, Value};

use super::everything;
use super::shapes::representatives;
use crate::support::in_process::World;
use crate::support::long::is_long_run;

/// Of every kind that can be written each object is deleted for good, where somebody could, or changed in everything that can
/// be changed. One apply brings all of it back, or what does not come back is on the kind's printed list. Those kinds that
/// are like none before are destroyed two at a time, the others together; in the long form each by itself.
#[tokio::test(start_paused = true)]
async fn a_kind_that_was_destroyed_comes_back() {
    destroy_and_recover(0).await;
}

/// The other half of the kinds, at the same time.
#[tokio::test(start_paused = true)]
async fn another_kind_that_was_destroyed_comes_back() {
    destroy_and_recover(1).await;
}

async fn destroy_and_recover(half: usize) {
    let written = |kind: &&Kind| !kind.is_information() && kind.readers != Readers::PeopleOnly;
    let all: Vec<&'static Kind> = kinds::ALL.iter().copied().filter(written).collect();
    let (alone, together) = if is_long_run() { (all, Vec::new()) } else { representatives(&all) };
    let [alone, together] = [alone, together].map(|kinds| kinds.into_iter().skip(half).step_by(2).collect::<Vec<_>>());
    let (mut world, mut wrong) = (everything().await, Vec::new());
    // Two at a time: what brings one back reads the whole tenant, and so it would for the other.
    let size = if is_long_run() { 1 } else { 2 };
    for kinds in alone.chunks(size).chain(together.chunks(together.len().max(1))) {
        let names = kinds.iter().map(|kind| kind.name).collect::<Vec<_>>().join(", ");
        let to = world.git(&["rev-parse", "snapshots"]);
        let mut harm = Harm::default();
        for kind in kinds {
            harm.destroy(&world, kind).await;
        }
        let aim = Aim { to, ..Aim::default() };
        let Harm { harmed, refused } = harm;
        let what = match recover(&world, &aim).await {
            Ok((0, _)) => format!("nothing was found wrong after {harmed} writes; refused were {refused:#?}"),
            Ok((steps, applied)) => {
                println!("{names}: {harmed} writes, {steps} steps");
                let unlisted: Vec<&Loss> = applied.remaining.losses.iter().filter(|loss| !is_listed(loss)).collect();
                if applied.outcome.failed.is_empty() && applied.remaining.steps.is_empty() && unlisted.is_empty() {
                    continue;
                }
                format!("{:#?} {:#?} {unlisted:#?}", applied.outcome.failed, applied.remaining.steps)
            }
            Err(error) => format!("{error:#}"),
        };
        wrong.push(format!("{names}: {what}"));
        world = everything().await;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

async fn recover(world: &World, aim: &Aim) -> anyhow::Result<(usize, Applied)> {
    let ready = prepare(&world.context, &world.tenant, aim).await?;
    Ok((ready.plan.steps.len(), apply(&world.context, &world.tenant, &ready).await?))
}

/// Whether `entragit kinds` says that this does not come back.
fn is_listed(loss: &Loss) -> bool {
    let kind = loss.address.kind;
    let elsewhere = kind
        .owned_elsewhere
        .is_some_and(|elsewhere| loss.what() == format!("differs and is left alone: {}", elsewhere.reason));
    let mut shown = kind.links.iter().filter(|link| !link.is_written());
    elsewhere || shown.any(|link| loss.what().starts_with(&format!("{} ", link.name)))
}

/// What was done to a kind.
#[derive(Debug, Default)]
struct Harm {
    harmed: usize,
    refused: Vec<String>,
}

impl Harm {
    async fn destroy(&mut self, world: &World, kind: &'static Kind) {
        for object in world.list(kind.name).await {
            if kind.owned_elsewhere.is_some_and(|elsewhere| elsewhere.when.holds(&object.value)) {
                continue;
            }
            let mut never = kind.variants.iter().filter(|variant| variant.not_creatable.is_some());
            let comes_back = !matches!(kind.creation, Creation::Never { .. })
                && !never.any(|variant| variant.when.holds(&object.value));
            if kind.deletion == Deletion::Never || !comes_back || !self.delete(world, kind, &object).await {
                self.change(world, kind, &object).await;
            }
        }
    }

    async fn write(&mut self, world: &World, write: Write) -> bool {
        let outcome = world.tenant.write(&write).await;
        match &outcome {
            Ok(_) => self.harmed += 1,
            Err(error) => self.refused.push(error.to_string()),
        }
        outcome.is_ok()
    }

    /// Whether the object is gone for good. What is still in use goes only after what uses it.
    async fn delete(&mut self, world: &World, kind: &'static Kind, object: &RawObject) -> bool {
        let id = object.value["id"].as_str().unwrap().to_owned();
        let first = object.value.iter().filter_map(|(name, value)| {
            let before = schema::of(kind).property(name)?.before_delete.clone()?;
            (before != *value).then(|| (name.clone(), before))
        });
        let first: Map<String, Value> = first.collect();
        if !first.is_empty() {
            let body = typed(object, first);
            self.write(world, Write::Update { kind, id: id.clone(), body }).await;
        }
        let delete = Write::Delete { kind, id: id.clone() };
        let mut gone = self.write(world, delete.clone()).await;
        if !gone {
            for user in kinds::ALL.iter().filter(|other| schema::of(other).refers_to().contains(kind.name)) {
                for object in world.list(user.name).await {
                    if user.deletion != Deletion::Never && serde_json::to_string(&object.value).unwrap().contains(&id) {
                        Box::pin(self.delete(world, user, &object)).await;
                    }
                }
            }
            gone = self.write(world, delete).await;
        }
        if let (Deletion::Soft { item, .. }, true) = (kind.deletion, gone) {
            world.graph.delete(&format!("{}{item}/{id}", kind.api.segment())).await;
        }
        gone
    }

    /// Whatever can be written is written, one by one, with another value; what hangs on the object is taken away or changed.
    async fn change(&mut self, world: &World, kind: &'static Kind, object: &RawObject) {
        let Object(known) = normalize(kind, object.value.clone()).object;
        let id = object.value["id"].as_str().unwrap().to_owned();
        let words = words(kind);
        for (name, value) in writable(kind, &Object(known.clone()), false) {
            if kind.call(&name).is_some() {
                continue;
            }
            for other in others(&value, &words) {
                let body = typed(object, Map::from_iter([(name.clone(), other)]));
                if self.write(world, Write::Update { kind, id: id.clone(), body }).await {
                    break;
                }
            }
        }
        for link in kind.links {
            for value in object.value.get(link.name).and_then(Value::as_array).into_iter().flatten() {
                let child = value["id"].as_str().unwrap_or_default().to_owned();
                match link.shape {
                    LinkShape::Children(Children { delete: false, .. }) => {
                        let body = value.as_object().unwrap().clone();
                        for other in others(&Value::Object(body), &words) {
                            let value = other.as_object().unwrap().clone();
                            let (id, child) = (id.clone(), child.clone());
                            if self.write(world, Write::Relink { kind, id, link: link.name, child, value }).await {
                                break;
                            }
                        }
                    }
                    _ => drop(self.write(world, Write::Unlink { kind, id: id.clone(), link: link.name, child }).await),
                }
            }
        }
    }
}

/// A body that says which type it is of, where the object does.
fn typed(object: &RawObject, mut body: Map<String, Value>) -> Map<String, Value> {
    if let Some(own) = object.value.get("@odata.type") {
        body.insert("@odata.type".to_owned(), own.clone());
    }
    body
}

/// The words that properties of the kind can be set to.
fn words(kind: &Kind) -> Vec<String> {
    fn collect(value: &Value, words: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                let named = ["enum", "examples"].iter().filter_map(|list| map.get(*list)?.as_array()).flatten();
                words.extend(named.filter_map(Value::as_str).map(str::to_owned));
                map.values().for_each(|value| collect(value, words));
            }
            Value::Array(elements) => elements.iter().for_each(|value| collect(value, words)),
            _ => {}
        }
    }
    let mut words = vec!["P1D".to_owned(), "PT2H".to_owned()];
    collect(&serde_json::from_str(kind.schema).unwrap(), &mut words);
    words
}

/// Values like this one and different from it, which Graph may take or refuse.
fn others(value: &Value, words: &[String]) -> Vec<Value> {
    match value {
        Value::Bool(flag) => vec![Value::from(!flag)],
        Value::Number(number) => number.as_i64().into_iter().flat_map(|n| [n + 1, n - 1]).map(Value::from).collect(),
        Value::String(text) => {
            let named = words.iter().filter(|word| *word != text).cloned();
            [format!("{text} x")].into_iter().chain(named).map(Value::from).collect()
        }
        Value::Array(elements) if elements.is_empty() => Vec::new(),
        Value::Array(elements) => vec![Value::from(elements[1..].to_vec())],
        Value::Object(map) => {
            let inside = map.iter().filter(|(name, _)| *name != "id" && !name.starts_with('@'));
            let changed = |(name, value): (&String, &Value)| {
                let with = |other| Value::Object(map.clone().into_iter().chain([(name.clone(), other)]).collect());
                others(value, words).into_iter().map(with).collect::<Vec<_>>()
            };
            inside.flat_map(changed).collect()
        }
        Value::Null => Vec::new(),
    }
}
