//! Chooses where the rules come from: the names of the two branches, the guards, the approvals and the emergency accounts. A
//! person who may write a commit must not be able to set the rules that judge it, so none of these is taken from the commit or
//! the work tree once there is another source.
//!
//! The names come from the remote's default branch (`origin/HEAD`), else from the branch of snapshots, else from the local
//! settings file; `git config entragit.snapshots` and `entragit.main` name them for one clone. The rest comes from the branch
//! that people work on as it was fetched from the remote, where it is protected, else from the last snapshot. A snapshot brings
//! the settings of `main` along: where these are weaker than the rules in force, it names the commit whose rules still hold
//! ([`RULES`]), until a person accepts the new ones.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};

use crate::format::settings::{Branches, Settings, branch_fault};
use crate::ops::{Context, SETTINGS, audit};
use crate::repo::{ObjectId, trailers};

/// Trailer of a snapshot whose own settings do not count; it names the commit whose settings do.
pub(in crate::ops) const RULES: &str = "Entragit-Rules";
/// Word by which a person accepts weaker settings on the command line.
pub const ACCEPT: &str = "settings";

impl Context {
    /// Takes the branches' names, the guards, the approvals and the emergency accounts from a place that the author of a change
    /// cannot write to.
    ///
    /// # Errors
    /// If the repository cannot be read, none of the places can be used, or several branches of snapshots disagree.
    pub(in crate::ops) fn take_rules(&mut self) -> Result<()> {
        if let Some((branches, place)) = self.trusted_branches()?
            && branches != self.settings.branches
        {
            self.events.warn(format!(
                "{SETTINGS} here calls the branches {} and {}; {} and {} count, as {place} says",
                self.settings.branches.main, self.settings.branches.snapshots, branches.main, branches.snapshots
            ));
            self.settings.branches = branches;
        }
        let places = [self.remote_tip(&self.settings.branches.main)?, self.rules_of_snapshots()?];
        // A place whose settings are wrong is passed over for the next, never for the local settings file.
        let mut unusable = None;
        for (name, commit) in places.into_iter().flatten() {
            let Some(bytes) = settings_at(self, commit)? else { continue };
            let place = format!("{name}:{SETTINGS}");
            match self.take_guards(&bytes, place.clone()) {
                Ok(()) => {
                    self.rules = Some(commit);
                    return Ok(());
                }
                Err(error) => {
                    self.events.warn(format!("{place} cannot be used: {error}"));
                    unusable = Some(error);
                }
            }
        }
        unusable.map_or(Ok(()), Err)
    }

    /// Returns the commit whose settings count according to the newest snapshot, with the name that people know it by.
    fn rules_of_snapshots(&self) -> Result<Option<(String, ObjectId)>> {
        let Some((branch, tip)) = self.newest_snapshots()? else { return Ok(None) };
        let counts = in_force(self, tip)?;
        Ok(Some(if counts == tip { (branch, tip) } else { (counts.to_string()[..10].to_owned(), counts) }))
    }

    /// Returns the branches' names and the place that they come from; `None` before the first snapshot.
    fn trusted_branches(&self) -> Result<Option<(Branches, String)>> {
        let mut found = self.branches_of_others()?;
        for (key, snapshots) in [("entragit.snapshots", true), ("entragit.main", false)] {
            let Some(name) = self.repo.configured(key)? else { continue };
            if let Some(fault) = branch_fault(&name) {
                bail!("`git config {key}` is `{}`, which is no name for a branch: {fault}", name.escape_debug());
            }
            let (branches, place) =
                found.get_or_insert_with(|| (self.settings.branches.clone(), "`git config` here".to_owned()));
            *(if snapshots { &mut branches.snapshots } else { &mut branches.main }) = name;
            *place = "`git config` here".to_owned();
        }
        Ok(found)
    }

    fn branches_of_others(&self) -> Result<Option<(Branches, String)>> {
        if let Some((name, tip)) = self.repo.remote_head()?
            && let Some(bytes) = settings_at(self, tip)?
            && let Ok(settings) = Settings::parse(SETTINGS, &bytes)
        {
            return Ok(Some((settings.branches, format!("{name}:{SETTINGS}"))));
        }
        let usual = Branches::default();
        let mut lines: BTreeMap<(String, String), String> = BTreeMap::new();
        for (reference, tip) in self.repo.branches()? {
            let name = reference.strip_prefix("refs/heads/").or_else(|| reference.strip_prefix("refs/remotes/"));
            let name = name.unwrap_or(&reference);
            // A tip that cannot be read counts as no snapshot.
            if !self.repo.commit(tip).is_ok_and(|commit| audit::is_snapshot(&commit)) {
                continue;
            }
            let Some(bytes) = settings_at(self, in_force(self, tip)?)? else { continue };
            let Ok(settings) = Settings::parse(SETTINGS, &bytes) else { continue };
            let place = format!("{name}:{SETTINGS}");
            // A branch with the default name is always the tool's.
            if [&usual.snapshots, &format!("origin/{}", usual.snapshots)].contains(&&name.to_owned()) {
                return Ok(Some((settings.branches, place)));
            }
            lines.insert((settings.branches.main, settings.branches.snapshots), place);
        }
        if lines.len() > 1 {
            let places: Vec<&str> = lines.values().map(String::as_str).collect();
            bail!(
                "several branches hold snapshots and do not agree on the branches' names ({}); say which counts in this clone: \
                 `git config entragit.snapshots NAME` and `git config entragit.main NAME`",
                places.join(", ")
            );
        }
        Ok(lines.pop_first().map(|((main, snapshots), place)| (Branches { snapshots, main }, place)))
    }

    /// Returns how the settings of a commit are weaker than the rules in force, in one clause each. Before the first snapshot no
    /// rules are in force.
    ///
    /// # Errors
    /// If the repository cannot be read.
    pub(in crate::ops) fn weaker_settings(&self, commit: ObjectId) -> Result<Vec<String>> {
        match self.repo.root_file(commit, SETTINGS)? {
            Some(blob) => self.weaker(&self.repo.blob(blob)?),
            None if self.rules.is_some() => Ok(vec!["there are none".to_owned()]),
            None => Ok(Vec::new()),
        }
    }

    fn weaker(&self, bytes: &[u8]) -> Result<Vec<String>> {
        if self.rules.is_none() {
            return Ok(Vec::new());
        }
        Ok(match Settings::parse(SETTINGS, bytes) {
            Ok(settings) => settings.weaker_than(&self.settings),
            // Settings that cannot be read set no rules.
            Err(_) => vec!["they cannot be read".to_owned()],
        })
    }

    /// Returns the trailer of a snapshot that brings along `settings`: it names the commit whose rules hold if these are weaker,
    /// or says that a person accepted them.
    ///
    /// # Errors
    /// If the repository cannot be read.
    pub(in crate::ops) fn rules_trailer(&self, settings: Option<&ObjectId>) -> Result<Option<(String, String)>> {
        let Some(rules) = self.rules else { return Ok(None) };
        let weaker = match settings {
            Some(settings) => self.weaker(&self.repo.blob(*settings)?)?,
            // A snapshot without settings would leave the rules to whatever file comes next.
            None => vec!["there are none".to_owned()],
        };
        if weaker.is_empty() {
            return Ok(None);
        }
        if settings.is_some() && self.accept.contains(ACCEPT) {
            return Ok(Some(("Entragit-Accepted".to_owned(), ACCEPT.to_owned())));
        }
        self.events.warn(format!(
            "{SETTINGS} is weaker than the rules in force ({}), which stay as {} has them; if that is meant, \
             `entragit export --accept {ACCEPT}` makes it count",
            weaker.join("; "),
            self.guards_from
        ));
        Ok(Some((RULES.to_owned(), rules.to_string())))
    }
}

/// Returns the commit whose settings count for a snapshot: itself, or the one that it names.
fn in_force(context: &Context, snapshot: ObjectId) -> Result<ObjectId> {
    let message = context.repo.commit(snapshot)?.message;
    let Some((_, named)) = trailers(&message).into_iter().find(|(name, _)| name == RULES) else { return Ok(snapshot) };
    let looking = || {
        format!(
            "looking for the commit whose rules hold, as the snapshot {} says; `git fetch --unshallow`, or a fetch of the \
             branch that people work on, brings it",
            &snapshot.to_string()[..10]
        )
    };
    let commit: ObjectId = named.parse().with_context(looking)?;
    context.repo.commit(commit).with_context(looking)?;
    Ok(commit)
}

fn settings_at(context: &Context, commit: ObjectId) -> Result<Option<Vec<u8>>> {
    let blob = context.repo.root_file(commit, SETTINGS)?;
    Ok(blob.map(|blob| context.repo.blob(blob)).transpose()?)
}
