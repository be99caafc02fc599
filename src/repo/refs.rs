//! Reads references, and moves them by compare-and-swap.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use git2::{ErrorClass, ErrorCode, ObjectType, Reference, Repository};

use super::reflog::begins_later;
use super::tree::{looked_up, retried};
use super::{ObjectId, Repo, RepoError};

/// Represents a reference that is to be moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefMove {
    /// Full name of the reference.
    pub name: String,
    /// New target.
    pub to: ObjectId,
    /// Target before the move; `None` if the reference must not exist.
    pub expected: Option<ObjectId>,
}

/// Maximum time to wait for a reference. Git holds its lock on one for milliseconds; on a busy machine, for longer.
const PATIENCE: Duration = Duration::from_secs(3);

impl Repo {
    /// Returns the commit that a revision names: a branch, a tag, `HEAD~2`, `main@{yesterday}`, an abbreviated id. A date that
    /// this clone's reflog does not reach is an error, where git would take the oldest commit it knows.
    pub fn resolve(&self, rev: &str) -> Result<ObjectId, RepoError> {
        let git = self.git();
        let unknown = |hint: String| RepoError::UnknownRevision { rev: rev.escape_debug().to_string(), hint };
        if rev.contains('\0') {
            return Err(unknown("this is not the form of a git revision".into()));
        }
        let object =
            looked_up(&git, || git.revparse_single(rev)).map_err(|error| match (error.code(), error.class()) {
                (ErrorCode::Ambiguous, _) => unknown("more than one object begins so; give more digits".into()),
                (ErrorCode::InvalidSpec, _) => unknown("this is not the form of a git revision".into()),
                (ErrorCode::NotFound, _) | (_, ErrorClass::Invalid | ErrorClass::Config) => {
                    unknown(way_forward(&git, rev))
                }
                (_, ErrorClass::Reference) if !error.message().contains("corrupt") => unknown(way_forward(&git, rev)),
                _ => RepoError::git(format!("look up `{}`", rev.escape_debug()), &error),
            })?;
        if let Some(begin) = begins_later(&git, rev).map_err(|error| RepoError::git("read the branch's log", &error))? {
            let begin = jiff::Timestamp::from_second(begin).map_or_else(|_| begin.to_string(), |time| time.to_string());
            return Err(unknown(format!(
                "this clone's log of it begins at {begin}, later than that. `git log --before=DATE` finds older commits"
            )));
        }
        let commit = looked_up(&git, || object.peel(ObjectType::Commit)).map_err(|_| {
            let kind = object.kind().map_or("something else", |kind| kind.str());
            unknown(format!("it stands for a {kind}, not for a commit"))
        })?;
        Ok(commit.id().into())
    }

    /// Returns the target of a reference, by its full name (`refs/heads/main`); `None` if there is none. Symbolic references are
    /// followed.
    pub fn reference(&self, name: &str) -> Result<Option<ObjectId>, RepoError> {
        target(&self.git(), name)
    }

    /// Returns true if a remote of this name is configured.
    pub fn has_remote(&self, name: &str) -> bool {
        self.git().find_remote(name).is_ok()
    }

    /// Returns the branch of HEAD, such as `main`, also when it has no commit yet; `None` if HEAD is detached.
    pub fn head_branch(&self) -> Option<String> {
        let git = self.git();
        let head = git.find_reference("HEAD").ok()?;
        let target = head.symbolic_target().ok()??;
        target.strip_prefix("refs/heads/").map(str::to_owned)
    }

    /// Moves a reference from `expected` (`None`: it must not exist) to `to`, or changes nothing. After an error from git the
    /// reference is read again, and if it has moved the call succeeds.
    pub fn move_ref(&self, name: &str, to: ObjectId, expected: Option<ObjectId>, log: &str) -> Result<(), RepoError> {
        if !name.starts_with("refs/") || !Reference::is_valid_name(name) {
            return Err(RepoError::Invalid(format!("`{}` is not the full name of a reference", name.escape_debug())));
        }
        let git = self.git();
        let before = expected.map_or(git2::Oid::ZERO_SHA1, git2::Oid::from);
        let log: String = log.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let start = Instant::now();
        loop {
            // The move is forced only in the sense that the reference may exist: libgit2 compares with `before` under git's own
            // lock.
            let moved = retried(|| git.reference_matching(name, to.into(), expected.is_some(), before, &log));
            let Err(error) = moved else {
                return Ok(());
            };
            let found = target(&git, name)?;
            if found == Some(to) {
                return Ok(());
            }
            if found != expected {
                return Err(RepoError::Moved { name: name.to_owned(), found });
            }
            if error.code() != ErrorCode::Locked {
                return Err(RepoError::git(format!("move {name}"), &error));
            }
            if start.elapsed() > PATIENCE {
                return Err(RepoError::Busy { name: name.to_owned(), lock: self.lock_file(name) });
            }
            std::thread::sleep(Duration::from_millis(25));
        }
    }

    /// Moves several references together: all are locked, and none moves unless each is where it is expected. After an error from
    /// git the references are read again.
    ///
    /// # Errors
    /// [`RepoError::Moved`] or [`RepoError::Busy`], with nothing moved, for the first that is elsewhere or locked.
    pub fn move_refs(&self, moves: &[RefMove], log: &str) -> Result<(), RepoError> {
        let log: String = log.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let git = self.git();
        let start = Instant::now();
        while let Err(Held { name, error }) = move_locked(&git, moves, &log)? {
            if start.elapsed() > PATIENCE {
                return Err(match error.code() {
                    ErrorCode::Locked => RepoError::Busy { lock: self.lock_file(&name), name },
                    _ => RepoError::git(format!("lock {name}"), &error),
                });
            }
            std::thread::sleep(Duration::from_millis(25));
        }
        Ok(())
    }

    /// Returns the lock file of a reference. For a packed reference it may be that of all packed references.
    fn lock_file(&self, name: &str) -> PathBuf {
        let packed = self.common_dir().join("packed-refs.lock");
        let own = self.common_dir().join(format!("{name}.lock"));
        if !own.exists() && packed.exists() { packed } else { own }
    }

    /// Removes a reference, if it is at `expected` or gone already.
    ///
    /// # Errors
    /// [`RepoError::Moved`] if it is elsewhere, [`RepoError::Busy`] if another program holds it locked.
    pub fn delete_ref(&self, name: &str, expected: ObjectId) -> Result<(), RepoError> {
        let git = self.git();
        let elsewhere = patiently(|| match git.find_reference(name) {
            Ok(mut reference) if reference.target().map(ObjectId::from) == Some(expected) => {
                reference.delete().map(|()| None)
            }
            Ok(reference) => Ok(Some(reference.target().map(ObjectId::from))),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(error),
        });
        match elsewhere {
            Ok(None) => Ok(()),
            Ok(Some(found)) => Err(RepoError::Moved { name: name.to_owned(), found }),
            Err(error) if error.code() == ErrorCode::Locked => {
                Err(RepoError::Busy { name: name.to_owned(), lock: self.lock_file(name) })
            }
            Err(error) => Err(RepoError::git(format!("delete {name}"), &error)),
        }
    }
}

/// Repeats an operation on a reference for as long as another program holds its lock, or `git pack-refs` has just removed its
/// folder, but no longer than [`PATIENCE`].
pub(super) fn patiently<T>(mut work: impl FnMut() -> Result<T, git2::Error>) -> Result<T, git2::Error> {
    let start = Instant::now();
    loop {
        match work() {
            Err(error) if passes(&error) && start.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(25)),
            result => return result,
        }
    }
}

/// Returns true if this failure to write a reference passes when the other program is done. `git gc` also moves the objects that
/// libgit2 looks for.
fn passes(error: &git2::Error) -> bool {
    // A reference to an object that `git gc` is moving into another pack.
    let is_moving = error.class() == ErrorClass::Reference && error.message().contains("target OID");
    matches!(error.code(), ErrorCode::Locked | ErrorCode::Modified)
        || matches!(error.class(), ErrorClass::Os | ErrorClass::Odb)
        || is_moving
}

/// Represents a reference that could not be locked now.
struct Held {
    name: String,
    error: git2::Error,
}

/// Locks, compares and moves references. The inner error names a reference that another program has locked, or whose folder `git
/// pack-refs` has just removed.
fn move_locked(git: &Repository, moves: &[RefMove], log: &str) -> Result<Result<(), Held>, RepoError> {
    let failed = |error: git2::Error| RepoError::git("move references together", &error);
    let mut transaction = git.transaction().map_err(failed)?;
    for RefMove { name, .. } in moves {
        if !name.starts_with("refs/") || !Reference::is_valid_name(name) {
            return Err(RepoError::Invalid(format!("`{}` is not the full name of a reference", name.escape_debug())));
        }
        match transaction.lock_ref(name) {
            Err(error) if passes(&error) => {
                return Ok(Err(Held { name: name.clone(), error }));
            }
            locked => locked.map_err(failed)?,
        }
    }
    for RefMove { name, to, expected } in moves {
        let found = target(git, name)?;
        if found != *expected && found != Some(*to) {
            return Err(RepoError::Moved { name: name.clone(), found });
        }
        transaction.set_target(name, (*to).into(), None, log).map_err(failed)?;
    }
    let Err(error) = transaction.commit() else { return Ok(Ok(())) };
    for RefMove { name, to, .. } in moves {
        if target(git, name)? != Some(*to) {
            return Err(failed(error));
        }
    }
    Ok(Ok(()))
}

fn target(git: &Repository, name: &str) -> Result<Option<ObjectId>, RepoError> {
    let found = git.find_reference(name).and_then(|reference| reference.resolve());
    match found {
        Ok(reference) => Ok(reference.target().map(ObjectId::from)),
        Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
        Err(error) => Err(RepoError::git(format!("read {name}"), &error)),
    }
}

fn way_forward(git: &Repository, rev: &str) -> String {
    let no_commit = git.references().is_ok_and(|mut all| all.next().is_none());
    if no_commit {
        return "the repository has no commit yet; `entragit export` makes the first".into();
    }
    if git.is_shallow() {
        return "this clone is shallow and may lack it; `git fetch --unshallow` completes it".into();
    }
    if rev.contains("@{") {
        return "this clone's log of the branch does not reach there; `git log` shows commits by date".into();
    }
    if git.find_reference(&format!("refs/remotes/origin/{rev}")).is_ok() {
        return format!("the remote has it; `origin/{rev}` names that");
    }
    "`git branch --all`, `git tag` and `git log --oneline` list what there is; `git fetch` gets what is newer".into()
}
