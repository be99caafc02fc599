//! `watch`, as it is run: authors, restarts, signals.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use entragit::emulator::contoso::names;
use serde_json::{Value, json};

use crate::support::command_line::{Ran, World, hermetic};

/// A round's line.
fn line(ran: &Ran) -> Value {
    assert_eq!(ran.out.lines().count(), 1, "{}{}", ran.out, ran.err);
    ran.json()
}

impl World {
    fn round(&self) -> Value {
        line(&self.run(&["watch", "--rounds", "1", "--settle", "0s", "--json"]).ok())
    }

    async fn signed_in(&mut self, upn: &str) {
        let form = format!("grant_type=password&client_id=cli&username={upn}&password=x&scope=x/.default");
        self.graph.token = self.graph.sign_in(&form).await;
    }

    /// The tree of a first export into a repository of its own.
    fn whole(&self) -> String {
        let other = tempfile::tempdir().unwrap();
        let url = self.graph.tenant.url();
        for arguments in
            [&["init", "--tenant", names::TENANT, "--break-glass", names::EMERGENCY_1, "--bare"][..], &["export"]]
        {
            let mut command = hermetic(env!("CARGO_BIN_EXE_entragit"), other.path());
            command.env("ENTRAGIT_GRAPH_URL", &url).env("ENTRAGIT_AUTHORITY_URL", &url).env("AZURE_CLIENT_ID", "x");
            Ran::of(&command.env("AZURE_CLIENT_SECRET", "x").args(arguments).output().unwrap()).ok();
        }
        let tree = hermetic("git", other.path()).args(["rev-parse", "snapshots^{tree}"]).output().unwrap();
        Ran::of(&tree).ok().out.trim().to_owned()
    }

    fn tree(&self) -> String {
        self.git(&["rev-parse", "snapshots^{tree}"])
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_change_is_its_authors() {
    let mut world = World::new().await;
    let first = world.round();
    assert_eq!((first["full"].as_bool(), first["commits"].as_array().map(Vec::len)), (Some(true), Some(1)));
    assert_eq!(world.git(&["log", "-1", "--format=%s"]), format!("First snapshot: {} objects", first["objects"]));
    assert_eq!(world.tree(), world.whole());

    let policy = format!("/v1.0/identity/conditionalAccess/policies/{}", names::ORDERING_POLICY);
    let group = format!("/v1.0/groups/{}", names::REMOTE_WORKERS);
    let member = |id: &str| json!({"@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{id}")});
    world.signed_in(names::ADMINISTRATOR_UPN).await;
    assert_eq!(world.graph.patch(&policy, json!({"state": "disabled"})).await.0, 204);
    world.signed_in(names::SECOND_ADMINISTRATOR_UPN).await;
    assert_eq!(world.graph.delete(&format!("/v1.0/groups/{}", names::ORDER_APPROVERS)).await.0, 204);
    // Two people on one object.
    let owner = format!("{group}/owners/$ref");
    assert_eq!(world.graph.post(&owner, member(names::SECOND_ADMINISTRATOR_ID)).await.0, 204);
    world.signed_in(names::ADMINISTRATOR_UPN).await;
    assert_eq!(world.graph.patch(&group, json!({"description": "Who works from home"})).await.0, 204);

    let second = world.round();
    assert_eq!((&second["full"], &second["complete"]), (&json!(false), &json!(true)), "{second}");
    assert_eq!(world.tree(), world.whole());
    insta::assert_snapshot!(
        world.git(&["log", "-3", "--format=%an <%ae> %cn%n  %s%n%(trailers:key=Entragit-Actor)"]),
        @r"
    Test <test@localhost> Test
      Remote workers changed
    Entragit-Actor: Priya Raman <priya.raman@contoso.com>
    Entragit-Actor: Tomasz Zieliński <tomasz.zielinski@contoso.com>

    Tomasz Zieliński <tomasz.zielinski@contoso.com> Test
      Order Desk approvers deleted, Order Desk and 2 more changed
    Entragit-Actor: Tomasz Zieliński <tomasz.zielinski@contoso.com>

    Priya Raman <priya.raman@contoso.com> Test
      CA210 Order Desk: multifactor authentication for remote workers changed
    Entragit-Actor: Priya Raman <priya.raman@contoso.com>
    "
    );
    let body = world.git(&["log", "-1", "--author=Tomasz", "--format=%b"]);
    let told: Vec<&str> = body.lines().take_while(|line| !line.starts_with("Entragit-")).collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    - group "Order Desk approvers"
    ~ servicePrincipal "Order Desk" (appRoleAssignedTo)
    ~ accessPackageCatalog "Ordering"
    ~ accessPackage "Order approval"
    "#);
    let files = world.git(&["log", "-1", "--author=Priya", "--format=", "--name-only", "snapshots"]);
    assert!(files.starts_with("conditional-access/policies/") && files.lines().count() == 1, "{files}");
    let blame = world.git(&["blame", "snapshots", "--", &files]);
    assert!(blame.lines().any(|line| line.contains("Priya Raman") && line.ends_with("state: disabled")), "{blame}");
    assert_eq!(world.git(&["notes", "--ref=entragit-audit", "list"]).lines().count(), 3);
    assert_eq!(world.git(&["rev-parse", "main"]), world.git(&["rev-parse", "snapshots"]));
    world.git(&["fsck", "--strict", "--full"]);

    // Nothing more: not even what was told already.
    assert_eq!(world.round()["commits"], json!([]));
    assert_eq!(world.run(&["export", "--json"]).ok().json()["commit"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incremental_export_is_one_commit_of_what_changed() {
    let mut world = World::new().await;
    let run = |world: &World| {
        let ran = world.run(&["export", "--incremental", "--full-every", "3", "--json"]).ok();
        (ran.err.contains("everything was read"), ran.json()["changed"].as_u64().unwrap(), ran.json()["commit"].clone())
    };
    assert!(run(&world).0, "the first one has nothing to go on from");
    assert_eq!(run(&world), (false, 0, Value::Null));
    for (upn, group) in
        [(names::ADMINISTRATOR_UPN, names::REMOTE_WORKERS), (names::SECOND_ADMINISTRATOR_UPN, names::ORDER_APPROVERS)]
    {
        world.signed_in(upn).await;
        let body = json!({"description": format!("by {upn}")});
        assert_eq!(world.graph.patch(&format!("/v1.0/groups/{group}"), body).await.0, 204);
    }
    let (full, changed, commit) = run(&world);
    assert_eq!((full, changed, commit), (false, 2, json!(world.git(&["rev-parse", "snapshots"]))));
    assert_eq!(world.tree(), world.whole());
    let actors = world.git(&["log", "-1", "--format=%(trailers:key=Entragit-Actor,valueonly)"]);
    assert_eq!(actors.lines().filter(|line| !line.is_empty()).count(), 2, "{actors}");
    assert!(run(&world).0, "every third reads everything, also where nothing changed in between");
    assert!(!run(&world).0);
    world.run(&["export", "--incremental", "--kind", "group"]).ends(1);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_appear_as_the_settings_say() {
    let mut world = World::new().await;
    world.round();
    world.signed_in(names::ADMINISTRATOR_UPN).await;
    let group = format!("/v1.0/groups/{}", names::REMOTE_WORKERS);
    for (actors, author) in [
        ("ids", format!("{0} {0}@user.invalid", names::ADMINISTRATOR_ID)),
        ("\"off\"", "Test test@localhost".to_owned()),
    ] {
        let settings = std::fs::read_to_string(world.path().join("entragit.yaml")).unwrap();
        let settings: Vec<String> = settings
            .lines()
            .map(|line| if line.starts_with("actors:") { format!("actors: {actors}") } else { line.to_owned() })
            .collect();
        world.write("entragit.yaml", &(settings.join("\n") + "\n"));
        world.commit("Settings");
        assert_eq!(world.graph.patch(&group, json!({"description": actors})).await.0, 204);
        let round = world.round();
        assert_eq!(world.git(&["log", "-1", "--format=%an %ae"]), author, "{round}");
        let text = world.git(&["log", "-1", "--format=%B"]);
        assert!(!text.contains("Priya") && !text.contains("priya"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_delta_does_not_tell_is_seen_all_the_same() {
    let world = World::new().await;
    world.round();
    let graph = &world.graph;
    let object = |id: &str| json!({"@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{id}")});
    let principal = format!("/v1.0/servicePrincipals/{}", names::ORDERING_PRINCIPAL);
    let application = format!("/v1.0/applications/{}", names::ORDERING_APPLICATION);
    let user = graph.user("late").await;
    let resource = graph.pages("/v1.0/servicePrincipals").await;
    let resource = resource.iter().find(|object| object["displayName"] == "Microsoft Graph").unwrap()["id"].clone();

    let check = |what: &str, full: bool| {
        let round = world.round();
        assert_eq!((&round["full"], &round["complete"]), (&json!(full), &json!(true)), "{what}: {round}");
        assert_eq!(world.tree(), world.whole(), "{what}: {round}");
    };
    check("a new user", false);

    let assignment = json!({"principalId": user, "resourceId": names::ORDERING_PRINCIPAL,
        "appRoleId": "00000000-0000-0000-0000-000000000000"});
    let made = graph.post(&format!("{principal}/appRoleAssignedTo"), assignment).await;
    assert_eq!(made.0, 201, "{made:?}");
    assert_eq!(graph.post(&format!("{application}/owners/$ref"), object(&user)).await.0, 204);
    let grant = json!({"clientId": names::ORDERING_PRINCIPAL, "consentType": "Principal", "principalId": user,
        "resourceId": resource, "scope": "User.Read"});
    graph.made("/v1.0/oauth2PermissionGrants", grant).await;
    let credential = json!({"name": "late", "issuer": "https://token.actions.githubusercontent.com",
        "subject": "repo:contoso/late:ref:refs/heads/main", "audiences": ["api://AzureADTokenExchange"]});
    graph.made(&format!("{application}/federatedIdentityCredentials"), credential).await;
    let manager = object(names::ADMINISTRATOR_ID);
    let set = graph.send("PUT", &format!("/v1.0/users/{user}/manager/$ref"), Some(manager), &[]).await.0;
    assert_eq!(set.0, 204);
    check("links", false);

    assert_eq!(graph.patch(&format!("/v1.0/users/{user}"), json!({"displayName": "Later"})).await.0, 204);
    assert_eq!(graph.patch(&application, json!({"displayName": "Order Counter"})).await.0, 204);
    check("names that other files show", false);

    assert_eq!(graph.delete(&format!("/v1.0/users/{user}")).await.0, 204);
    check("a user with links, deleted", false);
    let restored = graph.post(&format!("/v1.0/directory/deletedItems/{user}/restore"), json!({})).await;
    assert_eq!(restored.0, 200, "{restored:?}");
    check("a user with links, restored", true);
    check("nothing", false);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clone_goes_on_and_a_token_that_is_no_good_is_no_harm() {
    let world = World::new().await;
    assert_eq!(world.round()["full"], true);
    assert_eq!(world.round()["full"], false);
    let state = world.git(&["show", "refs/entragit/state:state.json"]);
    let tip = world.git(&["rev-parse", "snapshots"]);
    assert_eq!(world.git(&["log", "--format=%(trailers:key=Entragit-Snapshot,valueonly)", "refs/entragit/state"]), tip);

    // A clone in a pipeline has what it fetched.
    let clone = tempfile::tempdir().unwrap();
    let into = clone.path().join("clone");
    world.git(&["clone", "-q", ".", into.to_str().unwrap()]);
    let url = world.graph.tenant.url();
    let git = |arguments: &[&str]| Ran::of(&hermetic("git", &into).args(arguments).output().unwrap()).ok();
    git(&["fetch", "-q", "origin", "snapshots:snapshots", "+refs/entragit/*:refs/entragit/*"]);
    let mut command = hermetic(env!("CARGO_BIN_EXE_entragit"), &into);
    command
        .env("ENTRAGIT_GRAPH_URL", &url)
        .env("ENTRAGIT_AUTHORITY_URL", &url)
        .env("ENTRAGIT_ACCESS_TOKEN", &world.graph.token);
    let there = line(&Ran::of(&command.args(["watch", "--rounds", "1", "--json"]).output().unwrap()).ok());
    assert_eq!((&there["full"], &there["commits"]), (&json!(false), &json!([])), "{there}");

    // Tokens that ran out, lead elsewhere, or are not of this snapshot: everything is read, and tokens begin anew.
    let replace = |text: &str| {
        std::fs::write(world.path().join(".git/state.json"), text).unwrap();
        let blob = world.git(&["hash-object", "-w", ".git/state.json"]);
        std::fs::write(world.path().join(".git/tree"), format!("100644 blob {blob}\tstate.json\n")).unwrap();
        let tree = Command::new("git")
            .args(["mktree"])
            .stdin(std::fs::File::open(world.path().join(".git/tree")).unwrap())
            .current_dir(world.path())
            .output()
            .unwrap();
        let tree = String::from_utf8(tree.stdout).unwrap();
        let commit = world.git(&["commit-tree", "-m", "State", tree.trim()]);
        world.git(&["update-ref", "refs/entragit/state", &commit]);
    };
    for (old, new) in [
        ("deltatoken=", "deltatoken=x"),
        (&url, "https://graph.microsoft.com"),
        ("/users/delta", "/groups/delta"),
        (&tip, "0000000000000000000000000000000000000000"),
        ("{", "["),
    ] {
        assert!(state.contains(old), "{state}");
        replace(&state.replace(old, new));
        let round = world.round();
        assert_eq!(
            (&round["full"], &round["complete"], &round["commits"]),
            (&json!(true), &json!(true), &json!([])),
            "{old}"
        );
        assert_eq!(world.round()["full"], false, "{old}");
    }
}

/// A watch that runs.
fn spawn(world: &World) -> (Child, BufReader<std::process::ChildStdout>) {
    let url = world.graph.tenant.url();
    let mut child = hermetic(env!("CARGO_BIN_EXE_entragit"), world.path())
        .env("ENTRAGIT_GRAPH_URL", &url)
        .env("ENTRAGIT_AUTHORITY_URL", &url)
        .env("AZURE_CLIENT_ID", "test")
        .env("AZURE_CLIENT_SECRET", "not-a-secret")
        .args(["watch", "--every", "1h", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    (child, out)
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_it_cleanly() {
    let world = World::new().await;
    for signal in ["-TERM", "-INT"] {
        let (mut child, mut out) = spawn(&world);
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let round: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(round["round"], 1);
        // Between rounds, nobody else is kept out.
        world.run(&["export"]).ok();
        let kill = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        assert!(kill.success());
        assert_eq!(child.wait().unwrap().code(), Some(0), "{signal}");
        assert_eq!(std::fs::read(world.path().join(".git/entragit.lock")).unwrap(), b"");
    }
    // In the middle of a round: nothing is half done.
    let before = world.git(&["rev-parse", "snapshots"]);
    let (mut child, _out) = spawn(&world);
    let kill = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(kill.success());
    // Before it listens, the signal does what it always does.
    let status = child.wait().unwrap();
    assert!(matches!(status.code(), None | Some(0)), "{status}");
    assert_eq!(world.git(&["rev-parse", "snapshots"]), before);
    world.git(&["fsck", "--strict"]);
    world.round();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_a_round_from_being_done_is_said() {
    let world = World::new().await;
    let ran = world.run_at("http://127.0.0.1:9", &["watch", "--rounds", "1", "--every", "5s"]).ends(1);
    assert!(ran.err.contains("10s is the shortest"), "{}", ran.err);
    let other = "11111111-2222-4333-8444-555555555555";
    let elsewhere = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let mut command = hermetic(env!("CARGO_BIN_EXE_entragit"), elsewhere.path());
        command.env("ENTRAGIT_GRAPH_URL", world.graph.tenant.url()).env("ENTRAGIT_ACCESS_TOKEN", &world.graph.token);
        Ran::of(&command.args(arguments).output().unwrap())
    };
    run(&["init", "--tenant", other]).ok();
    let ran = run(&["watch"]).ends(1);
    assert!(ran.err.contains("but the sign-in is for tenant"), "{}", ran.err);

    let repo = entragit::repo::Repo::open(world.path()).unwrap();
    let lock = repo.lock("a test").unwrap();
    let ran = world.run(&["watch", "--rounds", "1"]).ends(6);
    assert!(ran.err.contains("a test"), "{}", ran.err);
    drop(lock);
    world.round();
}
