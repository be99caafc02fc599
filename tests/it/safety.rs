//! What must not happen on the worst day, through the binary and the embedded tenant.

use entragit::emulator::contoso::names;
use serde_json::{Value, json};

use super::cli::World;

/// What a plan would do, one step a line, by name.
fn steps(plan: &Value) -> String {
    let line = |step: &Value| {
        let word = |name: &str| step[name].as_str().unwrap_or_default().to_owned();
        format!("{} {} {}", word("action"), word("kind"), word("name"))
    };
    plan["steps"].as_array().unwrap().iter().map(line).collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_without_coverage_deletes_nothing() {
    let world = World::new().await;
    world.run(&["export"]).ok();
    for only in [&[][..], &["--kind", "namedLocation"]] {
        let ran = world.run(&[&["plan", "--to", "HEAD~1"], only].concat()).ends(1);
        assert!(ran.err.contains("HEAD~1 says of no kind of object that it was read"), "{}", ran.err);
    }
    // Files without a manifest speak for the kinds they are of, and for no other.
    world.git(&["rm", "-q", "manifest.yaml"]);
    world.git(&["rm", "-qr", "groups", "users"]);
    world.commit("no manifest");
    let plan = world.run(&["plan", "--to", "HEAD", "--json"]).ok().json();
    assert_eq!(steps(&plan), "");
}
