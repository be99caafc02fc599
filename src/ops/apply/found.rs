//! Records the state that a run finds before its first write as a snapshot, which becomes the parent of the receipt. The receipt
//! then differs from its parent by the run's own writes only, whatever others changed since the last export, and an undo knows
//! the state to restore.

use std::collections::BTreeMap;

use anyhow::Result;

use super::Ready;
use crate::engine::refs::{Mentioned, Names, ids_in};
use crate::format::path::path_of;
use crate::model::words::agreeing;
use crate::model::{Address, Object};
use crate::ops::commit::base::Base;
use crate::ops::commit::lookup::{learn_names, object_in};
use crate::ops::commit::source::{Entry, Side};
use crate::ops::read::live::{bytes_of, link_value};
use crate::ops::snapshot::advance::Advance;
use crate::ops::snapshot::export::index;
use crate::ops::snapshot::message::{SnapshotMessage, Summary, message};
use crate::ops::snapshot::publish::{changes, compare};
use crate::ops::{Context, audit, files_of, manifest_of};
use crate::tenant::TenantRead;

/// Returns the name of the reference to the found state of a plan's run, which exists until the receipt is written. `digest` is
/// the plan's.
fn reference_name(digest: &str) -> String {
    format!("refs/entragit/found/{digest}")
}

/// Commits the found state of the plan's objects below a reference of its own, if it differs from the last snapshot. `found`
/// holds the objects as they were read. A run that continues an interrupted one leaves the commit of that run as it is.
///
/// # Errors
/// If the repository cannot be read or written.
pub(super) fn keep(context: &Context, ready: &Ready, found: &BTreeMap<Address, Object>) -> Result<()> {
    let Some(base) = context.last_snapshot()? else { return Ok(()) };
    if context.repo.reference(&reference_name(&ready.digest))?.is_some() {
        return Ok(());
    }
    let before = files_of(&context.repo, base)?;
    let manifest = manifest_of(&context.repo, &before)?;
    let paths = index(&before);
    let names = names_for_comments(context, base, found)?;
    let mut files = before.clone();
    let mut writer = context.repo.writer()?;
    for address in ready.plan.steps.iter().map(|step| &step.address) {
        let kind = address.kind;
        let old = paths.get(address);
        let Some(object) = found.get(address) else {
            // An object that the plan creates or restores is not in the tenant, whatever the last snapshot says.
            if let Some(path) = old.filter(|_| !ready.plan.seen.contains_key(address)) {
                files.remove(path);
            }
            continue;
        };
        let mut object = object.clone();
        if let Some((path, blob)) = old.and_then(|path| Some((path, before.get(path)?))) {
            // A link that could not be read keeps its value in the last snapshot.
            let entry = Entry { path: path.clone(), blob: *blob };
            let last = object_in(&context.repo, kind, &entry)?.unwrap_or_default();
            for (what, _) in &ready.plan.unknown {
                let link = what.split_once('.').filter(|(of, _)| *of == kind.name).map(|(_, link)| link);
                if let Some((link, value)) = link.and_then(|link| Some((link, link_value(&last, link)?))) {
                    object.0.insert(link.to_owned(), value);
                }
            }
            files.remove(path);
        }
        let layout = manifest.layout.get(kind.name).copied().unwrap_or_default();
        let bytes = bytes_of(kind, &object, &names);
        files.insert(path_of(kind, &address.id, object.name(), layout), writer.put(bytes)?);
    }
    if files == before {
        return Ok(());
    }
    writer.keep_unusual(base)?;
    let tree = writer.finish(&files)?;
    let changes = changes(&before, &files);
    let (added, modified, removed) = compare(&changes);
    let summary = SnapshotMessage {
        subject: format!(
            "Found before applying {}: {} from the last snapshot",
            &ready.binding.commit[..10.min(ready.binding.commit.len())],
            agreeing(added + modified + removed, "object", "differs", "differ")
        ),
        lines: Summary::of(&context.repo, &changes).lines,
        objects: index(&files).len(),
        coverage: &manifest.coverage,
        trailers: Vec::new(),
        actors: Vec::new(),
    };
    let text = message(&manifest.tenant, &summary);
    let commit = context.repo.create_commit(tree, &[base], &text, &context.repo.author())?;
    Ok(context.repo.move_ref(&reference_name(&ready.digest), commit, None, "entragit: found before an apply")?)
}

/// Returns the names that the comments in the files of `found` give to ids: from `found` itself, and from the commit `base`.
fn names_for_comments(
    context: &Context,
    base: crate::repo::ObjectId,
    found: &BTreeMap<Address, Object>,
) -> Result<Names> {
    let mut names = Names::default();
    let mut mentioned = Mentioned::default();
    for (address, object) in found {
        names.learn(address.kind, object);
        let text = String::from_utf8_lossy(&bytes_of(address.kind, object, &Names::default())).into_owned();
        mentioned.ids.extend(ids_in(&text).into_iter().map(str::to_owned));
    }
    mentioned.identities.clone_from(&mentioned.ids);
    learn_names(&context.repo, &[&Side::unlisted(context, base)?], &mentioned, &mut names)?;
    Ok(names)
}

/// Moves `snapshots` to the commit of the found state, if it still is at the parent of that commit, with a note on who had
/// changed the tenant. Deletes the reference that [`keep`] made.
///
/// # Errors
/// If the repository cannot be read or written.
pub(super) async fn publish<T: TenantRead>(context: &Context, tenant: &T, digest: &str) -> Result<()> {
    let Some(commit) = context.repo.reference(&reference_name(digest))? else { return Ok(()) };
    let info = context.repo.commit(commit)?;
    let last = context.last_snapshot()?;
    if let Some(base) = info.parents.first().copied().filter(|base| last == Some(*base)) {
        let changed = audit::Changed::between(context, base, commit)?;
        let before = Base::new(&context.repo, base)?;
        let holds = |id: &str| Ok(changed.ids.contains(id) || !before.kinds_of(id)?.is_empty());
        let audit = audit::since_last(context, tenant, Some(base), &changed, holds).await?;
        // Later events are those of the run's own writes.
        let notes = [(commit, audit.until(info.committed))];
        let log = "entragit: found before an apply";
        Advance { commit, parent: last, notes: &notes, log }.publish_snapshot(context)?;
    }
    Ok(context.repo.delete_ref(&reference_name(digest), commit)?)
}
