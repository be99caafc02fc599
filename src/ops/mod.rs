//! Implements the use cases: the only place where reading, deciding and writing meet.
//!
//! Each use case loads first, then lets a pure function of [`crate::engine`] decide, then writes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::{Context as _, Result, anyhow};

use crate::format::manifest::Manifest;
use crate::format::settings::{MainMode, Settings};
use crate::model::words::counted;
use crate::model::{Events, Finding, IdMap, Kind};
use crate::repo::{MAX_SETTINGS, NamedBy, ObjectId, Repo, read_file, read_if_there};

pub mod apply;
pub mod audit;
pub mod commit;
pub mod guards;
pub mod history;
pub mod init;
pub mod journal;
pub mod plan;
pub mod read;
pub mod report;
pub mod snapshot;

/// Holds what every use case works with.
#[derive(Clone)]
pub struct Context {
    /// The tenant repository.
    pub repo: Arc<Repo>,
    /// Its settings.
    pub settings: Settings,
    /// Receiver of progress and warnings.
    pub events: Events,
    /// Ids of the signed-in identity, in lower case, as far as the sign-in tells: no plan may shut it out unasked.
    pub signed_in: BTreeSet<String>,
    /// Source of the guards' settings and the break-glass accounts, as people would name it.
    pub guards_from: String,
    /// Commit from which these settings come; `None` before the first snapshot.
    pub rules: Option<ObjectId>,
    /// Kinds and links that a snapshot may lack much of without an explanation, as a person accepted: see
    /// [`snapshot::shrink`]; and `settings`, if settings may get weaker.
    pub accept: BTreeSet<String>,
    /// Flag that ends a run: the writes under way are finished, and no other is begun.
    pub stop: Arc<AtomicBool>,
}

/// Name of the settings file, at the top of a tenant repository.
pub const SETTINGS: &str = "entragit.yaml";
/// Name of the manifest, at the top of a tenant repository.
pub const MANIFEST: &str = "manifest.yaml";

/// Reports files with errors: nothing was sent to the tenant.
#[derive(Debug, thiserror::Error)]
#[error("{} in the repository; nothing was sent to the tenant", count(.0.len()))]
pub struct Invalid(pub Vec<Finding>);

fn count(findings: usize) -> String {
    counted(findings, "error")
}

/// Reports that a guard refused the plan.
#[derive(Debug, thiserror::Error)]
#[error("refused by {guards}; look at the plan, and if it is meant, accept that by name: `{accept}`")]
pub struct Refused {
    /// Names of the guards.
    pub guards: String,
    /// Arguments that accept the refusal.
    pub accept: String,
}

/// Reports that the tenant is not as it was when the plan was made, or that the plan has expired.
#[derive(Debug, thiserror::Error)]
#[error("the plan no longer holds: {what}; make the plan anew")]
pub struct Stale {
    /// Name of what moved since, or the time until which the plan held.
    pub what: String,
}

impl Context {
    /// Opens the repository that `dir` is in and reads its settings: from the work tree if there is one, else from the branch
    /// that people work on.
    ///
    /// # Errors
    /// If there is no repository, or its settings are missing or wrong.
    pub fn open(dir: &Path, events: Events) -> Result<Context> {
        let repo = Repo::discover(dir)?;
        let settings =
            repo.workdir().map(|workdir| read_if_there(&workdir.join(SETTINGS), MAX_SETTINGS)).transpose()?;
        let bytes = match settings.flatten() {
            Some(bytes) => bytes,
            None => {
                let head = repo.resolve("HEAD").context("looking for entragit.yaml")?;
                let blob = repo.root_file(head, SETTINGS)?.ok_or_else(|| {
                    anyhow!("{} holds no {SETTINGS}; make a tenant repository with `entragit init`", dir.display())
                })?;
                repo.blob(blob)?
            }
        };
        let settings = Settings::parse(SETTINGS, &bytes).map_err(Invalid)?;
        let mut context = Context {
            repo: Arc::new(repo),
            settings,
            events,
            signed_in: BTreeSet::new(),
            guards_from: format!("{SETTINGS} as it is here"),
            rules: None,
            accept: BTreeSet::new(),
            stop: Arc::default(),
        };
        context.take_rules()?;
        Ok(context)
    }

    /// Takes the guards' settings and the break-glass accounts from a file that the caller trusts.
    ///
    /// # Errors
    /// If the file cannot be read, is wrong, or is about another tenant.
    pub fn take_guards_from(&mut self, path: &Path) -> Result<()> {
        let bytes = read_file(path, NamedBy::Person, MAX_SETTINGS)
            .with_context(|| format!("reading the guards in {}", path.display()))?;
        self.take_guards(&bytes, path.display().to_string())
    }

    fn take_guards(&mut self, bytes: &[u8], place: String) -> Result<()> {
        let trusted = Settings::parse(&place, bytes).map_err(Invalid)?;
        if !trusted.tenant.eq_ignore_ascii_case(&self.settings.tenant) {
            anyhow::bail!(
                "{place} is about tenant {}, this repository is of tenant {}; guards of another tenant guard nothing",
                trusted.tenant,
                self.settings.tenant
            );
        }
        self.settings.guards = trusted.guards;
        self.settings.approval = trusted.approval;
        self.settings.break_glass = trusted.break_glass;
        // Whichever of the two keeps the branch for people is followed: what was moved cannot be taken back unseen.
        if trusted.main == MainMode::Hold {
            self.settings.main = MainMode::Hold;
        }
        self.guards_from = place;
        Ok(())
    }

    /// Returns the full name of the branch that the tool alone writes.
    pub fn snapshots_ref(&self) -> String {
        format!("refs/heads/{}", self.settings.branches.snapshots)
    }

    /// Returns the full name of the branch that people work on.
    pub fn main_ref(&self) -> String {
        format!("refs/heads/{}", self.settings.branches.main)
    }

    /// Returns the kinds of the settings, or, unless it is empty, those of `only`, whatever the profile. Excluded kinds are never
    /// among them.
    pub fn kinds(&self, only: &[&'static Kind]) -> Vec<&'static Kind> {
        let configured = self.settings.scope.kinds();
        let left_out = |kind: &&&'static Kind| !self.settings.scope.exclude.contains(&kind.name);
        if only.is_empty() { configured } else { only.iter().filter(left_out).copied().collect() }
    }
}

/// Returns the manifest of a commit; an empty one if it has none.
///
/// # Errors
/// If the manifest cannot be read or is of a newer format.
pub fn manifest_of(repo: &Repo, files: &BTreeMap<String, ObjectId>) -> Result<Manifest> {
    match files.get(MANIFEST) {
        Some(blob) => Ok(Manifest::read(&repo.blob(*blob)?).map_err(Invalid)?),
        None => Ok(Manifest::default()),
    }
}

/// Returns the manifest of a commit, without reading the rest of its tree.
///
/// # Errors
/// If the manifest cannot be read or is of a newer format.
pub fn manifest_at(repo: &Repo, commit: ObjectId) -> Result<Manifest> {
    match repo.root_file(commit, MANIFEST)? {
        Some(blob) => Ok(Manifest::read(&repo.blob(blob)?).map_err(Invalid)?),
        None => Ok(Manifest::default()),
    }
}

/// Returns the present ids of objects that were created again, as the last snapshot knows them.
///
/// # Errors
/// If its manifest cannot be read or is of a newer format.
pub fn current_ids(context: &Context) -> Result<IdMap> {
    let last = context.last_snapshot()?;
    Ok(last.map(|last| manifest_at(&context.repo, last)).transpose()?.unwrap_or_default().ids)
}

/// Returns all files of a commit: path → blob.
///
/// # Errors
/// If the commit holds anything that no tenant repository may hold.
pub fn files_of(repo: &Repo, commit: ObjectId) -> Result<BTreeMap<String, ObjectId>> {
    Ok(repo.entries(commit)?.into_iter().map(|entry| (entry.path, entry.blob)).collect())
}
