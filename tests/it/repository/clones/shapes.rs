//! Every shape of a clone with every command: the result of the original, or a refusal that says what to run.

use super::*;

/// What a command does in a clone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// What it does in the original.
    Same,
    /// It ends with 1, before the tenant is asked, and names a command that says this.
    Refused(&'static str),
    /// It shows a part of the history, and says so.
    Part,
}

use Expected::{Part, Refused, Same};

/// A clone that was made so, then changed so, and what `log`, `status`, `diff`, `plan`, `export` and `apply` do there.
type Shape = (&'static str, &'static [&'static str], &'static [&'static str], [Expected; 6]);

const FETCH: Expected = Refused("git fetch origin '+refs/heads/snapshots:refs/remotes/origin/snapshots'");
const UNSHALLOW_ALL: Expected = Refused("git fetch --unshallow origin '+refs/heads/*:refs/remotes/origin/*'");
const UNSHALLOW: Expected = Refused("git fetch --unshallow");
const RESET: Expected = Refused("git branch --force snapshots origin/snapshots");

const SHAPES: &[Shape] = &[
    ("plain", &[], &[], [Same; 6]),
    ("depth 1", &["--depth", "1"], &[], [UNSHALLOW_ALL; 6]),
    (
        "depth 1, every branch",
        &["--depth", "1", "--no-single-branch"],
        &[],
        [Part, UNSHALLOW, UNSHALLOW, UNSHALLOW, UNSHALLOW, UNSHALLOW],
    ),
    ("single branch", &["--single-branch"], &[], [FETCH; 6]),
    ("detached", &[], &["git checkout -q --detach", "git branch -qD main"], [Same; 6]),
    ("linked work tree", &[], &["git worktree add -q linked -b work"], [Same; 6]),
    (
        "behind",
        &[],
        &["git branch -q snapshots origin/snapshots~1", "git reset -q --hard origin/snapshots~1"],
        [Same; 6],
    ),
    (
        "diverged",
        &[],
        &[
            "git branch -q snapshots $(git commit-tree -p origin/snapshots~1 -m 'Snapshot: another\n' origin/snapshots~1^{tree})",
        ],
        [RESET; 6],
    ),
    (
        "unrelated",
        &[],
        &["git branch -q snapshots $(git commit-tree -m 'First snapshot' origin/snapshots^{tree})"],
        [RESET; 6],
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_shape_of_clone_gives_the_same_result_or_says_what_to_run() {
    let shared = Shared::new().await;
    shared.describe("changed").await;
    shared.world.run(&["export", "--kind", "group"]).ok();
    shared.world.edit("Approves larger orders");
    shared.push();
    let edit = shared.world.git(&["rev-parse", "main"]);
    let commands: [&[&str]; 6] = [
        &["log", "--json"],
        &["status", "--json"],
        &["diff", "snapshots~1", "snapshots", "--json"],
        &["plan", "--to", &edit, "--kind", "group", "--json"],
        &["export", "--kind", "group", "--json"],
        &["apply", "--to", &edit, "--kind", "group", "--yes", "--json"],
    ];
    let original = shared.clone(&[]);
    original.git(&["branch", "-q", "snapshots", "origin/snapshots"]);
    original.git(&["fetch", "-q", "origin", "refs/notes/*:refs/notes/*"]);
    let wanted: Vec<_> = commands.iter().map(|command| result(&original.run(command))).collect();
    for (shape, made, changed, expected) in SHAPES {
        shared.take_back().await;
        let clone = shared.clone(made);
        clone.git(&["fetch", "-q", "origin", "refs/notes/*:refs/notes/*"]);
        changed.iter().for_each(|line| clone.shell(line));
        let dir = Some(clone.path.join("linked")).filter(|dir| dir.exists()).unwrap_or_else(|| clone.path.clone());
        let roots = clone.roots();
        for ((command, wanted), expected) in commands.iter().zip(&wanted).zip(expected) {
            let what = format!("{shape}: {}", command[0]);
            match expected {
                Same => assert_eq!(result(&clone.run_in(&dir, command)), *wanted, "{what}"),
                Part => drop(clone.run_in(&dir, command).ok()),
                Refused(said) => {
                    let before = clone.git(&["for-each-ref"]);
                    let ran = clone.refused(command);
                    assert!(ran.err.contains(said), "{what}: {}", ran.err);
                    assert_eq!(clone.git(&["for-each-ref"]), before, "{what}");
                }
            }
            assert_eq!(clone.roots(), roots, "{what}");
        }
        // The edit is on the branch that people fetched, and still in a branch of theirs.
        clone.git(&["merge-base", "--is-ancestor", &edit, "origin/main"]);
        if let Refused(line) = expected[5] {
            clone.shell(if line == "git fetch --unshallow" { "git fetch -q --unshallow origin" } else { line });
            let ran = clone.run(commands[3]);
            assert_eq!(result(&ran), wanted[3], "{shape}, after {line}: {}", ran.err);
        }
    }
}

/// What a run says, less what differs from clone to clone: moments, commits made there, and how the branches there stand.
fn result(ran: &Ran) -> (i32, Value) {
    let mut value: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{}\n{}", ran.out, ran.err));
    let own = ["expires", "receipt", "commit", "tip"];
    if value.get("attention").is_some() {
        value = json!([value["snapshot"]["commit"], value["pending"], value["credentials"]]);
    }
    if let Some(object) = value.as_object_mut() {
        object.retain(|name, _| !own.contains(&name.as_str()));
    }
    (ran.code, value)
}

impl Shared {
    /// Brings the group back to what it was before the edit was applied.
    async fn take_back(&self) {
        let description = self.world.git(&["show", &format!("snapshots:{}", self.edited())]);
        let description = description.lines().find_map(|line| line.strip_prefix("description: ")).unwrap().to_owned();
        let patch = json!({"description": description});
        assert_eq!(self.world.graph.patch(&format!("/v1.0/groups/{GROUP}"), patch).await.0, 204);
    }

    fn edited(&self) -> String {
        self.world.git(&["ls-files", &format!("groups/*{GROUP}*")])
    }
}
