//! Finds the target of a plan: a commit, a range of changes, or a commit of another tenant.

use std::path::Path;

use anyhow::{Result, bail};

use super::super::credentials::SignIn;
use super::super::selection::{Selectors, scope};
use crate::ops::Context;
use crate::ops::plan::{Aim, changes, translate};
use crate::repo::Worktree;

/// The target that the arguments name.
pub(super) struct Wanted<'a> {
    pub(super) to: &'a str,
    pub(super) changes: Option<&'a str>,
    pub(super) prune: bool,
    pub(super) adopt: bool,
    pub(super) map: Option<&'a Path>,
}

impl Wanted<'_> {
    /// Returns the aim of a plan to the target.
    ///
    /// # Errors
    /// If a commit, the map or a selector names nothing.
    pub(super) fn aim(&self, context: &Context, selectors: &Selectors) -> Result<Aim> {
        if let Some(map) = self.map {
            let from = translate::From { to: self.to, map, scope: scope(selectors)?, prune: self.prune };
            return translate::aim(context, &from);
        }
        let (since, to) = match self.changes {
            Some(text) => {
                let (since, to) = changes::range(context, text)?;
                (Some(since), to)
            }
            None => (None, self.to.to_owned()),
        };
        uncommitted(context, &to)?;
        Ok(Aim { to, since, scope: scope(selectors)?, prune: self.prune, adopt: self.adopt, ..Aim::default() })
    }
}

/// Refuses a translation for another tenant than the repository's. It is planned in the repository of the tenant that is written
/// to: its snapshots say what is there, its settings whom nobody may lock out.
///
/// # Errors
/// If there is a map, and the sign-in names another tenant.
pub(super) fn own_tenant(context: &Context, map: Option<&Path>, sign_in: &SignIn) -> Result<()> {
    let own = &context.settings.tenant;
    match &sign_in.tenant {
        Some(tenant) if map.is_some() && !tenant.eq_ignore_ascii_case(own) => bail!(
            "this repository is of tenant {own}, and the plan is for tenant {tenant}; make a repository of that one (`entragit \
             --repo DIR init --tenant {tenant}`, `entragit --repo DIR export`), fetch this one into it (`git -C DIR fetch {} \
             main`), and plan there with --to FETCH_HEAD",
            context.repo.workdir().unwrap_or_else(|| context.repo.git_dir()).display()
        ),
        _ => Ok(()),
    }
}

/// Says that edits in the work tree are not in a plan to HEAD: who just made them would think so.
fn uncommitted(context: &Context, to: &str) -> Result<()> {
    let head = context.resolve("HEAD")?;
    if context.repo.workdir().is_none() || context.resolve(to)? != head {
        return Ok(());
    }
    if let Worktree::Dirty(paths) = context.repo.worktree_state(head)? {
        context.events.warn(format!(
            "the work tree has uncommitted changes ({}{}), which are in no commit and so in no plan",
            paths.first().map_or("", String::as_str),
            if paths.len() > 1 { format!(" and {} more", paths.len() - 1) } else { String::new() }
        ));
    }
    Ok(())
}
