//! What must not happen on the worst day, through the binary and the embedded tenant.

mod files;

use serde_json::Value;

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

/// A group made from a label, then the label used for something else: the group is neither renamed nor deleted for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_label_is_given_once() {
    let world = World::new().await;
    world.run(&["export"]).ok();
    let team = |name: &str, nick: &str| {
        format!(
            "id: new:team\ndisplayName: {name}\ndescription: x\nmailEnabled: false\nmailNickname: {nick}\nsecurityEnabled: true\n"
        )
    };
    world.write("groups/team.yaml", &team("Pilot ring", "pilot"));
    world.commit("a group");
    let asked = world.git(&["rev-parse", "HEAD"]);
    world.run(&["apply", "--to", "HEAD", "--yes"]).ok();
    let made = world.graph.pages("/v1.0/groups").await.into_iter().find(|group| group["displayName"] == "Pilot ring");
    let id = made.unwrap()["id"].as_str().unwrap().to_owned();
    // The commit that asked for it still means it.
    let plan = world.run(&["plan", "--to", &asked, "--json"]).ok().json();
    assert_eq!(steps(&plan), "");
    // A later commit cannot.
    world.write("groups/other.yaml", &team("Second ring", "second"));
    world.commit("the label again");
    let ran = world.run(&["plan", "--to", "HEAD"]).ends(1);
    assert!(ran.err.contains("[label-used]") && ran.err.contains(&id), "{}", ran.err);
    // Nor can a branch that was made before.
    world.git(&["reset", "-q", "--hard", "HEAD~1"]);
    world.git(&["checkout", "-qb", "elsewhere", &format!("{asked}~1")]);
    world.write(
        "conditional-access/named-locations/team.yaml",
        "\"@odata.type\": \"#microsoft.graph.countryNamedLocation\"\ncountriesAndRegions:\n  - DE\ndisplayName: Office\nid: new:team\nincludeUnknownCountriesAndRegions: false\n",
    );
    world.commit("the label elsewhere");
    let ran = world.run(&["plan", "--to", "HEAD"]).ends(1);
    assert!(ran.err.contains("[label-used]") && ran.err.contains("Pilot ring"), "{}", ran.err);
}
