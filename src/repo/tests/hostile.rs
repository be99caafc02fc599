//! Tests trees that no snapshot has, made with git's own plumbing.

use super::*;
use crate::repo::{Mode, RepoError};

fn tree_of(bench: &Bench, entries: &[(&str, &str, &[u8])]) -> String {
    // `mktree` refuses slashes and sorts, so the bytes are written directly.
    let mut bytes = Vec::new();
    for (mode, id, name) in entries {
        bytes.extend_from_slice(format!("{mode} ").as_bytes());
        bytes.extend_from_slice(name);
        bytes.push(0);
        bytes.extend_from_slice(id.parse::<ObjectId>().unwrap().as_bytes());
    }
    bench.git_in(&["hash-object", "-t", "tree", "-w", "--stdin", "--literally"], &bytes)
}

fn checks(bench: &Bench, tree: &str) -> Vec<(String, &'static str)> {
    let commit = bench.git(&["commit-tree", "-m", "x", tree]).parse().unwrap();
    match bench.repo.entries(commit) {
        Err(RepoError::Hostile(findings)) => findings.into_iter().map(|f| (f.path, f.check)).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn all_bad_entries_of_a_tree_are_listed() {
    let bench = Bench::bare();
    let blob = bench.git_in(&["hash-object", "-w", "--stdin"], b"x");
    let commit = bench.git(&["commit-tree", "-m", "s", "4b825dc642cb6eb9a060e54bf8d69288fbee4904"]);
    let inner = tree_of(&bench, &[("100644", &blob, b".GitAttributes"), ("100644", &blob, b"ok.yaml")]);
    let b = blob.as_str();
    let tree = tree_of(
        &bench,
        &[
            ("100644", b, b".."),
            ("40000", &inner, b".git"),
            ("120000", b, b".gitmodules"),
            ("100644", b, b"a"),
            ("100644", b, b"a"),
            ("100644", b, b"a\\b"),
            ("100644", b, b"bell\x07"),
            ("40000", &inner, b"folder"),
            ("160000", &commit, b"module"),
            ("100755", b, b"program"),
            ("120000", b, b"symlink"),
            ("100644", b, "user\u{202e}lmay".as_bytes()),
            ("100664", b, b"z-mode"),
            ("100644", b, b"z\xff"),
            ("100644", b, b"y-unsorted"),
        ],
    );
    let found = checks(&bench, &tree);
    let expected = [
        ("..", "dot-dot"),
        (".git", "dot-git"),
        (".gitmodules", "symlink"),
        ("a", "duplicate-path"),
        ("a", "unsorted-tree"),
        ("a\\\\b", "separator-in-name"),
        ("bell\\u{7}", "control-character"),
        ("folder/.GitAttributes", "git-attributes"),
        ("user\\u{202e}lmay", "control-character"),
        ("y-unsorted", "unsorted-tree"),
        ("z-mode", "file-mode"),
        ("z\\xff", "not-utf8"),
    ];
    assert_eq!(found, expected.map(|(path, check)| (path.to_owned(), check)));
}

#[test]
fn made_with_mktree() {
    let bench = Bench::bare();
    let blob = bench.git_in(&["hash-object", "-w", "--stdin"], b"x");
    let lines = format!("120000 blob {blob}\tlink\n160000 commit {}\tmodule\n", "1".repeat(40));
    let tree = bench.git_in(&["mktree", "--missing"], lines.as_bytes());
    let commit = bench.git(&["commit-tree", "-m", "x", &tree]).parse().unwrap();
    let listing = bench.repo.listing(commit).unwrap();
    assert!(listing.entries.is_empty(), "neither is a file");
    let modes: Vec<_> = listing.unusual.iter().map(|(path, (mode, _))| (path.as_str(), *mode)).collect();
    assert_eq!(modes, [("link", Mode::Symlink), ("module", Mode::Submodule)]);
}

#[test]
fn depth_and_number_are_bounded() {
    let bench = Bench::bare();
    let blob = bench.git_in(&["hash-object", "-w", "--stdin"], b"x");
    let mut tree = tree_of(&bench, &[("100644", &blob, b"leaf")]);
    for _ in 0..7 {
        tree = tree_of(&bench, &[("40000", &tree, b"d")]);
    }
    let commit = bench.git(&["commit-tree", "-m", "x", &tree]).parse().unwrap();
    assert_eq!(bench.repo.entries(commit).unwrap().len(), 1, "eight levels are accepted");
    tree = tree_of(&bench, &[("40000", &tree, b"d")]);
    assert_eq!(checks(&bench, &tree), [("d/d/d/d/d/d/d/d".to_owned(), "too-deep")]);

    // These are eight small trees that stand for 10^21 files.
    let names: Vec<String> = (0..1_000).map(|at| format!("{at:03}")).collect();
    let mut bomb = tree_of(&bench, &[("100644", &blob, b"leaf")]);
    for _ in 0..7 {
        let entries: Vec<_> = names.iter().map(|name| ("40000", bomb.as_str(), name.as_bytes())).collect();
        bomb = tree_of(&bench, &entries);
    }
    let start = std::time::Instant::now();
    assert_eq!(checks(&bench, &bomb)[0].1, "too-many-entries");
    assert!(start.elapsed().as_secs() < 60);
}

/// Returns a commit of a tree in which `width` folders hold `width` folders each, so many levels deep, and the last `files`
/// files.
fn bomb(bench: &Bench, blob: &str, levels: usize, width: usize, files: usize) -> ObjectId {
    let names: Vec<String> = (0..width.max(files)).map(|at| format!("{at:04}")).collect();
    let leaves: Vec<_> = names[..files].iter().map(|name| ("100644", blob, name.as_bytes())).collect();
    let mut tree = tree_of(bench, &leaves);
    for _ in 0..levels {
        let entries: Vec<_> = names[..width].iter().map(|name| ("40000", tree.as_str(), name.as_bytes())).collect();
        tree = tree_of(bench, &entries);
    }
    bench.git(&["commit-tree", "-m", "x", &tree]).parse().unwrap()
}

#[test]
fn a_comparison_is_bounded_as_a_listing_is() {
    let bench = Bench::bare();
    let blob = bench.git_in(&["hash-object", "-w", "--stdin"], b"x");
    let empty = bench.git(&["commit-tree", "-m", "s", "4b825dc642cb6eb9a060e54bf8d69288fbee4904"]).parse().unwrap();
    // The trees are: 10^10 paths from 11 trees; 864 million files from 4; 32 million files below few folders.
    for (levels, width, files) in [(10, 10, 1), (3, 60, 4_000), (2, 90, 4_000)] {
        let large = bomb(&bench, &blob, levels, width, files);
        let start = std::time::Instant::now();
        for found in [
            bench.repo.changed_listings(empty, large).map(drop),
            bench.repo.changed_listings(large, empty).map(drop),
            bench.repo.changed_entries(empty, large).map(drop),
            bench.repo.entries(large).map(drop),
        ] {
            match found {
                Err(RepoError::Hostile(findings)) => assert_eq!(findings[0].check, "too-many-entries"),
                other => panic!("{other:?}"),
            }
        }
        assert!(start.elapsed().as_secs() < 40, "{levels}×{width}×{files}: {:?}", start.elapsed());
    }
}

#[test]
fn a_comparison_refuses_what_a_listing_refuses() {
    let bench = Bench::bare();
    let blob = bench.git_in(&["hash-object", "-w", "--stdin"], b"x");
    let b = blob.as_str();
    let commit = |tree: &str| -> ObjectId { bench.git(&["commit-tree", "-m", "x", tree]).parse().unwrap() };
    let good = commit(&tree_of(&bench, &[("100644", b, b"a")]));
    let mut deep = tree_of(&bench, &[("100644", b, b"leaf")]);
    for _ in 0..8 {
        deep = tree_of(&bench, &[("40000", &deep, b"d")]);
    }
    let inner = tree_of(&bench, &[("100644", b, b"bell\x07"), ("120000", b, b"link")]);
    let entries: [(&str, &str, &[u8]); 9] = [
        ("100644", b, b".."),
        ("40000", &inner, b".git"),
        ("120000", b, b".gitmodules"),
        ("100644", b, b"a"),
        ("100644", b, b"esc\x1b[31m"),
        ("40000", &inner, b"folder"),
        ("100644", b, b"new\nline"),
        ("100644", b, "user\u{202e}lmay".as_bytes()),
        ("100664", b, b"z-mode"),
    ];
    for tree in [tree_of(&bench, &entries), deep] {
        let bad = commit(&tree);
        let listed = checks(&bench, &tree);
        for (from, to) in [(good, bad), (bad, good)] {
            match bench.repo.changed_listings(from, to) {
                Err(RepoError::Hostile(findings)) => {
                    let found: Vec<_> = findings.into_iter().map(|found| (found.path, found.check)).collect();
                    assert_eq!(found, listed);
                }
                other => panic!("{other:?}"),
            }
        }
        assert!(bench.repo.changed_listings(bad, bad).is_ok(), "what is equal is not read");
    }
}

#[test]
fn links_and_executables_are_listed_where_they_differ() {
    let bench = Bench::bare();
    let [x, y] = [b"x", b"y"].map(|bytes| bench.git_in(&["hash-object", "-w", "--stdin"], bytes));
    let commit = |tree: &str| -> ObjectId { bench.git(&["commit-tree", "-m", "x", tree]).parse().unwrap() };
    let before = tree_of(&bench, &[("100644", &x, b"edited"), ("100644", &x, b"link"), ("100644", &x, b"same")]);
    let after = tree_of(&bench, &[("100755", &y, b"edited"), ("120000", &x, b"link"), ("100755", &x, b"same")]);
    let (a, b) = bench.repo.changed_listings(commit(&before), commit(&after)).unwrap();
    let paths = |listing: &crate::repo::Listing| -> Vec<String> {
        listing.entries.iter().map(|entry| entry.path.clone()).collect()
    };
    assert_eq!((paths(&a), paths(&b)), (vec!["edited".to_owned(), "link".to_owned()], vec!["edited".to_owned()]));
    let modes: Vec<_> = b.unusual.iter().map(|(path, (mode, _))| (path.as_str(), *mode)).collect();
    assert_eq!(modes, [("edited", Mode::Executable), ("link", Mode::Symlink)]);
}

#[test]
fn what_is_missing_or_too_large_is_said() {
    let bench = Bench::bare();
    let absent = "1".repeat(40);
    let tree = tree_of(&bench, &[("40000", &absent, b"gone")]);
    let commit = bench.git(&["commit-tree", "-m", "x", &tree]).parse().unwrap();
    assert!(matches!(bench.repo.entries(commit), Err(RepoError::Damaged(_))));
    assert!(matches!(bench.repo.blob(absent.parse().unwrap()), Err(RepoError::Damaged(_))));
    let settings = bench.git_in(&["hash-object", "-w", "--stdin"], b"tenant: x\n");
    let tree = tree_of(&bench, &[("100644", &settings, b"entragit.yaml"), ("40000", &absent, b"gone")]);
    let commit = bench.git(&["commit-tree", "-m", "x", &tree]).parse().unwrap();
    let found = bench.repo.root_file(commit, "entragit.yaml").unwrap().map(|id| id.to_string());
    assert_eq!(found, Some(settings), "a file at the root is found without reading the rest");
    let large = bench.git_in(&["hash-object", "-w", "--stdin"], &vec![b'x'; (32 << 20) + 1]);
    assert!(matches!(bench.repo.blob(large.parse().unwrap()), Err(RepoError::TooLarge { .. })));
    let just = bench.git_in(&["hash-object", "-w", "--stdin"], &vec![b'x'; 32 << 20]);
    assert_eq!(bench.repo.blob(just.parse().unwrap()).unwrap().len(), 32 << 20);
    let broken = bench.git_in(&["hash-object", "-t", "tree", "-w", "--stdin", "--literally"], b"100644 a\0short");
    let commit = bench.git(&["commit-tree", "-m", "x", &broken]).parse().unwrap();
    assert!(matches!(bench.repo.entries(commit), Err(RepoError::Damaged(_))));
}

#[test]
#[cfg(unix)]
fn links_in_the_working_tree_are_not_followed() {
    let bench = Bench::new();
    std::fs::write(bench.path("a.yaml"), "a").unwrap();
    std::fs::create_dir_all(bench.path("users/3f")).unwrap();
    std::fs::write(bench.path("users/3f/b.yaml"), "b").unwrap();
    std::fs::create_dir(bench.path("node_modules")).unwrap();
    std::fs::write(bench.path(".gitignore"), "node_modules/\n").unwrap();
    std::os::unix::fs::symlink("/etc/passwd", bench.path("node_modules/link")).unwrap();
    let paths = bench.repo.worktree_files(|_| true).unwrap().files;
    let paths: Vec<&str> = paths.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths, [".gitignore", "a.yaml", "users/3f/b.yaml"]);
    std::os::unix::fs::symlink("/etc", bench.path("users/etc")).unwrap();
    std::os::unix::fs::symlink("a.yaml", bench.path("c.yaml")).unwrap();
    let found = bench.repo.worktree_files(|_| true).unwrap();
    assert_eq!(found.links, ["c.yaml", "users/etc"]);
    assert_eq!(found.files.len(), 3);
    assert!(matches!(Bench::bare().repo.worktree_files(|_| true), Err(RepoError::Invalid(_))));
}
