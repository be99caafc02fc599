//! Reports of what changed and who did it: the real binary over HTTP, and the audit log's oddities on a tenant in memory.

use std::collections::BTreeMap;
use std::sync::Mutex;

use entragit::emulator::contoso::names;
use entragit::emulator::{Options, Seed};
use entragit::engine::schema;
use entragit::kinds;
use entragit::model::{Actor, AuditEvent, Events, Kind};
use entragit::ops::Context;
use entragit::ops::init::init;
use entragit::ops::snapshot::export::{Exported, Extra, export};
use entragit::tenant::memory::MemoryTenant;
use entragit::tenant::{Changes, Listing, Pages, Raw, RawObject, TenantError, TenantRead};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::support::command_line::World;

impl World {
    /// Everything after this is done by a person, until the next.
    async fn acts(&mut self, user: &str) {
        let form = format!("grant_type=password&client_id=demo&username={user}&password=x&scope=x/.default");
        self.graph.token = self.graph.sign_in(&form).await;
    }

    fn change(&self, arguments: &[&str], id: &str) -> Value {
        let mut all = vec!["diff"];
        all.extend(arguments);
        all.push("--json");
        let report = self.run(&all).ends(2).json();
        let changes = report["changes"].as_array().unwrap();
        changes.iter().find(|change| change["id"] == id).unwrap_or_else(|| panic!("{id}: {report}")).clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_group_is_in_the_bin_comes_back_and_goes_for_good() {
    let mut world = World::exported().await;
    let group = names::ORDER_APPROVERS;
    let (item, bin) = (format!("/v1.0/groups/{group}"), format!("/v1.0/directory/deletedItems/{group}"));

    world.acts(names::ADMINISTRATOR_UPN).await;
    assert_eq!(world.graph.delete(&item).await.0, 204);
    let live = world.change(&["HEAD", "live"], group);
    assert_eq!((&live["change"], &live["manner"]), (&json!("removed"), &json!("binned")));
    assert!(live["deleted"].as_str().is_some_and(|time| time.starts_with("20")), "{live}");
    assert_eq!(live["events"][0]["actor"]["userPrincipalName"], names::ADMINISTRATOR_UPN);
    world.run(&["export"]).ok();
    let change = world.change(&["HEAD~1", "HEAD"], group);
    assert_eq!((&change["manner"], &change["events"][0]["activity"]), (&json!("binned"), &json!("Delete group")));

    world.acts(names::SECOND_ADMINISTRATOR_UPN).await;
    assert_eq!(world.graph.post(&format!("{bin}/restore"), json!({})).await.0, 200);
    world.run(&["export"]).ok();
    let change = world.change(&["HEAD~1", "HEAD"], group);
    assert_eq!((&change["change"], &change["manner"]), (&json!("added"), &json!("restored")));
    assert_eq!(change["events"][0]["actor"]["userPrincipalName"], names::SECOND_ADMINISTRATOR_UPN);
    // Without its notes, the history knows as well that the id had been here before.
    world.git(&["update-ref", "-d", "refs/notes/entragit-audit"]);
    let report = world.run(&["diff", "HEAD~1", "HEAD"]).ends(2).out;
    assert!(report.contains("Order Desk approvers  restored"), "{report}");
    assert!(report.contains("who did it is not known") && report.contains("git fetch origin refs/notes"), "{report}");

    assert_eq!(world.graph.delete(&item).await.0, 204);
    assert_eq!(world.graph.delete(&bin).await.0, 204);
    assert_eq!(world.change(&["HEAD", "live"], group)["manner"], "purged");
}

#[tokio::test(flavor = "multi_thread")]
async fn moments_saved_reports_and_formats() {
    let mut world = World::exported().await;
    world.acts(names::ADMINISTRATOR_UPN).await;
    let policy = format!("/v1.0/identity/conditionalAccess/policies/{}", names::ORDERING_POLICY);
    assert_eq!(world.graph.patch(&policy, json!({"state": "disabled"})).await.0, 204);
    world.run(&["export"]).ok();

    // Both snapshots are of now, and none is of last year.
    assert!(world.run(&["diff", "@{now}", "HEAD"]).ok().out.contains("No differences"));
    let refused = world.run(&["diff", "--since", "365d", "HEAD"]).ends(1);
    assert!(refused.err.contains("the oldest snapshot is of 20"), "{}", refused.err);
    let refused = world.run(&["diff", "--since", "soon"]).ends(1);
    assert!(refused.err.contains("`soon` is no moment; write 2d"), "{}", refused.err);

    let saved = world.run(&["diff", "HEAD~1", "HEAD", "--json"]).ends(2).out;
    let file = world.path().parent().unwrap().join(format!("{}.json", uuid::Uuid::new_v4()));
    std::fs::write(&file, &saved).unwrap();
    let file_name = file.to_str().unwrap();
    assert_eq!(world.run(&["diff", file_name, "--json"]).ends(2).out, saved);
    for format in ["text", "markdown", "html", "sarif"] {
        let fresh = world.run(&["diff", "HEAD~1", "HEAD", "--format", format]).ends(2).out;
        assert_eq!(world.run(&["diff", file_name, "--format", format]).ends(2).out, fresh);
    }
    assert!(world.run(&["diff", file_name, "--kind", "group"]).ok().out.contains("No differences"));
    std::fs::write(&file, "{}").unwrap();
    assert!(world.run(&["diff", file_name]).ends(1).err.contains("is no report saved with `diff --json`"));
    std::fs::remove_file(&file).unwrap();

    let sarif: Value =
        serde_json::from_str(&world.run(&["diff", "HEAD~1", "HEAD", "--format", "sarif"]).ends(2).out).unwrap();
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!((&result["ruleId"], &result["level"]), (&json!("policy-not-enforced"), &json!("error")));
    let place = &result["locations"][0]["physicalLocation"];
    let path = world.path().join(place["artifactLocation"]["uri"].as_str().unwrap());
    let line = place["region"]["startLine"].as_u64().unwrap() as usize;
    assert_eq!(std::fs::read_to_string(path).unwrap().lines().nth(line - 1), Some("state: disabled"));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_audit_log_who_did_it_is_unknown_and_said_once() {
    // Every permission to read, but not the log's.
    let mut roles = vec!["Organization.Read.All".to_owned()];
    for kind in kinds::ALL {
        let links = kind.links.iter().filter_map(|link| link.permissions);
        roles.extend(links.chain([kind.permissions]).filter_map(|all| all.read.first()).map(|role| (*role).to_owned()));
        roles.extend(schema::of(kind).guarded().iter().map(|(_, permission)| permission.clone()));
    }
    roles.retain(|role| !matches!(role.as_str(), "Directory.Read.All" | "AuditLog.Read.All"));
    let mut world = World::with(Options { seed: Seed::Contoso, roles: Some(roles), ..Options::default() }).await;
    // Consents take a permission that would open the log as well.
    world.run(&["export"]).ends(4);
    world.acts(names::ADMINISTRATOR_UPN).await;
    let policy = format!("/v1.0/identity/conditionalAccess/policies/{}", names::ORDERING_POLICY);
    assert_eq!(world.graph.patch(&policy, json!({"state": "disabled"})).await.0, 204);
    let live = world.run(&["diff", "HEAD", "live"]).ends(2);
    assert_eq!(live.err.matches("AuditLog.Read.All").count(), 1, "{} {}", live.err, live.out);
    let said = world.run(&["export"]).ends(4).err;
    assert_eq!(said.matches("AuditLog.Read.All").count(), 1, "{said}");
    let report = world.run(&["diff", "HEAD~1", "HEAD"]).ends(2).out;
    assert!(report.contains("who did it is not known") && !report.contains("no event in the audit log"), "{report}");
    assert_eq!(report.matches("AuditLog.Read.All").count(), 1, "{report}");
}

/// A tenant that answers in pages of its own size and order, with a log that fills up late.
struct Odd {
    tenant: MemoryTenant,
    page: usize,
    backwards: bool,
    log: Mutex<Vec<AuditEvent>>,
}

impl TenantRead for Odd {
    async fn tenant_id(&self) -> Result<String, TenantError> {
        self.tenant.tenant_id().await
    }

    async fn list(&self, kind: &'static Kind, pages: Pages) -> Listing {
        let (send, mut receive) = mpsc::channel(10_000);
        let listing = self.tenant.list(kind, send).await;
        let mut objects: Vec<RawObject> = Vec::new();
        while let Some(page) = receive.recv().await {
            objects.extend(page);
        }
        if self.backwards {
            objects.reverse();
        }
        for page in objects.chunks(self.page) {
            pages.send(page.to_vec()).await.unwrap();
        }
        listing
    }

    async fn count(&self, kind: &'static Kind) -> Result<usize, TenantError> {
        self.tenant.count(kind).await
    }

    async fn get(&self, kind: &'static Kind, id: &str) -> Result<Option<RawObject>, TenantError> {
        self.tenant.get(kind, id).await
    }

    async fn changes(&self, kind: &'static Kind, token: Option<&str>) -> Result<Changes, TenantError> {
        self.tenant.changes(kind, token).await
    }

    async fn deleted(&self, kind: &'static Kind) -> Result<Vec<Raw>, TenantError> {
        self.tenant.deleted(kind).await
    }

    async fn audit(&self, _: Option<&str>) -> Result<Vec<AuditEvent>, TenantError> {
        Ok(self.log.lock().unwrap().clone())
    }
}

fn user(number: usize, job: &str) -> (&'static str, Raw) {
    let id = format!("{number:08x}-0000-4000-8000-000000000000");
    let name = format!("User {number}");
    let value = json!({"id": id, "displayName": name, "userPrincipalName": format!("u{number}@contoso.com"),
        "accountEnabled": true, "mailNickname": "u", "jobTitle": job, "businessPhones": ["2", "1"]});
    ("user", value.as_object().unwrap().clone())
}

fn odd(jobs: &[&str], count: usize, page: usize, backwards: bool) -> Odd {
    let users = (0..count).map(|number| user(number, jobs.get(number).copied().unwrap_or("Clerk"))).collect();
    Odd { tenant: MemoryTenant::from_objects(users).unwrap(), page, backwards, log: Mutex::default() }
}

async fn exported(context: &Context, tenant: &Odd) -> Exported {
    export(context, tenant, &[], &Extra::default()).await.unwrap()
}

async fn repository(tenant: &Odd) -> (tempfile::TempDir, Context) {
    let dir = tempfile::tempdir().unwrap();
    let id = tenant.tenant_id().await.unwrap();
    init(dir.path(), &id, true, &BTreeMap::new(), &[], &Events::silent()).unwrap();
    let context = Context::open(dir.path(), Events::silent()).unwrap();
    (dir, context)
}

#[tokio::test]
async fn neither_the_order_nor_a_thousand_pages_make_a_difference() {
    let tenant = odd(&[], 1_200, 1_200, false);
    let (_dir, context) = repository(&tenant).await;
    assert_eq!(exported(&context, &tenant).await.objects, 1_200);
    for (page, backwards) in [(1, false), (1, true), (7, true), (999, false)] {
        let again = exported(&context, &odd(&[], 1_200, page, backwards)).await;
        assert_eq!((again.commit, again.objects), (None, 1_200), "pages of {page}");
    }
}

fn event(id: &str, seconds: i64, target: usize) -> AuditEvent {
    let time = jiff::Timestamp::now().checked_add(jiff::SignedDuration::from_secs(seconds)).unwrap();
    let target = format!("{target:08x}-0000-4000-8000-000000000000");
    AuditEvent {
        id: id.to_owned(),
        time: time.to_string(),
        activity: "Update user".to_owned(),
        actor: Actor { id: "a".to_owned(), name: "Ada".to_owned(), ..Actor::default() },
        correlation_id: String::new(),
        targets: vec![target],
        properties: vec!["jobTitle".to_owned()],
        recovery: false,
    }
}

fn told(context: &Context, commit: entragit::repo::ObjectId) -> Value {
    let note = context.repo.note("refs/notes/entragit-audit", commit).unwrap().unwrap_or_default();
    let note: Value = serde_json::from_slice(&note).unwrap_or_default();
    let ids: Vec<Value> = note["events"].as_array().into_iter().flatten().map(|event| event["id"].clone()).collect();
    json!({"events": ids, "unchanged": note["unchanged"], "notExported": note["notExported"]})
}

#[tokio::test]
async fn an_event_that_comes_late_finds_the_snapshot_whose_change_it_explains() {
    let tenant = odd(&[], 3, 3, false);
    let (_dir, context) = repository(&tenant).await;
    let _first = exported(&context, &tenant).await;
    // User 0 changes; the log is silent yet.
    let tenant = odd(&["Boss"], 3, 3, false);
    let second = exported(&context, &tenant).await.commit.unwrap();
    assert_eq!(told(&context, second), json!({"events": [], "unchanged": null, "notExported": null}));
    // User 1 changes. The log has caught up, and tells of things that changed nothing here, too.
    let tenant = odd(&["Boss", "Boss"], 3, 3, false);
    *tenant.log.lock().unwrap() =
        vec![event("late", -5, 0), event("now", 5, 1), event("nothing", 5, 2), event("elsewhere", 5, 77)];
    let third = exported(&context, &tenant).await.commit.unwrap();
    assert_eq!(told(&context, second)["events"], json!(["late"]));
    assert_eq!(told(&context, third), json!({"events": ["now"], "unchanged": 1, "notExported": 1}));
    // Nothing changes, and one more is late; what was told is not told again.
    tenant.log.lock().unwrap().push(event("later", -1, 1));
    assert_eq!(exported(&context, &tenant).await.commit, None);
    assert_eq!(told(&context, second)["events"], json!(["late"]));
    assert_eq!(told(&context, third)["events"], json!(["now", "later"]));
}
