//! Defines [`Repo`], with opening and creating.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use git2::{ConfigLevel, ErrorCode, Repository, RepositoryInitOptions, RepositoryOpenFlags};

use super::error::plain;
use super::settings::{follow_environment, is_trusted};
use super::{RepoError, shell_word, verify};

static COMPARED_BY_US: Once = Once::new();

/// Represents an open repository. It can be shared between threads; git's work is done one call at a time.
pub struct Repo {
    git: Mutex<Repository>,
    git_dir: PathBuf,
    common_dir: PathBuf,
    workdir: Option<PathBuf>,
}

impl Repo {
    /// Opens the repository whose work tree (or bare repository) is `dir`. Folders further up are not searched, so that a command
    /// run in the wrong folder cannot change an unrelated repository.
    pub fn open(dir: &Path) -> Result<Repo, RepoError> {
        // Every object is compared with its id where it is read, in `tree::read`.
        COMPARED_BY_US.call_once(|| git2::opts::strict_hash_verification(false));
        let flags = RepositoryOpenFlags::NO_SEARCH;
        let git =
            Repository::open_ext(dir, flags, std::iter::empty::<&Path>()).or_else(|error| open_trusted(dir, error));
        let git = git.map_err(|error| refused(dir, &error))?;
        verify::indexes(&git.commondir().join("objects"))?;
        configure(&git)?;
        match git.find_reference("HEAD") {
            Err(error) if error.code() != ErrorCode::NotFound => return Err(RepoError::git("read HEAD", &error)),
            _ => {}
        }
        Ok(Repo {
            git_dir: git.path().to_owned(),
            common_dir: git.commondir().to_owned(),
            workdir: git.workdir().map(Path::to_owned),
            git: Mutex::new(git),
        })
    }

    /// Opens the repository that `dir` is in, as git finds it: there, or in the next folder further up.
    pub fn discover(dir: &Path) -> Result<Repo, RepoError> {
        let opened = Repo::open(dir);
        if !matches!(opened, Err(RepoError::NoRepository { .. })) {
            return opened;
        }
        let ceilings = std::env::var_os("GIT_CEILING_DIRECTORIES").unwrap_or_default();
        let ceilings: Vec<PathBuf> = std::env::split_paths(&ceilings).collect();
        let Ok(folder) = dir.canonicalize() else { return opened };
        for above in folder.ancestors().skip(1).take_while(|above| !ceilings.iter().any(|ceiling| ceiling == above)) {
            match Repo::open(above) {
                Err(RepoError::NoRepository { .. }) => {}
                found => return found,
            }
        }
        opened
    }

    /// Creates a repository whose first branch is `branch`, without a commit. An existing repository is opened and left as it is.
    pub fn init(dir: &Path, branch: &str, bare: bool) -> Result<Repo, RepoError> {
        let head = format!("refs/heads/{branch}");
        if !git2::Reference::is_valid_name(&head) {
            return Err(RepoError::Invalid(format!("`{}` is not a name for a branch", branch.escape_debug())));
        }
        match Repo::open(dir) {
            Err(RepoError::NoRepository { .. }) => {}
            Ok(repo) => {
                // In a repository fresh from `git init` the first branch has the name that the machine's settings choose.
                let git = repo.git();
                if git.head().is_err_and(|error| error.code() == git2::ErrorCode::UnbornBranch) {
                    git.set_head(&head).map_err(|error| RepoError::git("name the first branch", &error))?;
                }
                drop(git);
                return Ok(repo);
            }
            Err(error) => return Err(error),
        }
        let mut options = RepositoryInitOptions::new();
        options.bare(bare).no_reinit(true).mkpath(true).external_template(false).initial_head(branch);
        let git = Repository::init_opts(dir, &options)
            .map_err(|error| RepoError::git(format!("create a repository in {}", dir.display()), &error))?;
        let mut config = git
            .config()
            .and_then(|config| config.open_level(ConfigLevel::Local))
            .map_err(|error| RepoError::git("read the configuration", &error))?;
        // The setting core.fsyncObjectFiles would have the same effect on libgit2, but makes every git command print a warning.
        config
            .set_str("core.fsync", "committed")
            .and_then(|()| config.set_bool("core.logAllRefUpdates", true))
            .and_then(|()| config.set_str("core.autocrlf", "false"))
            .map_err(|error| RepoError::git("write the configuration", &error))?;
        drop(config);
        drop(git);
        Repo::open(dir)
    }

    /// Returns git's own folder, such as `.git`.
    pub fn git_dir(&self) -> &Path {
        &self.git_dir
    }

    /// Returns the folder of the work tree, if the repository has one.
    pub fn workdir(&self) -> Option<&Path> {
        self.workdir.as_deref()
    }

    /// Returns git's folder that all linked work trees share: objects, references, the lock.
    pub(super) fn common_dir(&self) -> &Path {
        &self.common_dir
    }

    pub(super) fn git(&self) -> MutexGuard<'_, Repository> {
        // A panic elsewhere leaves no incomplete state in libgit2: every call here is complete in itself.
        self.git.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Repo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Repo").field("git_dir", &self.git_dir).finish_non_exhaustive()
    }
}

/// Applies the settings of the environment, and those that make writes durable.
fn configure(git: &Repository) -> Result<(), RepoError> {
    let mut config = git.config().map_err(|error| RepoError::git("read the configuration", &error))?;
    follow_environment(&mut config)?;
    match config.get_bool("core.fsyncObjectFiles") {
        Ok(true) => Ok(()),
        Ok(false) => {
            Err(RepoError::Git { doing: "set up durable writes".into(), why: "the setting does not hold".into() })
        }
        Err(error) => Err(RepoError::git("set up durable writes", &error)),
    }
}

/// Opens a repository that belongs to somebody else, if git would. libgit2 knows neither `/path/*` nor the settings in the
/// environment, but opens git's own folder without a check of its owner.
fn open_trusted(dir: &Path, error: git2::Error) -> Result<Repository, git2::Error> {
    if error.code() != ErrorCode::Owner {
        return Err(error);
    }
    let git_dir = Repository::discover_path(dir, std::iter::empty::<&Path>())?;
    let workdir = dir.join(".git").exists().then_some(dir);
    if !is_trusted(workdir.unwrap_or(&git_dir)) {
        return Err(error);
    }
    let git = Repository::open_bare(&git_dir)?;
    if let Some(workdir) = workdir {
        git.set_workdir(workdir, false)?;
    }
    Ok(git)
}

fn refused(dir: &Path, error: &git2::Error) -> RepoError {
    let unsupported = |what: String| RepoError::Unsupported { dir: dir.to_owned(), what };
    let message = error.message();
    if error.code() == ErrorCode::NotFound {
        let above = Repository::discover(dir).ok();
        let hint = match above.as_ref().map(|found| found.workdir().unwrap_or_else(|| found.path())) {
            Some(found) => format!("the one further up is used with `--repo {}`", shell_word(found)),
            None => "`entragit init` creates one, `git clone` fetches one".to_owned(),
        };
        return RepoError::NoRepository { dir: dir.to_owned(), hint };
    }
    if error.code() == ErrorCode::Owner {
        return unsupported(format!(
            "it belongs to another user. If you trust it, run `git config --global --add safe.directory {}`",
            shell_word(&dir.canonicalize().unwrap_or_else(|_| dir.to_owned()))
        ));
    }
    if message.contains("refstorage") {
        return unsupported(
            "its references are stored as `reftable`; `git refs migrate --ref-format=files` converts them".into(),
        );
    }
    if message.contains("object format") || message.contains("objectformat") {
        return unsupported(
            "its objects are named by SHA-256; use one made with `git init --object-format=sha1`".into(),
        );
    }
    if message.contains("unsupported extension") || message.contains("unsupported repository version") {
        return unsupported(format!("{}; an ordinary full clone works", plain(error)));
    }
    RepoError::git(format!("open the repository in {}", dir.display()), error)
}
