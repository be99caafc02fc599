//! Revisions, commits, refs and notes.

use git2::{ErrorCode, Repository, Sort};

use super::{Author, ObjectId, Repo, RepoError, Result};

/// A commit without its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitInfo {
    /// Its id.
    pub id: ObjectId,
    /// Its tree.
    pub tree: ObjectId,
    /// Its parents.
    pub parents: Vec<ObjectId>,
    /// Its message.
    pub message: String,
    /// Who.
    pub author: String,
    /// When, in seconds since 1970.
    pub time: i64,
}

impl Repo {
    /// The commit that a revision names, in any way git knows: `HEAD~2`, a tag, `main@{yesterday}`.
    ///
    /// # Errors
    /// [`RepoError::Revision`] if it names none.
    pub fn resolve(&self, revision: &str) -> Result<ObjectId> {
        let git = self.git();
        let object = git.revparse_single(revision).map_err(|error| match error.code() {
            ErrorCode::NotFound | ErrorCode::InvalidSpec | ErrorCode::Ambiguous | ErrorCode::UnbornBranch => {
                RepoError::Revision(revision.to_owned())
            }
            _ => RepoError::git("looking for a revision", &error),
        })?;
        let commit = object.peel_to_commit().map_err(|_| RepoError::Revision(revision.to_owned()))?;
        Ok(ObjectId::of(commit.id()))
    }

    /// Where a ref points; `None` if there is no such ref.
    ///
    /// # Errors
    /// If the ref is damaged.
    pub fn reference(&self, name: &str) -> Result<Option<ObjectId>> {
        target(&self.git(), name)
    }

    /// The branch that HEAD names, born or not; `None` if HEAD is detached.
    pub fn head_branch(&self) -> Option<String> {
        let git = self.git();
        let head = git.find_reference("HEAD").ok()?;
        let name = head.symbolic_target().ok().flatten()?;
        name.strip_prefix("refs/heads/").map(str::to_owned)
    }

    /// A commit without its files.
    ///
    /// # Errors
    /// If it is missing or damaged.
    pub fn commit(&self, id: ObjectId) -> Result<CommitInfo> {
        info(&self.git(), id)
    }

    /// Whether one commit is the other or an ancestor of it.
    ///
    /// # Errors
    /// If history cannot be read.
    pub fn is_ancestor(&self, ancestor: ObjectId, of: ObjectId) -> Result<bool> {
        if ancestor == of {
            return Ok(true);
        }
        let git = self.git();
        git.graph_descendant_of(of.oid(), ancestor.oid()).map_err(|e| RepoError::git("reading history", &e))
    }

    /// The best common ancestor.
    ///
    /// # Errors
    /// If history cannot be read.
    pub fn merge_base(&self, a: ObjectId, b: ObjectId) -> Result<Option<ObjectId>> {
        match self.git().merge_base(a.oid(), b.oid()) {
            Ok(oid) => Ok(Some(ObjectId::of(oid))),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(RepoError::git("reading history", &error)),
        }
    }

    /// Commits from `from` backwards along first parents, at most `limit`.
    ///
    /// # Errors
    /// If history cannot be read.
    pub fn history(&self, from: ObjectId, limit: usize) -> Result<Vec<CommitInfo>> {
        let git = self.git();
        let act = "reading history";
        let mut walk = git.revwalk().map_err(|e| RepoError::git(act, &e))?;
        walk.set_sorting(Sort::TOPOLOGICAL).map_err(|e| RepoError::git(act, &e))?;
        walk.simplify_first_parent().map_err(|e| RepoError::git(act, &e))?;
        walk.push(from.oid()).map_err(|e| RepoError::git(act, &e))?;
        let mut commits = Vec::new();
        for oid in walk.take(limit) {
            let oid = oid.map_err(|e| RepoError::git(act, &e))?;
            commits.push(info(&git, ObjectId::of(oid))?);
        }
        Ok(commits)
    }

    /// Makes a commit. No ref moves.
    ///
    /// # Errors
    /// If the object database cannot be written.
    pub fn create_commit(
        &self,
        tree: ObjectId,
        parents: &[ObjectId],
        message: &str,
        author: &Author,
    ) -> Result<ObjectId> {
        let git = self.git();
        let act = "making a commit";
        let signature = author.signature(&git)?;
        let tree = git.find_tree(tree.oid()).map_err(|e| RepoError::git(act, &e))?;
        let parents: Vec<_> = parents
            .iter()
            .map(|id| git.find_commit(id.oid()))
            .collect::<Result<_, _>>()
            .map_err(|e| RepoError::git(act, &e))?;
        let parents: Vec<&git2::Commit<'_>> = parents.iter().collect();
        let oid =
            git.commit(None, &signature, &signature, message, &tree, &parents).map_err(|e| RepoError::git(act, &e))?;
        Ok(ObjectId::of(oid))
    }

    /// Moves a ref by compare-and-swap; `None` means it must not exist yet. After an error the ref is read again: what
    /// counts is where it is, not what was said.
    ///
    /// # Errors
    /// [`RepoError::Moved`] if it is elsewhere than expected.
    pub fn move_ref(&self, name: &str, to: ObjectId, expected: Option<ObjectId>, log: &str) -> Result<()> {
        let git = self.git();
        if expected == Some(to) {
            return Ok(());
        }
        let result = match expected {
            Some(expected) => git.reference_matching(name, to.oid(), true, expected.oid(), log),
            None => git.reference(name, to.oid(), false, log),
        };
        let Err(error) = result.map(drop) else { return Ok(()) };
        let found = target(&git, name)?;
        if found == Some(to) {
            return Ok(());
        }
        if found != expected || matches!(error.code(), ErrorCode::Modified | ErrorCode::Exists) {
            let found = found.map_or_else(|| "nothing".to_owned(), |id| id.to_string());
            return Err(RepoError::Moved { name: name.to_owned(), found });
        }
        Err(RepoError::git("moving a ref", &error))
    }

    /// The note on a commit.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn note(&self, notes: &str, commit: ObjectId) -> Result<Option<Vec<u8>>> {
        let git = self.git();
        match git.find_note(Some(notes), commit.oid()) {
            Ok(note) => Ok(Some(note.message_bytes().to_vec())),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(RepoError::git("reading a note", &error)),
        }
    }

    /// Puts a note on a commit, in place of any that is there.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn set_note(&self, notes: &str, commit: ObjectId, bytes: &[u8], author: &Author) -> Result<()> {
        let git = self.git();
        let signature = author.signature(&git)?;
        let text = String::from_utf8_lossy(bytes);
        git.note(&signature, &signature, Some(notes), commit.oid(), &text, true)
            .map(drop)
            .map_err(|e| RepoError::git("writing a note", &e))
    }
}

fn target(git: &Repository, name: &str) -> Result<Option<ObjectId>> {
    match git.refname_to_id(name) {
        Ok(oid) => Ok(Some(ObjectId::of(oid))),
        Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
        Err(error) => Err(RepoError::Damaged { what: format!("{name}: {}", error.message()) }),
    }
}

fn info(git: &Repository, id: ObjectId) -> Result<CommitInfo> {
    let commit = git.find_commit(id.oid()).map_err(|e| RepoError::git("reading a commit", &e))?;
    Ok(CommitInfo {
        id,
        tree: ObjectId::of(commit.tree_id()),
        parents: commit.parent_ids().map(ObjectId::of).collect(),
        message: String::from_utf8_lossy(commit.message_bytes()).into_owned(),
        author: String::from_utf8_lossy(commit.author().name_bytes()).into_owned(),
        time: commit.time().seconds(),
    })
}
