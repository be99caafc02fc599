//! The real program, killed for real: SIGKILL while a write is on its way, before the tenant carries it out or after.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use entragit::emulator::{Faults, Hang, Options, Seed};
use serde_json::Value;

use crate::support::command_line::{Ran, World, hermetic};
use crate::support::graph::Graph;
use crate::support::long::is_long_run;

const LISTS: [&str; 4] = [
    "/v1.0/groups",
    "/v1.0/identity/conditionalAccess/policies",
    "/v1.0/identity/conditionalAccess/namedLocations",
    "/v1.0/policies/authenticationStrengthPolicies",
];

/// Names, with how many members each has.
async fn inventory(graph: &Graph, members: bool) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for list in LISTS {
        for object in graph.pages(list).await {
            let members = match object["id"].as_str().filter(|_| members && list.ends_with("groups")) {
                Some(id) => graph.pages(&format!("{list}/{id}/members?$select=id")).await.len(),
                None => 0,
            };
            all.push((object["displayName"].to_string(), format!("{list} {members}")));
        }
    }
    all.sort();
    all
}

fn copy(from: &Path, to: &Path) {
    let ran = std::process::Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(ran.success());
}

/// A wiped tenant in a file, and the repository that wants it back.
struct Accident {
    world: World,
    state: PathBuf,
    before: Vec<(String, String)>,
    /// What is left out of the apply.
    less: &'static [&'static str],
    _dir: tempfile::TempDir,
}

impl Accident {
    async fn new(less: &'static [&'static str]) -> Accident {
        let world = World::exported().await;
        let before = inventory(&world.graph, less.is_empty()).await;
        world.wipe().await;
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("wiped.json");
        world.graph.tenant.save(&state).unwrap();
        Accident { world, state, before, less, _dir: dir }
    }

    /// Applies, is killed at a write, applies again. Says whether it came to that write.
    async fn killed_at(&self, write: u64, hang: Hang) -> bool {
        let dir = tempfile::tempdir().unwrap();
        let (state, repo) = (dir.path().join("tenant.json"), dir.path().join("repo"));
        copy(&self.state, &state);
        copy(self.world.path(), &repo);
        let faults = Faults { hang: Some((write, hang)), ..Faults::default() };
        let graph = Graph::with(Options { seed: Seed::Empty, state: Some(state), faults, ..Options::default() }).await;
        let program = |arguments: &[&str]| {
            let mut command = hermetic(env!("CARGO_BIN_EXE_entragit"), &repo);
            let url = graph.tenant.url();
            command.env("ENTRAGIT_GRAPH_URL", &url).env("ENTRAGIT_AUTHORITY_URL", &url);
            command.env("AZURE_CLIENT_ID", "test").env("AZURE_CLIENT_SECRET", "not-a-secret").args(arguments);
            command
        };
        let apply: Vec<&str> = ["apply", "--to", "HEAD", "--yes", "--patience", "0", "--accept", "lock-out"]
            .iter()
            .chain(self.less)
            .copied()
            .collect();
        let mut child = program(&apply).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let ended = loop {
            tokio::select! {
                () = graph.tenant.hung() => break None,
                () = tokio::time::sleep(std::time::Duration::from_millis(50)) => {
                    if let Some(status) = child.try_wait().unwrap() {
                        break Some(status);
                    }
                }
            }
        };
        // On this system, kill is SIGKILL.
        let _ = child.kill();
        tokio::task::block_in_place(|| child.wait()).unwrap();
        graph.tenant.set_faults(Faults::default());
        let place = format!("{hang:?} {write}");
        // The tenant that answers is served by these same threads.
        let run = |arguments: &[&str]| tokio::task::block_in_place(|| Ran::of(&program(arguments).output().unwrap()));
        let ran = run(&apply);
        // What Graph alone sets is another on what is made again: told, and nothing else.
        let told = ran.err.split("no step can bring about:\n").nth(1).unwrap_or_default();
        let by_graph = told.lines().all(|line| line.ends_with("Graph sets it by itself and lets nobody write it"));
        assert!(ran.code == 4 && !told.is_empty() && by_graph, "{place}: {} {}", ran.code, ran.err);
        assert_eq!(inventory(&graph, self.less.is_empty()).await, self.before, "{place}");
        let plan: Vec<&str> = ["plan", "--to", "HEAD"].iter().chain(self.less).copied().collect();
        let second = run(&plan);
        assert_eq!(second.code, 0, "{place}: {} {}", second.out, second.err);
        journals_are_done(&repo, &place);
        // Its state is not wanted any more.
        drop(graph);
        ended.is_none()
    }
}

/// Of every journal, each step that was sent is done, and the run has ended.
fn journals_are_done(repo: &Path, place: &str) {
    let folder = repo.join(".git/entragit/journal");
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let lines: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let steps = |state: &str| {
            let of = lines.iter().filter(|line| line["state"] == state);
            of.map(|line| line["step"].as_u64().unwrap()).collect::<std::collections::BTreeSet<_>>()
        };
        assert!(steps("sent").is_subset(&steps("done")), "{place}");
        assert_eq!(lines.last().unwrap()["state"], "ended", "{place}");
    }
}

/// How many are killed at a time: an apply waits most of the time.
const TOGETHER: usize = 6;

/// An early write that is carried out and not answered, and a late one that is not carried out; in the long form both ways of
/// both. With `ENTRAGIT_LAWS` every write of an apply of about two hundred, both ways.
#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn a_program_that_is_killed_is_taken_up_by_the_next() {
    let every = std::env::var_os("ENTRAGIT_LAWS").is_some();
    let (accident, writes): (Accident, Vec<u64>) = match every {
        true => (Accident::new(&["--exclude", "group.members"]).await, (1..=1000).collect()),
        false => (Accident::new(&[]).await, vec![2, 150]),
    };
    let accident = Arc::new(accident);
    let places = writes.into_iter().flat_map(|write| [(write, Hang::Before), (write, Hang::After)]);
    let mut places = places.filter(|place| is_long_run() || matches!(place, (2, Hang::After) | (150, Hang::Before)));
    let mut running = tokio::task::JoinSet::new();
    let (mut killed, mut over) = (0, false);
    loop {
        while !over && running.len() < TOGETHER {
            let Some((write, hang)) = places.next() else { break };
            let accident = Arc::clone(&accident);
            running.spawn(async move { (write, accident.killed_at(write, hang).await) });
        }
        let Some(ended) = running.join_next().await else { break };
        let (write, came_to_it) = ended.unwrap();
        killed += usize::from(came_to_it);
        if !came_to_it && !over {
            println!("there is no write {write}");
        }
        // Those that were under way are let end.
        over |= !came_to_it;
    }
    println!("killed {killed} times");
    assert!(killed > 0 && over == every, "{killed}");
}
