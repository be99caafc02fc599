//! Validates files into [`Finding`]s: mistakes of a person or a merge. All findings are returned at once, each with its
//! line.

mod shape;
mod values;
mod words;

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::refs::{is_guid, references};
use super::schema::{self, Ref, Rule, Shape};
use super::secrets::{is_mask, mask_url};
use crate::kinds;
use crate::model::finding::{MORE, MOST_PER_FILE, Position, Severity};
use crate::model::{Address, CoverageMap, Finding, IdMap, Kind, Object};

/// Represents one file that parsed.
pub struct File<'a> {
    /// Path of the file in the repository.
    pub path: &'a str,
    /// Kind that the file's folder belongs to.
    pub kind: &'static Kind,
    /// Id in the path; `None` if the path has none (a file that a person named).
    pub path_id: Option<&'a str>,
    /// Content of the file.
    pub value: &'a Map<String, Value>,
    /// Returns the place of a JSON pointer.
    pub position_of: &'a dyn Fn(&str) -> Position,
}

/// Holds what the files are checked against.
pub struct Context<'a> {
    /// Every address that the repository holds, whether its file is being checked or not.
    pub addresses: &'a BTreeSet<Address>,
    /// Coverage of the snapshot: a missing reference can only be reported where the target kind is complete.
    pub coverage: &'a CoverageMap,
    /// Property paths per kind that Graph returned though the schema does not know them.
    pub unknown: &'a BTreeMap<String, Vec<String>>,
    /// Returns true if the tenant itself had the reference `(path, id)` in the last snapshot. A dangling reference that
    /// Graph left is a warning, one that a person wrote is an error.
    pub had: &'a dyn Fn(&str, &str) -> bool,
    /// Returns true if a file is as the tool wrote it into a snapshot. The tenant's own values are nobody's mistake: a
    /// dangling reference, or a value newer than the schema, must not stand in the way of recovery.
    pub written: &'a dyn Fn(&str) -> bool,
    /// Returns the object of a file as the snapshots have it, each version once. A value that one of them has is the tenant's own.
    pub before: &'a dyn Fn(&str) -> Vec<Object>,
    /// Returns the id of the one object of these kinds that people call so.
    pub id_of: &'a dyn Fn(&[&'static str], &str) -> Option<String>,
    /// The id map of the last snapshot: old id → new id.
    pub ids: &'a IdMap,
    /// Labels (`new:team`, with the kind of the file that has it) that an earlier apply gave to an object, with a
    /// description of that object.
    pub taken: &'a BTreeMap<Address, String>,
}

/// Checks files and returns the findings, sorted by path and line, each once.
pub fn validate(files: &[File<'_>], context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut seen = Seen::default();
    let unknown: Unknown<'_> = context
        .unknown
        .iter()
        .map(|(kind, paths)| (kind.as_str(), paths.iter().map(String::as_str).collect()))
        .collect();
    let domains = values::domains(context);
    for file in files {
        let mut found = FileFindings {
            file,
            listed: Vec::new(),
            more: 0,
            worst: Severity::Warning,
            read_before: context.before,
            before: OnceCell::new(),
        };
        identity(context, &mut seen, &mut found);
        shape::check(context, unknown.get(file.kind.name), &mut found);
        words::check(context, &mut found);
        values::check(context, domains.as_deref(), &mut found);
        redacted(context, &mut found);
        missing(context, &mut found);
        findings.extend(found.finish());
    }
    findings.sort();
    findings.dedup();
    findings
}

/// Holds the property paths of [`Context::unknown`], per kind.
type Unknown<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// Collects the findings of one file. Those beyond [`MOST_PER_FILE`] are only counted, and nothing is looked up or suggested
/// for them.
struct FileFindings<'f, 'a> {
    file: &'f File<'a>,
    listed: Vec<Finding>,
    more: usize,
    worst: Severity,
    /// See [`Context::before`].
    read_before: &'f dyn Fn(&str) -> Vec<Object>,
    before: OnceCell<Vec<Value>>,
}

impl FileFindings<'_, '_> {
    fn say(&mut self, pointer: &str, severity: Severity, check: &'static str, message: impl FnOnce() -> String) {
        if self.listed.len() >= MOST_PER_FILE {
            self.more += 1;
            self.worst = self.worst.min(severity);
            return;
        }
        let (path, Position { line, column }) = (self.file.path.to_owned(), (self.file.position_of)(pointer));
        self.listed.push(Finding { path, line, column, severity, check, message: message() });
    }

    /// Returns the object as the snapshots have it.
    fn before(&self) -> &[Value] {
        let read = || (self.read_before)(self.file.path).into_iter().map(|object| Value::Object(object.0)).collect();
        self.before.get_or_init(read)
    }

    /// Returns true if a snapshot has the value in the same place, in lists at any position: nobody wrote it. Once as many findings
    /// are listed as there may be, nothing is looked up any more.
    fn is_tenants_own(&self, pointer: &str) -> bool {
        if self.listed.len() >= MOST_PER_FILE {
            return false;
        }
        let parts: Vec<String> =
            pointer.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect();
        let Some((first, rest)) = parts.split_first() else { return false };
        let now = rest.iter().try_fold(self.file.value.get(first), |value, part| match value? {
            Value::Array(elements) => Some(elements.get(part.parse::<usize>().ok()?)),
            value => Some(value.get(part)),
        });
        let Some(Some(now)) = now else { return false };
        self.before().iter().any(|before| has(before, &parts, now))
    }

    /// Adds a finding with the number of those that are not listed, as severe as the worst of them.
    fn finish(mut self) -> Vec<Finding> {
        if self.more > 0 {
            let message = match self.more {
                1 => "1 finding more is not listed; correct these first".to_owned(),
                more => format!("{more} findings more are not listed; correct these first"),
            };
            let (path, severity) = (self.file.path.to_owned(), self.worst);
            self.listed.push(Finding { path, line: 0, column: 0, severity, check: MORE, message });
        }
        self.listed
    }
}

/// Returns true if a value stands at a place below another one, in lists at any position.
fn has(value: &Value, place: &[String], wanted: &Value) -> bool {
    match (value, place.split_first()) {
        (value, None) => value == wanted,
        (Value::Array(elements), Some((_, rest))) => elements.iter().any(|element| has(element, rest, wanted)),
        (value, Some((name, rest))) => value.get(name).is_some_and(|value| has(value, rest, wanted)),
    }
}

/// Holds the file of each identity, by current ids.
#[derive(Default)]
struct Seen<'a> {
    addresses: BTreeMap<Address, &'a str>,
    labels: BTreeMap<&'a str, &'a str>,
}

fn identity<'a>(context: &Context<'_>, seen: &mut Seen<'a>, found: &mut FileFindings<'_, 'a>) {
    let file = found.file;
    let Some(id) = file.value.get("id").and_then(Value::as_str) else {
        let message = match file.value.get("id") {
            None => "the object has no id; add `id: <Graph object id>`, or `id: new:<label>` for one to be created",
            Some(_) => "the id is not a string; put it in quotes",
        };
        found.say("/id", Severity::Error, "id", || message.to_owned());
        return;
    };
    let named = id.starts_with("new:");
    if !named
        && !file.kind.is_singleton()
        && let Some(path_id) = file.path_id.filter(|path_id| *path_id != id)
    {
        found.say("/id", Severity::Error, "id-mismatch", || {
            format!("the file's name says {path_id}, the id inside says {id}; correct whichever is wrong")
        });
    }
    let mut say = |check: &'static str, message: String| found.say("/id", Severity::Error, check, || message);
    let address = file.kind.address(id);
    let today = file.kind.address(context.ids.current(id));
    if let Some(what) = context.taken.get(&address) {
        say(
            "label-used",
            format!(
                "{id} was given to an object before: {what}; if that is meant, edit its own file and delete this one, else \
                 take another label"
            ),
        );
    } else if let Some(other) = seen.addresses.insert(today.clone(), file.path) {
        say("duplicate-id", format!("{} {id} is also in {other}; delete one of the two files", file.kind.name));
    } else if today != address && context.addresses.contains(&today) {
        say(
            "duplicate-id",
            format!(
                "{} {id} is {} now, which the repository holds as well; delete one of the two files",
                file.kind.name, today.id
            ),
        );
    }
    if named && let Some(other) = seen.labels.insert(id, file.path).filter(|other| *other != file.path) {
        let message =
            format!("the label {id} is also in {other}, and a reference to it could mean either; take another");
        if !found.listed.iter().any(|said| said.check == "duplicate-id") {
            found.say("/id", Severity::Error, "duplicate-label", || message);
        }
    }
}

/// Returns a path for people: `/conditions/users/0` and `x` → `conditions.users.x`. List positions are left out, as in the
/// manifest.
fn dotted(pointer: &str, name: &str) -> String {
    let mut path: Vec<String> = pointer
        .split('/')
        .skip(1)
        .filter(|part| part.parse::<usize>().is_err())
        .map(|part| part.replace("~1", "/").replace("~0", "~"))
        .collect();
    path.push(name.to_owned());
    path.join(".")
}

/// Finds masks, which must never be written back as values, and secrets in URLs, which are read as masks.
fn redacted(context: &Context<'_>, found: &mut FileFindings<'_, '_>) {
    fn walk(value: &Value, pointer: &mut String, see: &mut dyn FnMut(&str, &str)) {
        let length = pointer.len();
        match value {
            Value::String(text) => see(pointer, text),
            Value::Array(elements) => {
                for (index, element) in elements.iter().enumerate() {
                    pointer.push_str(&format!("/{index}"));
                    walk(element, pointer, see);
                    pointer.truncate(length);
                }
            }
            Value::Object(map) => {
                for (name, element) in map.iter().filter(|(name, _)| *name != "displayName") {
                    pointer.push_str(&format!("/{}", name.replace('~', "~0").replace('/', "~1")));
                    walk(element, pointer, see);
                    pointer.truncate(length);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    let file = found.file;
    let written = (context.written)(file.path);
    let mut pointer = String::new();
    // Names and descriptions are free text and may contain asterisks.
    for (name, value) in file.value.iter().filter(|(name, _)| *name != "displayName" && *name != "description") {
        pointer.clear();
        pointer.push('/');
        pointer.push_str(name);
        walk(value, &mut pointer, &mut |pointer, text| {
            if is_mask(text) {
                found.say(pointer, Severity::Error, "redacted", || {
                    "this is a mask, not a value: writing it would replace a secret by asterisks; remove the line"
                        .to_owned()
                });
            } else if !written && mask_url(text).is_some() {
                found.say(pointer, Severity::Warning, "secret-in-url", || {
                    "this URL holds a secret, which is read as `****` and never written; replace the secret by `****` here, \
                     enter it in the portal, and issue a new one if this file was pushed"
                        .to_owned()
                });
            }
        });
    }
}

/// Finds properties that the file lacks and `before` has, the object in the last snapshot, although Graph never lets them be
/// null: leaving out the line changes nothing in the tenant, and the two stay different.
pub fn left_out(file: &File<'_>, before: &Map<String, Value>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let Shape::Object(rules, _) = &schema::of(file.kind).root.shape else { return findings };
    absent(rules, before, file.value, "", &mut |pointer, name| {
        let path = dotted(pointer, name);
        let message = format!(
            "`{path}` cannot be empty in Graph, so that leaving the line out changes nothing; put it back with the value that \
             is meant"
        );
        let Position { line, column } = (file.position_of)(pointer);
        findings.push(Finding {
            path: file.path.to_owned(),
            line,
            column,
            severity: Severity::Warning,
            check: "missing-value",
            message,
        });
    });
    findings
}

fn absent(
    rules: &BTreeMap<String, Rule>,
    before: &Map<String, Value>,
    now: &Map<String, Value>,
    pointer: &str,
    see: &mut dyn FnMut(&str, &str),
) {
    for (name, rule) in rules.iter().filter(|(name, rule)| before.contains_key(*name) && !rule.read_only) {
        match (&rule.shape, &before[name], now.get(name)) {
            (_, _, None) if rule.must_have_a_value() => see(pointer, name),
            (Shape::Object(rules, _), Value::Object(before), Some(Value::Object(now))) => {
                let pointer = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
                absent(rules, before, now, &pointer, see);
            }
            _ => {}
        }
    }
}

fn missing(context: &Context<'_>, found: &mut FileFindings<'_, '_>) {
    let file = found.file;
    let object = Object(file.value.clone());
    for reference in references(file.kind, &object) {
        let by_id: Vec<&'static str> = reference.to.iter().filter(|to| to.property == "id").map(|to| to.kind).collect();
        let named = reference.value.starts_with("new:");
        // An appId may belong to Microsoft or another tenant: nothing here can prove that it does not exist.
        let ours = by_id.len() == reference.to.len() && is_guid(reference.value);
        if !named && !ours {
            continue;
        }
        // Graph uses this id as a placeholder for nobody.
        if reference.value == "00000000-0000-0000-0000-000000000000" {
            continue;
        }
        let kinds: Vec<&'static str> = reference.to.iter().map(|to| to.kind).collect();
        let holds = |to: &Ref| {
            let id = match to.property.as_str() {
                "id" => Some(reference.value),
                property if named => reference.value.strip_suffix(property).and_then(|id| id.strip_suffix('.')),
                _ => None,
            };
            id.and_then(|id| kinds::address(to.kind, id)).is_some_and(|address| context.addresses.contains(&address))
        };
        // A service principal's `appId` belongs to its application.
        let borrowed = reference.to.iter().flat_map(|to| {
            let kind = kinds::by_name(to.kind).filter(|_| named && to.property != "id");
            kind.and_then(|kind| schema::of(kind).property(&to.property))
                .map(|rule| rule.refs.as_slice())
                .unwrap_or(&[])
        });
        let is_held = reference.to.iter().chain(borrowed).any(holds);
        let meant = reference.to.iter().find(|to| {
            let held = |address: Address| context.addresses.contains(&address);
            named && to.property != "id" && kinds::address(to.kind, reference.value).is_some_and(held)
        });
        let knowable = named || kinds.iter().all(|kind| context.coverage.kind(kind).is_complete());
        if is_held || !knowable {
            continue;
        }
        let dangling = !named && ((context.had)(file.path, reference.value) || (context.written)(file.path));
        let (severity, hint) = if let Some(to) = meant {
            (Severity::Error, format!("its {} is meant: write {}.{0}", to.property, reference.value))
        } else if dangling {
            (Severity::Warning, "the tenant had it like this; it is left as it is".to_owned())
        } else {
            (Severity::Error, "correct the id, or add the object".to_owned())
        };
        found.say(&reference.pointer, severity, "missing-reference", || {
            format!(
                "{} refers to {} {}, which the repository does not hold; {hint}",
                dotted(&reference.pointer, "").trim_end_matches('.'),
                kinds.join(" or "),
                reference.value
            )
        });
    }
}
