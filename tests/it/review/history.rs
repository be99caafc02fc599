//! `log`, `blame` and `show` over a story with two administrators.

use entragit::emulator::contoso::names;
use serde_json::{Value, json};

use crate::support::command_line::World;

const POLICIES: &str = "/v1.0/identity/conditionalAccess/policies";
const BIN: &str = "/v1.0/identity/conditionalAccess/deletedItems/policies";
const PRIYA: &str = names::ADMINISTRATOR;
const TOMASZ: &str = names::SECOND_ADMINISTRATOR;

impl World {
    async fn sign_in(&mut self, upn: &str) {
        let form = format!("grant_type=password&client_id=portal&scope=x/.default&username={upn}&password=p");
        self.graph.token = self.graph.sign_in(&form).await;
    }

    /// As the administrator called so.
    async fn patch(&mut self, upn: &str, path: &str, body: Value) {
        self.sign_in(upn).await;
        let (status, reply) = self.graph.patch(path, body).await;
        assert_eq!(status, 204, "{path}: {reply}");
    }

    async fn delete(&mut self, upn: &str, path: &str) {
        self.sign_in(upn).await;
        assert_eq!(self.graph.delete(path).await.0, 204, "{path}");
    }
}

/// What happened, and who did it, newest first.
fn told(log: &Value) -> Vec<String> {
    let history = log["history"].as_array().unwrap();
    let word = |change: &Value| {
        let text = |name: &str| change[name].as_str().unwrap_or_default().to_owned();
        let paths: Vec<&str> =
            change["properties"].as_array().into_iter().flatten().filter_map(|it| it["path"].as_str()).collect();
        let parts = [text("change"), text("manner"), paths.join(" ")];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
    };
    let who = |change: &Value| {
        let mut who: Vec<&str> =
            change["events"].as_array().unwrap().iter().filter_map(|it| it["actor"]["name"].as_str()).collect();
        who.dedup();
        who.join(", ")
    };
    history.iter().map(|it| format!("{}: {}", word(&it["change"]), who(&it["change"]))).collect()
}

/// Who set what.
fn set_by<'a>(blame: &'a Value, path: &str, element: Option<&str>) -> Vec<&'a str> {
    let values = blame["values"].as_array().unwrap();
    let mut found =
        values.iter().filter(|it| it["path"] == path && element.is_none_or(|element| it["element"] == element));
    let value = found.next().unwrap_or_else(|| panic!("{path} is not in {blame}"));
    assert!(found.next().is_none(), "{path} is attributed twice");
    match value["who"].as_str() {
        Some("told") => {
            value["events"].as_array().unwrap().iter().filter_map(|it| it["actor"]["name"].as_str()).collect()
        }
        other => vec![other.unwrap_or_default()],
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_life_of_a_policy_is_told_across_rename_deletion_and_a_new_id() {
    let mut world = World::exported().await;
    let policy = format!("{POLICIES}/{}", names::ORDERING_POLICY);
    let (priya, tomasz) = (names::ADMINISTRATOR_UPN, names::SECOND_ADMINISTRATOR_UPN);
    // One widens it, another renames it later.
    world.patch(priya, &policy, json!({"state": "enabledForReportingButNotEnforced"})).await;
    world.run(&["export"]).ok();
    world.patch(tomasz, &policy, json!({"displayName": "Order Desk\u{1b}[31m \u{202e}policy"})).await;
    world.run(&["export"]).ok();
    // Deleted and restored, then deleted for good and created again by an apply.
    world.delete(priya, &policy).await;
    world.run(&["export"]).ok();
    world.sign_in(tomasz).await;
    let restore = format!("{BIN}/{}/restore", names::ORDERING_POLICY);
    assert!(matches!(world.graph.send("POST", &restore, None, &[]).await.0.0, 200 | 204));
    world.run(&["export"]).ok();
    world.delete(priya, &policy).await;
    world.delete(priya, &format!("{BIN}/{}", names::ORDERING_POLICY)).await;
    world.run(&["export"]).ok();
    let applied = world.run(&["apply", "--to", "HEAD~1", "--yes", "--json"]).ok().json();
    let new = applied["newIds"][names::ORDERING_POLICY].as_str().unwrap().to_owned();

    let log = world.run(&["log", &new, "--json"]).ok().json();
    let story = told(&log);
    assert_eq!(
        story,
        [
            "modified recreated: Entragit".to_owned(),
            format!("removed purged: {PRIYA}"),
            format!("added restored: {TOMASZ}"),
            format!("removed binned: {PRIYA}"),
            format!("modified renamed displayName: {TOMASZ}"),
            format!("modified state: {PRIYA}"),
            "added: ".to_owned(),
        ],
    );
    assert_eq!(log["ids"], json!([new, names::ORDERING_POLICY]));
    assert_eq!(log["history"][6]["snapshot"]["beginning"], "first");
    assert!(log["history"][0]["snapshot"]["applied"].is_string(), "a receipt is marked");
    // By whatever it is, or was, called.
    for word in [
        names::ORDERING_POLICY,
        names::ORDERING_POLICY_NAME,
        "conditionalAccessPolicy:order desk\u{1b}[31m \u{202e}policy",
    ] {
        let other = world.run(&["log", word, "--json"]).ok().json();
        assert_eq!(told(&other), story, "{word}");
    }
    let state = world.run(&["log", &new, "--property", "state", "--json"]).ok().json();
    assert_eq!(told(&state), [format!("modified state: {PRIYA}")]);
    assert_eq!(world.run(&["log", &new, "--limit", "2", "--json"]).ok().json()["history"].as_array().unwrap().len(), 2);
    assert_eq!(
        world.run(&["log", &new, "--since", "1h", "--json"]).ok().json()["history"].as_array().unwrap().len(),
        7
    );

    let blame = world.run(&["blame", names::ORDERING_POLICY, "--json"]).ok().json();
    assert_eq!(blame["id"], *new);
    assert_eq!(set_by(&blame, "state", None), [PRIYA]);
    assert_eq!(set_by(&blame, "displayName", None), [TOMASZ]);
    assert_eq!(set_by(&blame, "id", None), ["Entragit"]);
    assert_eq!(set_by(&blame, "grantControls.operator", None), ["beginning"]);
    assert_eq!(set_by(&blame, "conditions.users.includeGroups", Some(names::REMOTE_WORKERS)), ["beginning"]);
    let earlier = world.run(&["blame", names::ORDERING_POLICY, "--rev", "snapshots~5", "--json"]).ok().json();
    assert_eq!(set_by(&earlier, "state", None), [PRIYA]);
    assert_eq!(set_by(&earlier, "displayName", None), ["beginning"]);

    let risks = world.run(&["log", "--risks", "--json"]).ok().json();
    assert!(risks["snapshots"][0]["risks"].is_object(), "{risks}");

    // A hostile name does no harm.
    for arguments in [&["log", &new][..], &["blame", &new], &["log", "--risks"]] {
        let ran = world.run(arguments).ok();
        assert!(!ran.out.contains(['\u{1b}', '\u{202e}']), "{}", ran.out);
        assert!(ran.out.contains(PRIYA), "{}", ran.out);
    }
    let all = world.run(&["log", "--json"]).ok().json();
    assert_eq!(all["snapshots"].as_array().unwrap().len(), 7);
    assert_eq!(all["snapshots"][0]["added"], 1);
    assert_eq!(all["snapshots"][1]["removed"], 1);
    assert_eq!(all["snapshots"][4]["modified"], 1, "a rename is a modification");
    assert_eq!(world.run(&["log", "--kind", "group", "--json"]).ok().json()["snapshots"].as_array().unwrap().len(), 1);

    // An object is found by its old id where it goes by the new one, and the other way round.
    let shown = world.run(&["show", names::ORDERING_POLICY, "--json"]).ok().json();
    assert_eq!((&shown["id"], &shown["kind"]), (&json!(new), &json!("conditionalAccessPolicy")));
    assert_eq!(shown["names"][names::REMOTE_WORKERS], names::REMOTE_WORKERS_NAME);
    let old = world.run(&["show", &format!("snapshots~2:{new}"), "--json"]).ok().json();
    assert_eq!(old["object"]["id"], names::ORDERING_POLICY);
    let gone = world.run(&["show", &format!("snapshots~1:{new}")]).ends(1);
    assert!(gone.err.contains("it was last seen in snapshot"), "{}", gone.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_element_is_blamed_on_whoever_added_it() {
    let mut world = World::exported().await;
    let group = format!("/v1.0/groups/{}", names::ORDER_APPROVERS);
    let members: Vec<String> = world
        .graph
        .pages(&format!("{group}/members"))
        .await
        .iter()
        .filter_map(|member| member["id"].as_str().map(str::to_owned))
        .collect();
    let users = world.graph.pages("/v1.0/users?$select=id").await;
    let mut others =
        users.iter().filter_map(|user| user["id"].as_str()).filter(|id| !members.iter().any(|member| member == id));
    // Two people, one snapshot, one property.
    let mut added = Vec::new();
    for upn in [names::ADMINISTRATOR_UPN, names::SECOND_ADMINISTRATOR_UPN] {
        let user = others.next().unwrap();
        world.sign_in(upn).await;
        let body = json!({"@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{user}")});
        assert_eq!(world.graph.post(&format!("{group}/members/$ref"), body).await.0, 204);
        added.push(user);
    }
    world.run(&["export"]).ok();
    let blame = world.run(&["blame", "group:order desk approvers", "--json"]).ok().json();
    assert_eq!(set_by(&blame, "members", Some(added[0])), [PRIYA]);
    assert_eq!(set_by(&blame, "members", Some(added[1])), [TOMASZ]);
    assert_eq!(set_by(&blame, "members", Some(&members[0])), ["beginning"]);
    // Without its note nothing is said of who did it, and why.
    world.git(&["update-ref", "-d", "refs/notes/entragit-audit"]);
    let blame = world.run(&["blame", names::ORDER_APPROVERS, "--json"]).ok().json();
    assert_eq!(set_by(&blame, "members", Some(added[0])), ["unknown"]);
    let log = world.run(&["log", names::ORDER_APPROVERS]).ok();
    assert!(log.out.contains("git fetch origin refs/notes/entragit-audit"), "{}", log.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_is_found_by_all_that_people_call_it() {
    let mut world = World::exported().await;
    let path = world.git(&["ls-files", &format!("conditional-access/policies/*{}.yaml", names::ORDERING_POLICY)]);
    let text = std::fs::read(world.path().join(&path)).unwrap();
    let upper = names::ORDERING_POLICY.to_uppercase();
    let exact = format!("conditionalAccessPolicy:{}", names::ORDERING_POLICY);
    for word in [
        names::ORDERING_POLICY,
        &upper,
        &exact,
        &path,
        &format!("HEAD:{path}"),
        &format!("@{{now}}:{}", names::ORDERING_POLICY),
        // A name may hold a colon.
        names::ORDERING_POLICY_NAME,
        &names::ORDERING_POLICY_NAME.to_uppercase(),
        &format!("HEAD:{}", names::ORDERING_POLICY_NAME),
    ] {
        let ran = world.run(&["show", word]).ok();
        assert_eq!(ran.out.as_bytes(), text, "{word}");
    }
    let person = world.run(&["show", names::ADMINISTRATOR_UPN, "--json"]).ok().json();
    assert_eq!(person["id"], names::ADMINISTRATOR_ID);
    assert_eq!(world.run(&["show", "authorizationPolicy", "--json"]).ok().json()["kind"], "authorizationPolicy");
    let both = world.run(&["show", names::ORDERING_APP_ID]).ends(1);
    assert!(
        both.err.contains(names::ORDERING_APPLICATION) && both.err.contains(names::ORDERING_PRINCIPAL),
        "{}",
        both.err
    );
    let one = world.run(&["show", &format!("application:{}", names::ORDERING_APP_ID), "--json"]).ok().json();
    assert_eq!(one["id"], names::ORDERING_APPLICATION);
    world.run(&["show", "no such thing"]).ends(1);
    world.run(&["log", "no such thing"]).ends(1);
    world.run(&["blame", "--rev", "nowhere", names::ORDERING_POLICY]).ends(1);
    // A file that cannot be read is shown as it is, and is no document.
    world.write(&path, &format!("{}visible: [\n", String::from_utf8_lossy(&text)));
    world.commit("a mistake");
    assert!(world.run(&["show", &format!("main:{path}")]).ok().out.ends_with("visible: [\n"));
    let ran = world.run(&["show", &format!("main:{path}"), "--json"]).ends(1);
    assert!(ran.err.contains(&path) && ran.out.is_empty(), "{}", ran.err);
    world.git(&["reset", "-q", "--hard", "HEAD~1"]);
    // Edits that are not applied are no history.
    world
        .patch(
            names::ADMINISTRATOR_UPN,
            &format!("/v1.0/groups/{}", names::ORDER_APPROVERS),
            json!({"displayName": "Releasers"}),
        )
        .await;
    world.run(&["export"]).ok();
    let ran = world.run(&["show", names::ORDER_APPROVERS_NAME]).ends(1);
    assert!(ran.err.contains("what was is called \"Releasers\" there"), "{}", ran.err);
    world.git(&["revert", "--no-edit", "HEAD"]);
    let log = world.run(&["log", names::ORDER_APPROVERS, "--json"]).ok().json();
    assert_eq!(told(&log), [format!("modified renamed displayName: {PRIYA}"), "added: ".to_owned()]);
    let blame = world.run(&["blame", names::ORDER_APPROVERS, "--rev", "main", "--json"]).ok();
    assert!(blame.err.contains("is no snapshot"), "{}", blame.err);
    assert_eq!(set_by(&blame.json(), "displayName", None), [PRIYA]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_to_another_layout_is_no_change() {
    let world = World::exported().await;
    let path = world.git(&["ls-files", &format!("groups/*{}.yaml", names::REMOTE_WORKERS)]);
    let text = std::fs::read_to_string(world.path().join(&path)).unwrap();
    let moved = path.replacen('/', &format!("/{}/", &names::REMOTE_WORKERS[..3]), 1);
    let snapshot = |world: &World, subject: &str| {
        world.commit(&format!("{subject}\n\nEntragit-Tenant: {}\nEntragit-Objects: 1\n", names::TENANT));
        world.git(&["branch", "-f", "snapshots", "main"]);
    };
    std::fs::remove_file(world.path().join(&path)).unwrap();
    world.write(&moved, &text);
    snapshot(&world, "Moved");
    world.write(&moved, &text.replacen("displayName: Remote workers", "displayName: Remote people", 1));
    snapshot(&world, "Renamed");
    let log = world.run(&["log", names::REMOTE_WORKERS, "--json"]).ok().json();
    assert_eq!(told(&log), ["modified renamed displayName: ", "added: "]);
    assert_eq!(log["history"][0]["change"]["previousName"], names::REMOTE_WORKERS_NAME);
    let blame = world.run(&["blame", &moved, "--json"]).ok().json();
    let subjects: Vec<&str> =
        blame["values"].as_array().unwrap().iter().filter_map(|it| it["snapshot"]["subject"].as_str()).collect();
    assert_eq!(subjects.iter().filter(|subject| **subject == "Renamed").count(), 1);
    assert!(!subjects.contains(&"Moved"));
    // The path of old still says which object is meant.
    assert_eq!(told(&world.run(&["log", &path, "--json"]).ok().json()).len(), 2);
    // Nobody asked, and nobody is said to have done nothing.
    let settings = std::fs::read_to_string(world.path().join("entragit.yaml")).unwrap();
    world.write("entragit.yaml", &settings.replacen("actors: names", "actors: \"off\"", 1));
    let blame = world.run(&["blame", names::REMOTE_WORKERS, "--json"]).ok().json();
    assert_eq!(set_by(&blame, "displayName", None), ["unasked"]);
}
