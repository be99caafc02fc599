//! A small tenant with everything in it that can keep somebody out, and what becomes of it.

use std::collections::{BTreeMap, BTreeSet};

use entragit::engine::access::Tenant;
use entragit::engine::guard::{self, Rules, escalation};
use entragit::engine::normalize::normalize;
use entragit::engine::plan::{Inputs, plan};
use entragit::engine::scope::Scope;
use entragit::kinds;
use entragit::model::kind::Readers;
use entragit::model::{Address, Coverage, CoverageMap, IdMap, Object, Plan, Snapshot, Verdict};
use serde_json::{Value, json};

pub const GLOBAL: &str = "62e90394-69f5-4237-9190-012177145e10";
pub const READER: &str = "f2ef992c-3afb-46b9-b7cf-a126ee74c451";
pub const GRAPH: &str = "00000003-0000-0000-c000-000000000000";
pub const AZURE: &str = "797f4846-ba00-4fd7-ba43-dac1f8f63013";

/// An id for a label, the same every time.
pub fn id(label: &str) -> String {
    let hash = label
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    format!("{:08x}-1111-4000-8000-{:012x}", hash >> 32, hash & 0xffff_ffff_ffff)
}

/// Objects by kind and label.
#[derive(Clone, Default)]
pub struct World(BTreeMap<(&'static str, String), Value>);

impl World {
    pub fn put(&mut self, kind: &'static str, label: &str, mut value: Value) {
        if value.get("id").is_none() {
            value["id"] = id(label).into();
        }
        if value.get("displayName").is_none()
            && !matches!(kind, "domain" | "roleAssignment")
            && !kind.ends_with("Schedule")
        {
            value["displayName"] = label.into();
        }
        self.0.insert((kind, label.to_owned()), value);
    }

    pub fn remove(&mut self, kind: &'static str, label: &str) {
        assert!(self.0.remove(&(kind, label.to_owned())).is_some(), "{kind} {label}");
    }

    pub fn of(&mut self, kind: &'static str, label: &str) -> &mut Value {
        self.0.get_mut(&(kind, label.to_owned())).unwrap_or_else(|| panic!("{kind} {label}"))
    }

    /// Sets what `pointer` leads to, and makes the way there.
    pub fn set(&mut self, kind: &'static str, label: &str, pointer: &str, value: Value) {
        let mut at = self.of(kind, label);
        for name in pointer.split('/').skip(1) {
            at = &mut at[name];
        }
        *at = value;
    }

    pub fn members(&mut self, label: &str, members: &[&str]) {
        let members: Vec<String> = members.iter().map(|member| id(member)).collect();
        self.set("group", label, "/members", json!(members));
    }

    /// What decides who gets in.
    pub fn access(&self) -> Tenant {
        let mut access = Tenant::default();
        for (address, object) in &self.objects() {
            access.take(address.kind, object);
        }
        access
    }

    pub fn ids(&self, kind: &str) -> Vec<String> {
        let objects = self.0.iter().filter(|((of, _), _)| *of == kind);
        objects.map(|(_, value)| value["id"].as_str().unwrap().to_owned()).collect()
    }

    pub fn object(&self, address: &Address) -> Option<Object> {
        self.objects().remove(address)
    }

    fn snapshot(&self) -> Snapshot {
        let mut coverage = CoverageMap::default();
        // An application cannot read the terms of use that policies name.
        for kind in kinds::ALL.iter().filter(|kind| kind.readers == Readers::Everyone) {
            coverage.set_kind(kind.name, Coverage::Complete);
            for link in kind.links {
                coverage.set_link(kind.name, link.name, Coverage::Complete);
            }
        }
        Snapshot { objects: self.objects(), coverage, ..Snapshot::default() }
    }

    fn objects(&self) -> BTreeMap<Address, Object> {
        let object = |((kind, _), value): (&(&'static str, String), &Value)| {
            let kind = kinds::by_name(kind).unwrap();
            let object = normalize(kind, value.as_object().unwrap().clone()).object;
            (Address::new(kind, object.id()), object)
        };
        self.0.iter().map(object).collect()
    }
}

/// A case: what is there, what is wanted, and what lies in the recycle bin.
#[derive(Clone)]
pub struct Scene {
    pub name: String,
    pub live: World,
    pub wanted: World,
    pub bin: World,
    /// Who carries it out.
    pub runner: &'static str,
}

impl Scene {
    /// Wanted differs from what is there by `edit`.
    pub fn new(name: impl Into<String>, edit: impl FnOnce(&mut World)) -> Scene {
        Scene::of(name, |_| {}, edit)
    }

    /// First the tenant is made another one, then something is wanted of that.
    pub fn of(name: impl Into<String>, first: impl FnOnce(&mut World), edit: impl FnOnce(&mut World)) -> Scene {
        let mut live = tenant();
        first(&mut live);
        let mut wanted = live.clone();
        edit(&mut wanted);
        Scene { name: name.into(), live, wanted, bin: World::default(), runner: "runner" }
    }

    pub fn world(&self) -> Vec<Value> {
        self.live.0.values().chain(self.bin.0.values()).cloned().chain([self.runner.into()]).collect()
    }

    pub fn plan(&self) -> Plan {
        let (wanted, live) = (self.wanted.snapshot(), self.live.snapshot());
        let base: BTreeSet<Address> = live.objects.keys().cloned().collect();
        plan(&Inputs {
            wanted: &wanted,
            live: &live,
            base: &base,
            deleted: &self.bin.objects(),
            ids: &IdMap::default(),
            scope: &Scope::default(),
            prune: false,
        })
    }

    pub fn access(&self) -> Tenant {
        let mut access = self.live.access();
        for (address, object) in &self.bin.objects() {
            access.take_deleted(address, object);
        }
        access
    }

    pub fn verdicts(&self) -> Vec<Verdict> {
        let access = self.access();
        let mut known: BTreeMap<&'static str, usize> = BTreeMap::new();
        for address in self.live.objects().keys() {
            *known.entry(address.kind.name).or_default() += 1;
        }
        let own = match self.runner {
            "runner" => BTreeSet::from([id("runner"), id("recovery"), id("recovery-app-id")]),
            person => BTreeSet::from([id(person)]),
        };
        let rules = Rules {
            break_glass: BTreeSet::from([id("bg1"), id("bg2")]),
            shelters: BTreeSet::from([id("shelter"), id("inner")]),
            own,
            max_deletes: 10,
            max_deletes_percent: 5,
            known,
            access,
            ..Rules::default()
        };
        let plan = self.plan();
        // What is recovered was there before.
        let granted = escalation::grants(&plan, &rules.access).into_iter().map(|(step, _)| step);
        let held = if self.name.starts_with("recovery") { granted.collect() } else { BTreeSet::new() };
        guard::verdicts(&plan, &Rules { held, ..rules })
    }
}

/// A policy that is enforced for everybody, everywhere, but for those in the shelter.
pub fn policy(grant: Value) -> Value {
    json!({
        "state": "enabled",
        "conditions": {
            "users": {"includeUsers": ["All"], "excludeGroups": [id("shelter")]},
            "applications": {"includeApplications": ["All"]},
            "clientAppTypes": ["all"],
        },
        "grantControls": grant,
    })
}

pub fn controls(controls: &[&str]) -> Value {
    json!({"operator": "OR", "builtInControls": controls})
}

pub fn role(world: &mut World, label: &str, principal: &str, role: &str) {
    let value = json!({"principalId": id(principal), "roleDefinitionId": role, "directoryScopeId": "/"});
    world.put("roleAssignment", label, value);
}

/// The tenant as it starts.
pub fn tenant() -> World {
    let mut world = World::default();
    for label in ["bg1", "bg2", "admin", "admin2", "ann", "bob", "cleo"] {
        let name = format!("{label}@contoso.example");
        world.put("user", label, json!({"accountEnabled": true, "userPrincipalName": name, "userType": "Member"}));
    }
    for (label, members) in [
        ("shelter", &["bg1", "inner"][..]),
        ("inner", &["bg2"]),
        ("staff", &["ann", "bob"]),
        ("admins", &["admin2"]),
        ("outer", &["middle"]),
        ("middle", &["bg2", "ann"]),
        ("travel", &[]),
    ] {
        let nick = label.to_owned();
        world.put(
            "group",
            label,
            json!({"mailEnabled": false, "mailNickname": nick, "securityEnabled": true, "groupTypes": []}),
        );
        world.members(label, members);
    }
    world.set("group", "admins", "/isAssignableToRole", true.into());
    for label in ["by-rule", "by-another-rule"] {
        world.put(
            "group",
            label,
            json!({"mailEnabled": false, "mailNickname": label, "securityEnabled": true,
            "groupTypes": ["DynamicMembership"], "membershipRule": format!("user.department -eq \"{label}\""),
            "membershipRuleProcessingState": "On"}),
        );
    }
    world.put(
        "application",
        "recovery",
        json!({"appId": id("recovery-app-id"), "signInAudience": "AzureADMyOrg",
        "federatedIdentityCredentials": [{"name": "pipeline", "issuer": "https://issuer.example", "subject": "main",
            "audiences": ["api://AzureADTokenExchange"]}]}),
    );
    world.put("application", "payroll", json!({"appId": id("payroll-app-id"), "signInAudience": "AzureADMyOrg"}));
    for (label, app) in [("runner", "recovery-app-id"), ("payroll-principal", "payroll-app-id")] {
        world.put(
            "servicePrincipal",
            label,
            json!({"appId": id(app), "accountEnabled": true,
            "servicePrincipalType": "Application"}),
        );
    }
    let granted: Vec<Value> = ["role-one", "role-two"]
        .iter()
        .map(|role| json!({"principalId": id("runner"), "appRoleId": id(role)}))
        .chain([json!({"principalId": id("payroll-principal"), "appRoleId": id("role-one")})])
        .collect();
    world.put(
        "servicePrincipal",
        "graph",
        json!({"appId": GRAPH, "accountEnabled": true,
        "servicePrincipalType": "Application", "appRoleAssignedTo": granted}),
    );
    for (label, range, trusted) in
        [("office", "203.0.113.0/24", true), ("vpn", "198.51.100.0/24", true), ("lab", "192.0.2.0/24", false)]
    {
        world.put(
            "namedLocation",
            label,
            json!({"@odata.type": "#microsoft.graph.ipNamedLocation", "isTrusted": trusted,
            "ipRanges": [{"@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": range}]}),
        );
    }
    world.put("namedLocation", "embargo", json!({"@odata.type": "#microsoft.graph.countryNamedLocation",
        "countriesAndRegions": ["KP", "IR"], "includeUnknownCountriesAndRegions": false, "countryLookupMethod": "clientIpAddress"}));
    world.put(
        "authenticationStrengthPolicy",
        "keys",
        json!({"policyType": "custom", "allowedCombinations": ["fido2"]}),
    );
    world.put(
        "authenticationStrengthPolicy",
        "texts",
        json!({"policyType": "custom", "allowedCombinations": ["password,sms"]}),
    );
    world.put("authenticationMethodsPolicy", "methods", json!({"id": "authenticationMethodsPolicy",
        "authenticationMethodConfigurations": [
            {"@odata.type": "#microsoft.graph.fido2AuthenticationMethodConfiguration", "id": "Fido2", "state": "enabled"},
            {"@odata.type": "#microsoft.graph.smsAuthenticationMethodConfiguration", "id": "Sms", "state": "disabled"}]}));
    world.put(
        "roleDefinition",
        "global",
        json!({"id": GLOBAL, "displayName": "Global Administrator", "isBuiltIn": true, "isEnabled": true}),
    );
    world.put(
        "roleDefinition",
        "reader",
        json!({"id": READER, "displayName": "Global Reader", "isBuiltIn": true, "isEnabled": true}),
    );
    for (label, principal) in [("ga-bg1", "bg1"), ("ga-bg2", "bg2"), ("ga-admin", "admin"), ("ga-admins", "admins")] {
        role(&mut world, label, principal, GLOBAL);
    }
    role(&mut world, "reader-runner", "runner", READER);
    role(&mut world, "reader-ann", "ann", READER);

    world.put("conditionalAccessPolicy", "mfa", policy(controls(&["mfa"])));
    world.put("conditionalAccessPolicy", "legacy", policy(controls(&["block"])));
    world.set(
        "conditionalAccessPolicy",
        "legacy",
        "/conditions/clientAppTypes",
        json!(["exchangeActiveSync", "other"]),
    );
    world.put("conditionalAccessPolicy", "places", policy(controls(&["block"])));
    world.set(
        "conditionalAccessPolicy",
        "places",
        "/conditions/locations",
        json!({"includeLocations": ["All"], "excludeLocations": [id("office")]}),
    );
    world.put("conditionalAccessPolicy", "devices", policy(controls(&["compliantDevice"])));
    world.set(
        "conditionalAccessPolicy",
        "devices",
        "/conditions/users",
        json!({"includeUsers": ["All"], "excludeUsers": [id("bg1"), id("bg2")]}),
    );
    world.put("conditionalAccessPolicy", "trial", policy(controls(&["block"])));
    world.set("conditionalAccessPolicy", "trial", "/state", "enabledForReportingButNotEnforced".into());
    world.set("conditionalAccessPolicy", "trial", "/conditions/users/excludeGroups", json!([]));
    world.put("conditionalAccessPolicy", "off", policy(controls(&["block"])));
    world.set("conditionalAccessPolicy", "off", "/state", "disabled".into());
    world.set("conditionalAccessPolicy", "off", "/conditions/users", json!({"includeRoles": [GLOBAL]}));
    world.put("conditionalAccessPolicy", "workloads", policy(controls(&["block"])));
    world.set("conditionalAccessPolicy", "workloads", "/state", "disabled".into());
    world.set("conditionalAccessPolicy", "workloads", "/conditions",
        json!({"users": {"includeUsers": ["None"]}, "applications": {"includeApplications": ["All"]}, "clientAppTypes": ["all"],
            "clientApplications": {"includeServicePrincipals": ["ServicePrincipalsInMyTenant"]}}));
    world
}
