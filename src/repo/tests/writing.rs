//! Tests that trees and commits are those that git itself would write.

use super::*;
use crate::repo::RepoError;

/// File names around the slash in the byte order, where folders and files sort differently.
const AWKWARD: &[(&str, &str)] = &[
    ("a.b", "1"),
    ("a/x", "2"),
    ("a-b", "3"),
    ("a0", "4"),
    ("a!/b/c", "5"),
    ("a/x.y/z", "6"),
    ("a/x-", "7"),
    ("b", "2"),
    ("users/3f/3f9a.yaml", "8"),
    ("users/3f.yaml", "9"),
    ("é/ü.yaml", "10"),
    ("z", ""),
];

fn witness(bench: &Bench, files: &[(&str, &str)]) -> ObjectId {
    let other = tempfile::tempdir().unwrap();
    let run = |args: &[&str], input: &[u8]| {
        let (ok, out, err) = git(other.path(), args, input);
        assert!(ok, "git {args:?}: {err}");
        out
    };
    run(&["init", "-q", "--object-format=sha1", "--ref-format=files"], b"");
    for (path, text) in files {
        let file = other.path().join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }
    run(&["add", "-A"], b"");
    let tree = run(&["write-tree"], b"").parse().unwrap();
    assert!(bench.dir.path() != other.path());
    tree
}

#[test]
fn a_tree_has_the_id_git_gives_it() {
    let bench = Bench::bare();
    assert_eq!(bench.tree(AWKWARD), witness(&bench, AWKWARD));
    assert_eq!(bench.tree(&[]).to_string(), "4b825dc642cb6eb9a060e54bf8d69288fbee4904");
    let commit = bench.commit(AWKWARD, &[]);
    bench.repo.move_ref("refs/heads/main", commit, None, "first").unwrap();
    let fsck = bench.git(&["fsck", "--strict", "--full", "--no-dangling"]);
    assert_eq!(fsck, "");
    let entries = bench.repo.entries(commit).unwrap();
    assert_eq!(entries.len(), AWKWARD.len());
    assert!(entries.is_sorted());
    for (path, text) in AWKWARD {
        let entry = entries.iter().find(|entry| entry.path == *path).unwrap();
        assert_eq!(bench.repo.blob(entry.blob).unwrap(), text.as_bytes());
    }
}

#[test]
fn many_objects_become_one_verified_pack() {
    let bench = Bench::bare();
    let mut writer = bench.repo.writer().unwrap();
    let mut files = BTreeMap::new();
    for at in 0..3_000u32 {
        let text = format!("id: {at}\nname: {}\n", at / 2).repeat(1 + (at as usize % 400));
        let id = writer.put(text.as_bytes()).unwrap();
        assert_eq!(writer.put(text.as_bytes()).unwrap(), id);
        files.insert(format!("users/{:02x}/{at:08}.yaml", at % 256), id);
    }
    let tree = writer.finish(&files).unwrap();
    let commit = bench.repo.create_commit(tree, &[], "Snapshot\n", &author(0)).unwrap();
    bench.repo.move_ref("refs/heads/main", commit, None, "first").unwrap();
    assert_eq!(bench.git(&["fsck", "--strict", "--full", "--no-dangling"]), "");
    let count = bench.git(&["count-objects", "-v"]);
    assert!(count.contains("packs: 1\n") && count.contains("count: 1\n") && count.contains("garbage: 0"), "{count}");
    let left: Vec<_> = std::fs::read_dir(bench.path("objects/pack")).unwrap().collect();
    assert_eq!(left.len(), 2, "{left:?}");

    // Writing the same state again adds no object and gives the same id in a newly opened repository.
    let again = Repo::open(bench.dir.path()).unwrap();
    let mut writer = again.writer().unwrap();
    let first = writer.put("id: 0\nname: 0\n".as_bytes()).unwrap();
    assert_eq!(Some(&first), files.get("users/00/00000000.yaml"));
    assert_eq!(writer.finish(&files).unwrap(), tree);
    assert_eq!(bench.git(&["count-objects", "-v"]), count);
    let listed = bench.git(&["ls-tree", "-r", "main"]);
    assert_eq!(listed.lines().count(), 3_000);
}

#[test]
fn a_dropped_writer_leaves_nothing() {
    let bench = Bench::bare();
    let mut writer = bench.repo.writer().unwrap();
    for at in 0..2_100u32 {
        writer.put(&at.to_be_bytes()[..]).unwrap();
    }
    drop(writer);
    assert_eq!(std::fs::read_dir(bench.path("objects/pack")).unwrap().count(), 0);
    assert!(bench.git(&["count-objects"]).starts_with("0 objects"));
}

#[test]
fn only_what_is_new_is_written() {
    let bench = Bench::bare();
    let before: Vec<(String, String)> = (0..50).map(|at| (format!("d{}/{at}.yaml", at % 5), at.to_string())).collect();
    let mut files: Vec<(&str, &str)> = before.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    bench.tree(&files);
    let count = |bench: &Bench| bench.git(&["count-objects"]).split(' ').next().unwrap().parse::<usize>().unwrap();
    assert_eq!(count(&bench), 56);
    files[0].1 = "changed";
    bench.tree(&files);
    assert_eq!(count(&bench), 59, "one file, one folder, one root");
}

#[test]
fn what_would_not_be_read_is_not_written() {
    let bench = Bench::bare();
    for path in ["../x", "a//b", "/a", "a/", ".git/config", "a\\b", "a\u{202e}b", "1/2/3/4/5/6/7/8/9", ".GitAttributes"]
    {
        let mut writer = bench.repo.writer().unwrap();
        let files = BTreeMap::from([(path.to_owned(), writer.put(&b"x"[..]).unwrap())]);
        assert!(matches!(writer.finish(&files), Err(RepoError::Hostile(_))), "{path}");
    }
    let mut writer = bench.repo.writer().unwrap();
    let id = writer.put(&b"x"[..]).unwrap();
    let both = ["a", "a-b", "a/b"].map(|path| (path.to_owned(), id));
    assert!(matches!(writer.finish(&BTreeMap::from(both)), Err(RepoError::Hostile(_))));
    let absent = BTreeMap::from([("a".to_owned(), blob_id(b"never put"))]);
    assert!(matches!(bench.repo.writer().unwrap().finish(&absent), Err(RepoError::Missing { .. })));
    let huge = vec![0u8; 33 << 20];
    assert!(matches!(bench.repo.writer().unwrap().put(huge.as_slice()), Err(RepoError::TooLarge { .. })));
}

/// Puts a file where the folder of this object belongs: the object cannot be written.
fn obstruct(bench: &Bench, id: &str) {
    std::fs::write(bench.path("objects").join(&id[..2]), "").unwrap();
}

/// A commit or a note that could not be written is no success: libgit2 alone says that it is.
#[test]
fn commits_and_notes_that_cannot_be_written_are_errors() {
    let (twin, bench) = (Bench::bare(), Bench::bare());
    let files = [("a", "1")];
    let id = twin.commit(&files, &[]);
    let tree = bench.tree(&files);
    obstruct(&bench, &id.to_string());
    let refused = bench.repo.create_commit(tree, &[], "Snapshot\n", &author(0)).unwrap_err();
    assert!(matches!(refused, RepoError::Git { .. }), "{refused}");

    let bench = Bench::bare();
    let name = "refs/notes/entragit-audit";
    for bench in [&twin, &bench] {
        bench.commit(&files, &[]);
        bench.repo.set_note(name, id, b"first", &author(1)).unwrap();
    }
    twin.repo.set_note(name, id, b"second", &author(2)).unwrap();
    obstruct(&bench, &twin.id(name).to_string());
    let refused = bench.repo.set_note(name, id, b"second", &author(2)).unwrap_err();
    assert!(matches!(refused, RepoError::Git { .. }), "{refused}");
    assert_eq!(bench.repo.note(name, id).unwrap().unwrap(), b"first");
}

#[test]
fn a_commit_says_what_was_said() {
    let bench = Bench::bare();
    let tree = bench.tree(&[("a", "1")]);
    let odd = Author { name: "<Mal\nlory>".into(), email: "".into(), time: Some(1_700_000_000) };
    let first = bench.repo.create_commit(tree, &[], "First\0\n\nEntragit-Objects: 1\n", &odd).unwrap();
    let second = bench.repo.create_commit(tree, &[first], "Second", &author(1)).unwrap();
    let info = bench.repo.commit(first).unwrap();
    assert_eq!((info.tree, info.parents.len(), info.author.time), (tree, 0, Some(1_700_000_000)));
    assert_eq!(info.author.name, "Mal lory");
    assert_eq!(crate::repo::trailers(&info.message), [("Entragit-Objects".to_owned(), "1".to_owned())]);
    assert_eq!(bench.repo.commit(second).unwrap().parents, [first]);
    let shown = bench.git(&["log", "--format=%an <%ae> %at %ct %s", &second.to_string()]);
    assert_eq!(
        shown,
        "Ada <ada@example.com> 1700000001 1700000001 Second\nMal lory <unknown@invalid> 1700000000 1700000000 First"
    );
    bench.git(&["config", "user.name", "Robot"]);
    bench.git(&["config", "user.email", "robot@example.com"]);
    let repo = Repo::open(bench.dir.path()).unwrap();
    let third = repo.create_commit(tree, &[second], "Third", &author(2)).unwrap();
    assert_eq!(bench.git(&["log", "-1", "--format=%an %cn", &third.to_string()]), "Ada Robot");
    let limited: Vec<_> = repo.history(third, 2).unwrap().into_iter().map(|info| info.id).collect();
    assert_eq!(limited, [third, second]);
    assert!(matches!(repo.commit(tree), Err(RepoError::Missing { .. } | RepoError::Git { .. })));
}

#[test]
fn notes_are_read_by_git_and_git_s_notes_are_read() {
    let bench = Bench::bare();
    let commit = bench.commit(&[("a", "1")], &[]);
    let name = "refs/notes/entragit";
    assert_eq!(bench.repo.note(name, commit).unwrap(), None);
    bench.repo.set_note(name, commit, "who: Zoë\n".as_bytes(), &author(0)).unwrap();
    assert_eq!(bench.git(&["notes", "--ref=entragit", "show", &commit.to_string()]), "who: Zoë");
    bench.repo.set_note(name, commit, b"second\n", &author(1)).unwrap();
    assert_eq!(bench.repo.note(name, commit).unwrap().unwrap(), b"second\n");
    bench.git(&["notes", "--ref=entragit", "append", "-m", "by git", &commit.to_string()]);
    assert_eq!(bench.repo.note(name, commit).unwrap().unwrap(), b"second\n\nby git\n");
    assert!(bench.repo.set_note(name, commit, b"\xff", &author(0)).is_err());
    assert!(bench.repo.set_note("refs/heads/main", commit, b"x", &author(0)).is_err());
}

/// Measures writing 100,000 files of 800 bytes. `cargo test --release --lib repo -- --ignored --nocapture bulk`
#[test]
#[ignore = "a measurement"]
#[allow(clippy::print_stderr)]
fn bulk_write_measured() {
    let count: usize = std::env::var("BULK").ok().and_then(|text| text.parse().ok()).unwrap_or(100_000);
    let bench = Bench::bare();
    let file = |at: usize| {
        let mut random = fastrand::Rng::with_seed(at as u64);
        let id = format!("{:032x}", random.u128(..));
        let mut text = format!("id: {id}\ndisplayName: Person {at}\nuserPrincipalName: person{at}@contoso.com\n");
        while text.len() < 800 {
            text.push_str(&format!("property{:x}: {:x}\n", text.len(), random.u64(..)));
        }
        (format!("users/{}/{id}.yaml", &id[..3]), text)
    };
    let start = std::time::Instant::now();
    let mut writer = bench.repo.writer().unwrap();
    let mut files = BTreeMap::new();
    for (path, text) in (0..count).map(file) {
        files.insert(path, writer.put(text.as_bytes()).unwrap());
    }
    let put = start.elapsed();
    let tree = writer.finish(&files).unwrap();
    let commit = bench.repo.create_commit(tree, &[], "Bulk\n", &author(0)).unwrap();
    bench.repo.move_ref("refs/heads/main", commit, None, "bulk").unwrap();
    let all = start.elapsed();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default().to_owned();
    eprintln!("{count} files: put {put:.2?}, all {all:.2?}; {peak} (inputs included)");
    for changed in [20usize, 100, 500, 2_000, 4_000] {
        let start = std::time::Instant::now();
        let mut writer = bench.repo.writer().unwrap();
        let mut files = files.clone();
        for (path, text) in (0..changed).map(file) {
            files.insert(path, writer.put(format!("{text}{changed}").as_bytes()).unwrap());
        }
        let put = start.elapsed();
        writer.finish(&files).unwrap();
        eprintln!("{changed} changed: put {put:.2?}, all {:.2?}", start.elapsed());
    }
    let start = std::time::Instant::now();
    let repo = Repo::open(bench.dir.path()).unwrap();
    let open = start.elapsed();
    let entries = repo.entries(commit).unwrap();
    let walked = start.elapsed();
    for entry in &entries {
        repo.blob(entry.blob).unwrap();
    }
    eprintln!("open {open:.2?}, entries {:.2?}, blobs {:.2?}", walked - open, start.elapsed() - walked);
    eprintln!("{}", bench.git(&["count-objects", "-vH"]));
    assert_eq!(bench.git(&["fsck", "--strict", "--full", "--no-dangling"]), "");
}
