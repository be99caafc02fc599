//! Defines the damage of a drill: named scenarios, each a list of writes over a snapshot.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::engine::body::{before_delete, with_type};
use crate::engine::plan::{is_deletable, owned_elsewhere};
use crate::engine::schema;
use crate::kinds;
use crate::model::kind::{Deletion, LinkShape, Updates};
use crate::model::{Address, Kind, Object, Snapshot, Write};

/// Lists the scenarios of a drill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    /// Every Conditional Access policy is switched off or blocks everybody.
    PolicyEdited,
    /// Every group, application and policy is deleted, and moved to the recycle bin.
    MassDeletion,
    /// Mass deletion, after which the recycle bins are emptied.
    Purge,
    /// Somebody with administrator rights secures permanent access.
    RogueAdmin,
    /// Everything that can be deleted is deleted for good, after the rogue administrator's changes.
    Everything,
    /// Edits, deletions and lost members at random; the same number gives the same damage.
    Random(u64),
}

/// Lists the named scenarios, each with a description.
pub const NAMED: &[(&str, Scenario, &str)] = &[
    ("policy-edited", Scenario::PolicyEdited, "every Conditional Access policy is switched off or blocks everybody"),
    ("mass-deletion", Scenario::MassDeletion, "groups, applications and policies are moved to the recycle bin"),
    ("purge", Scenario::Purge, "the same, and the recycle bins are emptied"),
    (
        "rogue-admin",
        Scenario::RogueAdmin,
        "an intruder adds secrets, owners, grants and roles, and changes policies and redirect URIs",
    ),
    ("everything", Scenario::Everything, "everything that can be deleted is deleted for good"),
];

/// Holds the writes of a scenario.
#[derive(Debug, Clone, Default)]
pub struct Damage {
    /// Batches of writes; those of one batch may be sent at the same time.
    pub batches: Vec<Vec<Write>>,
    /// True if applications get additional credentials, which no tenant port can add.
    pub credentials: bool,
    /// True if the recycle bins are emptied afterwards.
    pub purge: bool,
}

/// Returns a number below its argument; the caller seeds it, so that the same number gives the same damage.
pub type Dice<'a> = dyn FnMut(usize) -> usize + 'a;

/// Returns the writes of a scenario over the objects of a snapshot.
pub fn damage(scenario: Scenario, snapshot: &Snapshot, dice: &mut Dice<'_>) -> Damage {
    match scenario {
        Scenario::PolicyEdited => Damage { batches: vec![edited_policies(snapshot)], ..Damage::default() },
        Scenario::MassDeletion => {
            let batches = deletions(snapshot, &|kind| is_soft(kind) && kind.name != "user");
            Damage { batches, ..Damage::default() }
        }
        Scenario::Purge => Damage { purge: true, ..damage(Scenario::MassDeletion, snapshot, dice) },
        Scenario::RogueAdmin => Damage { batches: vec![rogue(snapshot)], credentials: true, purge: false },
        Scenario::Everything => {
            let mut batches = vec![rogue(snapshot)];
            batches.extend(deletions(snapshot, &|_| true));
            Damage { batches, credentials: false, purge: true }
        }
        Scenario::Random(_) => random(snapshot, dice),
    }
}

fn is_soft(kind: &Kind) -> bool {
    matches!(kind.deletion, Deletion::Soft { .. })
}

fn of<'a>(snapshot: &'a Snapshot, kind: &str) -> impl Iterator<Item = (&'static Kind, &'a Object)> {
    let kind = kinds::by_name(kind);
    let objects =
        snapshot.objects.iter().filter(move |(address, _)| kind.is_some_and(|kind| address.kind.name == kind.name));
    objects.filter_map(move |(_, object)| Some((kind?, object)))
}

fn update(kind: &'static Kind, object: &Object, body: Value) -> Write {
    Write::Update { kind, id: object.id().to_owned(), body: map(body) }
}

fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn blocking() -> Value {
    json!({"operator": "OR", "builtInControls": ["block"], "customAuthenticationFactors": [], "termsOfUse": [],
        "authenticationStrength": null})
}

fn edited_policies(snapshot: &Snapshot) -> Vec<Write> {
    let policies = of(snapshot, "conditionalAccessPolicy").enumerate();
    policies
        .map(|(number, (kind, policy))| match number % 2 {
            0 => update(kind, policy, json!({"state": "disabled"})),
            _ => update(kind, policy, json!({"grantControls": blocking(), "sessionControls": null})),
        })
        .collect()
}

/// Returns deletions for every deletable object, referrers before the objects they reference. Updates that a deletion needs
/// beforehand come first.
fn deletions(snapshot: &Snapshot, takes: &dyn Fn(&Kind) -> bool) -> Vec<Vec<Write>> {
    let mut first = Vec::new();
    let mut tiers: BTreeMap<usize, Vec<Write>> = BTreeMap::new();
    for (address, object) in &snapshot.objects {
        let Some(kind) = deletable(address, object).filter(|kind| takes(kind)) else { continue };
        let body = before_delete(kind, object);
        if !body.is_empty() {
            first.push(Write::Update { kind, id: address.id.clone(), body: with_type(kind, object, body) });
        }
        let tier = schema::tiers().get(kind.name).copied().unwrap_or_default();
        tiers.entry(usize::MAX - tier).or_default().push(Write::Delete { kind, id: address.id.clone() });
    }
    std::iter::once(first).chain(tiers.into_values()).filter(|batch| !batch.is_empty()).collect()
}

/// Returns the kind of an object that an administrator can delete.
fn deletable(address: &Address, object: &Object) -> Option<&'static Kind> {
    let kind = address.kind;
    (is_deletable(kind, object) && owned_elsewhere(kind, object).is_none()).then_some(kind)
}

/// Returns an intruder's changes for permanent access: an exclusion from every policy, a role, and a redirect URI of every
/// application.
fn rogue(snapshot: &Snapshot) -> Vec<Write> {
    let mut writes = Vec::new();
    let intruder = of(snapshot, "user")
        .find(|(_, user)| user.text("userType") != Some("Guest"))
        .map(|(_, user)| user.id().to_owned());
    for (kind, policy) in of(snapshot, "conditionalAccessPolicy") {
        let mut conditions = policy.get("conditions").cloned().unwrap_or_default();
        if let (Some(intruder), Some(users)) = (&intruder, conditions.get_mut("users").and_then(Value::as_object_mut)) {
            let excluded = users.entry("excludeUsers").or_insert_with(|| json!([]));
            if let Some(excluded) = excluded.as_array_mut().filter(|all| !all.iter().any(|id| id == intruder.as_str()))
            {
                excluded.push(intruder.clone().into());
            }
            let users = users.clone();
            writes.push(update(kind, policy, json!({"conditions": {"users": users}})));
        }
    }
    for (kind, application) in of(snapshot, "application") {
        let mut web = application.get("web").cloned().unwrap_or_else(|| json!({}));
        if let Some(web) = web.as_object_mut() {
            let uris = web.entry("redirectUris").or_insert_with(|| json!([]));
            if let Some(uris) = uris.as_array_mut() {
                uris.push("https://login.example.net/callback".into());
            }
            let uris = uris.clone();
            writes.push(update(kind, application, json!({"web": {"redirectUris": uris}})));
        }
    }
    for (kind, policy) in of(snapshot, "authorizationPolicy") {
        writes.push(update(kind, policy, json!({"allowInvitesFrom": "everyone"})));
    }
    // <https://learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference#global-administrator>
    let global = "62e90394-69f5-4237-9190-012177145e10";
    if let (Some(intruder), Some(kind)) = (&intruder, kinds::by_name("roleAssignment")) {
        let body = json!({"principalId": intruder, "roleDefinitionId": global, "directoryScopeId": "/"});
        writes.push(Write::Create { kind, body: map(body) });
    }
    if let Some(intruder) = &intruder {
        writes.extend(footholds(snapshot, intruder));
    }
    writes
}

/// Returns writes that give an intruder access through an application: an owner, a federated credential, a delegated grant
/// for everyone and an application permission. No port can add secrets and certificates.
fn footholds(snapshot: &Snapshot, intruder: &str) -> Vec<Write> {
    let link = |kind: &'static Kind, object: &Object, link: &'static str, value: Value| Write::Link {
        kind,
        id: object.id().to_owned(),
        link,
        value,
    };
    let mut writes = Vec::new();
    if let Some((kind, application)) = of(snapshot, "application").next() {
        let owned =
            application.get("owners").and_then(Value::as_array).is_some_and(|all| all.iter().any(|id| id == intruder));
        if !owned {
            writes.push(link(kind, application, "owners", intruder.into()));
        }
        let credential = json!({"name": "drill", "issuer": "https://token.example.net", "subject": "repo:intruder",
            "audiences": ["api://AzureADTokenExchange"]});
        writes.push(link(kind, application, "federatedIdentityCredentials", credential));
    }
    // <https://learn.microsoft.com/troubleshoot/entra/entra-id/governance/verify-first-party-apps-sign-in>
    let graph = of(snapshot, "servicePrincipal")
        .find(|(_, principal)| principal.text("appId") == Some("00000003-0000-0000-c000-000000000000"));
    let fresh = of(snapshot, "servicePrincipal").find(|(_, principal)| {
        principal.get("oauth2PermissionGrants").is_none()
            && principal.text("servicePrincipalType") == Some("Application")
    });
    if let (Some((kind, graph)), Some((_, principal))) = (graph, fresh) {
        let grant =
            json!({"consentType": "AllPrincipals", "resourceId": graph.id(), "scope": "Directory.AccessAsUser.All"});
        writes.push(link(kind, principal, "oauth2PermissionGrants", grant));
        // The permission is one that another principal holds already, since no file lists the permissions that exist.
        let held = graph.get("appRoleAssignedTo").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let own =
            |role: &Value| held.iter().any(|one| one["principalId"] == principal.id() && one["appRoleId"] == *role);
        if let Some(role) = held.iter().map(|one| &one["appRoleId"]).find(|role| !own(role)) {
            let role = json!({"principalId": principal.id(), "appRoleId": role});
            writes.push(link(kind, graph, "appRoleAssignedTo", role));
        }
    }
    writes
}

fn random(snapshot: &Snapshot, dice: &mut Dice<'_>) -> Damage {
    let (mut edits, mut deletes) = (Vec::new(), Vec::new());
    let all: Vec<(&Address, &Object)> = snapshot.objects.iter().collect();
    let wanted = (all.len() / 50).clamp(10, 2_000).min(all.len());
    for _ in 0..wanted * 20 {
        if edits.len() + deletes.len() >= wanted {
            break;
        }
        let Some((address, object)) = all.get(dice(all.len().max(1))) else { break };
        let Some(kind) = deletable(address, object) else { continue };
        let writable = schema::of(kind).property("displayName").is_some_and(|rule| rule.writable(false));
        let named = kind.update == Updates::All && writable && object.get("displayName").is_some();
        match dice(4) {
            0 if !deletes.contains(*address) => deletes.push((*address).clone()),
            1 if named => {
                let body = map(json!({"displayName": format!("{} (changed)", object.name())}));
                edits.push(Write::Update { kind, id: object.id().to_owned(), body: with_type(kind, object, body) });
            }
            _ => edits.extend(lost_reference(kind, object, dice)),
        }
    }
    let mut batches = vec![edits];
    let chosen = Snapshot {
        objects: snapshot
            .objects
            .iter()
            .filter(|(address, _)| deletes.contains(address))
            .map(|(a, o)| (a.clone(), o.clone()))
            .collect(),
        ..Snapshot::default()
    };
    batches.extend(deletions(&chosen, &|_| true));
    Damage { batches, credentials: false, purge: dice(2) == 0 }
}

fn lost_reference(kind: &'static Kind, object: &Object, dice: &mut Dice<'_>) -> Option<Write> {
    let links: Vec<_> = kind.links.iter().filter(|link| matches!(link.shape, LinkShape::References)).collect();
    let link = links.get(dice(links.len().max(1)))?;
    let all = object.get(link.name)?.as_array()?;
    let value = all.get(dice(all.len().max(1)))?.clone();
    Some(Write::Unlink { kind, id: object.id().to_owned(), link: link.name, child: value.as_str()?.to_owned() })
}
