//! Checks that the repository is in order, for `validate`. Nothing is asked of the tenant.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use serde_json::Value;

use crate::engine::refs::ids_in;
use crate::engine::validate::{self, File};
use crate::format::yaml::{self, Document};
use crate::kinds;
use crate::model::finding::{MOST_PER_FILE, Severity};
use crate::model::{Address, Finding, IdMap, Kind, Object};
use crate::ops::commit::find::{self, Wanted};
use crate::ops::commit::lookup::Lookup;
use crate::ops::commit::source::{Side, Source, kind_of_folder};
use crate::ops::{Context, Invalid, MANIFEST, SETTINGS};
use crate::repo::{MAX_SETTINGS, ObjectId, read_if_there, trailers};

/// Checks every file of a source, or only those that differ from the last snapshot.
///
/// # Errors
/// If the source cannot be read at all; errors in its files are findings.
pub fn validate(context: &Context, source: &Source, only_edited: bool) -> Result<Vec<Finding>> {
    let side = match source {
        Source::Worktree => Side::worktree(context),
        Source::Commit(revision) => Side::commit(context, revision),
        Source::Live => anyhow::bail!("the live tenant is not validated; name a commit or `worktree`"),
    };
    findings(context, &side?, only_edited, &Dangling::new())
}

/// Dangling ids per file that already existed in the base commit; restoring them is not reported.
pub type Dangling = BTreeMap<String, BTreeSet<String>>;

/// Returns the findings on a side's files. Unedited files are what the tenant returned: with `only_edited` they are trusted.
///
/// # Errors
/// If the object database cannot be read.
pub fn findings(context: &Context, side: &Side, only_edited: bool, dangling: &Dangling) -> Result<Vec<Finding>> {
    let base = match context.last_snapshot()? {
        Some(commit) => Some(Side::commit(context, &commit.to_string())?),
        None => None,
    };
    let Documents { read: documents, addresses, mut findings } =
        Documents::read(context, side, base.as_ref().filter(|_| only_edited))?;
    findings.extend(settings_findings(context, side)?);
    findings.extend(circular_ids(side));
    let positions: Vec<_> = documents.iter().map(|one| |pointer: &str| one.document.position_of(pointer)).collect();
    let files = documents.iter().zip(&positions).map(|(one, position_of)| File {
        path: &one.path,
        kind: one.kind,
        path_id: one.id.as_deref(),
        value: &one.document.value,
        position_of,
    });
    let files: Vec<File<'_>> = files.collect();
    let mentioned = before_mentions(context, base.as_ref(), &files)?;
    let named = |of: &Dangling, path: &str, id: &str| of.get(path).is_some_and(|ids| ids.contains(id));
    let had = |path: &str, id: &str| named(&mentioned, path, id) || named(dangling, path, id);
    let snapshots = match context.last_snapshot()? {
        Some(tip) => context.repo.line(tip, BACK)?.into_iter().map(|commit| commit.id).collect(),
        None => Vec::new(),
    };
    let paths: BTreeMap<&str, (&Address, ObjectId)> =
        side.index.iter().map(|(address, entry)| (entry.path.as_str(), (address, entry.blob))).collect();
    let asked = RefCell::new(BTreeMap::new());
    let written = |path: &str| {
        let Some((address, blob)) = paths.get(path) else { return false };
        *asked
            .borrow_mut()
            .entry(path.to_owned())
            .or_insert_with(|| was_in(context, &snapshots, address, *blob).unwrap_or_default())
    };
    let foreign = is_of_another_tenant(context, side)?;
    let histories = Cell::new(HISTORIES);
    // What cannot be read vouches for nothing.
    let by_path: BTreeMap<&str, &Parsed> = documents.iter().map(|one| (one.path.as_str(), one)).collect();
    let before = |path: &str| {
        let parsed = by_path.get(path);
        if foreign {
            // Nobody here wrote what another tenant has.
            return parsed.map(|one| Object(one.document.value.clone())).into_iter().collect();
        }
        let inside = || Some(parsed?.kind.address(parsed?.document.value.get("id")?.as_str()?));
        let Some(address) = paths.get(path).map(|(address, _)| (*address).clone()).or_else(inside) else {
            return Vec::new();
        };
        let Some(left) = histories.get().checked_sub(1) else { return Vec::new() };
        histories.set(left);
        versions(context, &snapshots, &address).unwrap_or_default()
    };
    let none = IdMap::default();
    let ids = base.as_ref().map_or(&none, |base| &base.manifest.ids);
    let lookups = Cell::new(LOOKUPS);
    let id_of = |kinds: &[&'static str], text: &str| {
        let left = lookups.get().checked_sub(1)?;
        lookups.set(left);
        let kinds: Vec<&'static Kind> = kinds.iter().filter_map(|kind| kinds::by_name(kind)).collect();
        let wanted = Wanted::parse(text, &kinds, ids);
        find::object(context, base.as_ref()?.commit?, &wanted).ok().flatten().map(|found| found.id)
    };
    let coverage = side.proven();
    let unknown = &side.manifest.unknown_properties;
    let taken = taken_labels(context, side, base.as_ref(), &files)?;
    let checks = validate::Context {
        addresses: &addresses,
        coverage: &coverage,
        unknown,
        had: &had,
        written: &written,
        before: &before,
        id_of: &id_of,
        ids,
        taken: &taken,
    };
    findings.extend(validate::validate(&files, &checks));
    findings.extend(left_out(context, base.as_ref(), side, &files)?);
    findings.sort();
    findings.dedup();
    Ok(findings)
}

/// Represents a file of an object that can be parsed.
struct Parsed {
    path: String,
    kind: &'static Kind,
    /// Id in the path; `None` if the path has none.
    id: Option<String>,
    document: Document,
}

/// Holds the files of a side that are checked.
struct Documents {
    read: Vec<Parsed>,
    /// Addresses of all objects of the side, checked or not.
    addresses: BTreeSet<Address>,
    /// Findings on files in the wrong place, and on those that cannot be parsed.
    findings: Vec<Finding>,
}

impl Documents {
    /// Reads the files of a side, without those that are as in `trusted`.
    fn read(context: &Context, side: &Side, trusted: Option<&Side>) -> Result<Documents> {
        let mut documents = Documents {
            read: Vec::new(),
            addresses: side.index.keys().cloned().collect(),
            findings: side.misplaced.clone(),
        };
        for (address, entry) in &side.index {
            let old = trusted.and_then(|trusted| trusted.index.get(address));
            if old.is_some_and(|old| old.blob == entry.blob) {
                continue;
            }
            let (path, id) = (entry.path.clone(), Some(address.id.clone()));
            match yaml::read(&entry.path, &side.read(&context.repo, entry)?) {
                Ok(document) => documents.read.push(Parsed { path, kind: address.kind, id, document }),
                Err(found) => documents.findings.extend(found),
            }
        }
        for (path, bytes) in &side.odd {
            let Some(kind) = kind_of_folder(path) else { continue };
            match yaml::read(path, bytes) {
                Ok(document) => {
                    if let Some(id) = document.value.get("id").and_then(Value::as_str) {
                        documents.addresses.insert(Address::new(kind, id));
                    }
                    documents.read.push(Parsed { path: path.clone(), kind, id: None, document });
                }
                Err(found) => documents.findings.extend(found),
            }
        }
        Ok(documents)
    }
}

/// Returns the findings on the settings of the work tree, if that is what is checked.
fn settings_findings(context: &Context, side: &Side) -> Result<Vec<Finding>> {
    if let Some(workdir) = context.repo.workdir()
        && side.commit.is_none()
        && let Some(bytes) = read_if_there(&workdir.join(SETTINGS), MAX_SETTINGS)?
        && let Err(found) = crate::format::settings::Settings::parse(SETTINGS, &bytes)
    {
        return Ok(found);
    }
    Ok(Vec::new())
}

/// Returns a finding for each id of the manifest's map that leads back to itself, as no object has two ids.
fn circular_ids(side: &Side) -> impl Iterator<Item = Finding> {
    let circular = side.manifest.ids.circular();
    let finding = |id: &str| Finding {
        path: MANIFEST.to_owned(),
        line: 0,
        column: 0,
        severity: Severity::Error,
        check: "circular-id",
        message: format!("under `ids`, {id} leads in a circle; take manifest.yaml from the last snapshot"),
    };
    circular.take(MOST_PER_FILE).map(finding)
}

/// Number of files whose earlier versions are looked up: each may lead through all snapshots.
const HISTORIES: usize = 200;
/// Number of earlier versions of a file that may vouch for a value.
const VERSIONS: usize = 100;
/// Number of names that are looked up for a hint: each may read every object of its kinds.
const LOOKUPS: usize = 20;
/// Number of warnings that are shown one by one.
const SHOWN: usize = 5;
/// Number of snapshots back in which a file is looked for.
const BACK: usize = 2_000;

/// Returns true if a side was made of another tenant's configuration, for `plan --map`.
fn is_of_another_tenant(context: &Context, side: &Side) -> Result<bool> {
    let tenant = &side.manifest.tenant;
    let translated = match side.commit {
        Some(commit) => {
            trailers(&context.repo.commit(commit)?.message).iter().any(|(name, _)| name == "Entragit-Translated-From")
        }
        None => false,
    };
    Ok(translated || !tenant.is_empty() && !tenant.eq_ignore_ascii_case(&context.settings.tenant))
}

/// Returns an object as the snapshots have it, each version once, the newest first.
fn versions(context: &Context, snapshots: &[ObjectId], address: &Address) -> Result<Vec<Object>> {
    let (mut seen, mut found) = (BTreeSet::new(), Vec::new());
    for snapshot in snapshots {
        let Some(entry) = Lookup::new(&context.repo, *snapshot).find(address.kind, &address.id)? else { continue };
        if seen.insert(entry.blob)
            && let Ok(document) = yaml::read(&entry.path, &context.repo.blob(entry.blob)?)
        {
            found.push(Object(document.value));
        }
        if found.len() >= VERSIONS {
            break;
        }
    }
    Ok(found)
}

/// Returns true if one of the snapshots, which the tool alone writes, has an object in these very bytes: a file restored from a
/// snapshot (by a revert, by a plan to it) is what the tenant returned then.
fn was_in(context: &Context, snapshots: &[ObjectId], address: &Address, blob: ObjectId) -> Result<bool> {
    let kind = address.kind;
    for snapshot in snapshots {
        if Lookup::new(&context.repo, *snapshot).find(kind, &address.id)?.is_some_and(|entry| entry.blob == blob) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns the ids that each file mentioned in the last snapshot.
fn before_mentions(context: &Context, base: Option<&Side>, files: &[File<'_>]) -> Result<Dangling> {
    let mut mentioned = BTreeMap::new();
    let Some(base) = base else { return Ok(mentioned) };
    for file in files {
        let Some(id) = file.path_id else { continue };
        if let Some(entry) = base.index.get(&Address::new(file.kind, id)) {
            let bytes = base.read(&context.repo, entry)?;
            let text = String::from_utf8_lossy(&bytes);
            mentioned.insert(file.path.to_owned(), ids_in(&text).into_iter().map(str::to_owned).collect());
        }
    }
    Ok(mentioned)
}

/// Returns findings on properties that edited files left out of the objects that the last snapshot has.
fn left_out(context: &Context, base: Option<&Side>, side: &Side, files: &[File<'_>]) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let Some(base) = base else { return Ok(findings) };
    for file in files {
        let Some(address) = file.path_id.map(|id| Address::new(file.kind, id)) else { continue };
        let (Some(before), Some(now)) = (base.index.get(&address), side.index.get(&address)) else { continue };
        if before.blob != now.blob
            && let Some(before) = base.object(&context.repo, file.kind, before)?
        {
            findings.extend(validate::left_out(file, &before.0));
        }
    }
    Ok(findings)
}

/// Returns the labels of files that already stand for another object. A label is given once: a commit whose own manifest knows
/// the object that was created from it cannot mean a new one by it. A branch that the last snapshot does not follow cannot mean
/// another object than the one that has the label by now. An older commit may: its label means what it meant then.
fn taken_labels(
    context: &Context,
    side: &Side,
    base: Option<&Side>,
    files: &[File<'_>],
) -> Result<BTreeMap<Address, String>> {
    let mut taken = BTreeMap::new();
    let Some(base) = base else { return Ok(taken) };
    for file in files {
        let Some(label) = file.value.get("id").and_then(Value::as_str).filter(|id| id.starts_with("new:")) else {
            continue;
        };
        let address = Address::new(file.kind, label);
        let own = side.manifest.ids.current(label);
        if own != label {
            taken.insert(address, own.to_owned());
            continue;
        }
        let today = base.manifest.ids.current(label);
        let past = side.commit.zip(base.commit).map(|(commit, tip)| context.repo.is_ancestor(commit, tip));
        if today == label || past.transpose()?.unwrap_or_default() {
            continue;
        }
        let Some((holder, entry)) = base.index.iter().find(|(holder, _)| holder.id == today) else { continue };
        let kind = holder.kind;
        let name = base.object(&context.repo, kind, entry)?.map(|object| object.name().to_owned()).unwrap_or_default();
        if kind != file.kind || file.value.get("displayName").and_then(Value::as_str) != Some(name.as_str()) {
            taken.insert(address, format!("{} \"{name}\" in {}", kind.name, entry.path));
        }
    }
    Ok(taken)
}

/// Refuses to go on while a side has errors.
///
/// # Errors
/// [`Invalid`] with all of them.
pub fn require_valid(context: &Context, side: &Side, dangling: &Dangling) -> Result<()> {
    let (errors, warnings): (Vec<Finding>, Vec<Finding>) =
        findings(context, side, true, dangling)?.into_iter().partition(|finding| finding.severity == Severity::Error);
    if !errors.is_empty() {
        return Err(Invalid(errors).into());
    }
    for warning in warnings.iter().take(SHOWN) {
        context.events.warn(format!("{}: {}", warning.place(), warning.message));
    }
    if warnings.len() > SHOWN {
        context.events.warn(format!("and {} more; `entragit validate` lists them", warnings.len() - SHOWN));
    }
    Ok(())
}
