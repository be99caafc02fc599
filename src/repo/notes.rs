//! Handles notes: bytes attached to a commit after it was made, kept under a reference of their own.

use git2::{ErrorClass, ErrorCode};

use super::commits::{committer, find};
use super::refs::patiently;
use super::tree::{MAX_BLOB, Objects, looked_up, read};
use super::{Author, ObjectId, RefMove, Repo, RepoError};

/// Name of the reference to notes that are written but not published yet.
const UNPUBLISHED: &str = "refs/notes/entragit-unpublished";

impl Repo {
    /// Returns the note of a commit under `notes_ref` (`refs/notes/…`), if it has one.
    pub fn note(&self, notes_ref: &str, commit: ObjectId) -> Result<Option<Vec<u8>>, RepoError> {
        let git = self.git();
        match looked_up(&git, || git.find_note(Some(notes_ref), commit.into())) {
            Ok(note) => {
                let odb = Objects::open(&git)?;
                Ok(Some(read(&odb, note.id().into(), git2::ObjectType::Blob, MAX_BLOB)?.data().to_vec()))
            }
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(RepoError::git(format!("read the note of {commit}"), &error)),
        }
    }

    /// Writes notes of several commits, in place of those that they have, without moving `notes_ref`. Returns the move that
    /// publishes them, for [`Repo::move_refs`].
    pub fn prepare_notes(
        &self,
        notes_ref: &str,
        notes: &[(ObjectId, Vec<u8>)],
        author: &Author,
    ) -> Result<RefMove, RepoError> {
        let expected = self.reference(notes_ref)?;
        // libgit2 writes notes only by way of a reference. One that a killed run left is replaced.
        let failed = |error: git2::Error| RepoError::git("write notes", &error);
        if let Some(left) = self.reference(UNPUBLISHED)? {
            self.delete_ref(UNPUBLISHED, left)?;
        }
        if let Some(tip) = expected {
            let git = self.git();
            patiently(|| git.reference(UNPUBLISHED, tip.into(), true, "entragit: notes")).map_err(failed)?;
        }
        for (commit, bytes) in notes {
            self.set_note(UNPUBLISHED, *commit, bytes, author)?;
        }
        let written = self.reference(UNPUBLISHED)?;
        if let Some(written) = written {
            self.delete_ref(UNPUBLISHED, written)?;
        }
        let Some(to) = written else { return Err(RepoError::Invalid("there is no note to write".into())) };
        Ok(RefMove { name: notes_ref.to_owned(), to, expected })
    }

    /// Attaches a note to a commit, in place of one it has. Notes are text: UTF-8 without NUL.
    pub fn set_note(&self, notes_ref: &str, commit: ObjectId, bytes: &[u8], author: &Author) -> Result<(), RepoError> {
        let text = std::str::from_utf8(bytes).ok().filter(|text| !text.contains('\0'));
        let Some(text) = text else {
            return Err(RepoError::Invalid("a note must be UTF-8 text without NUL".into()));
        };
        if bytes.len() as u64 > MAX_BLOB {
            let (what, size) = (format!("the note of {commit}"), bytes.len() as u64);
            return Err(RepoError::TooLarge { what, size, limit: MAX_BLOB });
        }
        if !notes_ref.starts_with("refs/notes/") || !git2::Reference::is_valid_name(notes_ref) {
            let name = notes_ref.escape_debug();
            return Err(RepoError::Invalid(format!("`{name}` is not the full name of a reference for notes")));
        }
        let git = self.git();
        find(&git, commit)?;
        let (author, committer) = (author.signature()?, committer(&git, author)?);
        // Someone else may write a note meanwhile: this one goes on top of it.
        let is_there = || {
            let found = looked_up(&git, || git.find_note(Some(notes_ref), commit.into()));
            found.is_ok_and(|note| note.message_bytes() == bytes)
        };
        let written = patiently(|| {
            git.note(&author, &committer, Some(notes_ref), commit.into(), text, true)?;
            // libgit2 1.9 says that all is well when the commit of a note could not be written.
            let lost = || git2::Error::new(ErrorCode::GenericError, ErrorClass::Odb, "its commit was not stored");
            if is_there() { Ok(()) } else { Err(lost()) }
        });
        match written {
            Err(error) if !is_there() => Err(RepoError::git(format!("write a note to {commit}"), &error)),
            _ => Ok(()),
        }
    }
}
