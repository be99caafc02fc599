//! The git command line is the witness: what we write, it must read.

use std::process::Command;

use super::*;

fn git(dir: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(arguments)
        .current_dir(dir)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", dir)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .expect("git runs");
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn snapshot(repo: &Repo, files: &[(&str, &str)]) -> (ObjectId, ObjectId) {
    let mut writer = repo.writer().expect("writer");
    let files: Files =
        files.iter().map(|(path, text)| ((*path).to_owned(), writer.put(text.as_bytes()).expect("put"))).collect();
    let tree = writer.finish(&files).expect("finish");
    let author = Author::fixed("Entragit", "entragit@localhost", 1_700_000_000);
    let parent = repo.reference("refs/heads/main").expect("ref");
    let commit = repo.create_commit(tree, parent.as_slice(), "m\n", &author).expect("commit");
    (tree, commit)
}

#[test]
fn trees_are_those_that_git_would_write() {
    let dir = tempfile::tempdir().expect("dir");
    let repo = Repo::init(dir.path(), "main", false).expect("init");
    let files = [("a.yaml", "1"), ("a/b.yaml", "2"), ("a-b/c.yaml", "3"), ("a.d/e.yaml", "4"), ("z.yaml", "5")];
    let (tree, commit) = snapshot(&repo, &files);
    repo.move_ref("refs/heads/main", commit, None, "t").expect("move");
    repo.write_worktree(commit).expect("worktree");
    git(dir.path(), &["add", "-A"]);
    assert_eq!(git(dir.path(), &["write-tree"]), tree.to_string());
    assert_eq!(git(dir.path(), &["status", "--porcelain"]), "");
    git(dir.path(), &["fsck", "--strict", "--full"]);
    assert_eq!(repo.entries(commit).expect("entries").len(), 5);
}

#[test]
fn many_objects_go_into_one_pack() {
    let dir = tempfile::tempdir().expect("dir");
    let repo = Repo::init(dir.path(), "main", true).expect("init");
    let mut writer = repo.writer().expect("writer");
    let mut files = Files::new();
    for number in 0..5_000 {
        let id = writer.put(format!("id: {number}\n").as_bytes()).expect("put");
        files.insert(format!("users/{:02x}/{number}.yaml", number % 256), id);
    }
    let tree = writer.finish(&files).expect("finish");
    let commit = repo.create_commit(tree, &[], "many", &Author::tool()).expect("commit");
    repo.move_ref("refs/heads/main", commit, None, "t").expect("move");
    git(dir.path(), &["fsck", "--strict", "--full"]);
    let found = std::fs::read_dir(dir.path().join("objects/pack")).expect("packs");
    let names: Vec<String> = found.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    assert_eq!(names.iter().filter(|name| name.ends_with(".pack")).count(), 1, "{names:?}");
    assert!(!names.iter().any(|name| name.starts_with(pack::PREFIX)), "{names:?}");
    assert_eq!(repo.entries(commit).expect("entries").len(), 5_000);
}

#[test]
fn a_ref_moves_only_from_where_it_was_expected() {
    let dir = tempfile::tempdir().expect("dir");
    let repo = Repo::init(dir.path(), "main", true).expect("init");
    let (_, first) = snapshot(&repo, &[("a.yaml", "1")]);
    repo.move_ref("refs/heads/main", first, None, "t").expect("move");
    let (_, second) = snapshot(&repo, &[("a.yaml", "2")]);
    assert!(matches!(repo.move_ref("refs/heads/main", second, None, "t"), Err(RepoError::Moved { .. })));
    assert!(matches!(
        repo.move_ref("refs/heads/main", second, Some(second), "t"),
        Ok(()) | Err(RepoError::Moved { .. })
    ));
    assert!(matches!(repo.move_ref("refs/heads/main", first, Some(second), "t"), Ok(())), "it is there already");
    repo.move_ref("refs/heads/main", second, Some(first), "t").expect("move");
    assert_eq!(repo.reference("refs/heads/main").expect("ref"), Some(second));
    assert!(repo.is_ancestor(first, second).expect("history"));
}

#[test]
fn hostile_trees_are_named_entry_by_entry() {
    let dir = tempfile::tempdir().expect("dir");
    let repo = Repo::init(dir.path(), "main", true).expect("init");
    let blob = repo
        .writer()
        .and_then(|mut w| {
            let id = w.put(b"x")?;
            w.finish(&Files::from([("x".to_owned(), id)]))?;
            Ok(id)
        })
        .expect("blob");
    let mut bytes = Vec::new();
    let mut add = |mode: &str, name: &[u8]| {
        bytes.extend_from_slice(mode.as_bytes());
        bytes.push(b' ');
        bytes.extend_from_slice(name);
        bytes.push(0);
        bytes.extend_from_slice(&blob.0);
    };
    for (mode, name) in [
        ("100644", "..".as_bytes()),
        ("100644", b".GIT"),
        ("100644", b".gitattributes"),
        ("120000", b"link"),
        ("160000", b"module"),
        ("100755", b"script.yaml"),
        ("100644", b"a\\b"),
        ("100644", "rtl\u{202e}x".as_bytes()),
        ("100644", b"twice"),
        ("100644", b"twice"),
        ("100644", b"bad\xff"),
    ] {
        add(mode, name);
    }
    let path = dir.path().join("tree.bin");
    std::fs::write(&path, &bytes).expect("write");
    let tree = git(dir.path(), &["hash-object", "-t", "tree", "-w", "--literally", "tree.bin"]);
    let commit = {
        let text = format!("tree {tree}\nauthor a <a@b> 1 +0000\ncommitter a <a@b> 1 +0000\n\nm\n");
        std::fs::write(dir.path().join("c"), text).expect("write");
        git(dir.path(), &["hash-object", "-t", "commit", "-w", "--literally", "c"])
    };
    let found = repo.entries(commit.parse().expect("id"));
    let Err(RepoError::Hostile(findings)) = found else { panic!("{found:?}") };
    let said: Vec<String> = findings.iter().map(|finding| format!("{}: {}", finding.path, finding.message)).collect();
    insta::assert_snapshot!(said.join("\n"), @r"
    ..: the name leads out of its folder
    .GIT: the name stands for git's own folder
    .gitattributes: git's attributes and modules files are not allowed; remove it
    link: symbolic links are not allowed; replace it by a file
    module: submodules are not allowed; remove it
    script.yaml: the file is executable or has another odd mode; `chmod 644` it
    a\b: the name holds a path separator of some system
    rtl?x: the name holds control or direction characters
    twice: the name stands twice in its folder
    bad�: the name is not UTF-8
    ");
}

#[test]
fn the_work_tree_follows_and_edits_are_seen() {
    let dir = tempfile::tempdir().expect("dir");
    let repo = Repo::init(dir.path(), "main", false).expect("init");
    let (_, first) = snapshot(&repo, &[("a/b.yaml", "1"), ("c.yaml", "1")]);
    repo.move_ref("refs/heads/main", first, None, "t").expect("move");
    repo.write_worktree(first).expect("write");
    assert_eq!(repo.worktree_state(first).expect("state"), Worktree::Clean);
    let (_, second) = snapshot(&repo, &[("a.yaml", "2"), ("c.yaml", "2")]);
    repo.update_worktree(first, second).expect("update");
    repo.move_ref("refs/heads/main", second, Some(first), "t").expect("move");
    assert_eq!(repo.worktree_state(second).expect("state"), Worktree::Clean);
    assert_eq!(git(dir.path(), &["status", "--porcelain"]), "");
    assert!(!dir.path().join("a").exists());
    std::fs::write(dir.path().join("c.yaml"), "edited").expect("edit");
    assert_eq!(repo.worktree_state(second).expect("state"), Worktree::Dirty(vec!["c.yaml".to_owned()]));
}

#[cfg(unix)]
#[test]
fn nothing_is_written_through_a_planted_link() {
    let dir = tempfile::tempdir().expect("dir");
    let outside = tempfile::tempdir().expect("dir");
    let repo = Repo::init(dir.path(), "main", false).expect("init");
    let (_, first) = snapshot(&repo, &[("c.yaml", "1")]);
    repo.write_worktree(first).expect("write");
    std::os::unix::fs::symlink(outside.path(), dir.path().join("groups")).expect("link");
    let (_, second) = snapshot(&repo, &[("groups/g.yaml", "2"), ("c.yaml", "1")]);
    assert!(matches!(repo.update_worktree(first, second), Err(RepoError::Io { .. })));
    assert_eq!(std::fs::read_dir(outside.path()).expect("dir").count(), 0);
    assert!(matches!(repo.worktree_files(), Err(RepoError::Hostile(_))));
}

#[test]
fn one_lock_at_a_time() {
    let dir = tempfile::tempdir().expect("dir");
    let repo = Repo::init(dir.path(), "main", true).expect("init");
    let held = repo.lock("export").expect("lock");
    assert!(matches!(repo.lock("apply"), Err(RepoError::Locked { owner }) if owner.contains("export")));
    drop(held);
    repo.lock("apply").expect("lock");
}

#[test]
fn notes_are_gits() {
    let dir = tempfile::tempdir().expect("dir");
    let repo = Repo::init(dir.path(), "main", true).expect("init");
    let (_, commit) = snapshot(&repo, &[("a.yaml", "1")]);
    repo.set_note("refs/notes/entragit-audit", commit, b"{}", &Author::tool()).expect("note");
    assert_eq!(git(dir.path(), &["notes", "--ref=entragit-audit", "show", &commit.to_string()]), "{}");
    assert_eq!(repo.note("refs/notes/entragit-audit", commit).expect("note").as_deref(), Some(b"{}".as_slice()));
    assert_eq!(
        repo.resolve("nothing-like-it").map_err(|error| error.to_string()),
        Err("\"nothing-like-it\" names no commit here; `git log --all --oneline` lists what there is".to_owned())
    );
}
