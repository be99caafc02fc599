//! Tests the repository with the git command line as an independent witness.
#![allow(clippy::unwrap_used)]

mod checkout;
mod editing;
mod hostile;
mod lock;
mod opening;
mod refs;
mod remotes;
mod state;
mod writing;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::{Author, ObjectId, Repo, blob_id};

/// Holds a repository and its folder.
struct Bench {
    dir: TempDir,
    repo: Repo,
}

impl Bench {
    fn new() -> Bench {
        Bench::of(false)
    }

    fn bare() -> Bench {
        Bench::of(true)
    }

    fn of(bare: bool) -> Bench {
        let dir = tempfile::tempdir().unwrap();
        let repo = Repo::init(dir.path(), "main", bare).unwrap();
        Bench { dir, repo }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn git(&self, args: &[&str]) -> String {
        let (ok, out, err) = git(self.dir.path(), args, b"");
        assert!(ok, "git {args:?}: {err}");
        out
    }

    fn git_in(&self, args: &[&str], input: &[u8]) -> String {
        let (ok, out, err) = git(self.dir.path(), args, input);
        assert!(ok, "git {args:?}: {err}");
        out
    }

    fn tree(&self, files: &[(&str, &str)]) -> ObjectId {
        let mut writer = self.repo.writer().unwrap();
        let files: BTreeMap<String, ObjectId> =
            files.iter().map(|(path, text)| ((*path).to_owned(), writer.put(text.as_bytes()).unwrap())).collect();
        writer.finish(&files).unwrap()
    }

    fn commit(&self, files: &[(&str, &str)], parents: &[ObjectId]) -> ObjectId {
        self.repo.create_commit(self.tree(files), parents, "Snapshot\n", &author(parents.len())).unwrap()
    }

    /// Creates a commit on `main` with its files in the work tree.
    fn checked_out(&self, files: &[(&str, &str)]) -> ObjectId {
        let commit = self.commit(files, &[]);
        self.repo.update_worktree(None::<ObjectId>, commit).unwrap();
        self.repo.move_ref("refs/heads/main", commit, None, "first").unwrap();
        commit
    }

    fn id(&self, rev: &str) -> ObjectId {
        self.git(&["rev-parse", rev]).parse().unwrap()
    }
}

fn author(after: usize) -> Author {
    Author { name: "Ada".into(), email: "ada@example.com".into(), time: Some(1_700_000_000 + after as i64) }
}

/// Runs git without the configuration of the machine and the user.
fn git(dir: &Path, args: &[&str], input: &[u8]) -> (bool, String, String) {
    let mut child = Command::new("git")
        .args(args)
        .current_dir(dir)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .envs([("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_NOSYSTEM", "1"), ("LC_ALL", "C"), ("HOME", "/nowhere")])
        .envs([("GIT_AUTHOR_NAME", "A"), ("GIT_AUTHOR_EMAIL", "a@b"), ("GIT_COMMITTER_NAME", "A")])
        .envs([("GIT_COMMITTER_EMAIL", "a@b"), ("GIT_CEILING_DIRECTORIES", "/")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let out = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).trim_end().to_owned();
    (out.status.success(), text(out.stdout), text(out.stderr))
}

#[test]
fn the_repository_is_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Repo>();
    fn sent<T: Send>() {}
    sent::<super::SnapshotWriter<'_>>();
    sent::<super::Lock>();
}

#[test]
fn an_id_is_read_as_it_is_written() {
    let id = blob_id(b"hello\n");
    assert_eq!(id.to_string(), "ce013625030ba8dba906f756967f9e9ca394464a");
    assert_eq!(id.to_string().parse::<ObjectId>().unwrap(), id);
    assert_eq!(ObjectId::from(git2::Oid::from(id)), id);
    for wrong in ["", "ce01", "ce013625030ba8dba906f756967f9e9ca394464g", "+e013625030ba8dba906f756967f9e9ca394464a"] {
        assert!(wrong.parse::<ObjectId>().is_err());
    }
}
