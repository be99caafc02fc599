//! `apply` from end to end, on a repository and a tenant in memory: what a person is told is so.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

use entragit::engine::planfile;
use entragit::kinds;
use entragit::model::{AuditEvent, Coverage, CoverageMap, Events, Kind, Write, Written};
use entragit::ops::apply::{Applied, Ready, apply_with, open, prepare_with};
use entragit::ops::journal::Journal;
use entragit::ops::plan::{Aim, plan};
use entragit::ops::snapshot::export::{Exported, Extra, export};
use entragit::ops::{Context, Stale, init};
use entragit::tenant::memory::MemoryTenant;
use entragit::tenant::{Changes, Listing, Pages, Raw, RawObject, TenantError, TenantRead, TenantWrite};
use serde_json::{Value, json};
use tokio::sync::mpsc;

const TENANT: &str = "00000000-0000-4000-a000-000000000000";
const ADA: &str = "00000000-1111-4000-8000-000000000001";
const GRACE: &str = "00000000-1111-4000-8000-000000000002";
const TEAM: &str = "00000001-1111-4000-8000-000000000001";
const POLICY: &str = "00000006-1111-4000-8000-000000000001";

/// A tenant in memory that fails as it is told.
struct Tenant {
    inner: MemoryTenant,
    trouble: Mutex<Trouble>,
    killed: tokio::sync::Notify,
}

#[derive(Default)]
struct Trouble {
    /// A kind that cannot be read.
    hidden: Option<&'static str>,
    /// An object that neither lists nor reads by id have.
    gone: Option<&'static str>,
    /// The answers to creations are lost, and from then on the kind cannot be read.
    outage: bool,
    /// What somebody else writes as soon as the next write is done.
    meanwhile: Vec<Write>,
    /// Writes that are done before that one.
    meanwhile_at: usize,
    /// Writes that are still carried out; then the program is killed.
    writes_left: Option<usize>,
}

impl Tenant {
    fn hidden(&self, kind: &Kind) -> bool {
        self.trouble.lock().unwrap().hidden == Some(kind.name)
    }

    fn gone(&self, id: &str) -> bool {
        self.trouble.lock().unwrap().gone == Some(id)
    }

    fn trouble(&self, change: impl FnOnce(&mut Trouble)) {
        change(&mut self.trouble.lock().unwrap());
    }

    async fn update(&self, kind: &str, id: &str, body: Value) {
        let write = Write::Update { kind: named(kind), id: id.to_owned(), body: raw(body) };
        self.inner.write(&write).await.unwrap();
    }

    async fn get(&self, kind: &str, id: &str) -> Value {
        Value::Object(self.inner.get(named(kind), id).await.unwrap().unwrap().value)
    }

    fn count(&self, kind: &str) -> usize {
        self.inner.objects().iter().filter(|(name, _)| *name == kind).count()
    }
}

impl TenantRead for Tenant {
    async fn tenant_id(&self) -> Result<String, TenantError> {
        self.inner.tenant_id().await
    }

    async fn list(&self, kind: &'static Kind, pages: Pages) -> Listing {
        if self.hidden(kind) {
            return Listing { coverage: Coverage::DeniedPermission, links: CoverageMap::default(), note: None };
        }
        let (send, mut receive) = mpsc::channel(100);
        let (listing, ()) = tokio::join!(self.inner.list(kind, send), async {
            while let Some(mut page) = receive.recv().await {
                page.retain(|object| object.value["id"].as_str().is_none_or(|id| !self.gone(id)));
                pages.send(page).await.unwrap();
            }
        });
        listing
    }

    async fn count(&self, kind: &'static Kind) -> Result<usize, TenantError> {
        self.inner.count(kind).await
    }

    async fn changes(&self, kind: &'static Kind, token: Option<&str>) -> Result<Changes, TenantError> {
        self.inner.changes(kind, token).await
    }

    async fn get(&self, kind: &'static Kind, id: &str) -> Result<Option<RawObject>, TenantError> {
        if self.gone(id) {
            return Ok(None);
        }
        self.inner.get(kind, id).await
    }

    async fn deleted(&self, kind: &'static Kind) -> Result<Vec<Raw>, TenantError> {
        self.inner.deleted(kind).await
    }

    async fn audit(&self, since: Option<&str>) -> Result<Vec<AuditEvent>, TenantError> {
        self.inner.audit(since).await
    }
}

impl TenantWrite for Tenant {
    async fn write(&self, write: &Write) -> Result<Written, TenantError> {
        let killed = match &mut self.trouble.lock().unwrap().writes_left {
            Some(0) => true,
            Some(left) => {
                *left -= 1;
                false
            }
            None => false,
        };
        if killed {
            self.killed.notify_one();
            std::future::pending::<()>().await;
        }
        let written = self.inner.write(write).await;
        let meanwhile = {
            let mut trouble = self.trouble.lock().unwrap();
            match trouble.meanwhile_at {
                0 => std::mem::take(&mut trouble.meanwhile),
                _ => {
                    trouble.meanwhile_at -= 1;
                    Vec::new()
                }
            }
        };
        for write in meanwhile {
            self.inner.write(&write).await?;
        }
        let mut trouble = self.trouble.lock().unwrap();
        if let (true, Write::Create { kind, .. }) = (trouble.outage, write) {
            trouble.hidden = Some(kind.name);
            return Err(TenantError::Unknown { request: "test".into(), message: "lost".into() });
        }
        written
    }
}

/// A tenant and its repository.
struct World {
    tenant: Tenant,
    context: Context,
    dir: tempfile::TempDir,
}

impl World {
    async fn new() -> World {
        let objects = vec![
            (
                "user",
                json!({"id": ADA, "displayName": "Ada", "userPrincipalName": "ada@contoso.example",
                "jobTitle": "Engineer", "onPremisesSyncEnabled": true}),
            ),
            ("user", json!({"id": GRACE, "displayName": "Grace", "userPrincipalName": "grace@contoso.example"})),
            (
                "group",
                json!({"id": TEAM, "displayName": "Team", "description": "A team", "mailNickname": "team",
                "mailEnabled": false, "securityEnabled": true, "members": []}),
            ),
            (
                "conditionalAccessPolicy",
                json!({"id": POLICY, "displayName": "Require MFA", "state": "enabled",
                "conditions": {"users": {"includeUsers": ["All"]}, "clientAppTypes": ["all"]}}),
            ),
        ];
        let inner = MemoryTenant::from_objects(objects.into_iter().map(|(kind, value)| (kind, raw(value))).collect());
        let tenant = Tenant { inner: inner.unwrap(), trouble: Mutex::default(), killed: tokio::sync::Notify::new() };
        let dir = tempfile::tempdir().unwrap();
        let context = init::init(dir.path(), TENANT, false, &BTreeMap::new(), &[], &Events::silent()).unwrap();
        let world = World { tenant, context, dir };
        assert!(world.export().await.complete);
        world
    }

    async fn export(&self) -> Exported {
        export(&self.context, &self.tenant, &[], &Extra::default()).await.unwrap()
    }

    async fn prepare(&self, to: &str) -> Ready {
        let aim = Aim { to: to.to_owned(), ..Aim::default() };
        prepare_with(&self.context, &self.tenant, &aim, &[]).await.unwrap()
    }

    async fn apply(&self, to: &str) -> Applied {
        let ready = self.prepare(to).await;
        apply_with(&self.context, &self.tenant, &ready, &[]).await.unwrap()
    }

    /// Carries out so many writes of a plan for `main`, and is killed.
    async fn killed_after(&self, writes: usize) {
        let ready = self.prepare("main").await;
        self.tenant.trouble(|trouble| trouble.writes_left = Some(writes));
        tokio::select! {
            biased;
            () = self.tenant.killed.notified() => {}
            ended = apply_with(&self.context, &self.tenant, &ready, &[]) => panic!("it ended: {:?}", ended.map(|_| ())),
        }
        self.tenant.trouble(|trouble| trouble.writes_left = None);
    }

    fn git(&self, arguments: &[&str]) -> String {
        git(self.dir.path(), arguments)
    }

    /// The one file whose path ends so.
    fn file(&self, end: &str) -> String {
        self.git(&["ls-files", &format!("*{end}")])
    }

    fn edit(&self, end: &str, from: &str, to: &str) {
        let path = self.dir.path().join(self.file(end));
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{text}");
        std::fs::write(path, text.replace(from, to)).unwrap();
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn commit(&self) -> String {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-qm", "An edit"]);
        self.git(&["rev-parse", "main"])
    }
}

fn git(dir: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "Test").env(format!("GIT_{who}_EMAIL"), "test@localhost");
    }
    let output = command.current_dir(dir).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn raw(value: Value) -> Raw {
    value.as_object().cloned().unwrap()
}

fn named(kind: &str) -> &'static Kind {
    kinds::by_name(kind).unwrap()
}

const NEW_GROUP: &str =
    "id: new:pilots\ndisplayName: Pilots\nmailEnabled: false\nmailNickname: pilots\nsecurityEnabled: true\n";

#[tokio::test]
async fn what_could_not_be_read_is_neither_verified_nor_lost() {
    let world = World::new().await;
    world.edit(&format!("{POLICY}.yaml"), "state: enabled", "state: disabled");
    world.edit(&format!("{TEAM}.yaml"), "A team", "The team");
    let main = world.commit();
    world.tenant.trouble(|trouble| trouble.hidden = Some("conditionalAccessPolicy"));
    let applied = world.apply("main").await;
    assert_eq!(world.tenant.get("group", TEAM).await["description"], "The team");
    assert!(!applied.verified);
    insta::assert_snapshot!(applied.unmet.join("\n"), @"conditionalAccessPolicy could not be read completely and was left alone");
    assert_eq!(applied.receipt.unwrap().pending, [world.file(&format!("{POLICY}.yaml"))]);
    assert_eq!(world.git(&["rev-parse", "main"]), main);
    world.tenant.trouble(|trouble| trouble.hidden = None);
    // What the last snapshot carried over may be old: nothing is written from it before it was read once more.
    let applied = world.apply("main").await;
    assert_eq!((applied.verified, applied.unmet.len()), (false, 1), "{:?}", applied.unmet);
    let applied = world.apply("main").await;
    assert!(applied.verified, "{:?}", applied.unmet);
    assert_eq!(world.git(&["rev-parse", "main"]), world.git(&["rev-parse", "snapshots"]));
    assert_eq!(world.tenant.get("conditionalAccessPolicy", POLICY).await["state"], "disabled");
}

#[tokio::test]
async fn what_is_left_alone_is_neither_verified_nor_lost() {
    let world = World::new().await;
    world.edit(&format!("{ADA}.yaml"), "Engineer", "Countess");
    world.edit(&format!("{TEAM}.yaml"), "A team", "The team");
    let main = world.commit();
    let applied = world.apply("main").await;
    assert!(!applied.verified);
    assert_eq!(applied.unmet.len(), 1, "{:?}", applied.unmet);
    assert!(applied.unmet[0].contains("user \"Ada\", jobTitle: it is left alone"), "{:?}", applied.unmet);
    assert_eq!(world.git(&["rev-parse", "main"]), main);
    assert_eq!(world.git(&["log", "-1", "--format=%P", "snapshots"]).split(' ').count(), 1);
    assert!(!world.export().await.pending.is_empty());
    assert_eq!(world.git(&["rev-parse", "main"]), main);
}

/// Neither can an object that another directory owns be deleted.
#[tokio::test]
async fn a_deletion_that_is_left_out_is_neither_verified_nor_lost() {
    let world = World::new().await;
    world.git(&["rm", "-q", &world.file(&format!("{ADA}.yaml"))]);
    world.edit(&format!("{TEAM}.yaml"), "A team", "The team");
    let main = world.commit();
    let applied = world.apply("main").await;
    assert!(!applied.verified);
    assert_eq!(applied.unmet.len(), 1, "{:?}", applied.unmet);
    assert!(applied.unmet[0].contains("user \"Ada\", only in the tenant: it is left alone"), "{:?}", applied.unmet);
    assert_eq!(world.git(&["rev-parse", "main"]), main);
}

#[tokio::test]
async fn a_receipt_joins_the_lines_under_new_ids() {
    let world = World::new().await;
    world.write("groups/pilots.yaml", NEW_GROUP);
    world.commit();
    let applied = world.apply("main").await;
    assert!(applied.verified, "{:?}", applied.unmet);
    assert_eq!(world.tenant.count("group"), 2);
    assert_eq!(world.git(&["rev-parse", "main"]), world.git(&["rev-parse", "snapshots"]));
    assert_eq!(world.git(&["log", "-1", "--format=%P"]).split(' ').count(), 2);
    assert_eq!(world.git(&["ls-files", "groups/pilots.yaml"]), "");
}

#[tokio::test]
async fn a_creation_whose_answer_was_lost_is_not_repeated_after_an_outage() {
    let world = World::new().await;
    world.write("groups/pilots.yaml", NEW_GROUP);
    world.commit();
    world.tenant.trouble(|trouble| trouble.outage = true);
    let applied = world.apply("main").await;
    assert_eq!((applied.outcome.uncertain.len(), applied.verified), (1, false));
    assert_eq!(world.tenant.count("group"), 2);
    // Still out: rather nothing than twice.
    let aim = Aim { to: "main".to_owned(), ..Aim::default() };
    if let Ok(ready) = prepare_with(&world.context, &world.tenant, &aim, &[]).await {
        let again = apply_with(&world.context, &world.tenant, &ready, &[]).await.unwrap();
        assert_eq!((again.outcome.uncertain.len(), again.verified), (1, false));
    }
    assert_eq!(world.tenant.count("group"), 2);
    world.tenant.trouble(|trouble| *trouble = Trouble::default());
    let applied = world.apply("main").await;
    assert!(applied.verified || applied.outcome.done == 0, "{:?}", applied.unmet);
    assert_eq!(world.tenant.count("group"), 2);
    assert_eq!(world.git(&["rev-parse", "main"]), world.git(&["rev-parse", "snapshots"]));
}

#[tokio::test]
async fn a_plan_file_creates_nothing_twice() {
    let world = World::new().await;
    world.write("groups/pilots.yaml", NEW_GROUP);
    world.commit();
    let aim = Aim { to: "main".to_owned(), ..Aim::default() };
    let planned = plan(&world.context, &world.tenant, &aim).await.unwrap();
    let file = planfile::write(&planned.plan, &planned.binding, &planned.verdicts, &planned.names);
    world.write("groups/others.yaml", &NEW_GROUP.replace("pilots", "others").replace("Pilots", "Others"));
    world.git(&["rm", "-q", "groups/pilots.yaml"]);
    world.commit();
    let planned = plan(&world.context, &world.tenant, &aim).await.unwrap();
    let others = planfile::write(&planned.plan, &planned.binding, &planned.verdicts, &planned.names);
    let ready = open(&world.context, file.as_bytes()).unwrap();
    assert!(apply_with(&world.context, &world.tenant, &ready, &[]).await.unwrap().verified);
    for _ in 0..2 {
        let ready = open(&world.context, file.as_bytes()).unwrap();
        let error = apply_with(&world.context, &world.tenant, &ready, &[]).await.unwrap_err();
        assert!(error.downcast_ref::<Stale>().is_some(), "{error}");
    }
    assert_eq!(world.tenant.count("group"), 2);

    // Neither does one that somebody else's creation has overtaken.
    let ready = open(&world.context, others.as_bytes()).unwrap();
    let error = apply_with(&world.context, &world.tenant, &ready, &[]).await.unwrap_err();
    insta::assert_snapshot!(error, @r#"the plan no longer holds: since it was made, these moved: group "Others" may have been created meanwhile: there is a newer snapshot than the plan's; make the plan anew"#);
}

#[tokio::test]
async fn a_plan_file_that_creates_what_is_there_is_refused() {
    let world = World::new().await;
    world.edit(&format!("{TEAM}.yaml"), "A team", "The team");
    world.commit();
    world.tenant.trouble(|trouble| trouble.gone = Some(TEAM));
    let aim = Aim { to: "main".to_owned(), ..Aim::default() };
    let planned = plan(&world.context, &world.tenant, &aim).await.unwrap();
    assert_eq!(planned.plan.steps.len(), 1);
    let file = planfile::write(&planned.plan, &planned.binding, &planned.verdicts, &planned.names);
    world.tenant.trouble(|trouble| trouble.gone = None);
    let ready = open(&world.context, file.as_bytes()).unwrap();
    let error = apply_with(&world.context, &world.tenant, &ready, &[]).await.unwrap_err();
    insta::assert_snapshot!(error, @r#"the plan no longer holds: since it was made, these moved: group "Team" is there already; make the plan anew"#);
    assert_eq!(world.tenant.count("group"), 1);
}

#[tokio::test]
async fn a_correction_undoes_nothing_that_others_did_meanwhile() {
    let world = World::new().await;
    world.edit(&format!("{TEAM}.yaml"), "A team", "The team");
    let text = format!("{NEW_GROUP}owners:\n- {ADA}\n");
    world.write("groups/pilots.yaml", &text);
    world.edit(&format!("{TEAM}.yaml"), "mailNickname", &format!("members:\n- {ADA}\nmailNickname"));
    world.commit();
    let ready = world.prepare("main").await;
    let group = named("group");
    let member = Write::Link { kind: group, id: TEAM.to_owned(), link: "members", value: json!(GRACE) };
    let update = Write::Update { kind: group, id: TEAM.to_owned(), body: raw(json!({"visibility": "Private"})) };
    world.tenant.trouble(|trouble| trouble.meanwhile = vec![member, update]);
    let applied = apply_with(&world.context, &world.tenant, &ready, &[]).await.unwrap();
    let now = world.tenant.get("group", TEAM).await;
    assert!(now["members"].to_string().contains(GRACE) && now["visibility"] == "Private", "{now}");
    assert_eq!((applied.verified, applied.corrected), (false, 0));
    assert!(!applied.remaining.steps.is_empty());
}

/// One property holds the policy's whole condition: what somebody adds to it while the plan is carried out is theirs.
#[tokio::test]
async fn a_correction_leaves_what_others_added_to_the_same_property() {
    let world = World::new().await;
    world.edit(&format!("{POLICY}.yaml"), "- all", "- browser");
    world.edit(&format!("{TEAM}.yaml"), "A team", "The team");
    world.commit();
    let ready = world.prepare("main").await;
    let body = json!({"conditions": {"clientAppTypes": ["browser"],
        "users": {"includeUsers": ["All"], "excludeUsers": [GRACE]}}});
    let update = Write::Update { kind: named("conditionalAccessPolicy"), id: POLICY.to_owned(), body: raw(body) };
    world.tenant.trouble(|trouble| (trouble.meanwhile_at, trouble.meanwhile) = (1, vec![update]));
    let applied = apply_with(&world.context, &world.tenant, &ready, &[]).await.unwrap();
    let now = world.tenant.get("conditionalAccessPolicy", POLICY).await;
    assert_eq!(now["conditions"]["users"]["excludeUsers"], json!([GRACE]), "{now}");
    assert_eq!((applied.verified, applied.corrected), (false, 0));
    assert!(!applied.remaining.steps.is_empty());
}

fn titles(ready: &Ready) -> Vec<String> {
    ready.plan.steps.iter().map(|step| format!("{} {} \"{}\"", step.action.as_str(), step.called, step.name)).collect()
}

#[tokio::test]
async fn a_run_that_was_cut_off_and_overtaken_is_planned_anew() {
    let world = World::new().await;
    world.write("groups/pilots.yaml", NEW_GROUP);
    world.edit(&format!("{POLICY}.yaml"), "Require MFA", "Demand MFA");
    world.git(&["rm", "-q", &world.file(&format!("{GRACE}.yaml"))]);
    world.commit();
    world.killed_after(1).await;
    assert_eq!(world.tenant.count("group"), 2);
    world.tenant.update("user", GRACE, json!({"displayName": "Grace H."})).await;
    let ready = world.prepare("main").await;
    assert_eq!(titles(&ready), ["update conditionalAccessPolicy \"Demand MFA\"", "delete user \"Grace H.\""]);
    let applied = apply_with(&world.context, &world.tenant, &ready, &[]).await.unwrap();
    assert!(applied.verified, "{:?}", applied.unmet);
    assert_eq!(world.tenant.count("group"), 2);
    assert_eq!(world.git(&["rev-parse", "main"]), world.git(&["rev-parse", "snapshots"]));
}

#[tokio::test]
async fn what_a_run_wrote_before_it_was_cut_off_may_not_move_either() {
    let world = World::new().await;
    world.edit(&format!("{TEAM}.yaml"), "A team", "The team");
    world.edit(&format!("{TEAM}.yaml"), "mailNickname", &format!("members:\n- {ADA}\nmailNickname"));
    world.commit();
    world.killed_after(1).await;
    let untouched = world.prepare("main").await;
    assert_eq!(titles(&untouched), ["update group \"Team\"", "link group \"Team\""]);
    let journal = Journal::open(world.context.repo.git_dir(), &untouched.digest).unwrap();
    assert_eq!(journal.past.done.len(), 1, "it is taken up");

    world.tenant.update("group", TEAM, json!({"description": "Hands off"})).await;
    let error = apply_with(&world.context, &world.tenant, &untouched, &[]).await.unwrap_err();
    assert!(error.downcast_ref::<Stale>().is_some(), "{error}");
    assert_eq!(world.tenant.get("group", TEAM).await["members"], json!([]));
    let anew = world.prepare("main").await;
    assert_ne!(anew.digest, untouched.digest, "it is a plan of its own, for a person to approve");
}
