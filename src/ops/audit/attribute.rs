//! Attributes changed objects to the one actor whose events name them.

use std::collections::{BTreeMap, BTreeSet};

use crate::format::settings::Actors;
use crate::model::Address;
use crate::model::audit::{Actor, AuditEvent};
use crate::repo::Author;

/// Represents one changed object.
#[derive(Debug, Clone)]
pub struct Touched {
    /// The object.
    pub address: Address,
    /// Ids in the lines of its file that differ: of referenced objects that were added, removed or renamed.
    pub mentions: BTreeSet<String>,
    /// Ids of the objects that identify an object without a name of its own, as a user and a role identify an assignment:
    /// the audit log names these instead of the object.
    pub about: Vec<String>,
}

/// Represents the objects that go into one commit.
#[derive(Debug, Clone, PartialEq)]
pub struct Share {
    /// Actor who made the changes; `None` if no actor is known, or if there were several for one object.
    pub actor: Option<Actor>,
    /// Time of the latest of the actor's events, RFC 3339.
    pub time: String,
    /// Addresses of the objects.
    pub objects: BTreeSet<Address>,
    /// Ids of the events that made the changes.
    pub events: BTreeSet<String>,
}

/// Divides the changed objects into shares: one for each actor, oldest first, then one for the objects whose actor is unknown or
/// that several actors changed. The events of an object are those that name its id. If there are none, they are the events that
/// name all of `about`; if there are none of these either, the events that name any of `mentions`. The last rule is for
/// references: deleting a user ends the user's memberships, and the log has an event for the user only.
pub fn shares(changed: &[Touched], events: &[AuditEvent]) -> Vec<Share> {
    let mut by_target: BTreeMap<&str, Vec<&AuditEvent>> = BTreeMap::new();
    for event in events {
        for target in &event.targets {
            by_target.entry(target).or_default().push(event);
        }
    }
    let mut by_actor: BTreeMap<Option<(bool, &str)>, Share> = BTreeMap::new();
    for object in changed {
        let by_id = by_target.get(object.address.id.as_str()).cloned();
        let naming = |ids: &mut dyn Iterator<Item = &String>| -> Vec<&AuditEvent> {
            ids.filter_map(|id| by_target.get(id.as_str())).flatten().copied().collect()
        };
        let by_about = || {
            let names_all = |event: &&AuditEvent| object.about.iter().all(|id| event.targets.contains(id));
            Some(naming(&mut object.about.iter().take(1)).into_iter().filter(names_all).collect())
                .filter(|found: &Vec<&AuditEvent>| !found.is_empty())
        };
        let found = by_id.or_else(by_about).unwrap_or_else(|| naming(&mut object.mentions.iter()));
        let actors: BTreeSet<(bool, &str)> = found.iter().map(|event| actor_key(&event.actor)).collect();
        let only_actor = match actors.first() {
            Some((is_app, id)) if actors.len() == 1 && !id.is_empty() => Some((*is_app, *id)),
            _ => None,
        };
        let share = by_actor.entry(only_actor).or_insert_with(|| Share {
            actor: only_actor.and_then(|_| found.last()).map(|event| event.actor.clone()),
            time: String::new(),
            objects: BTreeSet::new(),
            events: BTreeSet::new(),
        });
        share.objects.insert(object.address.clone());
        for event in found {
            share.events.insert(event.id.clone());
            if parse_time(&event.time) >= parse_time(&share.time) {
                share.time.clone_from(&event.time);
            }
        }
    }
    let mut shares: Vec<Share> = by_actor.into_values().collect();
    shares.sort_by_key(|share| (share.actor.is_none(), parse_time(&share.time)));
    shares
}

/// Returns the key by which actors are compared: whether it is an application, and its id, or else its user principal name or
/// name. Some services log no id.
fn actor_key(actor: &Actor) -> (bool, &str) {
    let id = [&actor.id, &actor.user_principal_name, &actor.name].into_iter().find(|text| !text.is_empty());
    (actor.is_app, id.map_or("", String::as_str))
}

/// Returns the git author for an actor; `None` if the settings name no actors, or the actor is unknown. The e-mail address of a
/// person is the user principal name. People without one, and applications, get their id at `user.invalid` or `app.invalid`: no
/// mail can be sent to the domain `invalid`. <https://www.rfc-editor.org/rfc/rfc2606>
pub fn author(actor: &Actor, style: Actors, time: &str, now: i64) -> Option<Author> {
    let (is_app, id) = actor_key(actor);
    let named = style == Actors::Names;
    if style == Actors::Off || id.is_empty() {
        return None;
    }
    let shown = if style == Actors::Ids && !actor.id.is_empty() { actor.id.as_str() } else { id };
    let name = if named && !actor.name.is_empty() { &actor.name } else { shown };
    let upn = named && !actor.user_principal_name.is_empty() && !is_app;
    let email = match (upn, is_app) {
        (true, _) => actor.user_principal_name.clone(),
        (false, true) => format!("{shown}@app.invalid"),
        (false, false) => format!("{shown}@user.invalid"),
    };
    let time = parse_time(time).map(jiff::Timestamp::as_second).filter(|time| (0..=now).contains(time)).unwrap_or(now);
    Some(Author { name: name.to_owned(), email, time: Some(time) })
}

/// Parses an RFC 3339 time; `None` if it is none, as the empty time of a new share.
fn parse_time(time: &str) -> Option<jiff::Timestamp> {
    time.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: &str, actor: &str, time: &str, targets: &[&str]) -> AuditEvent {
        AuditEvent {
            id: id.to_owned(),
            time: time.to_owned(),
            activity: "Update".to_owned(),
            actor: Actor { id: actor.to_owned(), name: actor.to_uppercase(), ..Actor::default() },
            correlation_id: String::new(),
            targets: targets.iter().map(|id| (*id).to_owned()).collect(),
            properties: Vec::new(),
            recovery: false,
        }
    }

    fn touched(id: &str, mentions: &[&str]) -> Touched {
        let mentions = mentions.iter().map(|id| (*id).to_owned()).collect();
        Touched { address: crate::kinds::address("group", id).unwrap(), mentions, about: Vec::new() }
    }

    fn shown(shares: &[Share]) -> String {
        let line = |share: &Share| {
            let who = share.actor.as_ref().map_or("nobody known", |actor| actor.name.as_str());
            let objects: Vec<&str> = share.objects.iter().map(|address| address.id.as_str()).collect();
            let events: Vec<&str> = share.events.iter().map(String::as_str).collect();
            format!("{who} at {:?}: {} by {}\n", share.time, objects.join(" "), events.join(" "))
        };
        shares.iter().map(line).collect()
    }

    #[test]
    fn one_share_an_actor() {
        let events = [
            event("e1", "ada", "2026-01-01T10:00:00Z", &["g1"]),
            event("e2", "bob", "2026-01-01T09:00:00.5Z", &["g2", "u1"]),
            event("e3", "ada", "2026-01-01T10:05:00Z", &["g3"]),
            event("e4", "bob", "2026-01-01T10:06:00Z", &["g3"]),
            event("e5", "", "2026-01-01T10:07:00Z", &["g6"]),
            event("e6", "ada", "2026-01-01T10:08:00Z", &["u9"]),
        ];
        let changed = [
            touched("g1", &["u1"]),
            touched("g2", &[]),
            touched("g3", &[]),
            touched("g4", &["u1", "u7"]),
            touched("g5", &["u8"]),
            touched("g6", &[]),
        ];
        insta::assert_snapshot!(shown(&shares(&changed, &events)), @r#"
        BOB at "2026-01-01T09:00:00.5Z": g2 g4 by e2
        ADA at "2026-01-01T10:00:00Z": g1 by e1
        nobody known at "2026-01-01T10:07:00Z": g3 g5 g6 by e3 e4 e5
        "#);
        assert_eq!(shares(&[], &events), []);
    }

    #[test]
    fn authors_are_named_as_the_settings_say() {
        let person = Actor {
            id: "u1".into(),
            name: "Ada".into(),
            user_principal_name: "ada@contoso.com".into(),
            ..Actor::default()
        };
        let app = Actor { id: "s1".into(), name: "Nightly".into(), is_app: true, ..Actor::default() };
        let shown = |actor: &Actor, style| {
            author(actor, style, "1970-01-01T00:00:09Z", 10).map(|author| format!("{} <{}>", author.name, author.email))
        };
        assert_eq!(shown(&person, Actors::Names).as_deref(), Some("Ada <ada@contoso.com>"));
        assert_eq!(shown(&person, Actors::Ids).as_deref(), Some("u1 <u1@user.invalid>"));
        assert_eq!(shown(&person, Actors::Off), None);
        assert_eq!(shown(&app, Actors::Names).as_deref(), Some("Nightly <s1@app.invalid>"));
        assert_eq!(shown(&Actor::default(), Actors::Names), None);
        // A time in the future is not taken, nor one that cannot be parsed.
        for (time, seconds) in [("1970-01-01T00:00:09Z", 9), ("1970-01-01T00:00:11Z", 10), ("yesterday", 10)] {
            assert_eq!(author(&person, Actors::Names, time, 10).unwrap().time, Some(seconds));
        }
    }
}
