//! Provides [`Side`]: one of the two sides that a command compares, indexed but not parsed. Files that are equal on both sides
//! are never parsed, so the cost depends on the size of the change.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::engine::normalize::normalize;
use crate::engine::refs::Names;
use crate::format::manifest::Manifest;
use crate::format::path::{address_of, is_folder_of_objects, is_reserved};
use crate::format::yaml;
use crate::kinds;
use crate::model::finding::Severity;
use crate::model::{Address, Coverage, CoverageMap, Finding, IdMap, Kind, Object, Snapshot};
use crate::ops::read::live;
use crate::ops::{Context, Invalid, MANIFEST, SETTINGS, manifest_at, manifest_of};
use crate::repo::{Listing, Mode, ObjectId, Reader, Repo, WorktreeFiles, blob_id};
use crate::tenant::TenantRead;

mod comparing;
use comparing::{Comparing, untouched};

/// Names the place from which a snapshot is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A commit, by any name that git knows.
    Commit(String),
    /// The files as they lie in the work tree.
    Worktree,
    /// The tenant itself.
    Live,
}

impl Source {
    /// Parses the word by which a person names a source.
    pub fn parse(word: &str) -> Source {
        match word {
            "worktree" => Source::Worktree,
            "live" => Source::Live,
            revision => Source::Commit(revision.to_owned()),
        }
    }
}

/// Represents one side of a comparison: every address with the id of its bytes.
pub struct Side {
    /// Name of the side, for people.
    pub label: String,
    /// Commit of the side, if it is one.
    pub commit: Option<ObjectId>,
    /// Every object that is in a file of its own.
    pub index: BTreeMap<Address, Entry>,
    /// Manifest of the side: coverage, layout, unknown properties.
    pub manifest: Manifest,
    /// True if there is a manifest. Files that people made without one count as complete for their kinds.
    pub described: bool,
    /// Bytes that are not in the object database: of the work tree, or of live objects that the other side lacks.
    pub bytes: BTreeMap<ObjectId, Vec<u8>>,
    /// Names learned while reading.
    pub names: Names,
    /// Files that have no address in their path (a person named them), with their content.
    pub odd: BTreeMap<String, Vec<u8>>,
    /// Findings on files in places where none may be.
    pub misplaced: Vec<Finding>,
    /// Objects as the server makes them, one for each kind and each sort of its objects, of those of which nobody changed one.
    pub defaults: BTreeMap<(&'static str, String), Object>,
    /// True if the side is an earlier state compared with today's: objects that came into a filter since then do not count as
    /// absent here.
    pub looks_back: bool,
}

/// Location of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Path in the repository.
    pub path: String,
    /// Git's id of the object's bytes.
    pub blob: ObjectId,
}

impl Side {
    /// Reads a commit: its tree, but not its files.
    ///
    /// # Errors
    /// If the revision is unknown, or the tree holds what no tenant repository may hold.
    pub fn commit(context: &Context, revision: &str) -> Result<Side> {
        let commit = context.resolve(revision)?;
        let Listing { entries, unusual } = context.repo.listing(commit)?;
        let files: BTreeMap<_, _> = entries.into_iter().map(|entry| (entry.path, entry.blob)).collect();
        let manifest = manifest_of(&context.repo, &files)?;
        let described = files.contains_key(MANIFEST);
        let mut side = Side::of_files(context, revision, commit, manifest, files.into_iter())?;
        side.misplaced.extend(unread_of(&unusual));
        Ok(Side { described, ..side })
    }

    /// Returns the side of a commit without a list of its files, to look single objects up in.
    ///
    /// # Errors
    /// If the commit cannot be read.
    pub fn unlisted(context: &Context, commit: ObjectId) -> Result<Side> {
        let manifest = manifest_at(&context.repo, commit)?;
        Side::of_files(context, &commit.to_string(), commit, manifest, std::iter::empty())
    }

    /// Reads two commits, each with only those files in which they differ: equal files are not even listed.
    ///
    /// # Errors
    /// Fails like the function for one commit.
    pub fn commits(context: &Context, a: &str, b: &str) -> Result<[Side; 2]> {
        let commits = [context.resolve(a)?, context.resolve(b)?];
        let (left, right) = context.repo.changed_listings(commits[0], commits[1])?;
        let side = |revision, commit, listing: Listing| {
            let manifest = manifest_at(&context.repo, commit)?;
            let root = context.repo.folder(context.repo.commit(commit)?.tree)?;
            let described = root.files.iter().any(|(name, _)| name == MANIFEST);
            let files = listing.entries.into_iter().map(|entry| (entry.path, entry.blob));
            let mut side = Side::of_files(context, revision, commit, manifest, files)?;
            side.misplaced.extend(unread_of(&listing.unusual));
            anyhow::Ok(Side { described, ..side })
        };
        Ok([side(a, commits[0], left)?, side(b, commits[1], right)?])
    }

    fn of_files(
        context: &Context,
        revision: &str,
        commit: ObjectId,
        manifest: Manifest,
        files: impl Iterator<Item = (String, ObjectId)>,
    ) -> Result<Side> {
        let label = if revision.len() == 40 { revision[..10].to_owned() } else { revision.to_owned() };
        let repo = &context.repo;
        let mut side = Side::new(label, manifest);
        side.commit = Some(commit);
        side.fill(files.map(|(path, blob)| (path, blob, None)), |blob| Ok(repo.blob(blob)?))?;
        Ok(side)
    }

    /// Reads the work tree.
    ///
    /// # Errors
    /// If there is no work tree, or it holds what no tenant repository may hold.
    pub fn worktree(context: &Context) -> Result<Side> {
        if context.repo.workdir().is_none() {
            bail!("the repository is bare and has no work tree; name a commit instead of `worktree`");
        }
        let wanted = |path: &str| path == MANIFEST || !is_reserved(path);
        let WorktreeFiles { files, links } = context.repo.worktree_files(wanted)?;
        let manifest = match files.iter().find(|(path, _)| path == MANIFEST) {
            Some((_, bytes)) => Manifest::read(bytes).map_err(Invalid)?,
            None => Manifest::default(),
        };
        let mut side = Side::new("worktree".to_owned(), manifest);
        side.described = files.iter().any(|(path, _)| path == MANIFEST);
        let files = files.into_iter().map(|(path, bytes)| (path, blob_id(&bytes), Some(bytes)));
        side.fill(files, |_| Ok(Vec::new()))?;
        side.misplaced.extend(links.iter().filter_map(|path| unread(path)));
        Ok(side)
    }

    /// Reads the live tenant. Bytes that `others` have as well are dropped as they come. Objects of the last snapshot that the
    /// lists lack are asked for by id, unless `trust` says that the lists are right: after a run has deleted objects itself. `ids`
    /// are the present ids of objects that were created again.
    ///
    /// # Errors
    /// If the tenant is another one than the repository's.
    pub async fn live<T: TenantRead>(
        context: &Context,
        tenant: &T,
        kinds: &[&'static Kind],
        others: &[&Side],
        trust: Trust,
        ids: &IdMap,
    ) -> Result<Side> {
        check_tenant(context, tenant).await?;
        let layout = others.first().map(|side| side.manifest.layout.clone()).unwrap_or_default();
        let mut side = Side::new("live".to_owned(), Manifest::default());
        let filters = &context.settings.scope.filters;
        let filters: BTreeMap<_, _> =
            filters.iter().filter(|(name, _)| kinds.iter().any(|kind| kind.name == **name)).collect();
        // Objects may have other ids today than in an older commit; the last snapshot has today's ids.
        let last = match context.last_snapshot()?.filter(|_| !filters.is_empty() || trust == Trust::Prove) {
            Some(last) => Some(Side::commit(context, &last.to_string())?),
            None => None,
        };
        let known: Vec<&Side> = others.iter().copied().chain(&last).collect();
        let untouched = untouched(kinds, &known, ids);
        let filters = filters.into_iter().map(|(kind, filter)| ((*kind).to_owned(), filter.clone())).collect();
        let last = last.as_ref().filter(|_| trust == Trust::Prove);
        let repo = &context.repo;
        let mut sink = Comparing { repo, side: &mut side, others, last, known, filters: &filters, untouched };
        let reading = live::read(tenant, kinds, &layout, &context.events.briefly(), &mut sink).await?;
        side.manifest = Manifest {
            coverage: reading.coverage,
            unknown_properties: reading.tally.unknown(),
            layout,
            filters,
            ..Manifest::default()
        };
        side.names = reading.names;
        Ok(side)
    }

    /// Returns a side that holds nothing.
    pub fn empty() -> Side {
        Side::new(String::new(), Manifest::default())
    }

    fn new(label: String, manifest: Manifest) -> Side {
        Side {
            label,
            commit: None,
            index: BTreeMap::new(),
            manifest,
            described: true,
            bytes: BTreeMap::new(),
            names: Names::default(),
            odd: BTreeMap::new(),
            misplaced: Vec::new(),
            defaults: BTreeMap::new(),
            looks_back: false,
        }
    }

    fn fill(
        &mut self,
        files: impl Iterator<Item = (String, ObjectId, Option<Vec<u8>>)>,
        read: impl Fn(ObjectId) -> Result<Vec<u8>>,
    ) -> Result<()> {
        let mut findings = Vec::new();
        for (path, blob, bytes) in files {
            if is_reserved(&path) {
                continue;
            }
            match address_of(&path) {
                Ok((kind, id)) => {
                    let address = Address::new(kind, id);
                    if let Some(other) = self.index.insert(address.clone(), Entry { path: path.clone(), blob }) {
                        findings
                            .push(problem(&path, format!("{address} is also in {}; delete one of them", other.path)));
                    }
                    if let Some(bytes) = bytes {
                        self.bytes.insert(blob, bytes);
                    }
                }
                Err(reason) if reason.may_be_new() => {
                    let bytes = match bytes {
                        Some(bytes) => bytes,
                        None => read(blob)?,
                    };
                    self.odd.insert(path, bytes);
                }
                Err(reason) => findings.push(problem(&path, reason.to_string())),
            }
        }
        self.misplaced = findings;
        Ok(())
    }

    /// Returns the bytes of an object.
    ///
    /// # Errors
    /// If the object database lacks them.
    pub fn read(&self, repo: &Repo, entry: &Entry) -> Result<Vec<u8>> {
        match self.bytes.get(&entry.blob) {
            Some(bytes) => Ok(bytes.clone()),
            None => repo.blob(entry.blob).with_context(|| format!("reading {}", entry.path)),
        }
    }

    /// Returns an object, or none if its file does not parse.
    ///
    /// # Errors
    /// If the object database lacks its bytes.
    pub fn object(&self, repo: &Repo, kind: &'static Kind, entry: &Entry) -> Result<Option<Object>> {
        let bytes = self.read(repo, entry)?;
        Ok(yaml::read(&entry.path, &bytes).ok().map(|document| normalize(kind, document.value).object))
    }

    /// Returns what is known completely. A manifest that does not mention a kind proves no absence: the commit that `init` makes
    /// holds no object, and the tenant is not empty because of that.
    pub fn coverage(&self) -> CoverageMap {
        if self.described {
            return self.manifest.coverage.clone();
        }
        let mut coverage = CoverageMap::default();
        let held: BTreeSet<&str> = self.index.keys().map(|address| address.kind.name).collect();
        for kind in kinds::ALL.iter().filter(|kind| held.contains(kind.name)) {
            coverage.set_kind(kind.name, Coverage::Complete);
            for link in kind.links {
                coverage.set_link(kind.name, link.name, Coverage::Complete);
            }
        }
        coverage
    }
}

/// Checks that the tenant which answers is the one that the repository is about.
///
/// # Errors
/// If it is not, naming both.
pub async fn check_tenant<T: TenantRead>(context: &Context, tenant: &T) -> Result<()> {
    // A clone with conflicting snapshots is refused before anything is asked.
    context.last_snapshot()?;
    let found = tenant.tenant_id().await.context("asking the tenant for its id")?;
    if !found.eq_ignore_ascii_case(&context.settings.tenant) {
        bail!(
            "this repository is of tenant {}, but the sign-in is for tenant {found}; nothing was read or written",
            context.settings.tenant
        );
    }
    Ok(())
}

/// Tells whether a list of the live tenant is trusted without a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Objects of the last snapshot that the list lacks are asked for by id before they count as gone.
    Prove,
    /// The list is trusted: the run has just written, and waits until its writes show.
    Lists,
}

/// Returns an error about a file as a whole.
fn problem(path: &str, message: String) -> Finding {
    Finding { path: path.to_owned(), line: 0, column: 0, severity: Severity::Error, check: "path", message }
}

/// Returns a finding for a symbolic link or a submodule in a place where files are read; none in other places.
fn unread(path: &str) -> Option<Finding> {
    // Where an object's own file was, an unread link would pass for an object that is not wanted.
    let (severity, by) = if is_folder_of_objects(path) {
        (Severity::Error, "a folder, since no object below it is read")
    } else if address_of(path).is_ok() || path == MANIFEST || path == SETTINGS {
        (Severity::Error, "a file")
    } else if !is_reserved(path) {
        (Severity::Warning, "a file")
    } else {
        return None;
    };
    let message = format!("symbolic links and submodules are not read; replace it by {by}");
    Some(Finding { severity, ..problem(path, message) })
}

fn unread_of(unusual: &BTreeMap<String, (Mode, ObjectId)>) -> impl Iterator<Item = Finding> {
    unusual.iter().filter(|(_, (mode, _))| !mode.is_file()).filter_map(|(path, _)| unread(path))
}

/// Returns the two snapshots of two sides, parsed only where their bytes differ or `also` returns true.
///
/// # Errors
/// [`Invalid`] with every finding, if files cannot be parsed.
pub fn snapshots(repo: &Repo, a: &Side, b: &Side, also: &dyn Fn(&Address) -> bool) -> Result<(Snapshot, Snapshot)> {
    let filtered = |side: &Side| side.manifest.filters.keys().cloned().collect();
    let mut left = Snapshot { coverage: a.coverage(), filtered: filtered(a), ..Snapshot::default() };
    let mut right = Snapshot { coverage: b.coverage(), filtered: filtered(b), ..Snapshot::default() };
    let misplaced = a.misplaced.iter().chain(&b.misplaced);
    let mut findings: Vec<Finding> = misplaced.filter(|it| it.severity == Severity::Error).cloned().collect();
    let addresses: BTreeSet<&Address> = a.index.keys().chain(b.index.keys()).collect();
    let mut wanted = Vec::new();
    for address in addresses {
        let (x, y) = (a.index.get(address), b.index.get(address));
        let hidden = match (x, y) {
            (Some(_), None) => b.may_hide_from(a, address.kind.name),
            (None, Some(_)) => a.may_hide_from(b, address.kind.name),
            _ => false,
        };
        if hidden {
            continue;
        }
        if x.zip(y).is_some_and(|(x, y)| x.blob == y.blob) && !also(address) {
            left.unchanged.insert(address.clone());
            right.unchanged.insert(address.clone());
        } else {
            wanted.push((address, x, y));
        }
    }
    let parsed = repo.each(&wanted, |reader, (address, x, y)| {
        let one =
            |side: &Side, entry: &Option<&Entry>| entry.map(|entry| parse(reader, side, address, entry)).transpose();
        anyhow::Ok((one(a, x)?, one(b, y)?))
    })?;
    for ((address, ..), (x, y)) in wanted.into_iter().zip(parsed) {
        for (object, snapshot) in [(x, &mut left), (y, &mut right)] {
            match object {
                Some(Ok(object)) => drop(snapshot.objects.insert(address.clone(), object)),
                Some(Err(found)) => findings.extend(found),
                None => {}
            }
        }
    }
    for (side, snapshot) in [(a, &mut left), (b, &mut right)] {
        for (path, bytes) in &side.odd {
            match new_object(path, bytes) {
                Ok((address, object)) => drop(snapshot.objects.insert(address, object)),
                Err(found) => findings.extend(found),
            }
        }
    }
    findings.sort();
    findings.dedup();
    if findings.is_empty() { Ok((left, right)) } else { Err(Invalid(findings).into()) }
}

fn parse(reader: &Reader<'_>, side: &Side, address: &Address, entry: &Entry) -> Result<Result<Object, Vec<Finding>>> {
    let bytes = match side.bytes.get(&entry.blob) {
        Some(bytes) => Cow::Borrowed(bytes),
        None => Cow::Owned(reader.blob(entry.blob).with_context(|| format!("reading {}", entry.path))?),
    };
    let kind = address.kind;
    Ok(yaml::read(&entry.path, &bytes).map(|document| normalize(kind, document.value).object))
}

/// Returns the object that a file names whose own name a person chose.
pub fn named_object(side: &Side, address: &Address) -> Option<Object> {
    let mut named = side.odd.iter().filter_map(|(path, bytes)| new_object(path, bytes).ok());
    named.find_map(|(found, object)| (found == *address).then_some(object))
}

/// Reads a file that a person named: the folder tells the kind, the id in the file the rest of the address.
///
/// # Errors
/// Findings, if the file does not parse or has no id.
pub fn new_object(path: &str, bytes: &[u8]) -> Result<(Address, Object), Vec<Finding>> {
    let document = yaml::read(path, bytes)?;
    let kind = kind_of_folder(path).ok_or_else(|| vec![problem(path, "no kind has this folder".to_owned())])?;
    match document.value.get("id").and_then(Value::as_str) {
        Some(id) => Ok((Address::new(kind, id), normalize(kind, document.value).object)),
        None => Err(vec![problem(
            path,
            "the object has no id; add `id: new:<label>` for one that is to be created".to_owned(),
        )]),
    }
}

/// Returns the kind whose folder `path` is in.
pub fn kind_of_folder(path: &str) -> Option<&'static Kind> {
    kinds::ALL
        .iter()
        .copied()
        .find(|kind| path.strip_prefix(kind.folder).is_some_and(|rest| rest.starts_with('/')) && !kind.is_singleton())
}
