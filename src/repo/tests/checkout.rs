//! Tests that the work tree follows a commit, and that no file of a person is lost.

use super::*;
use crate::repo::{RepoError, Worktree};

fn status(bench: &Bench) -> String {
    bench.git(&["status", "--short"])
}

fn go(bench: &Bench, from: ObjectId, files: &[(&str, &str)]) -> Result<ObjectId, RepoError> {
    let to = bench.commit(files, &[from]);
    bench.repo.update_worktree(from, to)?;
    bench.repo.move_ref("refs/heads/main", to, Some(from), "go").unwrap();
    Ok(to)
}

#[test]
fn files_and_index_follow_the_commit() {
    let bench = Bench::new();
    assert_eq!(bench.repo.worktree_state(None::<ObjectId>).unwrap(), Worktree::Clean);
    let first = bench.checked_out(&[("a", "1"), ("b/c", "2"), ("b/d", "3"), ("e/f/g", "4"), ("keep/x", "5")]);
    assert_eq!(status(&bench), "");
    assert_eq!(bench.repo.worktree_state(first).unwrap(), Worktree::Clean);
    let kept = std::fs::metadata(bench.path("keep/x")).unwrap().modified().unwrap();

    // The files are: changed, deleted with its folder, file → folder, folder → file, new.
    let second =
        go(&bench, first, &[("a/deep/er", "1"), ("b/c", "changed"), ("e", "file"), ("keep/x", "5"), ("n", "")]);
    let second = second.unwrap();
    assert_eq!(status(&bench), "");
    assert_eq!(bench.git(&["diff", "HEAD"]), "");
    assert_eq!(std::fs::read_to_string(bench.path("e")).unwrap(), "file");
    assert_eq!(std::fs::read_to_string(bench.path("a/deep/er")).unwrap(), "1");
    assert!(!bench.path("b/d").exists());
    assert_eq!(std::fs::metadata(bench.path("keep/x")).unwrap().modified().unwrap(), kept, "unchanged: untouched");

    let third = go(&bench, second, &[("a", "1"), ("b/c", "2"), ("b/d", "3"), ("e/f/g", "4"), ("keep/x", "5")]).unwrap();
    assert_eq!(status(&bench), "");
    let _ = go(&bench, third, &[]).unwrap();
    assert_eq!(status(&bench), "");
    let left: Vec<_> = std::fs::read_dir(bench.dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, [".git"], "empty folders go with their files");
}

#[test]
#[cfg(unix)]
fn files_are_as_readable_as_git_s() {
    use std::os::unix::fs::PermissionsExt;
    let bench = Bench::new();
    bench.checked_out(&[("a", "1")]);
    std::fs::write(bench.path("witness"), "").unwrap();
    let mode = |name: &str| std::fs::metadata(bench.path(name)).unwrap().permissions().mode();
    assert_eq!(mode("a"), mode("witness"));
}

#[test]
fn what_differs_is_named() {
    let bench = Bench::new();
    let commit = bench.checked_out(&[("a", "1"), ("b", "2"), ("c", "3")]);
    std::fs::write(bench.path("untracked"), "x").unwrap();
    assert_eq!(bench.repo.worktree_state(commit).unwrap(), Worktree::Clean);
    std::fs::write(bench.path("a"), "edited").unwrap();
    std::fs::remove_file(bench.path("b")).unwrap();
    std::fs::write(bench.path("staged"), "x").unwrap();
    bench.git(&["add", "staged"]);
    let dirty = Worktree::Dirty(vec!["a".into(), "b".into(), "staged".into()]);
    assert_eq!(bench.repo.worktree_state(commit).unwrap(), dirty);
    let other = bench.commit(&[("z", "z")], &[]);
    assert_eq!(bench.repo.worktree_state(other).unwrap(), Worktree::None);
    bench.git(&["checkout", "-q", "--detach"]);
    assert_eq!(bench.repo.worktree_state(commit).unwrap(), Worktree::None);
    let bare = Bench::bare();
    assert_eq!(bare.repo.worktree_state(None::<ObjectId>).unwrap(), Worktree::None);
}

#[test]
fn a_merge_in_progress_is_not_clean() {
    let bench = Bench::new();
    let commit = bench.checked_out(&[("a", "1")]);
    std::fs::write(bench.path(".git/MERGE_HEAD"), format!("{commit}\n")).unwrap();
    let state = bench.repo.worktree_state(commit).unwrap();
    assert_eq!(bench.repo.in_progress().as_deref(), Some("merge"));
    assert!(matches!(&state, Worktree::Dirty(paths) if paths[0].contains("merge in progress")), "{state:?}");
}

#[test]
fn what_a_person_made_is_not_overwritten() {
    let bench = Bench::new();
    let first = bench.checked_out(&[("a", "1"), ("b/c", "2"), ("d/e", "3")]);
    std::fs::write(bench.path("a"), "edited").unwrap();
    std::fs::write(bench.path("new"), "mine").unwrap();
    std::fs::write(bench.path("d/mine"), "mine").unwrap();
    let to = bench.commit(&[("a", "2"), ("b/c", "changed"), ("new", "theirs"), ("d", "now a file")], &[first]);
    match bench.repo.update_worktree(first, to) {
        Err(RepoError::WouldOverwrite(paths)) => assert_eq!(paths, ["a", "d/mine", "new"]),
        other => panic!("{other:?}"),
    }
    assert_eq!(std::fs::read_to_string(bench.path("b/c")).unwrap(), "2", "nothing was touched");
    assert_eq!(bench.repo.worktree_blockers(first, to).unwrap().len(), 3);

    // A folder with a person's files stays; a file that already has the wanted content is no obstacle; CR LF is git's own doing.
    std::fs::write(bench.path("a"), "1").unwrap();
    std::fs::write(bench.path("new"), "theirs").unwrap();
    let second = go(&bench, first, &[("a", "2"), ("new", "theirs")]).unwrap();
    assert_eq!(std::fs::read_to_string(bench.path("d/mine")).unwrap(), "mine");
    assert_eq!(status(&bench), "?? d/");
    let third = go(&bench, second, &[("a", "x\ny\n")]).unwrap();
    std::fs::write(bench.path("a"), "x\r\ny\r\n").unwrap();
    go(&bench, third, &[("a", "z\n")]).unwrap();
}

/// Checks that a person's edits where the commits do not differ stay, staged or not, and that git still sees them.
#[test]
fn edits_elsewhere_stay_and_stay_seen() {
    let bench = Bench::new();
    let first = bench.checked_out(&[("a", "1"), ("b", "2"), ("c", "3"), ("d", "4")]);
    std::fs::write(bench.path("b"), "edited").unwrap();
    std::fs::write(bench.path("c"), "staged").unwrap();
    std::fs::write(bench.path("new"), "staged").unwrap();
    bench.git(&["add", "c", "new"]);
    std::fs::remove_file(bench.path("d")).unwrap();
    go(&bench, first, &[("a", "2"), ("b", "2"), ("c", "3"), ("d", "4")]).unwrap();
    assert_eq!(status(&bench), " M b\nM  c\n D d\nA  new");
    assert_eq!(std::fs::read_to_string(bench.path("a")).unwrap(), "2");
}

/// Checks a file changed within the tick of the clock in which the index was written, to the same number of bytes: git would not
/// look into it any more once the index is newer (<https://git-scm.com/docs/racy-git>).
#[test]
#[cfg(unix)]
fn an_edit_in_the_same_tick_is_seen() {
    let bench = Bench::new();
    let first = bench.checked_out(&[("a", "1"), ("same", "1"), ("edited", "1")]);
    let at = std::fs::metadata(bench.path("edited")).unwrap().modified().unwrap();
    std::fs::write(bench.path("edited"), "2").unwrap();
    for name in ["edited", ".git/index"] {
        std::fs::File::options().write(true).open(bench.path(name)).unwrap().set_modified(at).unwrap();
    }
    go(&bench, first, &[("a", "2"), ("same", "1"), ("edited", "1")]).unwrap();
    assert_eq!(status(&bench), " M edited");
}

#[test]
fn an_index_in_use_stops_it_before_anything_is_touched() {
    let bench = Bench::new();
    let first = bench.checked_out(&[("a", "1")]);
    std::fs::write(bench.path(".git/index.lock"), "").unwrap();
    assert!(matches!(go(&bench, first, &[("a", "2")]), Err(RepoError::Busy { .. })));
    assert_eq!(std::fs::read_to_string(bench.path("a")).unwrap(), "1");
}

#[test]
#[cfg(unix)]
fn a_planted_link_leads_nowhere() {
    use std::os::unix::fs::symlink;
    let bench = Bench::new();
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("c"), "outside").unwrap();
    let first = bench.checked_out(&[("a", "1"), ("b/c", "2")]);

    // A folder replaced by a link is refused, for changed, new and deleted files alike.
    std::fs::remove_dir_all(bench.path("b")).unwrap();
    symlink(outside.path(), bench.path("b")).unwrap();
    for files in [&[("a", "1"), ("b/c", "3")][..], &[("a", "1"), ("b/c", "2"), ("b/n/m", "x")], &[("a", "1")]] {
        match go(&bench, first, files) {
            Err(RepoError::WouldOverwrite(paths)) => assert_eq!(paths, ["b"]),
            other => panic!("{other:?}"),
        }
    }
    // A file replaced by a link is refused, where a file is to be written or removed.
    std::fs::remove_file(bench.path("b")).unwrap();
    std::fs::create_dir(bench.path("b")).unwrap();
    std::fs::write(bench.path("b/c"), "2").unwrap();
    std::fs::remove_file(bench.path("a")).unwrap();
    symlink(outside.path().join("c"), bench.path("a")).unwrap();
    for files in [&[("a", "new"), ("b/c", "2")][..], &[("b/c", "2")]] {
        assert!(matches!(go(&bench, first, files), Err(RepoError::WouldOverwrite(_))));
    }
    assert_eq!(std::fs::read_to_string(outside.path().join("c")).unwrap(), "outside");
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 1);
}
