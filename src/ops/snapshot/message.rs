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

/// Describes a snapshot's changes.
pub(in crate::ops) struct Summary {
    entries: Vec<(Event, Entry)>,
    /// Number of objects of each event.
    counts: BTreeMap<Event, usize>,
}

impl Summary {
    /// Sorts changes for a message: deletions first, then creations. Changed objects are sorted by the depth of the change.
    pub(in crate::ops) fn of(repo: &Repo, changes: &Changes) -> Summary {
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
        Summary { entries, counts }
    }

    /// Returns the first line of a message, as in `Approvers deleted, CA210 and 1 more changed`.
    pub(in crate::ops) fn subject(&self, repo: &Repo) -> String {
        if self.counts.is_empty() {
            return "Snapshot: coverage or settings only".to_owned();
        }
        for name in NAMES {
            let subject = self.subject_with(repo, *name);
            if subject.chars().count() <= SUBJECT {
                return subject;
            }
        }
        let counts = self.counts.iter().map(|(event, count)| format!("{count} {}", event.as_str()));
        format!("Snapshot: {}", counts.collect::<Vec<_>>().join(", "))
    }

    /// Returns the subject with names of at most so many characters.
    fn subject_with(&self, repo: &Repo, most: usize) -> String {
        let mut parts = Vec::new();
        for (event, count) in &self.counts {
            let first = self.entries.iter().find(|(of, _)| of == event);
            let Some((_, entry)) = first else { continue };
            let (what, told) = match entry {
                Entry::Object(sides) => (shortened(&sides.name(repo), most), 1),
                Entry::Several { kind, count } => {
                    (if *count == 1 { format!("1 {}", kind.name) } else { format!("{count} {}", kind.title) }, *count)
                }
            };
            let more = if *count > told { format!(" and {} more", count - told) } else { String::new() };
            parts.push(format!("{what}{more} {}", event.as_str()));
        }
        parts.join(", ")
    }

    /// Returns the lines that tell the changes: the first ones, and how many objects the others are about.
    pub(in crate::ops) fn lines(&self, repo: &Repo) -> Vec<String> {
        let shown = if self.entries.len() > LINES { LINES - 1 } else { LINES };
        let mut lines = Vec::new();
        for (event, entry) in self.entries.iter().take(shown) {
            let text = match entry {
                Entry::Object(sides) => {
                    let start = format!("{} {} ", event.mark(), sides.address.kind.name);
                    let properties = listed(&sides.properties(repo));
                    let room = WIDTH.saturating_sub(start.chars().count() + properties.chars().count() + 2);
                    // In quotes, so that no name is read as a part of the line.
                    let name = sides.name(repo).replace('"', "'");
                    format!("{start}\"{}\"{properties}", shortened(&name, room.max(NAME)))
                }
                Entry::Several { kind, count } => {
                    format!("{} {}: {}", event.mark(), kind.name, counted(*count, "object"))
                }
            };
            lines.push(text);
        }
        let rest = self.entries.iter().skip(shown).map(|(_, entry)| match entry {
            Entry::Object(_) => 1,
            Entry::Several { count, .. } => *count,
        });
        let rest: usize = rest.sum();
        if rest > 0 {
            lines.push(format!("  and {}", counted(rest, "other object")));
        }
        lines
    }
}

impl Sides {
    /// Returns the object's name, or its id if it has none, as it may stand in a message.
    fn name(&self, repo: &Repo) -> String {
        let object = self.read(repo, self.new.or(self.old));
        let name = object.as_ref().map(Object::name).filter(|name| !name.is_empty()).unwrap_or(&self.address.id);
        in_message(name)
    }

    /// Returns the names of the properties that differ.
    fn properties(&self, repo: &Repo) -> Vec<String> {
        let (Some(old), Some(new)) = (self.old, self.new) else { return Vec::new() };
        let (Some(old), Some(new)) = (self.read(repo, Some(old)), self.read(repo, Some(new))) else {
            return Vec::new();
        };
        let changes = diff::objects(self.address.kind, &old, &new);
        let mut names: Vec<String> = changes.iter().map(|change| diff::top(change.path()).to_owned()).collect();
        names.dedup();
        names
    }

    /// Returns the depth of a change.
    fn depth(&self, repo: &Repo) -> Depth {
        let names = self.properties(repo);
        match names.iter().any(|name| self.address.kind.link(name).is_none()) {
            true => Depth::Properties,
            false if names.is_empty() => Depth::Comments,
            false => Depth::Links,
        }
    }

    /// Reads one of the contents; `None` for one that is not there, as in a partial clone, or that no version of the program
    /// wrote: a receipt must not be lost for want of a name.
    fn read(&self, repo: &Repo, blob: Option<ObjectId>) -> Option<Object> {
        let bytes = repo.blob(blob?).ok()?;
        yaml::read(&self.address.id, &bytes).ok().map(|document| Object(document.value))
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
