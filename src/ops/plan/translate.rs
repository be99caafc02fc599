//! Translates the configuration of one tenant into the ids of another, for `plan --map`, as a commit of that other tenant's
//! repository. It can be read, reviewed and merged like any other, and its changes are what is planned.

use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::Aim;
use crate::engine::refs::Names;
use crate::engine::scope::Scope;
use crate::engine::translate::{Inputs, Problem, Translated, translate};
use crate::format::path::path_of;
use crate::format::tenant_map;
use crate::model::finding::Severity;
use crate::model::{Finding, TenantMap};
use crate::ops::commit::source::{Side, snapshots};
use crate::ops::read::live::bytes_of;
use crate::ops::report::validate;
use crate::ops::snapshot::export::index;
use crate::ops::snapshot::message::{SnapshotMessage, Summary, message};
use crate::ops::snapshot::publish::{changes, compare};
use crate::ops::{Context, Invalid};
use crate::repo::{MAX_MAP, NamedBy, ObjectId, read_file};

/// Name of the reference that keeps the translated commit.
pub const REFERENCE: &str = "refs/entragit/translated";

/// Describes what is to be translated.
#[derive(Debug, Clone)]
pub struct From<'a> {
    /// The commit of the other tenant, by any name that git knows.
    pub to: &'a str,
    /// Path of the map's file.
    pub map: &'a Path,
    /// Scope within the other tenant.
    pub scope: Scope,
    /// True if objects that only this tenant has are to be deleted.
    pub prune: bool,
}

/// Translates a commit of another tenant, commits the result beside the last snapshot, and returns the aim of planning its
/// changes.
///
/// # Errors
/// If the commit is not of another tenant, this tenant has no snapshot yet, or [`Invalid`] with everything that a person has to
/// decide.
pub fn aim(context: &Context, from: &From<'_>) -> Result<Aim> {
    let source = Side::commit(context, from.to)?;
    let own = &context.settings.tenant;
    let other = source.manifest.tenant.clone();
    if other.is_empty() || other.eq_ignore_ascii_case(own) {
        bail!(
            "{} is of tenant {own}, as this repository is, so there is nothing to translate; leave --map away, or fetch the \
             other tenant's repository (`git fetch ../other main`) and name its commit (FETCH_HEAD)",
            from.to
        );
    }
    validate::require_valid(context, &source, &validate::Dangling::new())?;
    if !source.odd.is_empty() {
        bail!("{} holds objects that its own tenant does not have yet; apply it there first", from.to);
    }
    let Some(last) = context.last_snapshot()? else {
        bail!("there is no snapshot of tenant {own} yet, so it is not known what it has already; run `entragit export`")
    };
    let target = Side::commit(context, &last.to_string())?;
    let map = read_map(from.map)?;
    let (mut theirs, _) = snapshots(&context.repo, &source, &Side::empty(), &|_| false)?;
    let (mut ours, _) = snapshots(&context.repo, &target, &Side::empty(), &|_| false)?;
    (theirs.coverage, ours.coverage) = (source.proven(), target.proven());
    let translated = translate(&Inputs {
        source: &theirs,
        target: &ours,
        ids: &target.manifest.ids,
        map: &map,
        tenants: (&other, own),
        scope: &from.scope,
        prune: from.prune,
    });
    let translated = translated.map_err(|problems| Invalid(findings(problems, &source, from.map)))?;
    let mut names = Names::default();
    for (address, object) in ours.objects.iter().chain(&translated.objects) {
        names.learn(address.kind, object);
    }
    let commit = commit(context, &source, &other, &target, last, &translated, &names)?;
    context.events.note(format!(
        "{} of tenant {other} was translated into commit {} ({REFERENCE}): `git diff {} {REFERENCE}` shows it",
        from.to,
        &commit.to_string()[..10],
        context.settings.branches.snapshots,
    ));
    Ok(Aim {
        to: commit.to_string(),
        since: Some(last.to_string()),
        adopted: translated.same,
        losses: translated.losses,
        ..Aim::default()
    })
}

fn read_map(path: &Path) -> Result<TenantMap> {
    let bytes = read_file(path, NamedBy::Person, MAX_MAP).with_context(|| {
        format!("reading the map {}; an empty file is a map, too: then objects are told by name alone", path.display())
    })?;
    Ok(tenant_map::read(&path.display().to_string(), &bytes).map_err(Invalid)?)
}

fn findings(problems: Vec<Problem>, source: &Side, map: &Path) -> Vec<Finding> {
    let finding = |problem: Problem| Finding {
        path: match problem.address.as_ref().and_then(|address| source.index.get(address)) {
            Some(entry) => entry.path.clone(),
            None => map.display().to_string(),
        },
        line: 0,
        column: 0,
        severity: Severity::Error,
        check: "translate",
        message: match problem.name.as_str() {
            "" => problem.what,
            name => format!("\"{}\": {}", crate::engine::render::safe(name), problem.what),
        },
    };
    problems.into_iter().map(finding).collect()
}

/// Commits the translation on top of the last snapshot. The same translation gives the same commit.
fn commit(
    context: &Context,
    source: &Side,
    other: &str,
    target: &Side,
    last: ObjectId,
    translated: &Translated,
    names: &Names,
) -> Result<ObjectId> {
    let before = crate::ops::files_of(&context.repo, last)?;
    let paths = index(&before);
    let mut files = before.clone();
    let mut writer = context.repo.writer()?;
    for path in translated.gone.iter().chain(translated.objects.keys()).filter_map(|address| paths.get(address)) {
        files.remove(path);
    }
    for (address, object) in &translated.objects {
        let kind = address.kind;
        let layout = target.manifest.layout.get(kind.name).copied().unwrap_or_default();
        let path = path_of(kind, &address.id, object.name(), layout);
        files.insert(path, writer.put(bytes_of(kind, object, names))?);
    }
    writer.keep_unusual(last)?;
    let tree = writer.finish(&files)?;
    let expected = context.repo.reference(REFERENCE)?;
    if let Some(kept) = expected {
        let kept = context.repo.commit(kept)?;
        if kept.tree == tree && kept.parents == [last] {
            return Ok(kept.id);
        }
    }
    let changes = changes(&before, &files);
    let (added, modified, removed) = compare(&changes);
    let commit = source.commit.map(|commit| commit.to_string()).unwrap_or_default();
    let told = SnapshotMessage {
        subject: format!(
            "Translated from tenant {other}, {}: {added} to make, {modified} to change, {removed} to delete",
            &commit[..10.min(commit.len())]
        ),
        lines: Summary::of(&context.repo, &changes).lines,
        objects: index(&files).len(),
        coverage: &target.manifest.coverage,
        trailers: vec![("Entragit-Translated-From".to_owned(), format!("{other} {commit}"))],
        actors: Vec::new(),
    };
    let text = message(&target.manifest.tenant, &told);
    let commit = context.repo.create_commit(tree, &[last], &text, &context.repo.author())?;
    context.repo.move_ref(REFERENCE, commit, expected, "entragit: translated from another tenant")?;
    Ok(commit)
}
