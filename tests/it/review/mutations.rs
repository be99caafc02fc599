//! Every kind of edit that a tenant knows, one at a time: each is reported exactly once and called by its name. The way is
//! the tool's own: Graph's JSON is normalized, written as YAML, read again and compared.

mod shown;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use entragit::engine::compare;
use entragit::engine::manner::{Evidence, settle};
use entragit::engine::normalize::normalize;
use entragit::engine::refs::Names;
use entragit::engine::render::{Style, html, json, markdown, sarif, text};
use entragit::engine::saved;
use entragit::format::{emit, yaml};
use entragit::kinds;
use entragit::model::{Actor, Address, AuditEvent, Coverage, CoverageMap, IdMap, Report, Snapshot};
use serde_json::{Value, json as value};

type World = BTreeMap<(&'static str, String), Value>;

fn id(number: u32) -> String {
    format!("{number:08x}-0000-4000-8000-000000000000")
}

const ADA: u32 = 1;
const BOB: u32 = 2;
const EVE: u32 = 3;
const TEAM: u32 = 0x10;
const ADMINS: u32 = 0x11;
const DYNAMIC: u32 = 0x12;
const APP: u32 = 0x20;
const OTHER: u32 = 0x25;
const SP: u32 = 0x30;
const JOB: u32 = 0x31;
const GRAPH: u32 = 0x70;
const OFFICE: u32 = 0x40;
const STRENGTH: u32 = 0x50;
const POLICY: u32 = 0x60;
const NEW: u32 = 0x99;

fn base() -> World {
    let mut world = World::new();
    let mut put = |kind: &'static str, number: u32, mut object: Value| {
        object["id"] = id(number).into();
        world.insert((kind, id(number)), object);
    };
    for (number, name) in [(ADA, "Ada"), (BOB, "Bob"), (EVE, "Eve")] {
        let upn = format!("{}@contoso.com", name.to_lowercase());
        put(
            "user",
            number,
            value!({"displayName": name, "userPrincipalName": upn, "accountEnabled": true, "jobTitle": "Clerk",
                "businessPhones": ["1", "2"], "favourites": ["b", "a"], "department": null, "userType": "Member"}),
        );
    }
    put(
        "group",
        TEAM,
        value!({"displayName": "Team", "mailEnabled": false, "mailNickname": "team", "securityEnabled": true, "groupTypes": [],
            "members": [id(ADA), id(BOB)], "owners": [id(ADA)]}),
    );
    put(
        "group",
        ADMINS,
        value!({"displayName": "Admins", "mailEnabled": false, "mailNickname": "admins", "securityEnabled": true,
            "groupTypes": [], "isAssignableToRole": true, "members": [id(ADA)]}),
    );
    put(
        "group",
        DYNAMIC,
        value!({"displayName": "Sales", "mailEnabled": false, "mailNickname": "sales", "securityEnabled": true,
            "groupTypes": ["DynamicMembership"], "membershipRule": "user.department -eq \"Sales\"",
            "membershipRuleProcessingState": "On"}),
    );
    put(
        "application",
        APP,
        value!({"displayName": "Orders", "appId": id(0x21), "signInAudience": "AzureADMyOrg",
            "web": {"redirectUris": ["https://orders.contoso.com/a", "https://orders.contoso.com/b"]},
            "passwordCredentials": [{"keyId": id(0x22), "displayName": "ci", "endDateTime": "2027-01-01T00:00:00Z"}],
            "appRoles": [{"id": id(0x23), "displayName": "Read", "value": "read", "description": "May read",
                "isEnabled": true, "allowedMemberTypes": ["User"]}],
            "owners": [id(ADA)], "identifierUris": ["api://orders"]}),
    );
    put(
        "application",
        OTHER,
        value!({"displayName": "Deploy", "appId": id(0x26), "federatedIdentityCredentials": [{"id": "f", "name": "ci",
            "issuer": "https://token.actions.githubusercontent.com", "subject": "repo:a/b", "audiences": ["api"]}]}),
    );
    put(
        "servicePrincipal",
        SP,
        value!({"displayName": "Orders", "appId": id(0x21), "accountEnabled": true, "servicePrincipalType": "Application",
            "tags": ["a", "b"],
            "appRoleAssignedTo": [{"id": "x1", "appRoleId": id(0x23), "principalId": id(ADA), "principalType": "User",
                "resourceId": id(SP)}]}),
    );
    put(
        "servicePrincipal",
        JOB,
        value!({"displayName": "Nightly job", "appId": id(0x32), "accountEnabled": true,
            "servicePrincipalType": "Application",
            "oauth2PermissionGrants": [{"id": "g1", "clientId": id(JOB), "consentType": "Principal",
                "principalId": id(BOB), "resourceId": id(SP), "scope": "read"}]}),
    );
    put(
        "servicePrincipal",
        GRAPH,
        value!({"displayName": "Microsoft Graph", "appId": "00000003-0000-0000-c000-000000000000",
            "servicePrincipalType": "Application"}),
    );
    put(
        "namedLocation",
        OFFICE,
        value!({"@odata.type": "#microsoft.graph.ipNamedLocation", "displayName": "Office", "isTrusted": true,
            "ipRanges": [{"@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "192.0.2.0/24"}]}),
    );
    put(
        "authenticationStrengthPolicy",
        STRENGTH,
        value!({"displayName": "Phishing resistant", "policyType": "custom",
            "allowedCombinations": ["fido2", "windowsHelloForBusiness"]}),
    );
    put(
        "conditionalAccessPolicy",
        POLICY,
        value!({"displayName": "MFA for all", "state": "enabled",
            "conditions": {"clientAppTypes": ["all"],
                "applications": {"includeApplications": ["All"], "excludeApplications": []},
                "users": {"includeUsers": ["All"], "excludeUsers": [id(EVE)], "excludeGroups": []},
                "locations": {"includeLocations": ["All"], "excludeLocations": [id(OFFICE)]}},
            "grantControls": {"operator": "OR", "builtInControls": ["mfa"], "customAuthenticationFactors": [],
                "termsOfUse": []},
            "sessionControls": null}),
    );
    world
}

fn at<'a>(world: &'a mut World, kind: &'static str, number: u32) -> &'a mut Value {
    world.get_mut(&(kind, id(number))).unwrap()
}

/// What the tool makes of Graph's replies.
fn snapshot(world: &World) -> Snapshot {
    let mut snapshot = Snapshot::default();
    for kind in kinds::ALL {
        snapshot.coverage.set_kind(kind.name, Coverage::Complete);
        for link in kind.links {
            snapshot.coverage.set_link(kind.name, link.name, Coverage::Complete);
        }
    }
    for ((name, id), raw) in world {
        let kind = kinds::by_name(name).unwrap();
        let bytes = emit::write(&normalize(kind, raw.as_object().unwrap().clone()).object.0, &BTreeMap::new());
        let read = yaml::read("x.yaml", &bytes).unwrap();
        snapshot.objects.insert(Address::new(kind, id.clone()), normalize(kind, read.value).object);
    }
    snapshot
}

fn report(before: &World, after: &World, ids: &IdMap, evidence: &Evidence) -> Report {
    let mut report = compare::snapshots(&snapshot(before), &snapshot(after), ids);
    settle(&mut report, evidence);
    report
}

/// The report without its heading.
fn lines(report: &Report) -> String {
    let mut names = Names::default();
    for (number, name) in [(ADA, "Ada"), (BOB, "Bob"), (EVE, "Eve"), (TEAM, "Team"), (OFFICE, "Office")] {
        names.insert(&id(number), name);
    }
    let text = text::report(report, &names, Style::default());
    let skip = if text.contains("\nWorth a second look") { 3 } else { 2 };
    text.lines().skip(skip).filter(|line| line.starts_with(' ')).fold(String::new(), |mut out, line| {
        let _ = writeln!(out, "{}", line.strip_prefix("  ").unwrap_or(line));
        out
    })
}

type Edit = (&'static str, fn(&mut World));

const EDITS: &[Edit] = &[
    ("value", |w| at(w, "user", ADA)["jobTitle"] = "Director".into()),
    ("key added", |w| at(w, "user", ADA)["department"] = "Sales".into()),
    ("key removed", |w| drop(at(w, "user", ADA).as_object_mut().unwrap().remove("jobTitle"))),
    ("value becomes null", |w| at(w, "user", ADA)["jobTitle"] = Value::Null),
    ("null becomes absent", |w| drop(at(w, "user", ADA).as_object_mut().unwrap().remove("department"))),
    ("null becomes the empty text", |w| at(w, "user", ADA)["department"] = "".into()),
    ("absent becomes an empty list", |w| at(w, "user", ADA)["otherMails"] = value!([])),
    ("server-owned value", |w| at(w, "user", ADA)["createdDateTime"] = "2026-01-01T00:00:00Z".into()),
    ("annotation", |w| at(w, "user", ADA)["@odata.etag"] = "W/1".into()),
    ("secret", |w| at(w, "user", ADA)["passwordProfile"] = value!({"password": "x"})),
    ("flag", |w| at(w, "user", ADA)["accountEnabled"] = false.into()),
    ("type of a value", |w| at(w, "user", ADA)["jobTitle"] = value!(["Clerk"])),
    ("unknown property", |w| at(w, "user", ADA)["shoeSize"] = 42.into()),
    ("text of another case", |w| at(w, "user", ADA)["jobTitle"] = "clerk".into()),
    ("text with a space at its end", |w| at(w, "user", ADA)["jobTitle"] = "Clerk ".into()),
    ("composed against decomposed letters", |w| at(w, "user", ADA)["jobTitle"] = "Cle\u{301}rk".into()),
    ("text that looks like a number", |w| at(w, "user", ADA)["jobTitle"] = "0123".into()),
    ("several lines", |w| at(w, "user", ADA)["jobTitle"] = "Clerk\nand more".into()),
    ("list in an order of its own reordered", |w| at(w, "user", ADA)["favourites"] = value!(["a", "b"])),
    ("telephone numbers reordered", |w| at(w, "user", ADA)["businessPhones"] = value!(["2", "1"])),
    ("telephone number", |w| at(w, "user", ADA)["businessPhones"] = value!(["1", "3"])),
    ("set reordered", |w| at(w, "servicePrincipal", SP)["tags"] = value!(["b", "a"])),
    ("set with a double", |w| at(w, "servicePrincipal", SP)["tags"] = value!(["a", "b", "a"])),
    ("set grows", |w| at(w, "servicePrincipal", SP)["tags"] = value!(["a", "b", "c"])),
    ("rename", |w| at(w, "group", TEAM)["displayName"] = "Crew".into()),
    ("rename to a name that another has", |w| at(w, "group", TEAM)["displayName"] = "Admins".into()),
    ("rename to nothing", |w| at(w, "group", TEAM)["displayName"] = Value::Null),
    ("hostile name", |w| at(w, "group", TEAM)["displayName"] = "\u{1b}[31m\u{202e}<b>|`x`".into()),
    ("member added", |w| at(w, "group", TEAM)["members"] = value!([id(EVE), id(BOB), id(ADA)])),
    ("member removed", |w| at(w, "group", TEAM)["members"] = value!([id(ADA)])),
    ("members reordered", |w| at(w, "group", TEAM)["members"] = value!([id(BOB), id(ADA)])),
    ("dangling member", |w| at(w, "group", TEAM)["members"] = value!([id(ADA), id(BOB), id(0xdead)])),
    ("last member removed", |w| at(w, "group", ADMINS)["members"] = value!([])),
    ("member of a group that holds roles", |w| at(w, "group", ADMINS)["members"] = value!([id(ADA), id(EVE)])),
    ("owner added to a group", |w| at(w, "group", TEAM)["owners"] = value!([id(ADA), id(EVE)])),
    ("membership rule", |w| at(w, "group", DYNAMIC)["membershipRule"] = "user.department -ne \"\"".into()),
    ("members that a rule computes", |w| at(w, "group", DYNAMIC)["members"] = value!([id(EVE)])),
    ("manager set", |w| at(w, "user", BOB)["manager"] = id(ADA).into()),
    ("credential added", |w| {
        let credentials = at(w, "application", APP)["passwordCredentials"].as_array_mut().unwrap();
        credentials.push(value!({"keyId": id(0x24), "displayName": "x", "endDateTime": "2099-01-01T00:00:00Z"}));
    }),
    ("credential renewed", |w| {
        at(w, "application", APP)["passwordCredentials"][0]["endDateTime"] = "2028-01-01T00:00:00Z".into();
    }),
    ("owner added to an application", |w| at(w, "application", APP)["owners"] = value!([id(ADA), id(EVE)])),
    ("redirect address added", |w| {
        let list = &mut at(w, "application", APP)["web"]["redirectUris"];
        list.as_array_mut().unwrap().push("http://evil.example".into());
    }),
    ("inside an element with an id", |w| at(w, "application", APP)["appRoles"][0]["isEnabled"] = false.into()),
    ("federated credential's subject", |w| {
        let app = at(w, "application", OTHER);
        app["federatedIdentityCredentials"][0]["subject"] = "repo:evil/b".into();
    }),
    ("federated credential added", |w| {
        at(w, "application", APP)["federatedIdentityCredentials"] = value!([{"id": "f", "name": "ci",
            "issuer": "https://token.actions.githubusercontent.com", "subject": "repo:a/b", "audiences": ["api"]}]);
    }),
    ("nested object appears", |w| {
        at(w, "application", APP)["spa"] = value!({"redirectUris": ["https://spa.contoso.com"]});
    }),
    ("nested object goes", |w| at(w, "application", APP)["web"] = Value::Null),
    ("role of an application given to another", |w| {
        at(w, "servicePrincipal", SP)["appRoleAssignedTo"].as_array_mut().unwrap().push(
            value!({"id": "x2", "appRoleId": id(0x23), "principalId": id(JOB), "principalType": "ServicePrincipal",
                "resourceId": id(SP)}),
        );
    }),
    ("assignment made anew with another id", |w| {
        at(w, "servicePrincipal", SP)["appRoleAssignedTo"][0]["id"] = "x9".into();
    }),
    ("permission of Microsoft Graph granted", |w| {
        let graph = at(w, "servicePrincipal", GRAPH);
        graph["appRoleAssignedTo"] =
            value!([{"id": "x3", "appRoleId": id(0x71), "principalId": id(JOB), "resourceId": id(GRAPH)}]);
    }),
    ("consent for everyone", |w| {
        at(w, "servicePrincipal", JOB)["oauth2PermissionGrants"] = value!([{"id": "g2", "clientId": id(JOB),
            "consentType": "AllPrincipals", "resourceId": id(SP), "scope": "read"}]);
    }),
    ("consent widened", |w| {
        at(w, "servicePrincipal", JOB)["oauth2PermissionGrants"][0]["scope"] = "read write".into();
    }),
    ("policy disabled", |w| at(w, "conditionalAccessPolicy", POLICY)["state"] = "disabled".into()),
    ("person excluded", |w| {
        at(w, "conditionalAccessPolicy", POLICY)["conditions"]["users"]["excludeUsers"] = value!([id(EVE), id(BOB)]);
    }),
    ("exclusion removed", |w| {
        at(w, "conditionalAccessPolicy", POLICY)["conditions"]["users"]["excludeUsers"] = value!([]);
    }),
    ("control replaced", |w| {
        at(w, "conditionalAccessPolicy", POLICY)["grantControls"]["builtInControls"] = value!(["block"]);
    }),
    ("session control appears", |w| {
        at(w, "conditionalAccessPolicy", POLICY)["sessionControls"] =
            value!({"signInFrequency": {"isEnabled": true, "type": "hours", "value": 4}});
    }),
    ("trusted range added", |w| {
        at(w, "namedLocation", OFFICE)["ipRanges"]
            .as_array_mut()
            .unwrap()
            .push(value!({"@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "0.0.0.0/1"}));
    }),
    ("weaker combination allowed", |w| {
        let list = &mut at(w, "authenticationStrengthPolicy", STRENGTH)["allowedCombinations"];
        list.as_array_mut().unwrap().push("password,sms".into());
    }),
    ("object added", |w| {
        let mut user = at(w, "user", ADA).clone();
        (user["id"], user["userPrincipalName"], user["displayName"]) =
            (id(NEW).into(), "new@contoso.com".into(), "New".into());
        w.insert(("user", id(NEW)), user);
    }),
    ("object removed", |w| drop(w.remove(&("namedLocation", id(OFFICE))))),
    ("policy removed", |w| drop(w.remove(&("conditionalAccessPolicy", id(POLICY))))),
    ("created again by hand", |w| {
        let mut group = w.remove(&("group", id(TEAM))).unwrap();
        (group["id"], group["owners"]) = (id(NEW).into(), value!([id(EVE)]));
        w.insert(("group", id(NEW)), group);
    }),
];

#[test]
fn every_edit_is_reported_once_and_called_by_its_name() {
    assert!(EDITS.len() >= 40);
    let before = base();
    let mut said = String::new();
    for (name, edit) in EDITS {
        let mut after = before.clone();
        edit(&mut after);
        let there = report(&before, &after, &IdMap::default(), &Evidence::default());
        let back = report(&after, &before, &IdMap::default(), &Evidence::default());
        assert_eq!(there.changes.len(), back.changes.len(), "{name}: the way back is as long");
        assert!(there.changes.len() <= 1, "{name} is one edit of one object");
        let fields = there.changes.first().map_or(0, |change| change.fields().len());
        assert_eq!(fields, back.changes.first().map_or(0, |change| change.fields().len()), "{name}");
        let _ = writeln!(said, "{name}\n{}", lines(&there));
    }
    insta::assert_snapshot!(said);
}

#[test]
fn what_happened_to_an_object_is_told_from_all_there_is() {
    let before = base();
    let mut gone = before.clone();
    gone.remove(&("group", id(TEAM)));
    let address = entragit::kinds::address("group", id(TEAM)).unwrap();
    let mut said = String::new();
    let mut say = |name: &str, report: &Report| {
        let _ = writeln!(said, "{name}\n{}", lines(report));
    };
    let none = IdMap::default();
    let binned = |since: Option<&str>| Evidence {
        bin: BTreeMap::from([(address.clone(), since.map(str::to_owned))]),
        ..Evidence::default()
    };
    say("in the bin", &report(&before, &gone, &none, &binned(Some("2026-11-23T06:00:00Z"))));
    say("not in the bin", &report(&before, &gone, &none, &binned(None)));
    let existed = Evidence { existed: [address].into(), ..Evidence::default() };
    say("back under its id", &report(&gone, &before, &none, &existed));
    // Created again by the tool: the manifest knows, whatever it is called now.
    let mut again = gone.clone();
    let mut group = before[&("group", id(TEAM))].clone();
    (group["id"], group["displayName"]) = (id(NEW).into(), "Team again".into());
    again.insert(("group", id(NEW)), group);
    let mut ids = IdMap::default();
    ids.learn(&id(TEAM), &id(NEW));
    say("created again under another name", &report(&before, &again, &ids, &Evidence::default()));
    say("and the other way round", &report(&again, &before, &ids, &Evidence::default()));
    // Two that went and one that came: which it was is not known.
    let mut two = before.clone();
    let mut twin = two[&("group", id(TEAM))].clone();
    twin["id"] = id(0x98).into();
    two.insert(("group", id(0x98)), twin);
    let mut one = gone;
    let mut group = before[&("group", id(TEAM))].clone();
    group["id"] = id(NEW).into();
    one.insert(("group", id(NEW)), group);
    say("one of two created again", &report(&two, &one, &none, &Evidence::default()));
    insta::assert_snapshot!(said);
}

#[test]
fn what_is_not_known_is_never_a_deletion() {
    let before = base();
    let (left, mut right) = (snapshot(&before), snapshot(&World::new()));
    right.coverage = CoverageMap::default();
    right.coverage.set_kind("group", Coverage::DeniedPermission);
    let report = compare::snapshots(&left, &right, &IdMap::default());
    assert!(report.changes.is_empty(), "{:?}", report.changes);
    let said: Vec<String> = report.unknown.iter().map(|(what, ..)| what.clone()).collect();
    assert!(said.contains(&"group".to_owned()) && said.contains(&"user".to_owned()), "{said:?}");
}
