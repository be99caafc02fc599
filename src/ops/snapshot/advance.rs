//! Moves `snapshots`, the notes and `main` to a new snapshot: either all of them or none.

use std::collections::BTreeSet;

use anyhow::{Result, bail};

use super::main_relation::MainRelation;
use crate::format::path::{address_of, is_reserved};
use crate::format::settings::{Actors, MainMode};
use crate::model::IdMap;
use crate::ops::audit::{Audit, NOTES};
use crate::ops::commit::snapshots_branch::{fetched, shell_word};
use crate::ops::{Context, manifest_at};
use crate::repo::{ObjectId, RefMove, RepoError};

/// Number of times that notes are written anew because another program wrote some meanwhile.
const ATTEMPTS: usize = 3;

/// Holds the position of `main` when a command begins.
#[derive(Debug, Clone, Copy)]
pub(in crate::ops) struct Main {
    /// Tip of the local branch; it may be missing, or behind.
    here: Option<ObjectId>,
    /// Tip that people want: the remote's as last fetched, where the local branch is missing or behind.
    pub wanted: Option<ObjectId>,
}

impl Main {
    /// Reads where `main` is.
    ///
    /// # Errors
    /// If the repository cannot be read.
    pub(in crate::ops) fn read(context: &Context) -> Result<Main> {
        let wanted = fetched(context, &context.settings.branches.main)?.map(|(_, tip)| tip);
        Ok(Main { here: context.repo.reference(&context.main_ref())?, wanted })
    }
}

/// Tells whether `main` moves to a snapshot that has all its edits.
#[derive(Debug, Clone, Copy)]
pub(in crate::ops) enum MainMoves<'a> {
    /// It moves, unless the settings keep it for people.
    WithSnapshots,
    /// It moves; where the settings keep it for people, only if nothing but the ids that an apply learned differs from it.
    WithReceipt(&'a IdMap),
    /// It stays: the tenant is not as it was wanted.
    Never,
}

/// Describes a new snapshot to which the references move.
pub(in crate::ops) struct Advance<'a> {
    /// The commit.
    pub commit: ObjectId,
    /// The snapshot before.
    pub parent: Option<ObjectId>,
    /// Events of the audit log for each commit.
    pub notes: &'a [(ObjectId, Audit)],
    /// Message for the reflogs.
    pub log: &'a str,
}

impl Advance<'_> {
    /// Moves `snapshots` and the notes, and `main` as well if it follows the snapshots.
    ///
    /// # Errors
    /// If another program moved one of them meanwhile, or files in the work tree are in the way: then nothing was moved.
    pub(in crate::ops) fn publish(
        &self,
        context: &Context,
        main: Main,
        main_relation: &MainRelation,
        moves: MainMoves<'_>,
    ) -> Result<()> {
        // The first snapshot is what people begin with.
        let begun = match main.wanted {
            Some(wanted) => !manifest_at(&context.repo, wanted)?.coverage.0.is_empty(),
            None => false,
        };
        let held = context.settings.main == MainMode::Hold && begun;
        let follows = match (main_relation, main.wanted, moves) {
            (_, None, _) => true,
            (_, Some(_), MainMoves::Never) => false,
            (_, Some(_), MainMoves::WithSnapshots) if held => false,
            (_, Some(wanted), MainMoves::WithReceipt(learned)) if held => {
                context.repo.is_ancestor(wanted, self.commit)? && self.brings_ids_alone(context, wanted, learned)?
            }
            (MainRelation::Pending(_), Some(wanted), _) => context.repo.is_ancestor(wanted, self.commit)?,
            _ => true,
        };
        let to_main = RefMove { name: context.main_ref(), to: self.commit, expected: main.here };
        self.run(context, Some(to_main).filter(|_| follows))
    }

    /// Returns true if the objects of the snapshot are those of `main`, but for ids that an apply learned.
    fn brings_ids_alone(&self, context: &Context, main: ObjectId, learned: &IdMap) -> Result<bool> {
        let (before, after) = context.repo.changed_entries(main, self.commit)?;
        let learned: BTreeSet<&str> = learned.iter().flat_map(|(old, new)| [old, new]).collect();
        let paths = before.iter().chain(&after).map(|entry| entry.path.as_str());
        let is_learned = |path: &str| match address_of(path) {
            Ok((_, id)) => learned.contains(id.as_str()),
            // A person chose the name of the file, which has the id of its object now.
            Err(_) => true,
        };
        Ok(paths.into_iter().filter(|path| !is_reserved(path)).all(is_learned))
    }

    /// Moves `snapshots` and the notes alone.
    ///
    /// # Errors
    /// Fails like [`Advance::publish`].
    pub(in crate::ops) fn publish_snapshot(&self, context: &Context) -> Result<()> {
        self.run(context, None)
    }

    fn run(&self, context: &Context, to_main: Option<RefMove>) -> Result<()> {
        let to_snapshots = RefMove { name: context.snapshots_ref(), to: self.commit, expected: self.parent };
        let mut moves = vec![to_snapshots];
        if let Some(to_main) = to_main {
            match obstacle(context, &to_main)? {
                Some(obstacle) => context
                    .events
                    .warn(format!("{} was not moved to the new snapshot: {obstacle}", context.settings.branches.main)),
                None => moves.push(to_main),
            }
        }
        let head = context.repo.head_branch().map(|branch| format!("refs/heads/{branch}"));
        let mut brought = None;
        if let Some(RefMove { expected: Some(from), to, .. }) = moves.iter().find(|it| Some(&it.name) == head.as_ref())
            && context.repo.is_checked_out(*from)?
        {
            match context.repo.update_worktree(*from, *to) {
                Ok(()) => brought = Some((*from, *to)),
                Err(RepoError::WouldOverwrite(paths)) if moves.len() == 2 => {
                    context.events.warn(format!(
                        "{} was not moved to the new snapshot: {}",
                        context.settings.branches.main,
                        overwritten(&paths, &context.settings.branches.snapshots)
                    ));
                    moves.truncate(1);
                }
                Err(error) => return Err(error.into()),
            }
        }
        let moved = self.move_together(context, &moves);
        if let (Err(_), Some((from, to))) = (&moved, brought)
            && context.repo.is_checked_out(from)?
        {
            context.repo.update_worktree(to, from)?;
        }
        moved
    }

    fn move_together(&self, context: &Context, moves: &[RefMove]) -> Result<()> {
        if self.notes.is_empty() || context.settings.actors == Actors::Off {
            return Ok(context.repo.move_refs(moves, self.log)?);
        }
        let bytes = self.notes.iter().map(|(commit, audit)| Ok((*commit, serde_json::to_vec_pretty(audit)?)));
        let bytes = bytes.collect::<Result<Vec<_>>>()?;
        for _ in 0..ATTEMPTS {
            let notes = context.repo.prepare_notes(NOTES, &bytes, &context.repo.author())?;
            match context.repo.move_refs(&[moves, &[notes]].concat(), self.log) {
                Err(RepoError::Moved { name, .. }) if name == NOTES => {}
                result => return Ok(result?),
            }
        }
        bail!(
            "{NOTES} is being written by another program again and again; run the command again when that one is done"
        )
    }
}

/// Returns why `main` cannot be moved and what to run instead, before the work tree is looked at.
fn obstacle(context: &Context, to_main: &RefMove) -> Result<Option<String>> {
    let branches = &context.settings.branches;
    let (main, snapshots) = (&branches.main, &branches.snapshots);
    if let Some(folder) = context.repo.checked_out_elsewhere(&to_main.name)? {
        let folder = shell_word(&folder);
        return Ok(Some(format!(
            "it is checked out in the work tree {folder}; there, `git -C {folder} merge {snapshots}` brings it forward"
        )));
    }
    if context.repo.head_branch().as_ref() != Some(main) {
        return Ok(None);
    }
    let doing = context.repo.in_progress();
    Ok(doing.map(|doing| format!("a {doing} is in progress in the work tree; finish it, then `git merge {snapshots}`")))
}

fn overwritten(paths: &[String], snapshots: &str) -> String {
    let (first, more) = (paths.first().map_or("", String::as_str), paths.len().saturating_sub(1));
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!(
        "{first}{more} would be overwritten in the work tree; commit or move what you changed there, then `git merge {snapshots}`"
    )
}
