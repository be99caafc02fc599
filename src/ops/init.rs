//! Makes a tenant repository with its settings and a first commit for `init`.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::{Context, MANIFEST, SETTINGS};
use crate::format::manifest::Manifest;
use crate::format::path::Layout;
use crate::format::settings::{MainMode, Settings};
use crate::kinds;
use crate::model::Events;
use crate::repo::{ObjectId, Repo};

/// Git attributes that keep the bytes of objects the same in every clone, whatever its `core.autocrlf` says
/// (<https://git-scm.com/docs/gitattributes>).
const ATTRIBUTES: &[u8] = b"*.yaml text eol=lf\n";

/// Makes a tenant repository in `dir`.
///
/// # Errors
/// If there is a tenant repository already, or the folder cannot be written.
pub fn init(
    dir: &Path,
    tenant: &str,
    bare: bool,
    layout: &BTreeMap<&'static str, Layout>,
    break_glass: &[String],
    events: &Events,
) -> Result<Context> {
    let start = Start { tenant, bare, layout, break_glass, main: MainMode::Follow };
    start.init(dir, events)
}

/// Describes a new tenant repository.
#[derive(Debug)]
pub struct Start<'a> {
    /// Id of the tenant.
    pub tenant: &'a str,
    /// True if there is to be no work tree.
    pub bare: bool,
    /// Layout of large kinds.
    pub layout: &'a BTreeMap<&'static str, Layout>,
    /// Emergency accounts, by user principal name or object id.
    pub break_glass: &'a [String],
    /// Tells whether new snapshots move the branch that people work on.
    pub main: MainMode,
}

impl Start<'_> {
    /// Makes the repository in `dir`.
    ///
    /// # Errors
    /// If there is a tenant repository already, or the folder cannot be written.
    pub fn init(&self, dir: &Path, events: &Events) -> Result<Context> {
        let Start { tenant, bare, layout, break_glass, main } = *self;
        let text = Settings::template(tenant, break_glass, main);
        let settings = Settings::parse(SETTINGS, text.as_bytes()).map_err(super::Invalid)?;
        let main = format!("refs/heads/{}", settings.branches.main);
        std::fs::create_dir_all(dir).with_context(|| format!("making {}", dir.display()))?;
        let repo = Repo::init(dir, &settings.branches.main, bare)?;
        if repo.reference(&main)?.is_some() {
            let head = repo.resolve(&main)?;
            if repo.root_file(head, SETTINGS)?.is_some() {
                bail!("{} is a tenant repository already; go on with `entragit export`", dir.display());
            }
            bail!("{} is a git repository with commits of its own; choose an empty folder", dir.display());
        }
        let manifest = Manifest {
            tenant: tenant.to_owned(),
            layout: kinds::ALL
                .iter()
                .filter_map(|kind| Some((kind.name.to_owned(), layout.get(kind.name).copied()?)))
                .filter(|(_, layout)| *layout != Layout::Flat)
                .collect(),
            ..Manifest::default()
        };
        let mut writer = repo.writer()?;
        let mut files = BTreeMap::new();
        files.insert(SETTINGS.to_owned(), writer.put(text.as_bytes())?);
        files.insert(".gitattributes".to_owned(), writer.put(ATTRIBUTES)?);
        files.insert(MANIFEST.to_owned(), writer.put(manifest.to_bytes())?);
        let tree = writer.finish(&files)?;
        let message = format!("Settings for tenant {tenant}\n\nEntragit-Tenant: {tenant}\n");
        let commit = repo.create_commit(tree, &[], &message, &repo.author())?;
        repo.move_ref(&main, commit, None, "entragit: init")?;
        if repo.workdir().is_some() {
            repo.update_worktree(None::<ObjectId>, commit)?;
        }
        events.note(format!("{} is a tenant repository now; next: `entragit export`", dir.display()));
        Context::open(dir, events.clone())
    }
}
