//! Writes the message of a snapshot's commit: what changed in the subject and in at most [`LINES`] lines, then trailers.

use std::collections::BTreeMap;

use super::publish::Changes;
use crate::engine::diff;
use crate::engine::render::in_message;
use crate::format::path::address_of;
use crate::format::yaml;
use crate::kinds;
use crate::model::kind::Naming;
use crate::model::words::counted;
use crate::model::{Address, Coverage, CoverageMap, Kind, Object};
use crate::repo::{ObjectId, Repo};

/// Most lines of a message that tell a change.
const LINES: usize = 10;

/// Most objects that are compared to tell which of them changed in themselves.
const COMPARED: usize = 200;

/// Most properties that one line names.
const PROPERTIES: usize = 3;

/// Most characters of a subject: what `git log --oneline` and the hosts show.
const SUBJECT: usize = 72;

/// Most characters of a name in a subject; fewer where several do not fit.
const NAMES: &[usize] = &[64, 40, 28, 20, 14];

/// Fewest characters that a line leaves to a name.
const NAME: usize = 40;

/// Most characters of a line, with its indent in `git log` within 80 columns.
const WIDTH: usize = 76;

/// Holds the content of a snapshot's message.
pub(in crate::ops) struct SnapshotMessage<'a> {
    /// First line of the message.
    pub subject: String,
    /// Lines that tell what changed.
    pub lines: Vec<String>,
    /// Number of objects in all.
    pub objects: usize,
    /// Coverage of each kind and link.
    pub coverage: &'a CoverageMap,
    /// Additional trailers.
    pub trailers: Vec<(String, String)>,
    /// Names of the actors who made the changes.
    pub actors: Vec<String>,
}

/// Returns a snapshot's message.
pub(in crate::ops) fn message(tenant: &str, told: &SnapshotMessage<'_>) -> String {
    let mut text = format!("{}\n\n", told.subject);
    for line in &told.lines {
        text.push_str(&format!("{line}\n"));
    }
    if !told.lines.is_empty() {
        text.push('\n');
    }
    let incomplete: Vec<String> = told
        .coverage
        .0
        .iter()
        .filter(|(_, coverage)| !matches!(coverage, Coverage::Complete | Coverage::Skipped))
        .map(|(what, coverage)| format!("{what}={}", coverage.as_str()))
        .collect();
    text.push_str(&format!("Entragit-Tenant: {tenant}\n"));
    text.push_str(&format!("Entragit-Objects: {}\n", told.objects));
    let said = if incomplete.is_empty() { "complete".to_owned() } else { incomplete.join(" ") };
    text.push_str(&format!("Entragit-Coverage: {said}\n"));
    for (name, value) in &told.trailers {
        text.push_str(&format!("{name}: {value}\n"));
    }
    for actor in &told.actors {
        text.push_str(&format!("Entragit-Actor: {}\n", in_message(&actor.replace(['\n', '\r'], " "))));
    }
    text
}

/// Tells what happened to an object. The order is that in which a message tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Deleted,
    Created,
    Changed,
}

impl Event {
    fn as_str(self) -> &'static str {
        match self {
            Event::Deleted => "deleted",
            Event::Created => "created",
            Event::Changed => "changed",
        }
    }

    fn mark(self) -> char {
        match self {
            Event::Deleted => '-',
            Event::Created => '+',
            Event::Changed => '~',
        }
    }
}

/// Tells how deep a change of an object goes, the deepest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Depth {
    /// The object's own properties differ.
    Properties,
    /// Its links differ: it gained or lost members, owners or assignments.
    Links,
    /// Its file differs by comments alone: an object that it names was renamed.
    Comments,
}

/// Represents one line of the list, before it is written.
#[derive(Debug)]
enum Entry {
    /// An object that may be named.
    Object(Sides),
    /// Objects of a kind whose names are those of people, or of no use: they are counted.
    Several { kind: &'static Kind, count: usize },
}

/// Holds an object's content before and now.
#[derive(Debug)]
struct Sides {
    address: Address,
    old: Option<ObjectId>,
    new: Option<ObjectId>,
}

/// Holds the changes of a snapshot in the order in which a message tells them.
struct Ranked {
    entries: Vec<(Event, Entry)>,
    /// Number of objects of each event.
    counts: BTreeMap<Event, usize>,
}

/// Describes a snapshot's changes.
#[derive(Debug)]
pub(in crate::ops) struct Summary {
    /// First line of a message, as in `Approvers deleted, CA210 and 1 more changed`.
    pub subject: String,
    /// Lines that tell the changes: the first ones, and how many objects the others are about.
    pub lines: Vec<String>,
}

impl Summary {
    /// Describes changes: deletions first, then creations. Changed objects are sorted by the depth of the change.
    pub(in crate::ops) fn of(repo: &Repo, changes: &Changes) -> Summary {
        let Ranked { entries, counts } = Ranked::of(repo, changes);
        let parts = counts.iter().filter_map(|(event, count)| {
            let (_, entry) = entries.iter().find(|(of, _)| of == event)?;
            let first = match entry {
                Entry::Object(sides) => First::Object { name: sides.name(&sides.read(repo)) },
                Entry::Several { kind, count } => First::Several { kind, count: *count },
            };
            Some(SubjectPart { event: *event, count: *count, first })
        });
        let subject = subject(&parts.collect::<Vec<_>>());
        let shown = if entries.len() > LINES { LINES - 1 } else { LINES };
        let mut lines: Vec<String> =
            entries.iter().take(shown).map(|(event, entry)| entry.line(*event, repo)).collect();
        let rest: usize = entries.iter().skip(shown).map(|(_, entry)| entry.count()).sum();
        if rest > 0 {
            lines.push(format!("  and {}", counted(rest, "other object")));
        }
        Summary { subject, lines }
    }

    /// Describes a first snapshot.
    pub(in crate::ops) fn first(objects: usize) -> Summary {
        Summary { subject: format!("First snapshot: {}", counted(objects, "object")), lines: Vec::new() }
    }
}

impl Ranked {
    fn of(repo: &Repo, changes: &Changes) -> Ranked {
        // A renamed object has two files.
        let mut objects: BTreeMap<Address, (Option<ObjectId>, Option<ObjectId>)> = BTreeMap::new();
        for (path, (old, new)) in changes {
            let Ok((kind, id)) = address_of(path) else { continue };
            let sides = objects.entry(Address::new(kind, id)).or_default();
            *sides = (sides.0.or(*old), sides.1.or(*new));
        }
        let (mut named, mut several) = (Vec::new(), BTreeMap::<_, (&'static Kind, usize)>::new());
        let mut counts = BTreeMap::new();
        for (address, (old, new)) in objects {
            let event = match (old, new) {
                (Some(_), None) => Event::Deleted,
                (None, _) => Event::Created,
                _ => Event::Changed,
            };
            *counts.entry(event).or_default() += 1;
            if is_named(address.kind) {
                named.push((event, Sides { address, old, new }));
            } else {
                several.entry((event, address.kind.name)).or_insert((address.kind, 0)).1 += 1;
            }
        }
        let few = counts.get(&Event::Changed).is_none_or(|count| *count <= COMPARED);
        let mut ranked = Vec::new();
        for (event, sides) in named {
            let depth = if few && event == Event::Changed { sides.depth(repo) } else { Depth::Properties };
            let kind = kinds::ALL.iter().position(|kind| *kind == sides.address.kind);
            ranked.push(((event, depth, kind), sides));
        }
        ranked.sort_by_key(|(rank, _)| *rank);
        let named = ranked.into_iter().map(|((event, ..), sides)| (event, Entry::Object(sides)));
        let several = several.into_iter().map(|((event, _), (kind, count))| (event, Entry::Several { kind, count }));
        let mut entries: Vec<_> = named.chain(several).collect();
        entries.sort_by_key(|(event, _)| *event);
        Ranked { entries, counts }
    }
}

/// Holds what a subject says about one event.
struct SubjectPart {
    event: Event,
    /// Number of objects.
    count: usize,
    /// The one of them that is told first.
    first: First,
}

/// Holds what a subject tells first about an event.
enum First {
    Object { name: String },
    Several { kind: &'static Kind, count: usize },
}

/// Returns a subject of at most [`SUBJECT`] characters.
fn subject(parts: &[SubjectPart]) -> String {
    if parts.is_empty() {
        return "Snapshot: coverage or settings only".to_owned();
    }
    let with_names_of = |most: usize| {
        let parts = parts.iter().map(|SubjectPart { event, count, first }| {
            let (what, told) = match first {
                First::Object { name } => (shortened(name, most), 1),
                First::Several { kind, count: 1 } => (format!("1 {}", kind.name), 1),
                First::Several { kind, count } => (format!("{count} {}", kind.title), *count),
            };
            let more = if *count > told { format!(" and {} more", count - told) } else { String::new() };
            format!("{what}{more} {}", event.as_str())
        });
        parts.collect::<Vec<_>>().join(", ")
    };
    let fits = |subject: &String| subject.chars().count() <= SUBJECT;
    NAMES.iter().map(|most| with_names_of(*most)).find(fits).unwrap_or_else(|| {
        let counts = parts.iter().map(|part| format!("{} {}", part.count, part.event.as_str()));
        format!("Snapshot: {}", counts.collect::<Vec<_>>().join(", "))
    })
}

impl Entry {
    /// Returns the line that tells the change.
    fn line(&self, event: Event, repo: &Repo) -> String {
        match self {
            Entry::Object(sides) => {
                let contents = sides.read(repo);
                line(event, sides.address.kind, &sides.name(&contents), &sides.properties(&contents))
            }
            Entry::Several { kind, count } => format!("{} {}: {}", event.mark(), kind.name, counted(*count, "object")),
        }
    }

    /// Returns the number of objects.
    fn count(&self) -> usize {
        match self {
            Entry::Object(_) => 1,
            Entry::Several { count, .. } => *count,
        }
    }
}

/// Returns the line about an object, of at most [`WIDTH`] characters unless its kind and properties are very long.
fn line(event: Event, kind: &Kind, name: &str, properties: &[String]) -> String {
    let start = format!("{} {} ", event.mark(), kind.name);
    let properties = listed(properties);
    let room = WIDTH.saturating_sub(start.chars().count() + properties.chars().count() + 2);
    // In quotes, so that no name is read as a part of the line.
    let name = name.replace('"', "'");
    format!("{start}\"{}\"{properties}", shortened(&name, room.max(NAME)))
}

/// Holds what an object was and is, as far as that can be read.
type Contents = (Option<Object>, Option<Object>);

impl Sides {
    /// Reads both contents. One of them is `None` if it is not there, as in a partial clone, or if no version of the program wrote
    /// it: a receipt must not be lost for want of a name.
    fn read(&self, repo: &Repo) -> Contents {
        let read = |blob: Option<ObjectId>| {
            let bytes = repo.blob(blob?).ok()?;
            yaml::read(&self.address.id, &bytes).ok().map(|document| Object(document.value))
        };
        (read(self.old), read(self.new))
    }

    /// Returns the object's name, or its id if it has none, as it may stand in a message.
    fn name(&self, (old, new): &Contents) -> String {
        let object = if self.new.is_some() { new } else { old };
        let name = object.as_ref().map(Object::name).filter(|name| !name.is_empty()).unwrap_or(&self.address.id);
        in_message(name)
    }

    /// Returns the names of the properties that differ.
    fn properties(&self, contents: &Contents) -> Vec<String> {
        let (Some(old), Some(new)) = contents else { return Vec::new() };
        let changes = diff::objects(self.address.kind, old, new);
        let mut names: Vec<String> = changes.iter().map(|change| diff::top(change.path()).to_owned()).collect();
        names.dedup();
        names
    }

    /// Returns the depth of a change.
    fn depth(&self, repo: &Repo) -> Depth {
        let names = self.properties(&self.read(repo));
        match names.iter().any(|name| self.address.kind.link(name).is_none()) {
            true => Depth::Properties,
            false if names.is_empty() => Depth::Comments,
            false => Depth::Links,
        }
    }
}

/// Returns true if a message may name the kind's objects. People are not named, nor what is called after them: a message outlives
/// the file that is erased.
fn is_named(kind: &Kind) -> bool {
    kind.naming != Naming::Id && !["device", "orgContact"].contains(&kind.name)
}

/// Returns names in brackets, the first few of them.
fn listed(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| in_message(name)).collect();
    match names.len() {
        0 => String::new(),
        1..=PROPERTIES => format!(" ({})", names.join(", ")),
        all => format!(" ({} and {} more)", names[..PROPERTIES].join(", "), all - PROPERTIES),
    }
}

/// Returns a text of at most `most` characters, with an ellipsis for the rest.
fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(most - 1).collect();
    short.truncate(short.trim_end().len());
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;

    fn object(event: Event, count: usize, name: &str) -> SubjectPart {
        SubjectPart { event, count, first: First::Object { name: in_message(name) } }
    }

    fn several(event: Event, count: usize, kind: &str, told: usize) -> SubjectPart {
        SubjectPart { event, count, first: First::Several { kind: kinds::by_name(kind).unwrap(), count: told } }
    }

    #[test]
    fn a_subject_names_what_it_can() {
        use Event::{Changed, Created, Deleted};
        let long = "A policy with a name that nobody would ever be able to read to its end in one line";
        let subjects = [
            subject(&[]),
            subject(&[object(Deleted, 1, "Approvers"), object(Changed, 2, "CA210")]),
            subject(&[several(Created, 1_202, "user", 1_200)]),
            subject(&[several(Deleted, 1, "user", 1), several(Changed, 3, "device", 3)]),
            subject(&[object(Changed, 1, long)]),
            subject(&[object(Deleted, 9, long), object(Created, 1, long), object(Changed, 12, long)]),
            subject(&[object(Deleted, 900_000, long), object(Created, 900_000, long), object(Changed, 900_000, long)]),
            subject(&[object(Changed, 1, "a\n\nEntragit-Objects: 9\u{202e} [skip ci]")]),
        ];
        assert!(subjects.iter().all(|subject| subject.chars().count() <= SUBJECT && !subject.contains('\n')));
        assert_snapshot!(subjects.join("\n"), @r"
        Snapshot: coverage or settings only
        Approvers deleted, CA210 and 1 more changed
        1200 users and 2 more created
        1 user deleted, 3 devices changed
        A policy with a name that nobody would ever be able to read to… changed
        Snapshot: 9 deleted, 1 created, 12 changed
        Snapshot: 900000 deleted, 900000 created, 900000 changed
        a\u{a}\u{a}Entragit-Objects: 9\u{202e} [ skip ci] changed
        ");
    }

    #[test]
    fn a_line_holds_a_hostile_name() {
        let group = kinds::by_name("group").unwrap();
        let properties: Vec<String> = ["description", "members", "owners", "visibility"].map(str::to_owned).to_vec();
        let named = |name: &str, properties| line(Event::Changed, group, &in_message(name), properties);
        let lines = [
            named("Approvers", &properties[..1]),
            named("a\" (owners)\nEntragit-Objects: 9", &properties[..2]),
            named(&"x".repeat(300), &properties),
            named("", &[]),
        ];
        assert!(lines.iter().all(|line| line.chars().count() <= 110 && !line.contains('\n')));
        assert_snapshot!(lines.join("\n"), @r#"
        ~ group "Approvers" (description)
        ~ group "a' (owners)\u{a}Entragit-Objects: 9" (description, members)
        ~ group "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…" (description, members, owners and 1 more)
        ~ group ""
        "#);
    }
}
