//! Stores state that is not history: bytes under a reference of their own, in one commit without parents that the next one
//! replaces. It is pushed and fetched like a branch, so that another clone can continue from it.

use std::collections::BTreeMap;

use super::{Repo, RepoError};

/// Name of the state's reference.
pub const STATE: &str = "refs/entragit/state";
const FILE: &str = "state.json";

impl Repo {
    /// Returns the state's bytes, if there is one. They may come from anyone who can push, so the caller must check them.
    pub fn state(&self) -> Result<Option<Vec<u8>>, RepoError> {
        let Some(commit) = self.reference(STATE)? else { return Ok(None) };
        let entries = self.entries(commit)?;
        entries.iter().find(|entry| entry.path == FILE).map(|entry| self.blob(entry.blob)).transpose()
    }

    /// Replaces the state. The same bytes change nothing.
    pub fn set_state(&self, bytes: &[u8], message: &str) -> Result<(), RepoError> {
        let before = self.reference(STATE)?;
        let mut writer = self.writer()?;
        let blob = writer.put(bytes)?;
        let tree = writer.finish(&BTreeMap::from([(FILE.to_owned(), blob)]))?;
        // Any other content of the reference is replaced.
        if before.is_some_and(|before| self.commit(before).is_ok_and(|commit| commit.tree == tree)) {
            return Ok(());
        }
        let commit = self.create_commit(tree, &[], message, &self.author())?;
        self.move_ref(STATE, commit, before, "entragit: state")
    }
}
