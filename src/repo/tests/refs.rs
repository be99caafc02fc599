//! Tests names, histories and compare-and-swap.

use super::*;
use crate::repo::RepoError;

fn line(bench: &Bench, length: usize) -> Vec<ObjectId> {
    let mut line: Vec<ObjectId> = Vec::new();
    for at in 0..length {
        let parent: Vec<_> = line.last().copied().into_iter().collect();
        let tree = bench.tree(&[("a", &at.to_string())]);
        let commit = bench.repo.create_commit(tree, &parent, &format!("{at}\n"), &author(at)).unwrap();
        bench.repo.move_ref("refs/heads/main", commit, parent.first().copied(), "step").unwrap();
        line.push(commit);
    }
    line
}

#[test]
fn revisions_are_git_s() {
    let bench = Bench::bare();
    let line = line(&bench, 3);
    bench.git(&["tag", "-a", "-m", "t", "v1", &line[1].to_string()]);
    let short = &line[0].to_string()[..10];
    for (rev, id) in [
        ("main", line[2]),
        ("HEAD", line[2]),
        ("HEAD~2", line[0]),
        ("v1", line[1]),
        ("refs/heads/main", line[2]),
        (short, line[0]),
        ("main@{1}", line[1]),
        ("main^", line[1]),
        ("main@{now}", line[2]),
    ] {
        assert_eq!(bench.repo.resolve(rev).unwrap(), id, "{rev}");
    }
    for rev in ["", "nope", "main~9", "main:a", "..", "main..v1", "-x", "main@{99}", "\u{1b}[31m", "^{/x", "a\0b"] {
        match bench.repo.resolve(rev) {
            Err(error @ RepoError::UnknownRevision { .. }) => assert!(!error.to_string().contains('\u{1b}')),
            other => panic!("{rev:?}: {other:?}"),
        }
    }
    let empty = Bench::bare();
    assert!(empty.repo.resolve("HEAD").unwrap_err().to_string().contains("no commit yet"));
}

#[test]
fn a_date_before_the_log_is_no_commit() {
    let bench = Bench::bare();
    let line = line(&bench, 3);
    let day = 86_400;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as i64;
    let mut log = format!("{} {} A <a@b> {} +0000\tfirst\n", "0".repeat(40), line[0], now - 5 * day);
    log.push_str(&format!("{} {} A <a@b> {} +0000\tsecond\n", line[0], line[1], now - 2 * day));
    log.push_str(&format!("{} {} A <a@b> {} +0000\tthird\n", line[1], line[2], now - 60));
    std::fs::write(bench.path("logs/refs/heads/main"), log).unwrap();
    for (rev, id) in
        [("main@{yesterday}", line[1]), ("main@{3 days ago}", line[0]), ("@{now}", line[2]), ("main@{2}", line[0])]
    {
        assert_eq!(bench.repo.resolve(rev).unwrap(), id, "{rev}");
    }
    for rev in ["main@{6 days ago}", "main@{2001-01-01}~0", "@{last year}"] {
        let text = bench.repo.resolve(rev).unwrap_err().to_string();
        assert!(text.contains("log of it begins at"), "{rev}: {text}");
    }
}

#[test]
fn heads_are_unborn_attached_or_detached() {
    let bench = Bench::new();
    assert_eq!(bench.repo.head_branch().as_deref(), Some("main"));
    assert_eq!(bench.repo.reference("HEAD").unwrap(), None);
    assert_eq!(bench.repo.reference("refs/heads/main").unwrap(), None);
    let line = line(&bench, 2);
    assert_eq!(bench.repo.reference("HEAD").unwrap(), Some(line[1]));
    bench.git(&["checkout", "-q", "-f", "--detach"]);
    assert_eq!(bench.repo.head_branch(), None);
    assert_eq!(bench.repo.reference("HEAD").unwrap(), Some(line[1]));
    assert!(bench.repo.reference("refs/heads/../../x").is_err());
}

#[test]
fn packed_references_are_read_and_moved() {
    let bench = Bench::bare();
    let line = line(&bench, 3);
    bench.git(&["pack-refs", "--all", "--prune"]);
    bench.git(&["gc", "-q"]);
    assert!(!bench.path("refs/heads/main").exists());
    assert_eq!(bench.repo.reference("refs/heads/main").unwrap(), Some(line[2]));
    bench.repo.move_ref("refs/heads/main", line[0], Some(line[2]), "back").unwrap();
    assert_eq!(bench.id("main"), line[0]);
    assert!(matches!(
        bench.repo.move_ref("refs/heads/main", line[1], None, "new"),
        Err(RepoError::Moved { found: Some(found), .. }) if found == line[0]
    ));
}

#[test]
fn a_reference_moves_only_from_where_it_was_seen() {
    let bench = Bench::bare();
    let line = line(&bench, 3);
    let moved = |expected| bench.repo.move_ref("refs/heads/main", line[0], expected, "x");
    assert!(matches!(moved(Some(line[1])), Err(RepoError::Moved { found: Some(id), .. }) if id == line[2]));
    assert!(matches!(moved(None), Err(RepoError::Moved { found: Some(id), .. }) if id == line[2]));
    assert_eq!(bench.id("main"), line[2]);
    let absent = bench.repo.move_ref("refs/heads/other", line[0], Some(line[1]), "x");
    assert!(matches!(absent, Err(RepoError::Moved { found: None, .. })));
    bench.repo.move_ref("refs/entragit/state", line[0], None, "x").unwrap();
    assert_eq!(bench.id("refs/entragit/state"), line[0]);
    // A reference that is at its target already counts as moved, whoever moved it.
    bench.repo.move_ref("refs/entragit/state", line[0], Some(line[2]), "x").unwrap();
    for name in ["main", "refs/heads/a..b", "refs/heads/", "HEAD", "refs/heads/x\n"] {
        assert!(matches!(bench.repo.move_ref(name, line[0], None, "x"), Err(RepoError::Invalid(_))), "{name:?}");
    }
    assert_eq!(bench.git(&["reflog", "-1", "--format=%gs", "main"]), "step");
}

#[test]
fn of_many_that_race_no_update_is_lost() {
    let bench = Bench::bare();
    let first = line(&bench, 1)[0];
    let dir = bench.dir.path();
    let won: usize = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..4)
            .map(|thread| {
                scope.spawn(move || {
                    let repo = Repo::open(dir).unwrap();
                    let mut won = 0;
                    for round in 0..10 {
                        let tip = repo.reference("refs/heads/main").unwrap().unwrap();
                        let tree = repo.commit(tip).unwrap().tree;
                        let message = format!("{thread} {round}");
                        let next = repo.create_commit(tree, &[tip], &message, &author(1)).unwrap();
                        match repo.move_ref("refs/heads/main", next, Some(tip), "race") {
                            Ok(()) => won += 1,
                            Err(RepoError::Moved { .. } | RepoError::Busy { .. }) => {}
                            Err(other) => panic!("{other}"),
                        }
                    }
                    won
                })
            })
            .collect();
        runs.into_iter().map(|run| run.join().unwrap()).sum()
    });
    let tip = bench.repo.reference("refs/heads/main").unwrap().unwrap();
    assert!(won > 0);
    assert_eq!(bench.repo.history(tip, 1_000).unwrap().len(), won + 1);
    assert!(bench.repo.is_ancestor(first, tip).unwrap());
}

#[test]
fn histories_are_compared() {
    let bench = Bench::bare();
    let line = line(&bench, 3);
    let side = bench.commit(&[("b", "side")], &[line[0]]);
    let alone = bench.commit(&[("c", "alone")], &[]);
    let repo = &bench.repo;
    assert!(repo.is_ancestor(line[0], line[2]).unwrap());
    assert!(repo.is_ancestor(line[2], line[2]).unwrap());
    assert!(!repo.is_ancestor(line[2], line[0]).unwrap());
    assert!(!repo.is_ancestor(side, line[2]).unwrap());
    assert_eq!(repo.merge_base(side, line[2]).unwrap(), Some(line[0]));
    assert_eq!(repo.merge_base(alone, line[2]).unwrap(), None);
    let absent = blob_id(b"no commit");
    assert!(matches!(repo.is_ancestor(absent, alone), Err(RepoError::Missing { .. })));
}
