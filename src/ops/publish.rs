//! From a snapshot's files to references: how `main` stands to them, what the commit says, which branches move.

use std::collections::BTreeMap;

use anyhow::Result;

use super::audit::Changed;
use super::standing::Standing;
use super::{Context, files_of};
use crate::format::path::{address_of, is_reserved};
use crate::kinds;
use crate::model::{Coverage, CoverageMap};
use crate::repo::{ObjectId, Repo, RepoError, Worktree};

/// How `main` stands to `files`, where `parent` was the last snapshot: file by file, for a round that has no time to look
/// inside. What it takes for pending the next export may find applied.
pub(super) fn standing(
    context: &Context,
    parent: Option<ObjectId>,
    main: Option<ObjectId>,
    files: &BTreeMap<String, ObjectId>,
) -> Result<Standing> {
    let (Some(parent), Some(main)) = (parent, main) else { return Ok(Standing::Follows) };
    if context.repo.is_ancestor(main, parent)? {
        return Ok(Standing::Follows);
    }
    let Some(fork) = context.repo.merge_base(main, parent)? else {
        return Ok(Standing::Pending(vec![STRANGERS.to_owned()]));
    };
    let at_fork = files_of(&context.repo, fork)?;
    let on_main = files_of(&context.repo, main)?;
    let mut pending: Vec<String> = edited(&at_fork, &on_main)
        .filter(|path| !is_reserved(path) && on_main.get(*path) != files.get(*path))
        .cloned()
        .collect();
    pending.sort();
    Ok(if pending.is_empty() { Standing::Joins } else { Standing::Pending(pending) })
}

/// What is said in place of paths if `main` and the snapshots have no commit in common.
pub(super) const STRANGERS: &str = "the branch has no common history with the snapshots";

/// Paths whose content differs between two trees.
pub(super) fn edited<'a>(
    a: &'a BTreeMap<String, ObjectId>,
    b: &'a BTreeMap<String, ObjectId>,
) -> impl Iterator<Item = &'a String> {
    let gone = a.keys().filter(|path| !b.contains_key(*path));
    gone.chain(b.iter().filter(|(path, blob)| a.get(*path) != Some(blob)).map(|(path, _)| path))
}

/// Moves the refs: `snapshots` first, by compare-and-swap; then the work tree and `main`, if they follow.
pub(super) fn publish(
    context: &Context,
    commit: ObjectId,
    parent: Option<ObjectId>,
    main: Option<ObjectId>,
    standing: &Standing,
    (log, hold_main): (&str, bool),
) -> Result<()> {
    context.repo.move_ref(&context.snapshots_ref(), commit, parent, log)?;
    if hold_main && main.is_some() {
        return Ok(());
    }
    let follows = match (standing, main) {
        (Standing::Pending(_), Some(main)) => context.repo.is_ancestor(main, commit)?,
        _ => true,
    };
    if !follows {
        return Ok(());
    }
    let checked_out = context.repo.head_branch().as_deref() == Some(&context.settings.branches.main);
    if let (true, Some(main)) = (checked_out, main) {
        match context.repo.worktree_state(main)? {
            Worktree::Clean => match context.repo.update_worktree(main, commit) {
                Ok(()) => {}
                Err(RepoError::WouldOverwrite(paths)) => {
                    context.events.warn(format!(
                        "{} is in the way in the work tree, so {} was not moved to the new snapshot; move it away, then \
                         `git merge {}`",
                        paths.join(", "),
                        context.settings.branches.main,
                        context.settings.branches.snapshots
                    ));
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            },
            Worktree::None => {}
            Worktree::Dirty(paths) => {
                context.events.warn(format!(
                    "the work tree has uncommitted changes ({} and {} more), so {} was not moved to the new snapshot; \
                     commit or discard them, then `git merge {}`",
                    paths.first().map_or("", String::as_str),
                    paths.len().saturating_sub(1),
                    context.settings.branches.main,
                    context.settings.branches.snapshots
                ));
                return Ok(());
            }
        }
    }
    context.repo.move_ref(&context.main_ref(), commit, main, log)?;
    Ok(())
}

/// Objects' files added, changed and removed.
pub(super) fn compare(
    before: &BTreeMap<String, ObjectId>,
    after: &BTreeMap<String, ObjectId>,
) -> (usize, usize, usize) {
    let ours = |path: &&String| address_of(path).is_ok();
    let added = after.keys().filter(ours).filter(|path| !before.contains_key(*path)).count();
    let removed = before.keys().filter(ours).filter(|path| !after.contains_key(*path)).count();
    let changed =
        after.iter().filter(|(path, blob)| ours(path) && before.get(*path).is_some_and(|old| old != *blob)).count();
    (added, changed, removed)
}

/// What differs between two sets of files, as the audit log may speak of it.
pub(super) fn changed(
    repo: &Repo,
    before: &BTreeMap<String, ObjectId>,
    after: &BTreeMap<String, ObjectId>,
) -> Result<Changed> {
    let files = edited(before, after).filter_map(|path| Some((path.as_str(), *after.get(path).or(before.get(path))?)));
    Changed::of(repo, files)
}

/// What a snapshot's message says.
pub(super) struct Told<'a> {
    /// First line.
    pub subject: String,
    /// Objects per kind or variant; empty where only a part of a change is told.
    pub counts: &'a BTreeMap<&'static str, usize>,
    /// Objects in all.
    pub objects: usize,
    /// What was read, and how completely.
    pub coverage: &'a CoverageMap,
    /// More trailers.
    pub trailers: &'a [(String, String)],
    /// Who made the changes.
    pub actors: Vec<String>,
}

/// `Snapshot: 2 added, 1 removed`
pub(super) fn subject((added, changed, removed): (usize, usize, usize)) -> String {
    let parts: Vec<String> = [(added, "added"), (changed, "changed"), (removed, "removed")]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    if parts.is_empty() {
        "Snapshot: coverage or settings only".to_owned()
    } else {
        format!("Snapshot: {}", parts.join(", "))
    }
}

/// A snapshot's message.
pub(super) fn message(tenant: &str, told: &Told<'_>) -> String {
    let mut text = format!("{}\n\n", told.subject);
    for kind in kinds::ALL {
        let names = std::iter::once((kind.name, kind.title))
            .chain(kind.variants.iter().map(|variant| (variant.name, variant.title)));
        for (name, title) in names {
            if let Some(count) = told.counts.get(name) {
                text.push_str(&format!("{count:>8} {title}\n"));
            }
        }
    }
    if !told.counts.is_empty() {
        text.push('\n');
    }
    let incomplete: Vec<String> = told
        .coverage
        .0
        .iter()
        .filter(|(_, coverage)| !matches!(coverage, Coverage::Complete | Coverage::Skipped))
        .map(|(what, coverage)| format!("{what}={}", coverage.word()))
        .collect();
    text.push_str(&format!("Entragit-Tenant: {tenant}\n"));
    text.push_str(&format!("Entragit-Objects: {}\n", told.objects));
    let said = if incomplete.is_empty() { "complete".to_owned() } else { incomplete.join(" ") };
    text.push_str(&format!("Entragit-Coverage: {said}\n"));
    for (name, value) in told.trailers {
        text.push_str(&format!("{name}: {value}\n"));
    }
    for actor in &told.actors {
        text.push_str(&format!("Entragit-Actor: {}\n", actor.replace(['\n', '\r'], " ")));
    }
    text
}
