//! Shows one object as a commit holds it, for `show`.

use anyhow::{Result, bail};
use serde_json::{Map, Value};

use crate::engine::normalize::normalize;
use crate::engine::refs::{Names, mentioned};
use crate::engine::{diff, schema};
use crate::format::yaml;
use crate::kinds;
use crate::model::{Change, ChangeKind, FieldChange, Finding, Kind, Object, Report};
use crate::ops::Context;
use crate::ops::commit::find::{self, Found, Wanted};
use crate::ops::commit::lookup::learn_names;
use crate::ops::commit::source::Side;
use crate::repo::ObjectId;

/// Represents an object as a commit holds it.
#[derive(Debug, Clone)]
pub struct Shown {
    /// Revision that the person named.
    pub revision: String,
    /// The commit.
    pub commit: ObjectId,
    /// The object.
    pub found: Found,
    /// Bytes of the file, unchanged.
    pub bytes: Vec<u8>,
    /// Parsed content of the file, or the findings on it.
    pub value: Result<Map<String, Value>, Vec<Finding>>,
    /// Names of the objects that it refers to.
    pub names: Names,
}

/// Looks up `REV:OBJECT`, or `OBJECT` in the last snapshot.
///
/// # Errors
/// If there is no such commit or object, or the word means several.
pub fn show(context: &Context, word: &str) -> Result<Shown> {
    let (revision, commit, object) = split(context, word)?;
    let wanted = Wanted::parse(&object, &[], &find::replaced_ids(context)?);
    let found = find::find_in_commit(context, commit, &revision, &wanted)?;
    let bytes = context.repo.blob(found.entry.blob)?;
    let value = yaml::read(&found.entry.path, &bytes).map(|document| document.value);
    let object = value.as_ref().map(|value| normalize(found.kind, value.clone()).object).unwrap_or_default();
    let names = names_of(context, &[commit], &[(found.kind, &object)])?;
    Ok(Shown { revision, commit, found, bytes, value, names })
}

/// Splits `REV:OBJECT` into revision, commit and object. A colon that follows neither a revision nor a kind belongs to a name.
fn split(context: &Context, word: &str) -> Result<(String, ObjectId, String)> {
    let tip = || match context.last_snapshot()? {
        Some(tip) => Ok((context.settings.branches.snapshots.clone(), tip, word.to_owned())),
        None => bail!("there is no snapshot yet; make one with `entragit export`"),
    };
    // A date holds colons of its own: `@{2026-11-20T08:00:00Z}`.
    let from = word.find('}').filter(|_| word.contains("@{")).unwrap_or(0);
    let Some(at) = word[from..].find(':').map(|at| at + from) else { return tip() };
    let (revision, object) = (&word[..at], &word[at + 1..]);
    if kinds::by_word(revision).is_some() || revision == "new" {
        return tip();
    }
    match context.resolve(revision) {
        Ok(commit) => Ok((revision.to_owned(), commit, object.to_owned())),
        Err(error) => {
            let (label, tip, _) = tip()?;
            match find::object(context, tip, &Wanted::parse(word, &[], &find::replaced_ids(context)?))? {
                Some(_) => Ok((label, tip, word.to_owned())),
                None => Err(error),
            }
        }
    }
}

/// Returns the names of the objects that the given objects refer to, from the first commit that knows them.
///
/// # Errors
/// If the repository cannot be read.
pub fn names_of(context: &Context, commits: &[ObjectId], objects: &[(&'static Kind, &Object)]) -> Result<Names> {
    let changes = objects.iter().map(|(kind, object)| Change {
        address: kind.address(object.id()),
        called: kind.name,
        name: String::new(),
        about: kind.about(&object.0),
        what: ChangeKind::Modified(diff::objects(kind, &Object::default(), object)),
        whole: Vec::new(),
        manner: None,
        risks: Vec::new(),
        path: String::new(),
        events: Vec::new(),
    });
    let mut report = Report { changes: changes.collect(), ..Report::default() };
    // An object's own ids need no name.
    for (change, (kind, _)) in report.changes.iter_mut().zip(objects) {
        let own = |field: &FieldChange| {
            field.path() == "id" || schema::of(kind).identities().iter().any(|name| name == field.path())
        };
        if let ChangeKind::Modified(fields) = &mut change.what {
            fields.retain(|field| !own(field));
        }
    }
    names_in(context, commits, &report)
}

/// Returns the names of the objects that a report mentions, from the first commit that knows them.
///
/// # Errors
/// If the repository cannot be read.
pub fn names_in(context: &Context, commits: &[ObjectId], report: &Report) -> Result<Names> {
    let mut mentioned = mentioned(report);
    let mut names = Names::default();
    for commit in commits {
        let side = Side::unlisted(context, *commit)?;
        learn_names(&context.repo, &[&side], &mentioned, &mut names)?;
        // Looking for other identities reads every file of some kinds, so it is done for one commit only.
        mentioned.identities.clear();
    }
    Ok(names)
}
