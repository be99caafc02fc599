//! `drift` and `status`, with a webhook that listens.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use entragit::emulator::Options;
use entragit::emulator::contoso::names;
use serde_json::{Value, json};

use crate::support::command_line::{Ran, World, hermetic};
use crate::support::graph::Graph;

/// A part of the webhook's address that must not be seen anywhere.
const SECRET: &str = "T0HUSH";

/// A webhook on this machine: answers with these statuses, one request after another, and hands on the bodies.
fn webhook(statuses: &'static [u16]) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/services/{SECRET}", listener.local_addr().unwrap());
    let (sender, bodies) = channel();
    std::thread::spawn(move || {
        for status in statuses {
            let (mut stream, _) = listener.accept().unwrap();
            let (mut request, mut buffer) = (Vec::new(), [0; 4_096]);
            let body = loop {
                let read = stream.read(&mut buffer).unwrap();
                assert!(read > 0, "cut");
                request.extend_from_slice(&buffer[..read]);
                let text = String::from_utf8_lossy(&request).into_owned();
                let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                let length = head.lines().find_map(|line| {
                    let (name, value) = line.split_once(':')?;
                    name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().unwrap())
                });
                if body.len() >= length.unwrap() {
                    break body.to_owned();
                }
            };
            sender.send(body).unwrap();
            let reply = format!(
                "HTTP/1.1 {status} x\r\nretry-after: 0\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{SECRET}",
                SECRET.len()
            );
            stream.write_all(reply.as_bytes()).unwrap();
        }
    });
    (url, bodies)
}

impl World {
    fn setting(&self, text: &str) {
        let old = std::fs::read_to_string(self.path().join("entragit.yaml")).unwrap();
        self.write("entragit.yaml", &format!("{old}{text}"));
    }

    async fn describe(&self, description: &str) {
        let patch = json!({"description": description});
        assert_eq!(self.graph.patch(&format!("/v1.0/groups/{}", names::REMOTE_WORKERS), patch).await.0, 204);
    }
}

impl Ran {
    #[track_caller]
    fn hushed(self) -> Ran {
        assert!(!self.out.contains(SECRET) && !self.err.contains(SECRET), "{}\n{}", self.out, self.err);
        self
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn drift_is_live_against_main_less_what_is_pending_and_ignored() {
    let world = World::new().await;
    assert!(world.run(&["drift"]).ends(1).err.contains("entragit export"));
    world.run(&["export"]).ok();
    let ran = world.run(&["drift"]).ok();
    assert!(ran.out.starts_with("Drift  main → live\nNo drift\n"), "{}", ran.out);
    world.git(&["tag", "approved"]);

    // An edit that nobody applied yet is pending; what happens beside it in the same object is drift.
    let group = world.git(&["ls-files", &format!("groups/*{}.yaml", names::REMOTE_WORKERS)]);
    let text = std::fs::read_to_string(world.path().join(&group)).unwrap();
    let line = text.lines().find(|line| line.starts_with("description: ")).unwrap();
    world.write(&group, &text.replace(line, "description: wanted"));
    let gone = world.git(&["ls-files", &format!("groups/*{}.yaml", names::ORDER_APPROVERS)]);
    std::fs::remove_file(world.path().join(&gone)).unwrap();
    world.write(
        "groups/new.yaml",
        "id: new:helpers\ndisplayName: Helpers\nmailEnabled: false\nmailNickname: helpers\nsecurityEnabled: true\n",
    );
    world.commit("edits");
    let report = world.run(&["drift", "--json"]).ok().json();
    assert_eq!(report["drift"]["pending"], 3, "{report}");
    // Against the tag nothing is pending, and nothing drifted.
    assert_eq!(world.run(&["drift", "--baseline", "approved", "--json"]).ok().json()["drift"]["pending"], 0);
    let status = world.run(&["status", "--json"]).ends(2).json();
    assert_eq!(status["pending"], json!(["groups/new.yaml", gone, group]), "{status}");

    world.describe("someone else").await;
    let approvers = format!("/v1.0/groups/{}", names::ORDER_APPROVERS);
    assert_eq!(world.graph.patch(&approvers, json!({"description": "meanwhile"})).await.0, 204);
    let report = world.run(&["drift", "--json"]).ends(2).json();
    let changes = report["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 2, "{report}");
    assert!(changes.iter().all(|change| change["change"] == "modified"), "{report}");
    assert!(changes.iter().all(|change| change["properties"].as_array().unwrap().len() == 1), "{report}");
    assert_eq!(changes[0]["events"].as_array().map(Vec::is_empty), Some(false), "who did it is known: {report}");
    let ran = world.run(&["drift", "--format", "markdown"]).ends(2);
    assert!(ran.out.starts_with("### Entra drift: main → live"), "{}", ran.out);

    world.setting(&format!(
        "drift:\n  ignore:\n    - kind: group\n      id: {}\n      property: description\n      reason: the helpdesk's\n    \
         - name: \"{}\"\n      property: description\n",
        names::REMOTE_WORKERS,
        changes.iter().find(|change| change["id"] == names::ORDER_APPROVERS).unwrap()["name"].as_str().unwrap()
    ));
    let ran = world.run(&["drift"]).ok();
    assert!(ran.out.contains("Ignored by entragit.yaml: 1 difference in 1 object (group "), "{}", ran.out);
    assert!(ran.out.contains("the helpdesk's"), "{}", ran.out);
    // What was saved says the same when it is shown again.
    world.write("saved.json", &world.run(&["drift", "--json"]).ok().out);
    assert_eq!(world.run(&["diff", "saved.json"]).out, ran.out);
    world.setting("objctive: 24h\n");
    assert!(world.run(&["drift"]).ends(1).err.contains("did you mean `objective`?"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_read_is_no_drift_and_no_all_clear() {
    let state = tempfile::tempdir().unwrap();
    let file = state.path().join("tenant.json");
    let world = World::exported().await;
    world.graph.tenant.save(&file).unwrap();
    let roles = ["User.Read.All", "Policy.Read.All", "Organization.Read.All", "Application.Read.All"];
    let roles = Some(roles.map(str::to_owned).to_vec());
    let poorer = Graph::with(Options { state: Some(file), roles, ..Options::default() }).await;
    let ran = world.run_at(&poorer.tenant.url(), &["drift"]).ends(4);
    assert!(ran.out.contains("No drift") && ran.out.contains("group: complete → denied-permission"), "{}", ran.out);
    let status = world.run_at(&poorer.tenant.url(), &["status", "--live", "--json"]).json();
    assert_eq!(status["live"]["complete"], false, "{status}");
    assert_eq!(status["live"]["drift"]["objects"], 0, "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_told_and_its_address_is_not() {
    let world = World::exported().await;
    let (url, bodies) = webhook(&[503, 200]);
    let ran = world.run(&["drift", "--notify", &url]).ok().hushed();
    assert!(!ran.err.contains("webhook") && bodies.try_recv().is_err(), "no drift, no message: {}", ran.err);

    world.describe("<!channel> someone else").await;
    let ran = world.run(&["drift", "--notify", &url]).ends(2).hushed();
    assert!(ran.err.contains("told the webhook of 127.0.0.1"), "{}", ran.err);
    let (refused, taken) = (bodies.recv().unwrap(), bodies.recv().unwrap());
    assert_eq!(refused, taken, "sent again");
    let message: Value = serde_json::from_str(&taken).unwrap();
    assert_eq!((&message["event"], &message["objects"]), (&json!("drift"), &json!(1)), "{message}");
    assert!(!message["actors"].as_array().unwrap().is_empty(), "{message}");

    let (url, bodies) = webhook(&[200, 404]);
    let ran = world.run(&["drift", "--notify", &url, "--notify-as", "slack"]).ends(2).hushed();
    assert!(ran.err.contains("told the webhook"), "{}", ran.err);
    assert!(bodies.recv().unwrap().contains("\"blocks\""));
    let ran = world.run(&["drift", "--notify", &url, "--notify-as", "teams"]).ends(2).hushed();
    assert!(ran.err.contains("warning: the webhook of 127.0.0.1 did not take the message: HTTP 404"), "{}", ran.err);
    assert!(bodies.recv().unwrap().contains("AdaptiveCard"));

    world.setting("\ndrift:\n  ignore:\n    - kind: group\n      property: description\n");
    world.git(&["config", "--local", "core.excludesFile", "/dev/null"]);
    let (url, bodies) = webhook(&[200]);
    world.run(&["drift", "--notify", &url, "--notify-always"]).ok().hushed();
    assert!(bodies.recv().unwrap().contains("\"drift\":false"));

    // A wrong address is an error before anything is read.
    let wrong = format!("http://hooks.slack.com/services/{SECRET}");
    let ran = world.run_at("http://127.0.0.1:9", &["drift", "--notify", &wrong]).ends(1).hushed();
    assert!(ran.err.contains("the webhook of hooks.slack.com is refused"), "{}", ran.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn status_says_what_needs_attention() {
    let world = World::new().await;
    let status = world.run(&["status", "--json"]).ends(2).json();
    assert_eq!((&status["snapshot"], &status["attention"]), (&Value::Null, &json!(["snapshot"])));
    world.run(&["export"]).ok();
    // Dates in the seed do not move with the clock.
    let attention = |status: &Value| -> Vec<String> {
        let words = status["attention"].as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned());
        words.filter(|word| word != "credentials").collect()
    };
    let status = world.run(&["status", "--json"]).json();
    assert_eq!(attention(&status), [""; 0], "{status}");
    assert_eq!((&status["live"], &status["remote"]), (&Value::Null, &Value::Null));

    // A secret that ends soon, a policy that is weaker, a group in the recycle bin.
    let app = world.graph.made("/v1.0/applications", json!({"displayName": "Soon"})).await;
    let soon = jiff::Timestamp::now().checked_add(jiff::SignedDuration::from_hours(100)).unwrap();
    let secret = json!({"passwordCredential": {"displayName": "x", "endDateTime": soon.to_string()}});
    let path = format!("/v1.0/applications/{}/addPassword", app["id"].as_str().unwrap());
    let (code, body) = world.graph.post(&path, secret).await;
    assert_eq!(code, 200, "{body}");
    let policy = format!("/v1.0/identity/conditionalAccess/policies/{}", names::ORDERING_POLICY);
    assert_eq!(world.graph.patch(&policy, json!({"state": "disabled"})).await.0, 204);
    assert_eq!(world.graph.delete(&format!("/v1.0/groups/{}", names::ORDER_APPROVERS)).await.0, 204);
    let status = world.run(&["status", "--live", "--json"]).ends(2).json();
    assert_eq!(attention(&status), ["drift"], "{status}");
    let bins = status["live"]["recycleBin"].as_array().unwrap();
    let groups = bins.iter().find(|bin| bin["kind"] == "group").unwrap();
    assert_eq!((&groups["objects"], &groups["goneSoon"]), (&json!(1), &json!(0)), "{status}");
    assert!(groups["firstGoneInDays"].as_i64().is_some_and(|days| (28..=30).contains(&days)), "{status}");

    world.run(&["export"]).ok();
    let status = world.run(&["status", "--json"]).ends(2).json();
    assert_eq!(attention(&status), ["risks"], "{status}");
    let worst = status["risks"]["worst"].as_array().unwrap();
    assert!(worst.iter().any(|risk| risk["id"] == names::ORDERING_POLICY), "{status}");
    assert!(!worst[0]["actors"].as_array().unwrap().is_empty(), "{status}");
    let ending = status["credentials"]["ending"].as_array().unwrap();
    assert!(ending.iter().any(|credential| credential["id"] == app["id"]), "{status}");
    assert_eq!(attention(&world.run(&["status", "--risks-days", "0", "--json"]).json()), [""; 0]);

    // A remote that has not everything.
    let remote = tempfile::tempdir().unwrap();
    world.git(&["init", "-q", "--bare", remote.path().to_str().unwrap()]);
    world.git(&["remote", "add", "origin", remote.path().to_str().unwrap()]);
    let status = world.run(&["status", "--risks-days", "0", "--json"]).ends(2).json();
    assert_eq!(attention(&status), ["unpushed"], "{status}");
    world.git(&["push", "-q", "origin", "snapshots", "main"]);
    let status = world.run(&["status", "--risks-days", "0", "--json"]).json();
    assert_eq!(attention(&status), [""; 0], "{status}");
    assert_eq!(status["remote"][2]["ahead"], Value::Null, "of notes nothing is known: {status}");

    // An export approves nothing: what the remote has is what counts, and the notes say who did it.
    world.describe("not pushed").await;
    world.run(&["export"]).ok();
    let report = world.run(&["drift", "--json"]).ends(2).json();
    assert_eq!((&report["before"], &report["drift"]["pending"]), (&json!("origin/main"), &json!(0)), "{report}");
    assert_eq!(report["changes"][0]["id"], names::REMOTE_WORKERS, "{report}");
    assert!(!report["changes"][0]["events"].as_array().unwrap().is_empty(), "{report}");
    world.run(&["drift", "--baseline", "main"]).ok();
    let status = world.run(&["status", "--json"]).ends(2).json();
    assert_eq!(status["remote"][0], json!({"ref": "snapshots", "ahead": 1}), "{status}");

    // Without a sign-in, what is known here is shown.
    let mut command = hermetic(env!("CARGO_BIN_EXE_entragit"), world.path());
    let ran = Ran::of(&command.args(["status", "--live"]).output().unwrap());
    assert!(ran.out.contains("could not be asked: ") && ran.out.contains("nothing to sign in with"), "{}", ran.out);
    assert!(ran.out.contains("snapshot") && ran.code != 1, "{}", ran.err);
}
