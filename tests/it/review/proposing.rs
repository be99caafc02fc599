//! `drift --pull-request`: one rolling branch with the tenant's changes, and a text in which people tick what happens to them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use entragit::emulator::contoso::names;
use serde_json::{Value, json};

use crate::support::command_line::{Ran, World};
use crate::support::long::is_long_run;
use crate::support::remote::Setting;

const BRANCH: &str = "entragit/drift";

/// Ticks the first box of this kind after `place`.
fn tick(text: &str, place: &str, word: &str) -> String {
    let from = text.find(place).unwrap_or_else(|| panic!("{place} is not in {text}"));
    let open = format!("- [ ] {word}");
    let at = from + text[from..].find(&open).unwrap_or_else(|| panic!("no box {word} after {place} in {text}"));
    format!("{}- [x] {word}{}", &text[..at], &text[at + open.len()..])
}

/// Returns the text with its marks and ids of commits left out.
fn plain(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let line = line.split(" <!-- entragit:").next().unwrap_or_default();
        if line.starts_with("Entragit-Accepts: ") {
            out.push_str("Entragit-Accepts: …\n");
            continue;
        }
        let line = match line.split_once("as of the snapshot") {
            Some((before, _)) => format!("{before}as of the snapshot …"),
            None => line.to_owned(),
        };
        out.push_str(&line);
        out.push('\n');
    }
    out
}

impl World {
    fn decisions(&self, text: &str) -> String {
        let path = self.path().join(".git/decisions.md");
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn propose(&self, decisions: &str) -> Ran {
        self.run(&["drift", "--pull-request=none", "--decisions", decisions])
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn change_is_decided_by_its_box_and_by_nothing_else() {
    let world = World::held().await;
    world.change_group(json!({"description": "theirs", "displayName": "Their <!-- name"})).await;
    world.disable_policy().await;
    world.run(&["export"]).ok();
    let main = world.git(&["rev-parse", "main"]);

    let ran = world.run(&["drift", "--pull-request=none"]).ok();
    assert!(ran.err.contains("3 changes wait for a decision\n"), "{}", ran.err);
    insta::assert_snapshot!(plain(&ran.out));
    let file = world.file_of(names::REMOTE_WORKERS);
    let held = |path: &str| world.on(BRANCH, path);
    assert_eq!(world.git(&["rev-parse", "main", &format!("{BRANCH}^")]), format!("{main}\n{main}"));
    let folders = ["groups", "conditional-access"];
    assert_eq!(world.git(&["diff", "--name-only", BRANCH, "snapshots", "--", folders[0], folders[1]]), "");
    let first = world.git(&["rev-parse", BRANCH]);
    world.run(&["drift", "--pull-request=none"]).ok();
    assert_eq!(world.git(&["rev-parse", BRANCH]), first, "the same proposal is the same commit");

    // A property is decided for itself; what is ticked twice is not decided at all.
    let text = tick(&ran.out, "CA210", "take back");
    let text = tick(&text, "description", "accept `description`");
    let decisions = world.decisions(&text);
    let ran = world.propose(&decisions).ok();
    assert!(ran.err.contains("1 ticked to be accepted; 1 ticked to be taken back\n"), "{}", ran.err);
    let only = "the branch holds nothing but what is ticked \"accept\"";
    assert_eq!(ran.out, text.replace(&format!("- [ ] {only}"), &format!("- [x] {only}")), "ticks stay");
    // The name of the file follows the name of the group, which nobody accepted yet.
    let proposed = held(&file);
    assert!(proposed.contains("description: theirs") && !proposed.contains("Their"), "{proposed}");
    let both = world.decisions(&tick(&text, "CA210", "accept"));
    let ran = world.propose(&both).ok();
    assert!(ran.err.contains("1 with both boxes ticked"), "{}", ran.err);

    let decisions = world.decisions(&text);
    let accepted = world.run(&["accept", "--decisions", &decisions]).ok();
    assert!(accepted.err.contains("accepted 1 change into main"), "{}", accepted.err);
    world.run(&["reject", "--decisions", &decisions, "--yes"]).ok();
    let drift = world.run(&["drift"]).ends(2).out;
    assert!(drift.contains("Their") && !drift.contains("description") && !drift.contains("CA210"), "{drift}");
    // What was decided is not decided again, and no tick is taken for what came later.
    world.run(&["export"]).ok();
    world.disable_policy().await;
    world.change_group(json!({"description": "once more"})).await;
    world.run(&["export"]).ok();
    let (main, nothing) = (world.git(&["rev-parse", "main"]), world.run(&["accept", "--decisions", &decisions]).ok());
    assert!(nothing.err.contains("nothing to accept"), "{}", nothing.err);
    assert_eq!(world.git(&["rev-parse", "main"]), main);
    let stale = world.propose(&decisions).ok();
    assert!(stale.err.contains("1 tick is about changes that are not there any more"), "{}", stale.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn commit_of_people_on_the_branch_is_never_replaced() {
    let world = World::held().await;
    world.disable_policy().await;
    world.run(&["export"]).ok();
    world.run(&["drift", "--pull-request=none"]).ok();
    world.git(&["switch", "-q", BRANCH]);
    world.write("notes.md", "by hand\n");
    world.commit("By hand");
    let own = world.git(&["rev-parse", "HEAD^"]);
    let refused = world.run(&["drift", "--pull-request=none"]).ends(1).err;
    assert!(refused.contains("has commits that are not of a proposal") && refused.contains("delete it"), "{refused}");
    world.git(&["reset", "-q", "--soft", &own]);
    world.git(&["commit", "-q", "--amend", "--no-edit"]);
    let amended = world.run(&["drift", "--pull-request=none"]).ends(1).err;
    assert!(amended.contains("has commits that are not of a proposal"), "{amended}");
    world.git(&["reset", "-q", "--hard", &own]);
    world.run(&["drift", "--pull-request=none"]).ok();
    world.change_group(json!({"description": "meanwhile"})).await;
    world.run(&["export"]).ok();
    let open = world.run(&["drift", "--pull-request=none"]).ends(1).err;
    assert!(open.contains("is checked out"), "{open}");
    world.git(&["switch", "-q", "main"]);
    world.run(&["drift", "--pull-request=none"]).ok();
    world.run(&["accept", "--all"]).ok();
    let none = world.run(&["drift", "--pull-request=none"]).ok();
    assert!(none.err.contains("0 changes wait"), "{}", none.err);
    assert_eq!(world.git(&["branch", "--list", BRANCH]), "", "nothing is left to be merged");
    let alone = world.run(&["drift", "--pull-request=none", "--name", "CA210*"]).ends(1).err;
    assert!(alone.contains("leave the selectors out"), "{alone}");
    let none = world.run(&["reject", "--pull-request=none", "--yes"]).ends(1).err;
    assert!(none.contains("--decisions"), "{none}");
}

/// Every change is decided once, at random: as an object, a property, or by nobody.
#[tokio::test(flavor = "multi_thread")]
async fn mixed_decisions_are_carried_out_once_each() {
    let count = if is_long_run() { 1_000 } else { 40 };
    let world = World::held().await;
    let mut ids = Vec::new();
    for at in 0..count {
        let name = format!("Decided {at:04}");
        let body = json!({
            "displayName": name, "description": "before", "mailEnabled": false, "mailNickname": format!("decided{at}"),
            "securityEnabled": true,
        });
        ids.push(world.graph.made("/v1.0/groups", body).await["id"].as_str().unwrap().to_owned());
    }
    world.run(&["export"]).ok();
    world.run(&["accept", "--all"]).ok();
    for (at, id) in ids.iter().enumerate() {
        let both = json!({"description": format!("after {at}"), "displayName": format!("Changed {at:04}")});
        let one = json!({"description": format!("after {at}")});
        let body = if at % 2 == 0 { both } else { one };
        assert_eq!(world.graph.patch(&format!("/v1.0/groups/{id}"), body).await.0, 204);
    }
    world.run(&["export"]).ok();
    let text = world.run(&["drift", "--pull-request=none"]).ok().out;

    // What each group is to be on main, and in the tenant.
    let mut wanted = Vec::new();
    let mut ticked = text.clone();
    for at in 0..count {
        let (old, new) = (format!("Decided {at:04}"), format!("Changed {at:04}"));
        let place = if at % 2 == 0 { format!("**{new}**") } else { format!("**{old}**") };
        let after = format!("after {at}");
        let has_two = at % 2 == 0;
        let changed = if has_two { new.clone() } else { old.clone() };
        // (on main, in the tenant), each name and description
        let (main, tenant) = match at % 5 {
            0 => {
                ticked = tick(&ticked, &place, "accept");
                ((changed.clone(), after.clone()), (changed, after))
            }
            1 => {
                ticked = tick(&ticked, &place, "take back");
                ((old.clone(), "before".to_owned()), (old, "before".to_owned()))
            }
            2 if has_two => {
                ticked = tick(&ticked, &place, "accept `displayName`");
                ticked = tick(&ticked, &place, "take back `description`");
                ((changed.clone(), "before".to_owned()), (changed, "before".to_owned()))
            }
            _ => ((old, "before".to_owned()), (changed, after)),
        };
        wanted.push((main, tenant));
    }
    let decisions = world.decisions(&ticked);
    world.run(&["accept", "--decisions", &decisions]).ok();
    world.run(&["reject", "--decisions", &decisions, "--yes", "--accept", "mass-change"]).ok();
    // Again: nothing is left that was ticked.
    let main = world.git(&["rev-parse", "main"]);
    world.run(&["accept", "--decisions", &decisions]).ok();
    world.run(&["reject", "--decisions", &decisions, "--yes"]).ok();
    assert_eq!(world.git(&["rev-parse", "main"]), main);

    let files = world.git(&["ls-tree", "-r", "--name-only", "main"]);
    for (id, (main, tenant)) in ids.iter().zip(&wanted) {
        let (_, live) = world.graph.get(&format!("/v1.0/groups/{id}")).await;
        let found = |name: &str| live[name].as_str().unwrap().to_owned();
        assert_eq!(&(found("displayName"), found("description")), tenant, "{id} in the tenant");
        let file = files.lines().find(|path| path.contains(id.as_str())).unwrap();
        let text = world.on("main", file);
        assert!(text.contains(&format!("displayName: {}\n", main.0)), "{text}");
        assert!(text.contains(&format!("description: {}\n", main.1)), "{text}");
    }
}

/// A host whose program writes down what it is asked, and answers from files.
struct FakeHost {
    folder: PathBuf,
}

impl FakeHost {
    fn new(folder: &Path, program: &str, script: &str) -> FakeHost {
        let folder = folder.join(program);
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join(program);
        let place = folder.display();
        fs::write(&file, format!("#!/bin/sh\nset -e\ncd '{place}'\nprintf '%s\\n' \"$*\" >> log\n{script}")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(folder.join("list"), "[]").unwrap();
        FakeHost { folder }
    }

    fn run(&self, world: &World, arguments: &[&str]) -> Ran {
        let mut command = world.command(&world.graph.tenant.url(), arguments);
        let path = std::env::var("PATH").unwrap();
        command.env("PATH", format!("{}:{path}", self.folder.display()));
        Ran::of(&command.output().unwrap())
    }

    fn lists(&self, found: &Value) {
        fs::write(self.folder.join("list"), found.to_string()).unwrap();
    }

    fn body(&self) -> String {
        fs::read_to_string(self.folder.join("body")).unwrap()
    }

    /// Returns what the program was asked since the last call.
    fn asked(&self) -> Vec<String> {
        let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        fs::write(self.folder.join("log"), "").unwrap();
        log.lines().map(|line| line.split(" --title").next().unwrap_or_default().to_owned()).collect()
    }
}

/// A tenant with a remote, and `main` that only people move.
async fn held_with_remote() -> Setting {
    let setting = Setting::new().await;
    let world = &setting.world;
    world.run(&["export"]).ok();
    let settings = fs::read_to_string(world.path().join("entragit.yaml")).unwrap();
    world.write("entragit.yaml", &settings.replace("\nmain: follow\n", "\nmain: hold\n"));
    world.commit("People alone move main");
    world.git(&["push", "-q", "-u", "origin", "main", "snapshots"]);
    world.disable_policy().await;
    world.run(&["export"]).ok();
    setting
}

#[tokio::test(flavor = "multi_thread")]
async fn pull_request_of_github_is_opened_updated_and_closed() {
    let setting = held_with_remote().await;
    let world = &setting.world;
    let script = "case \"$1 $2\" in\n'pr list') cat list ;;\n'pr close') ;;\n*) cat > body; echo https://github.com/contoso/tenant/pull/7 ;;\nesac\n";
    let host = FakeHost::new(setting.folder.path(), "gh", script);
    let keep = ["drift", "--pull-request=github", "--json"];
    let opened = host.run(world, &keep).ok();
    assert!(opened.err.contains("opened https://github.com/contoso/tenant/pull/7"), "{}", opened.err);
    assert_eq!(
        host.asked(),
        [
            format!(
                "pr list --head {BRANCH} --base main --state open --limit 100 --json number,body,url,isCrossRepository"
            ),
            format!("pr create --head {BRANCH} --base main"),
        ]
    );
    let pushed = setting.at_remote(BRANCH);
    let document = opened.json();
    assert_eq!((&document["commit"], &document["changes"]), (&json!(pushed), &json!(1)));
    assert_eq!(document["pullRequest"]["act"], "opened");
    assert_eq!(setting.git(&setting.remote(), &["rev-parse", &format!("{pushed}^")]), setting.at_remote("main"));

    // A fork's branch of the same name decides nothing, whatever is ticked there.
    let body = host.body();
    let pull = |body: &str, number: u64, is_fork: bool| json!({"number": number, "body": body, "url": "https://github.com/contoso/tenant/pull/7", "isCrossRepository": is_fork});
    let forged = tick(&body, "CA210", "take back");
    host.lists(&json!([pull(&forged, 9, true)]));
    let refused = host.run(world, &["reject", "--pull-request=github", "--yes"]).ends(1);
    assert!(refused.err.contains("there is no open pull request"), "{}", refused.err);

    // Ends of lines are the host's; an unchanged text is not written.
    host.lists(&json!([pull(&forged, 9, true), pull(&body.replace('\n', "\r\n"), 7, false)]));
    host.asked();
    let same = host.run(world, &keep).ok();
    assert!(same.err.contains("unchanged https://github.com"), "{}", same.err);
    assert!(host.asked().iter().all(|line| line.starts_with("pr list")));
    assert_eq!(setting.at_remote(BRANCH), pushed);

    // A tick is carried out, and the pull request closed when nothing waits any more.
    host.lists(&json!([pull(&forged.replace('\n', "\r\n"), 7, false)]));
    let ticked = host.run(world, &keep).ok();
    assert!(ticked.err.contains("1 ticked to be taken back"), "{}", ticked.err);
    let empty = setting.git(&setting.remote(), &["diff", "--name-only", "main", BRANCH]);
    assert_eq!(empty, "", "what is taken back is not proposed");
    host.run(world, &["reject", "--pull-request=github", "--yes"]).ok();
    host.asked();
    let closed = host.run(world, &keep).ok();
    assert!(closed.err.contains("closed https://github.com"), "{}", closed.err);
    assert_eq!(host.asked()[1], "pr close 7");
}

#[tokio::test(flavor = "multi_thread")]
async fn merge_request_of_gitlab_and_pull_request_of_azure_are_kept_alike() {
    let setting = held_with_remote().await;
    let world = &setting.world;
    let script = "case \"$*\" in\n*--method*) cat > sent; echo '{\"iid\": 3, \"web_url\": \"https://gitlab.com/contoso/tenant/-/merge_requests/3\"}' ;;\n*) cat list ;;\nesac\n";
    let gitlab = FakeHost::new(setting.folder.path(), "glab", script);
    let keep = ["drift", "--pull-request=gitlab"];
    let opened = gitlab.run(world, &keep).ok();
    assert!(opened.err.contains("opened https://gitlab.com"), "{}", opened.err);
    let list =
        "api projects/:id/merge_requests?state=opened&per_page=100&source_branch=entragit%2Fdrift&target_branch=main";
    let json = "--header Content-Type: application/json --input -";
    assert_eq!(gitlab.asked(), [list.to_owned(), format!("api projects/:id/merge_requests --method POST {json}")]);
    let sent: Value = serde_json::from_str(&fs::read_to_string(gitlab.folder.join("sent")).unwrap()).unwrap();
    assert_eq!((&sent["source_branch"], &sent["target_branch"]), (&json!(BRANCH), &json!("main")));
    let found = |body: &str| {
        json!([
            {"iid": 8, "description": tick(body, "CA210", "accept"), "source_project_id": 2, "target_project_id": 1},
            {"iid": 3, "description": body, "web_url": "", "source_project_id": 1, "target_project_id": 1},
        ])
    };
    let body = sent["description"].as_str().unwrap();
    gitlab.lists(&found(&body.replace("as of the", "as of another")));
    let updated = gitlab.run(world, &keep).ok();
    assert!(updated.err.contains("updated pull request 3"), "{}", updated.err);
    assert!(gitlab.asked().contains(&format!("api projects/:id/merge_requests/3 --method PUT {json}")));

    let script = "case \"$*\" in\n*' list '*) cat list ;;\n*' show '*) cat show ;;\n*) printf '%s\\n' \"$@\" > sent; echo '{\"pullRequestId\": 5}' ;;\nesac\n";
    let azure = FakeHost::new(setting.folder.path(), "az", script);
    let keep = ["drift", "--pull-request=azure-devops"];
    let opened = azure.run(world, &keep).ok();
    assert!(opened.err.contains("opened pull request 5"), "{}", opened.err);
    let sent = fs::read_to_string(azure.folder.join("sent")).unwrap();
    assert!(sent.contains("\n--description\nThe tenant differs from `main`"), "{sent}");
    let (_, body) = sent.split_once("--description\n").unwrap();
    let (body, _) = body.split_once("\n--output").unwrap();
    // A list shows the beginning of a description only.
    azure.lists(&json!([
        {"pullRequestId": 6, "description": "", "forkSource": {"name": "refs/heads/entragit/drift"}},
        {"pullRequestId": 5, "description": &body[..20]},
    ]));
    fs::write(
        azure.folder.join("show"),
        json!({"pullRequestId": 5, "description": tick(body, "CA210", "take back")}).to_string(),
    )
    .unwrap();
    azure.run(world, &["reject", "--pull-request=azure-devops", "--yes"]).ok();
    let closed = azure.run(world, &keep).ok();
    assert!(closed.err.contains("closed pull request 5"), "{}", closed.err);
    assert!(azure.asked().contains(&"repos pr update --id 5 --status abandoned --output json".to_owned()));

    let missing = world.run(&keep).ends(1).err;
    assert!(missing.contains("`az` is not installed") && missing.contains("--pull-request=none"), "{missing}");
    let unknown = world.run(&["drift", "--pull-request"]).ends(1).err;
    assert!(unknown.contains("is not known; name it, as in --pull-request=github"), "{unknown}");
}

/// Changes that cannot be seen are not taken for changes that are gone.
#[tokio::test(flavor = "multi_thread")]
async fn unread_kind_closes_no_pull_request() {
    let setting = held_with_remote().await;
    let world = &setting.world;
    let script = "case \"$1 $2\" in\n'pr list') cat list ;;\n*) cat > body; echo '{}' ;;\nesac\n";
    let host = FakeHost::new(setting.folder.path(), "gh", script);
    let keep = ["drift", "--pull-request=github"];
    host.run(world, &keep).ok();
    host.lists(&json!([{"number": 7, "body": host.body(), "url": "", "isCrossRepository": false}]));
    world.graph.tenant.set_faults("denied:conditionalAccessPolicy".parse().unwrap());
    world.run(&["export"]).ends(4);
    let kept = host.run(world, &keep).ends(4).err;
    assert!(kept.contains("not everything is known, so there may be more"), "{kept}");
    assert!(host.asked().iter().all(|line| !line.starts_with("pr close")));
    assert!(
        host.body().contains("Not completely known, so nothing is said of what is missing: conditionalAccessPolicy")
    );
}
