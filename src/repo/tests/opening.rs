//! Tests which repositories are opened or refused, and with which message.

use super::*;
use crate::repo::RepoError;

fn said(result: Result<Repo, RepoError>) -> String {
    match result {
        Ok(_) => panic!("it was opened"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_new_repository_is_one_git_accepts() {
    let bench = Bench::new();
    let (ok, out, err) = git(bench.dir.path(), &["status", "--short", "--branch"], b"");
    assert!(ok && err.is_empty(), "{err}");
    assert_eq!(out, "## No commits yet on main");
    assert_eq!(bench.repo.workdir().unwrap().canonicalize().unwrap(), bench.dir.path().canonicalize().unwrap());
    assert!(bench.repo.git_dir().ends_with(".git"));
    let again = Repo::init(bench.dir.path(), "other", true).unwrap();
    assert_eq!(again.head_branch().as_deref(), Some("other"), "the first commit is yet to come");
    bench.git(&["commit", "--allow-empty", "-m", "first"]);
    let again = Repo::init(bench.dir.path(), "main", true).unwrap();
    assert_eq!(again.head_branch().as_deref(), Some("other"), "what is there is left as it is");
    assert!(Bench::bare().repo.workdir().is_none());
    let dir = tempfile::tempdir().unwrap();
    assert!(Repo::init(&dir.path().join("a/b"), "main", true).is_ok());
    assert!(matches!(Repo::init(&dir.path().join("c"), "a..b", true), Err(RepoError::Invalid(_))));
    assert!(!dir.path().join("c").exists());
}

#[test]
fn what_cannot_be_used_is_refused_with_a_way_forward() {
    let dir = tempfile::tempdir().unwrap();
    let text = said(Repo::open(dir.path()));
    assert!(text.contains("no git repository") && text.contains("entragit init"), "{text}");
    let text = said(Repo::open(&dir.path().join("absent")));
    assert!(text.contains("no git repository"), "{text}");
    for (name, args, hint) in [
        ("reftable", vec!["init", "-q", "--ref-format=reftable", "."], "git refs migrate"),
        ("sha256", vec!["init", "-q", "--object-format=sha256", "."], "SHA-256"),
    ] {
        let at = dir.path().join(name);
        std::fs::create_dir(&at).unwrap();
        assert!(git(&at, &args, b"").0);
        let text = said(Repo::open(&at));
        assert!(text.contains(hint), "{text}");
    }
    let bench = Bench::new();
    std::fs::create_dir(bench.path("users")).unwrap();
    let text = said(Repo::open(&bench.path("users")));
    assert!(text.contains("--repo"), "{text}");
    // A repository is found from a folder within it, as git finds it.
    let found = Repo::discover(&bench.path("users")).unwrap();
    assert_eq!(found.workdir().unwrap().canonicalize().unwrap(), bench.dir.path().canonicalize().unwrap());
    assert!(said(Repo::discover(&dir.path().join("absent"))).contains("no git repository"));
}

#[test]
fn damage_is_found_before_it_is_read() {
    let bench = Bench::bare();
    let commit = bench.commit(&[("a", "1"), ("b/c", "2")], &[]);
    bench.repo.move_ref("refs/heads/main", commit, None, "x").unwrap();
    bench.git(&["-c", "gc.writeCommitGraph=true", "gc", "-q"]);
    let pack = std::fs::read_dir(bench.path("objects/pack")).unwrap();
    let files: Vec<PathBuf> = pack.map(|entry| entry.unwrap().path()).collect();
    let with = |extension: &str| files.iter().find(|file| file.extension().unwrap() == extension).unwrap().clone();
    assert!(Repo::open(bench.dir.path()).is_ok());
    let idx = with("idx");
    let good = std::fs::read(&idx).unwrap();
    std::fs::remove_file(&idx).unwrap();
    for at in (0..good.len()).step_by(37) {
        let mut bad = good.clone();
        bad[at] ^= 0x40;
        std::fs::write(&idx, &bad).unwrap();
        assert!(matches!(Repo::open(bench.dir.path()), Err(RepoError::Damaged(_))), "byte {at}");
    }
    std::fs::write(&idx, b"").unwrap();
    assert!(matches!(Repo::open(bench.dir.path()), Err(RepoError::Damaged(_))));
    std::fs::write(&idx, &good).unwrap();
    assert!(Repo::open(bench.dir.path()).is_ok());
    let pack = with("pack");
    let whole = std::fs::read(&pack).unwrap();
    std::fs::remove_file(&pack).unwrap();
    std::fs::write(&pack, &whole[..whole.len() - 7]).unwrap();
    assert!(matches!(Repo::open(bench.dir.path()), Err(RepoError::Damaged(_))));
    std::fs::write(&pack, &whole).unwrap();
    std::fs::write(bench.path("refs/heads/empty"), b"").unwrap();
    let repo = Repo::open(bench.dir.path()).unwrap();
    assert!(matches!(repo.reference("refs/heads/empty"), Err(RepoError::Damaged(_))));
    std::fs::write(bench.path("HEAD"), b"").unwrap();
    assert!(matches!(Repo::open(bench.dir.path()), Err(RepoError::Damaged(_) | RepoError::NoRepository { .. })));
}

#[test]
fn a_damaged_object_is_never_read_as_something_else() {
    let bench = Bench::bare();
    let blob = bench.git_in(&["hash-object", "-w", "--stdin"], b"the right words");
    let other = bench.git_in(&["hash-object", "-w", "--stdin"], b"the wrong words");
    let file = |id: &str| bench.path(&format!("objects/{}/{}", &id[..2], &id[2..]));
    std::fs::remove_file(file(&blob)).unwrap();
    std::fs::copy(file(&other), file(&blob)).unwrap();
    assert!(matches!(bench.repo.blob(blob.parse().unwrap()), Err(RepoError::Damaged(_))));
    let tree = bench.git(&["mktree"]);
    let commit = |message: &str| bench.git(&["commit-tree", "-m", message, &tree]);
    let (right, wrong) = (commit("right"), commit("wrong"));
    std::fs::remove_file(file(&right)).unwrap();
    std::fs::copy(file(&wrong), file(&right)).unwrap();
    assert!(matches!(bench.repo.commit(right.parse().unwrap()), Err(RepoError::Damaged(_))));
}

#[test]
fn a_shallow_clone_says_so() {
    let bench = Bench::bare();
    let first = bench.commit(&[("a", "1")], &[]);
    let second = bench.commit(&[("a", "2")], &[first]);
    bench.repo.move_ref("refs/heads/main", second, None, "x").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let url = format!("file://{}", bench.dir.path().display());
    let (ok, _, err) = git(dir.path(), &["clone", "-q", "--depth=1", &url, "."], b"");
    assert!(ok, "{err}");
    let repo = Repo::open(dir.path()).unwrap();
    assert_eq!(repo.resolve("HEAD").unwrap(), second);
    assert_eq!(repo.entries(second).unwrap().len(), 1);
    assert_eq!(repo.history(second, 10).unwrap().len(), 1);
    // The commits that the shallow clone lacks may be shared.
    let alone = repo.create_commit(repo.commit(second).unwrap().tree, &[], "x\n", &author(0)).unwrap();
    let hidden = repo.merge_base(second, alone).unwrap_err();
    for error in [repo.resolve("HEAD~1").unwrap_err(), repo.commit(first).unwrap_err(), hidden] {
        assert!(error.to_string().contains("--unshallow"), "{error}");
    }
}
