//! Tests remotes, linked work trees, and several references at once.

use super::*;
use crate::repo::{RefMove, RepoError};

fn tracked(repo: &Repo) -> Option<(String, bool)> {
    repo.tracking("snapshots").unwrap().map(|found| (found.name().to_owned(), found.is_guess))
}

#[test]
fn tracking_takes_the_upstream_then_origin_then_the_only_remote() {
    let bench = Bench::bare();
    let add = |name: &str| bench.git(&["remote", "add", name, &format!("https://{name}.invalid/")]);
    assert_eq!(tracked(&bench.repo), Some(("origin/snapshots".into(), false)));
    add("one");
    assert_eq!(tracked(&bench.repo), Some(("one/snapshots".into(), true)));
    add("two");
    assert_eq!(tracked(&bench.repo), None);
    add("origin");
    assert_eq!(tracked(&bench.repo), Some(("origin/snapshots".into(), false)));
    bench.git(&["config", "branch.snapshots.remote", "two"]);
    bench.git(&["config", "branch.snapshots.merge", "refs/heads/entra"]);
    assert_eq!(tracked(&bench.repo), Some(("two/entra".into(), false)));
    // A clone of one branch maps no other.
    bench.git(&["config", "remote.two.fetch", "+refs/heads/main:refs/remotes/two/main"]);
    assert_eq!(tracked(&bench.repo), Some(("two/entra".into(), false)));
    // A branch whose upstream is in this repository belongs to no remote.
    bench.git(&["config", "branch.snapshots.remote", "."]);
    assert_eq!(tracked(&bench.repo), Some(("origin/snapshots".into(), false)));
}

#[test]
fn checked_out_elsewhere_finds_the_other_work_tree() {
    let bench = Bench::new();
    bench.checked_out(&[("a", "1")]);
    let folder = tempfile::tempdir().unwrap();
    let linked = folder.path().canonicalize().unwrap().join("linked");
    bench.git(&["worktree", "add", "-q", "-b", "work", linked.to_str().unwrap()]);
    let other = Repo::open(&linked).unwrap();
    let main = bench.dir.path().canonicalize().unwrap();
    assert_eq!(other.checked_out_elsewhere("refs/heads/main").unwrap(), Some(main));
    assert_eq!(other.checked_out_elsewhere("refs/heads/work").unwrap(), None);
    assert_eq!(bench.repo.checked_out_elsewhere("refs/heads/main").unwrap(), None);
    assert_eq!(bench.repo.checked_out_elsewhere("refs/heads/work").unwrap(), Some(linked.clone()));
    // A work tree that was deleted by hand does not count.
    std::fs::remove_dir_all(&linked).unwrap();
    assert_eq!(bench.repo.checked_out_elsewhere("refs/heads/work").unwrap(), None);
}

#[test]
fn references_move_together_or_not_at_all() {
    let bench = Bench::bare();
    let first = bench.commit(&[("a", "1")], &[]);
    let second = bench.commit(&[("a", "2")], &[first]);
    bench.repo.move_ref("refs/heads/main", first, None, "first").unwrap();
    bench.git(&["pack-refs", "--all"]);
    let moving = |name: &str, expected| RefMove { name: name.to_owned(), to: second, expected };
    let stale = [moving("refs/heads/new", None), moving("refs/heads/main", None)];
    assert!(matches!(bench.repo.move_refs(&stale, "x"), Err(RepoError::Moved { found: Some(id), .. }) if id == first));
    assert_eq!(bench.repo.reference("refs/heads/new").unwrap(), None);
    let both = [moving("refs/heads/new", None), moving("refs/heads/main", Some(first))];
    std::fs::write(bench.path("refs/heads/main.lock"), "").unwrap();
    assert!(matches!(bench.repo.move_refs(&both, "x"), Err(RepoError::Busy { .. })));
    assert_eq!(bench.repo.reference("refs/heads/new").unwrap(), None);
    std::fs::remove_file(bench.path("refs/heads/main.lock")).unwrap();
    bench.repo.move_refs(&both, "both").unwrap();
    assert_eq!((bench.id("new"), bench.id("main")), (second, second));
    assert_eq!(bench.git(&["reflog", "-1", "--format=%gs", "main"]), "both");
}

#[test]
fn prepared_notes_are_seen_only_once_their_reference_moves() {
    let bench = Bench::bare();
    let commits = [bench.commit(&[("a", "1")], &[]), bench.commit(&[("a", "2")], &[])];
    let name = "refs/notes/test";
    bench.repo.set_note(name, commits[0], b"one", &author(0)).unwrap();
    let prepared = bench.repo.prepare_notes(name, &[(commits[1], b"two".to_vec())], &author(1)).unwrap();
    assert_eq!(bench.repo.note(name, commits[1]).unwrap(), None);
    bench.repo.move_refs(&[prepared], "notes").unwrap();
    let notes = commits.map(|commit| bench.repo.note(name, commit).unwrap().unwrap());
    assert_eq!(notes, [b"one".to_vec(), b"two".to_vec()]);
    assert_eq!(bench.git(&["for-each-ref", "refs/notes"]).lines().count(), 1);
}
