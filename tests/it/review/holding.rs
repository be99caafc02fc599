//! `main: hold`: what the tenant changes is in the branch of the people only after somebody accepted it.

use entragit::emulator::contoso::names;
use serde_json::json;

use crate::support::command_line::World;

impl World {
    /// A world whose people keep their branch for themselves.
    pub(super) async fn held() -> World {
        let world = World::exported().await;
        let settings = std::fs::read_to_string(world.path().join("entragit.yaml")).unwrap();
        assert!(settings.contains("\nmain: follow\n"), "{settings}");
        world.write("entragit.yaml", &settings.replace("\nmain: follow\n", "\nmain: hold\n"));
        world.commit("People alone move main");
        world
    }

    pub(super) async fn change_group(&self, body: serde_json::Value) {
        let path = format!("/v1.0/groups/{}", names::REMOTE_WORKERS);
        assert_eq!(self.graph.patch(&path, body).await.0, 204);
    }

    pub(super) async fn disable_policy(&self) {
        let path = format!("/v1.0/identity/conditionalAccess/policies/{}", names::ORDERING_POLICY);
        assert_eq!(self.graph.patch(&path, json!({"state": "disabled"})).await.0, 204);
    }

    pub(super) fn on(&self, branch: &str, path: &str) -> String {
        self.git(&["show", &format!("{branch}:{path}")])
    }

    pub(super) fn file_of(&self, id: &str) -> String {
        let all = self.git(&["ls-tree", "-r", "--name-only", "main"]);
        all.lines().find(|path| path.contains(id)).unwrap().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn change_of_the_tenant_waits_until_it_is_accepted_or_rejected() {
    let world = World::held().await;
    let main = world.git(&["rev-parse", "main"]);
    world.change_group(json!({"description": "rogue"})).await;
    world.disable_policy().await;
    world.run(&["export"]).ok();
    assert_eq!(world.git(&["rev-parse", "main"]), main, "an export moves no branch of the people");
    let (group, policy) = (world.file_of(names::REMOTE_WORKERS), world.file_of(names::ORDERING_POLICY));
    assert!(world.on("snapshots", &group).contains("rogue") && !world.on("main", &group).contains("rogue"));

    let drift = world.run(&["drift"]).ends(2).out;
    assert!(drift.contains(names::REMOTE_WORKERS_NAME) && drift.contains(names::ORDERING_POLICY_NAME), "{drift}");
    let refused = world.run(&["accept"]).ends(1).err;
    assert!(refused.contains("say what to accept"), "{refused}");

    let accepted = world.run(&["accept", "--name", names::REMOTE_WORKERS_NAME]).ok();
    assert!(accepted.out.contains("rogue") && accepted.err.contains("1 changed object waits"), "{}", accepted.err);
    assert!(world.on("main", &group).contains("rogue"));
    assert!(std::fs::read_to_string(world.path().join(&group)).unwrap().contains("rogue"), "the work tree follows");
    assert_eq!(world.git(&["status", "--porcelain"]), "");
    assert_eq!(world.on("main", &policy), world.git(&["show", &format!("{main}:{policy}")]));
    let message = world.git(&["log", "-1", "--format=%B", "main"]);
    assert!(message.starts_with("Accept 1 change: Remote workers\n"), "{message}");
    let drift = world.run(&["drift"]).ends(2).out;
    assert!(!drift.contains(names::REMOTE_WORKERS_NAME) && drift.contains(names::ORDERING_POLICY_NAME), "{drift}");

    world.run(&["reject", "--name", names::ORDERING_POLICY_NAME, "--yes"]).ok();
    world.run(&["drift"]).ok();
    let main = world.git(&["rev-parse", "main"]);
    world.run(&["export"]).ok();
    assert_eq!(world.git(&["rev-parse", "main"]), main);
    assert_eq!(world.git(&["merge-base", "main", "snapshots"]), main, "the snapshots have what people decided");
    let nothing = world.run(&["accept", "--all"]).ok().err;
    assert!(nothing.contains("nothing to accept in main; 0 changed objects wait"), "{nothing}");
}

#[tokio::test(flavor = "multi_thread")]
async fn property_is_accepted_beside_an_edit_that_waits() {
    let world = World::held().await;
    let group = world.file_of(names::REMOTE_WORKERS);
    world.change_group(json!({"description": "theirs", "displayName": "Their name"})).await;
    world.run(&["export"]).ok();
    // Two properties changed in the tenant, another one in the pull request.
    let text = world.on("main", &group);
    let edited = format!(
        "{}\nvisibility: Private\n",
        text.lines().filter(|line| !line.starts_with("visibility:")).collect::<Vec<_>>().join("\n")
    );
    world.write(&group, &edited);
    world.commit("Only members see the group");
    world.run(&["accept", "--id", names::REMOTE_WORKERS, "--property", "description"]).ok();
    let merged = world.on("main", &group);
    assert!(merged.contains("description: theirs") && merged.contains("visibility: Private"), "{merged}");
    assert!(merged.contains(&format!("displayName: {}", names::REMOTE_WORKERS_NAME)), "{merged}");
}

#[tokio::test(flavor = "multi_thread")]
async fn receipt_moves_the_held_branch_only_by_the_ids_it_learned() {
    let world = World::held().await;
    world.write(
        "groups/pilots.yaml",
        "id: new:pilots\ndisplayName: Pilots\nmailEnabled: false\nmailNickname: pilots\nsecurityEnabled: true\n",
    );
    world.commit("A group of pilots");
    world.run(&["apply", "--to", "main", "--yes"]).ok();
    assert_eq!(
        world.git(&["rev-parse", "main"]),
        world.git(&["rev-parse", "snapshots"]),
        "the receipt is what was wanted"
    );
    assert!(world.git(&["ls-tree", "-r", "--name-only", "main"]).contains("groups/pilots."), "with its id");

    world.disable_policy().await;
    let main = world.git(&["rev-parse", "main"]);
    world.write(
        &world.file_of(names::REMOTE_WORKERS),
        &world
            .on("main", &world.file_of(names::REMOTE_WORKERS))
            .replace("displayName: Remote workers", "displayName: Remote people"),
    );
    world.commit("Another name");
    world.run(&["apply", "--changes", "--yes"]).ok();
    assert!(world.git(&["rev-parse", "main"]) != main);
    assert!(!world.on("main", &world.file_of(names::ORDERING_POLICY)).contains("disabled"), "nobody accepted that");
    assert!(world.on("snapshots", &world.file_of(names::ORDERING_POLICY)).contains("disabled"));
    world.run(&["drift"]).ends(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn reject_takes_back_what_the_last_snapshot_shows_and_nothing_else() {
    let world = World::held().await;
    world.disable_policy().await;
    world.run(&["export"]).ok();
    // Nobody has seen this when the decision is made.
    world.change_group(json!({"description": "later"})).await;
    world.run(&["reject", "--all", "--yes"]).ok();
    let drift = world.run(&["drift"]).ends(2).out;
    assert!(drift.contains("later") && !drift.contains(names::ORDERING_POLICY_NAME), "{drift}");
}

/// Accepted values are no edit that waits; a value that somebody wrote on top is one, even if a snapshot has had it.
#[tokio::test(flavor = "multi_thread")]
async fn return_to_an_earlier_accepted_value_waits_like_any_edit() {
    let world = World::held().await;
    for text in ["first", "second"] {
        world.change_group(json!({"description": text})).await;
        world.run(&["export"]).ok();
        let accepted = world.run(&["accept", "--all"]).ok();
        assert!(accepted.err.contains("accepted 1 change"), "{}", accepted.err);
    }
    let group = world.file_of(names::REMOTE_WORKERS);
    world.write(&group, &world.on("main", &group).replace("description: second", "description: first"));
    world.commit("As it was before");
    let refused = world.run(&["accept", "--all"]).ends(1).err;
    assert!(refused.contains("has an edit of description that is not applied yet"), "{refused}");
    let text = world.run(&["drift", "--pull-request=none"]).ok();
    assert!(
        text.out.contains("Cannot be decided now") && text.err.contains("1 object cannot be decided"),
        "{}",
        text.out
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn edit_that_waits_in_the_same_property_stops_the_decision() {
    let world = World::held().await;
    let group = world.file_of(names::REMOTE_WORKERS);
    let text = world.on("main", &group);
    world.write(&group, &text.replace("displayName: Remote workers", "displayName: Ours"));
    world.commit("Our name");
    world.change_group(json!({"displayName": "Theirs", "description": "theirs"})).await;
    world.run(&["export"]).ok();
    for act in [&["accept", "--all"][..], &["reject", "--all", "--yes"]] {
        let refused = world.run(act).ends(1).err;
        assert!(refused.contains("has an edit of displayName that is not applied yet"), "{refused}");
    }
    let main = world.on("main", &group);
    assert!(main.contains("displayName: Ours") && !main.contains("theirs"), "{main}");
    world.run(&["accept", "--property", "description"]).ok();
    let main = world.on("main", &group);
    assert!(main.contains("displayName: Ours") && main.contains("description: theirs"), "{main}");
}

#[tokio::test(flavor = "multi_thread")]
async fn file_that_a_person_named_is_no_drift_once_its_object_is_there() {
    let world = World::held().await;
    world.write(
        "groups/pilots.yaml",
        "id: new:pilots\ndisplayName: Pilots\nmailEnabled: false\nmailNickname: pilots\nsecurityEnabled: true\n",
    );
    world.commit("A group of pilots");
    // Something else is undecided, so that the receipt cannot be what people want.
    world.disable_policy().await;
    world.run(&["apply", "--changes", "--yes"]).ok();
    assert!(world.git(&["ls-tree", "-r", "--name-only", "main"]).contains("groups/pilots.yaml"));
    let drift = world.run(&["drift"]).ends(2).out;
    assert!(!drift.contains("Pilots") && drift.contains(names::ORDERING_POLICY_NAME), "{drift}");
    // Somebody whom the file does not name is drift all the same.
    let pilots = world.graph.pages("/v1.0/groups").await;
    let pilots =
        pilots.iter().find(|group| group["displayName"] == "Pilots").unwrap()["id"].as_str().unwrap().to_owned();
    let member =
        json!({"@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{}", names::ADMINISTRATOR_ID)});
    assert_eq!(world.graph.post(&format!("/v1.0/groups/{pilots}/members/$ref"), member).await.0, 204);
    let drift = world.run(&["drift"]).ends(2).out;
    assert!(drift.contains("Pilots") && drift.contains("members"), "{drift}");
    world.run(&["export"]).ok();
    world.run(&["reject", "--all", "--yes"]).ok();
    assert!(world.graph.pages(&format!("/v1.0/groups/{pilots}/members")).await.is_empty());
    let groups = world.graph.pages("/v1.0/groups").await;
    assert!(groups.iter().any(|group| group["displayName"] == "Pilots"), "the group that people asked for stays");
    world.run(&["drift"]).ok();
}
