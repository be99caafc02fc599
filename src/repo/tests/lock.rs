//! Tests that one run works at a time, and that a killed run blocks no other.

use std::fs::File;
use std::time::{Duration, SystemTime};

use super::*;
use crate::repo::RepoError;

fn age(path: &Path, by: Duration) {
    File::options().read(true).write(true).open(path).unwrap().set_modified(SystemTime::now() - by).unwrap();
}

#[test]
fn a_second_run_is_told_who_holds_the_lock() {
    let bench = Bench::new();
    let held = bench.repo.lock("export").unwrap();
    let other = Repo::open(bench.dir.path()).unwrap();
    let text = other.lock("apply").unwrap_err().to_string();
    assert!(text.contains("export, process ") && text.contains(&std::process::id().to_string()), "{text}");
    assert!(matches!(bench.repo.lock("apply"), Err(RepoError::Locked { .. })));
    drop(held);
    drop(other.lock("apply").unwrap());
    assert_eq!(std::fs::read(bench.repo.git_dir().join("entragit.lock")).unwrap(), b"");
}

#[test]
#[cfg(unix)]
fn a_lock_held_by_another_process_counts_until_it_dies() {
    let bench = Bench::new();
    drop(bench.repo.lock("export").unwrap());
    let path = bench.repo.git_dir().join("entragit.lock");
    let script = "exec 9>>\"$0\"; flock -n 9 || exit 3; echo held; exec sleep 60";
    let child = Command::new("sh").args(["-c", script, path.to_str().unwrap()]).stdout(Stdio::piped()).spawn();
    let mut child = child.unwrap();
    let mut said = [0u8; 4];
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut said).unwrap();
    assert!(matches!(bench.repo.lock("apply"), Err(RepoError::Locked { .. })));
    child.kill().unwrap();
    child.wait().unwrap();
    bench.repo.lock("apply").unwrap();
}

#[test]
fn what_killed_runs_left_is_removed() {
    let bench = Bench::new();
    let commit = bench.checked_out(&[("a", "1")]);
    let git = bench.path(".git");
    let stale = ["refs/heads/main.lock", "packed-refs.lock", "objects/tmp_object_git2_x", "index.lock"];
    for name in stale {
        std::fs::write(git.join(name), b"").unwrap();
    }
    std::fs::create_dir(git.join("objects/pack/entragit-x")).unwrap();
    std::fs::write(git.join("objects/pack/entragit-x/entries"), b"").unwrap();
    assert!(matches!(bench.repo.move_ref("refs/heads/main", commit, Some(blob_id(b"elsewhere")), "x"), Ok(())));
    let next = bench.commit(&[("a", "2")], &[commit]);
    assert!(matches!(bench.repo.move_ref("refs/heads/main", next, Some(commit), "x"), Err(RepoError::Busy { .. })));

    // The lock files are fresh, and no run is known to have died: they may be another program's.
    drop(bench.repo.lock("export").unwrap());
    assert!(stale.iter().all(|name| git.join(name).exists()));

    // Only the reference's lock is older than a minute and removed: git holds one for milliseconds, but that of the index while
    // an editor is open.
    age(&git.join("refs/heads/main.lock"), Duration::from_secs(90));
    drop(bench.repo.lock("export").unwrap());
    assert_eq!(stale.map(|name| git.join(name).exists()), [false, true, true, true]);

    // A run died holding the lock, so lock files made since are its own.
    std::fs::write(git.join("entragit.lock"), b"export, process 1 on x\n").unwrap();
    age(&git.join("entragit.lock"), Duration::from_secs(20));
    for name in &stale[1..] {
        age(&git.join(name), Duration::from_secs(10));
    }
    age(&git.join("objects/pack/entragit-x/entries"), Duration::from_secs(10));
    drop(bench.repo.lock("export").unwrap());
    assert_eq!(stale.map(|name| git.join(name).exists()), [false; 4]);
    assert!(!git.join("objects/pack/entragit-x").exists());
    bench.repo.move_ref("refs/heads/main", next, Some(commit), "x").unwrap();
}
