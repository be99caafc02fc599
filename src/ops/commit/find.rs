//! Finds the object that a person means by an id, an application id, a path, a name or `kind:name`.

use std::collections::BTreeSet;

use anyhow::{Result, anyhow, bail};

use super::lookup::{Lookup, object_in};
use super::source::Entry;
use super::when::format_time;
use crate::engine::normalize::normalize;
use crate::engine::schema;
use crate::format::path::address_of;
use crate::format::yaml;
use crate::kinds;
use crate::model::{IdMap, Kind, Object};
use crate::ops::{Context, manifest_at};
use crate::repo::{CommitInfo, ObjectId};

/// Maximum number of candidates that an error lists.
const MOST_CANDIDATES: usize = 20;

/// Represents an object found in a commit.
#[derive(Debug, Clone)]
pub struct Found {
    /// Kind of the object.
    pub kind: &'static Kind,
    /// Id of the object in the commit.
    pub id: String,
    /// Name of the object in the commit.
    pub name: String,
    /// File of the object.
    pub entry: Entry,
}

/// Represents the words by which a person means an object.
#[derive(Debug, Clone)]
pub struct Wanted {
    said: String,
    /// Text after `kind:`, or all of it.
    word: String,
    kinds: Vec<&'static Kind>,
    /// The word, and every other id of the object that has it as its id.
    words: BTreeSet<String>,
    path: Option<String>,
}

impl Wanted {
    /// Parses `text`: `kind:name`, a path, an id or a name, of the `kinds` given (none: of any). `ids` says which ids were
    /// replaced.
    pub fn parse(text: &str, kinds: &[&'static Kind], ids: &IdMap) -> Wanted {
        let kind = text.split_once(':').and_then(|(word, rest)| Some((kinds::by_word(word)?, rest)));
        let (kinds, word) = match kind {
            Some((kind, rest)) => (vec![kind], rest),
            None if kinds.is_empty() => (kinds::ALL.to_vec(), text),
            None => (kinds.to_vec(), text),
        };
        let path = word.strip_prefix("./").unwrap_or(word);
        let path = (path.contains('/') && path.ends_with(".yaml")).then(|| path.to_owned());
        let small = word.to_lowercase();
        let mut words: BTreeSet<String> = ids.family(&small).into_iter().map(str::to_owned).collect();
        words.extend(ids.family(word).into_iter().map(str::to_owned));
        words.extend([word.to_owned(), small]);
        Wanted { said: text.to_owned(), word: word.to_owned(), kinds, words, path }
    }

    fn fits(&self, kind: &'static Kind, path: &str, object: &Object) -> bool {
        if !self.kinds.contains(&kind) {
            return false;
        }
        if let Some(wanted) = &self.path {
            return wanted == path || address_of(wanted).is_ok_and(|(of, id)| of == kind && id == object.id());
        }
        let identities = schema::of(kind).identities().iter().map(String::as_str);
        let known_by = identities.chain(["id", "displayName", "userPrincipalName"]);
        known_by
            .filter_map(|name| object.text(name))
            .any(|text| self.words.contains(text) || self.words.contains(&text.to_lowercase()))
    }
}

/// Returns the object that `wanted` means in `commit`, or `None`.
///
/// # Errors
/// If the words mean several objects, or the repository cannot be read.
pub fn object(context: &Context, commit: ObjectId, wanted: &Wanted) -> Result<Option<Found>> {
    one(wanted, candidates(context, commit, wanted)?)
}

/// Returns the object that `wanted` means in `commit` or meant in an earlier one, with the latest commit that has it.
///
/// # Errors
/// If the words mean several objects or none, or the repository cannot be read.
pub fn find_in_history(context: &Context, commit: ObjectId, wanted: &Wanted) -> Result<(Found, ObjectId)> {
    if let Some(found) = object(context, commit, wanted)? {
        return Ok((found, commit));
    }
    match find_before(context, commit, wanted)? {
        Some((found, info)) => Ok((found, info.id)),
        None => Err(not_found_error(wanted)),
    }
}

/// Returns the object that `wanted` means in `commit`.
///
/// # Errors
/// If the words mean several objects or none; then the error says which earlier snapshot has it.
pub fn find_in_commit(context: &Context, commit: ObjectId, label: &str, wanted: &Wanted) -> Result<Found> {
    if let Some(found) = object(context, commit, wanted)? {
        return Ok(found);
    }
    let Some((found, last)) = find_before(context, commit, wanted)? else { return Err(not_found_error(wanted)) };
    let said = wanted.said.escape_debug();
    if let Some(entry) = Lookup::new(&context.repo, commit).find(found.kind, &found.id)?
        && let Some(object) = object_in(&context.repo, found.kind, &entry)?
    {
        bail!("nothing is called `{said}` in {label}; what was is called \"{}\" there: {}", object.name(), entry.path);
    }
    let short = &last.id.to_string()[..10];
    bail!(
        "`{said}` is not in {label}; it was last seen in snapshot {short} of {}: `entragit show {short}:{}`",
        format_time(Some(last.committed)),
        found.id
    )
}

/// Returns the error for words that mean nothing, now or in any earlier snapshot.
fn not_found_error(wanted: &Wanted) -> anyhow::Error {
    anyhow!(
        "nothing is called `{}`, now or in any earlier snapshot; give an id, an application id, a path in the repository, a \
         whole name or user principal name, or `kind:name`",
        wanted.said.escape_debug()
    )
}

fn one(wanted: &Wanted, mut found: Vec<Found>) -> Result<Option<Found>> {
    if found.len() <= 1 {
        return Ok(found.pop());
    }
    let mut lines: Vec<String> = found
        .iter()
        .take(MOST_CANDIDATES)
        .map(|it| format!("{} \"{}\" {} {}", it.kind.name, it.name, it.id, it.entry.path))
        .collect();
    if found.len() > MOST_CANDIDATES {
        lines.push(format!("and {} more", found.len() - MOST_CANDIDATES));
    }
    bail!(
        "`{}` means {} objects; give the id of one, or `kind:name`: {}",
        wanted.said.escape_debug(),
        found.len(),
        lines.join("; ")
    )
}

fn candidates(context: &Context, commit: ObjectId, wanted: &Wanted) -> Result<Vec<Found>> {
    let repo = &context.repo;
    let mut lookup = Lookup::new(repo, commit);
    let mut found = Vec::new();
    // A search by id comes first, as it reads nothing but the folders. An old id means the object that has replaced it.
    let by_path = wanted.path.as_ref().and_then(|path| address_of(path).ok());
    for kind in &wanted.kinds {
        let ids: Vec<&str> = match &by_path {
            Some((of, id)) if of == kind => vec![id],
            Some(_) => Vec::new(),
            None if kind.is_singleton() => {
                let meant = [kind.name, kind.singleton_id()].iter().any(|name| wanted.word.eq_ignore_ascii_case(name));
                meant.then(|| kind.singleton_id()).into_iter().collect()
            }
            None => wanted.words.iter().map(String::as_str).collect(),
        };
        for id in ids {
            if let Some(entry) = lookup.find(kind, id)? {
                let name = object_in(repo, kind, &entry)?.map_or_else(|| id.to_owned(), |it| it.name().to_owned());
                found.push(Found { kind, id: id.to_owned(), name, entry });
            }
        }
    }
    // An id that was replaced and still exists means its own object.
    if found.iter().any(|it| it.id == wanted.word) {
        found.retain(|it| it.id == wanted.word);
    }
    if !found.is_empty() {
        return Ok(found);
    }
    for kind in &wanted.kinds {
        let entries = lookup.files(kind)?;
        let there = |entry: &&Entry| wanted.path.as_ref().is_none_or(|path| *path == entry.path);
        let entries: Vec<&Entry> = entries.iter().filter(there).collect();
        let fitting = repo.each(&entries, |reader, entry| {
            // Parsing is expensive, and most files hold none of the words. Escaped text cannot be found in the bytes, so such
            // files are parsed.
            let bytes = reader.blob(entry.blob)?;
            let text = String::from_utf8_lossy(&bytes).to_lowercase();
            if wanted.path.is_none() && !text.contains('\\') && !wanted.words.iter().any(|word| text.contains(word)) {
                return Ok(None);
            }
            let Ok(document) = yaml::read(&entry.path, &bytes) else { return Ok(None) };
            let object = normalize(kind, document.value).object;
            anyhow::Ok(wanted.fits(kind, &entry.path, &object).then_some(object))
        })?;
        for (entry, object) in entries.into_iter().zip(fitting) {
            if let Some(object) = object {
                let (id, name) = (object.id().to_owned(), object.name().to_owned());
                found.push(Found { kind, id, name, entry: entry.clone() });
            }
        }
    }
    Ok(found)
}

/// Returns the last commit before `commit` in which `wanted` means something, along the first parents.
fn find_before(context: &Context, commit: ObjectId, wanted: &Wanted) -> Result<Option<(Found, CommitInfo)>> {
    let line = context.repo.line(commit, usize::MAX)?;
    for pair in line.windows(2) {
        let [later, earlier] = pair else { break };
        let mut found = Vec::new();
        for entry in context.repo.changed_entries(earlier.id, later.id)?.0 {
            let Ok((kind, _)) = address_of(&entry.path) else { continue };
            let entry = Entry { path: entry.path, blob: entry.blob };
            let Some(object) = object_in(&context.repo, kind, &entry)? else { continue };
            if wanted.fits(kind, &entry.path, &object) {
                found.push(Found { kind, id: object.id().to_owned(), name: object.name().to_owned(), entry });
            }
        }
        if let Some(found) = one(wanted, found)? {
            return Ok(Some((found, earlier.clone())));
        }
    }
    Ok(None)
}

/// Returns the ids that were replaced, as the last snapshot knows them.
///
/// # Errors
/// If the repository cannot be read.
pub fn replaced_ids(context: &Context) -> Result<IdMap> {
    Ok(match context.last_snapshot()? {
        Some(tip) => manifest_at(&context.repo, tip)?.ids,
        None => IdMap::default(),
    })
}
