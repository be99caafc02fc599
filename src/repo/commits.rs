//! Reads, walks and creates commits.

use std::time::{SystemTime, UNIX_EPOCH};

use git2::{Commit, ErrorCode, ObjectType, Repository, Signature, Sort, Time};

use super::pack::flush_folder;
use super::tree::{MAX_BLOB, Objects, looked_up, read, retried};
use super::{ObjectId, Repo, RepoError};
use super::{identity, signing};

/// Names the person who made a commit, and the time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// Name, as it is shown.
    pub name: String,
    /// Mail address, or something of that form.
    pub email: String,
    /// Seconds since 1970; `None` stands for now, and is never read from a commit.
    pub time: Option<i64>,
}

/// Holds the content of a commit object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitInfo {
    /// Id of the commit.
    pub id: ObjectId,
    /// Id of its tree: equal ids mean equal content.
    pub tree: ObjectId,
    /// Ids of the commits that it follows.
    pub parents: Vec<ObjectId>,
    /// The whole message; bytes that are no UTF-8 are replaced.
    pub message: String,
    /// Author of the change, with the time.
    pub author: Author,
    /// Time of the commit, in seconds since 1970: not before the tenant was read.
    pub committed: i64,
}

impl Repo {
    /// Returns the author of new commits: from git's variables or its configuration, or the tool itself where neither names one.
    pub fn author(&self) -> Author {
        identity::author(&self.git())
    }

    /// Returns the SSH key that git signs with (`user.signingKey`), if it is a file.
    pub fn signing_key(&self) -> Option<std::path::PathBuf> {
        self.git().config().ok()?.get_path("user.signingKey").ok()
    }

    /// Returns the content of a commit.
    pub fn commit(&self, id: ObjectId) -> Result<CommitInfo, RepoError> {
        let git = self.git();
        Ok(info(&find(&git, id)?))
    }

    /// Returns true if `of` is `ancestor` or follows it.
    pub fn is_ancestor(&self, ancestor: ObjectId, of: ObjectId) -> Result<bool, RepoError> {
        let git = self.git();
        find(&git, ancestor)?;
        find(&git, of)?;
        if ancestor == of {
            return Ok(true);
        }
        looked_up(&git, || git.graph_descendant_of(of.into(), ancestor.into()))
            .map_err(|error| RepoError::git("walk the history", &error))
    }

    /// Returns the last commit that both follow; `None` if they share no history.
    ///
    /// # Errors
    /// [`RepoError::Shallow`] if a shallow clone shows none: the commits that it lacks may be shared.
    pub fn merge_base(&self, a: ObjectId, b: ObjectId) -> Result<Option<ObjectId>, RepoError> {
        let git = self.git();
        find(&git, a)?;
        find(&git, b)?;
        match looked_up(&git, || git.merge_base(a.into(), b.into())) {
            Ok(base) => Ok(Some(base.into())),
            Err(error) if error.code() == ErrorCode::NotFound && git.is_shallow() => {
                let short = |id: ObjectId| id.to_string()[..10].to_owned();
                Err(RepoError::Shallow { hidden: format!("the history that {} and {} share", short(a), short(b)) })
            }
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(RepoError::git("walk the history", &error)),
        }
    }

    /// Returns up to `limit` commits from `from` back, newest first.
    pub fn history(&self, from: ObjectId, limit: usize) -> Result<Vec<CommitInfo>, RepoError> {
        let git = self.git();
        find(&git, from)?;
        let failed = |error: git2::Error| RepoError::git("walk the history", &error);
        let ids = looked_up(&git, || {
            let mut walk = git.revwalk()?;
            walk.set_sorting(Sort::TIME)?;
            walk.push(from.into())?;
            walk.take(limit).collect::<Result<Vec<_>, _>>()
        });
        ids.map_err(failed)?.into_iter().map(|id| Ok(info(&find(&git, id.into())?))).collect()
    }

    /// Returns up to `limit` commits from `from` back along first parents, newest first, without the commits that were merged in.
    pub fn line(&self, from: ObjectId, limit: usize) -> Result<Vec<CommitInfo>, RepoError> {
        let git = self.git();
        let failed = |error: git2::Error| RepoError::git("walk the history", &error);
        let mut commits = Vec::new();
        let mut next = Some(find(&git, from)?);
        while let Some(commit) = next.filter(|_| commits.len() < limit) {
            commits.push(info(&commit));
            next = match commit.parent_count() {
                0 => None,
                // The history of a shallow clone ends here.
                _ if git.is_shallow() && commit.parent_id(0).is_ok_and(|id| git.find_commit(id).is_err()) => None,
                _ => Some(find(&git, commit.parent_id(0).map_err(failed)?.into())?),
            };
        }
        Ok(commits)
    }

    /// Returns the commits that `to` follows and `from` does not, newest first.
    pub fn range(&self, from: ObjectId, to: ObjectId) -> Result<Vec<CommitInfo>, RepoError> {
        let git = self.git();
        find(&git, from)?;
        find(&git, to)?;
        let failed = |error: git2::Error| RepoError::git("walk the history", &error);
        let ids = looked_up(&git, || {
            let mut walk = git.revwalk()?;
            walk.set_sorting(Sort::TIME | Sort::TOPOLOGICAL)?;
            walk.push(to.into())?;
            walk.hide(from.into())?;
            walk.collect::<Result<Vec<_>, _>>()
        });
        ids.map_err(failed)?.into_iter().map(|id| Ok(info(&find(&git, id.into())?))).collect()
    }

    /// Writes a commit without moving a reference: no one sees it before a reference leads to it. The committer is git's
    /// configured user, or else the author.
    pub fn create_commit(
        &self,
        tree: ObjectId,
        parents: &[ObjectId],
        message: &str,
        author: &Author,
    ) -> Result<ObjectId, RepoError> {
        let committer = committer(&self.git(), author)?;
        self.write_commit(tree, parents, message, author, &committer)
    }

    /// Creates a commit like [`Repo::create_commit`], for an author who is someone else, at another time: the committer is the
    /// present user, now.
    pub fn create_commit_for(
        &self,
        tree: ObjectId,
        parents: &[ObjectId],
        message: &str,
        author: &Author,
    ) -> Result<ObjectId, RepoError> {
        let committer = identity::committer(&self.git()).signature()?;
        self.write_commit(tree, parents, message, author, &committer)
    }

    fn write_commit(
        &self,
        tree: ObjectId,
        parents: &[ObjectId],
        message: &str,
        author: &Author,
        committer: &Signature<'_>,
    ) -> Result<ObjectId, RepoError> {
        let git = self.git();
        let failed = |error: git2::Error| RepoError::git("write a commit", &error);
        let tree = looked_up(&git, || git.find_tree(tree.into())).map_err(failed)?;
        let parents = parents.iter().map(|id| find(&git, *id)).collect::<Result<Vec<_>, _>>()?;
        let parents: Vec<&Commit<'_>> = parents.iter().collect();
        let author = author.signature()?;
        let message = message.replace('\0', " ");
        let bytes = git.commit_create_buffer(&author, committer, &message, &tree, &parents).map_err(failed)?;
        let text = String::from_utf8_lossy(&bytes);
        let id = match signing::signature(&git, &text)? {
            Some(signature) => retried(|| git.commit_signed(&text, signature.trim_end(), None)),
            // `git_commit_create` says that all is well when the object could not be written (libgit2 1.9).
            None => retried(|| git.odb()?.write(ObjectType::Commit, &bytes)),
        };
        let id = id.map_err(failed)?;
        flush_folder(&self.common_dir().join("objects"))?;
        Ok(id.into())
    }
}

impl Author {
    /// Returns the signature as git writes it: always UTC, and without characters that end a name or a line.
    pub(super) fn signature(&self) -> Result<Signature<'static>, RepoError> {
        let time = self.time.unwrap_or_else(now);
        let (name, email) = (cleaned(&self.name, "unknown"), cleaned(&self.email, "unknown@invalid"));
        Signature::new(&name, &email, &Time::new(time, 0)).map_err(|error| RepoError::git("name an author", &error))
    }
}

/// Returns the committer, at the author's time unless git's variables name another; the author where nobody is configured.
pub(super) fn committer(git: &Repository, author: &Author) -> Result<Signature<'static>, RepoError> {
    let Some(committer) = identity::configured(git, "COMMITTER") else { return author.signature() };
    Author { time: committer.time.or(author.time), ..committer }.signature()
}

pub(super) fn find(git: &Repository, id: ObjectId) -> Result<Commit<'_>, RepoError> {
    let commit = looked_up(git, || git.find_commit(id.into())).map_err(|error| match error.code() {
        ErrorCode::NotFound => RepoError::Missing {
            id,
            hint: match git.is_shallow() {
                true => ": the clone is shallow, `git fetch --unshallow` completes it".into(),
                false => ": `git fetch` may bring it".into(),
            },
        },
        _ => RepoError::git(format!("read commit {id}"), &error),
    })?;
    let odb = Objects::open(git)?;
    read(&odb, id, ObjectType::Commit, MAX_BLOB)?;
    Ok(commit)
}

fn info(commit: &Commit<'_>) -> CommitInfo {
    let author = commit.author();
    CommitInfo {
        id: commit.id().into(),
        tree: commit.tree_id().into(),
        parents: commit.parent_ids().map(ObjectId::from).collect(),
        message: String::from_utf8_lossy(commit.message_bytes()).into_owned(),
        author: Author {
            name: String::from_utf8_lossy(author.name_bytes()).into_owned(),
            email: String::from_utf8_lossy(author.email_bytes()).into_owned(),
            time: Some(author.when().seconds()),
        },
        committed: commit.time().seconds(),
    }
}

fn cleaned(text: &str, otherwise: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() || matches!(c, '<' | '>') { ' ' } else { c }).collect();
    // Git itself drops such characters at both ends, and refuses a name that has no others.
    let crud = |c: char| c.is_ascii_whitespace() || matches!(c, '.' | ',' | ':' | ';' | '"' | '\\' | '\'');
    match text.trim_matches(crud) {
        "" => otherwise.to_owned(),
        rest => rest.to_owned(),
    }
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).ok().and_then(|since| i64::try_from(since.as_secs()).ok()).unwrap_or(0)
}
