//! Plans that harm nobody.

use serde_json::json;

use super::policies::{about_emergency, about_others, loose, met, needed, unmet};
use crate::support::scene::{GLOBAL, Scene, World, controls, id, policy, role};

type Edit = fn(&mut World);

const POLICY: &str = "conditionalAccessPolicy";

/// Every scene.
pub fn all() -> Vec<Scene> {
    [policies(), everyday(), super::together::benign(), super::dependence::benign(), super::proofs::benign()].concat()
}

fn policies() -> Vec<Scene> {
    let mut scenes = Vec::new();
    for (what, grant) in unmet() {
        for (who, users) in about_others() {
            scenes.push(Scene::new(format!("about others: {what}, {who}"), |world| {
                world.put(POLICY, "new", policy(grant.clone()));
                world.set(POLICY, "new", "/conditions/users", users.clone());
            }));
        }
    }
    for (who, users) in about_emergency() {
        for state in ["disabled", "enabledForReportingButNotEnforced"] {
            scenes.push(Scene::new(format!("not enforced: {who}, {state}"), |world| {
                world.put(POLICY, "new", policy(controls(&["block"])));
                world.set(POLICY, "new", "/state", state.into());
                world.set(POLICY, "new", "/conditions/users", users.clone());
            }));
        }
    }
    for (what, grant) in met() {
        scenes.push(Scene::new(format!("can be met: {what}"), |world| {
            world.put(POLICY, "new", policy(grant.clone()));
            world.set(POLICY, "new", "/conditions/users", json!({"includeUsers": ["All"]}));
        }));
    }
    for (what, conditions) in loose() {
        scenes.push(Scene::new(format!("leaves a way: {what}"), |world| {
            world.put(POLICY, "new", policy(controls(&["block"])));
            world.set(POLICY, "new", "/conditions/users", json!({"includeUsers": ["All"]}));
            for (name, value) in conditions.as_object().unwrap() {
                world.set(POLICY, "new", &format!("/conditions/{name}"), value.clone());
            }
        }));
    }
    for (what, applications) in [
        ("Microsoft 365", json!({"includeApplications": ["Office365"]})),
        ("one application", json!({"includeApplications": [id("payroll-app-id")]})),
        ("a user action", json!({"includeUserActions": ["urn:user:registersecurityinfo"]})),
        ("a context", json!({"includeAuthenticationContextClassReferences": ["c1"]})),
        ("no application", json!({"includeApplications": ["None"]})),
    ] {
        scenes.push(Scene::new(format!("not for administration: {what}"), |world| {
            world.put(POLICY, "new", policy(controls(&["block"])));
            world.set(POLICY, "new", "/conditions/users", json!({"includeUsers": ["All"]}));
            world.set(POLICY, "new", "/conditions/applications", applications.clone());
        }));
    }
    for (what, applications) in needed() {
        scenes.push(Scene::new(format!("it leaves them out: {what}"), |world| {
            world.put(POLICY, "new", policy(controls(&["block"])));
            world.set(POLICY, "new", "/conditions/applications", applications.clone());
            world.set(POLICY, "new", "/displayName", what.into());
        }));
    }
    scenes
}

fn everyday() -> Vec<Scene> {
    let edits: Vec<(&str, Edit)> = vec![
        ("B14: a group that is left out is replaced by its members", |world| {
            world.set(POLICY, "mfa", "/conditions/users/excludeGroups", json!([]));
            world.set(POLICY, "mfa", "/conditions/users/excludeUsers", json!([id("bg1"), id("bg2")]));
        }),
        ("B16: what is written about the application that is signed in", |world| {
            world.set("application", "recovery", "/description", "Brings the tenant back".into());
            world.set("application", "recovery", "/notes", "Ask the identity team".into());
        }),
        ("a policy is turned off", |world| world.set(POLICY, "mfa", "/state", "disabled".into())),
        ("a policy is only reported", |world| {
            world.set(POLICY, "places", "/state", "enabledForReportingButNotEnforced".into());
        }),
        ("a policy is deleted", |world| world.remove(POLICY, "trial")),
        ("a policy that left them out is deleted", |world| world.remove(POLICY, "places")),
        ("a policy gets another name", |world| world.set(POLICY, "mfa", "/displayName", "CA002".into())),
        ("one more is left out", |world| {
            world.set(POLICY, "mfa", "/conditions/users/excludeUsers", json!([id("ann")]));
        }),
        ("from mfa to block, but for the shelter", |world| {
            world.set(POLICY, "mfa", "/grantControls", controls(&["block"]));
        }),
        ("a place is changed", |world| {
            world.set(
                "namedLocation",
                "office",
                "/ipRanges",
                json!([{"@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "203.0.113.0/25"}]),
            );
        }),
        ("a place is trusted no more", |world| world.set("namedLocation", "vpn", "/isTrusted", false.into())),
        ("a place is not left out any more", |world| {
            world.set(POLICY, "places", "/conditions/locations/excludeLocations", json!([]));
        }),
        ("one joins the shelter", |world| world.members("shelter", &["bg1", "inner", "ann"])),
        ("one joins staff", |world| world.members("staff", &["ann", "bob", "cleo"])),
        ("one leaves staff", |world| world.members("staff", &["ann"])),
        ("a group is renamed", |world| world.set("group", "shelter", "/displayName", "Emergency".into())),
        ("a group is deleted", |world| world.remove("group", "travel")),
        ("a group is made", |world| {
            world.put(
                "group",
                "fresh",
                json!({"mailEnabled": false, "mailNickname": "fresh", "securityEnabled": true, "groupTypes": []}),
            );
            world.members("fresh", &["ann"]);
        }),
        ("a rule changes", |world| world.set("group", "by-rule", "/membershipRule", "user.city -eq \"Oslo\"".into())),
        ("somebody is disabled", |world| world.set("user", "ann", "/accountEnabled", false.into())),
        ("somebody is deleted", |world| {
            world.remove("user", "cleo");
        }),
        ("an administrator of several is disabled", |world| {
            world.set("user", "admin", "/accountEnabled", false.into())
        }),
        ("an administrator of several is none", |world| world.remove("roleAssignment", "ga-admin")),
        ("the administrators' group is emptied", |world| world.members("admins", &[])),
        ("somebody reads no more", |world| world.remove("roleAssignment", "reader-ann")),
        ("somebody's title", |world| world.set("user", "bg1", "/jobTitle", "Emergency".into())),
        ("a strength takes one more", |world| {
            world.set(
                "authenticationStrengthPolicy",
                "keys",
                "/allowedCombinations",
                json!(["fido2", "windowsHelloForBusiness"]),
            );
        }),
        ("a strength that nobody asks for", |world| {
            world.set("authenticationStrengthPolicy", "texts", "/allowedCombinations", json!(["password,voice"]));
        }),
        ("a method is turned off", |world| {
            let all = world.of("authenticationMethodsPolicy", "methods");
            all["authenticationMethodConfigurations"][0]["state"] = "disabled".into();
        }),
        ("another application is disabled", |world| {
            world.set("servicePrincipal", "payroll-principal", "/accountEnabled", false.into());
        }),
        ("another application loses a permission", |world| {
            let granted: Vec<_> = ["role-one", "role-two"]
                .iter()
                .map(|role| json!({"principalId": id("runner"), "appRoleId": id(role)}))
                .collect();
            world.set("servicePrincipal", "graph", "/appRoleAssignedTo", json!(granted));
        }),
        ("a policy for other workloads", |world| {
            world.set(POLICY, "workloads", "/state", "enabled".into());
            world.set(
                POLICY,
                "workloads",
                "/conditions/clientApplications",
                json!({"includeServicePrincipals": [id("payroll-principal")]}),
            );
        }),
        ("a policy for all workloads but this one", |world| {
            world.set(POLICY, "workloads", "/state", "enabled".into());
            world.set(POLICY, "workloads", "/conditions/clientApplications",
                json!({"includeServicePrincipals": ["ServicePrincipalsInMyTenant"], "excludeServicePrincipals": [id("runner")]}));
        }),
        ("a trial is narrowed", |world| {
            world.set(POLICY, "trial", "/conditions/users", json!({"includeUsers": [id("ann")]}))
        }),
        ("the old one is off, and for administrators", |world| {
            world.set(
                POLICY,
                "off",
                "/conditions/users",
                json!({"includeRoles": [GLOBAL], "includeUsers": [id("bg1")]}),
            );
        }),
    ];
    let mut scenes: Vec<Scene> =
        edits.into_iter().map(|(name, edit)| Scene::new(format!("everyday: {name}"), edit)).collect();
    let blocked: fn(&mut World) = |world| {
        world.put(POLICY, "quarantine", policy(controls(&["block"])));
        world.set(POLICY, "quarantine", "/conditions/users", json!({"includeUsers": [id("bg1")]}));
    };
    scenes.push(Scene::of("recovery: who was blocked is let in", blocked, |world| world.remove(POLICY, "quarantine")));
    scenes.push(Scene::of("recovery: who was blocked stays so", blocked, |world| {
        world.set(POLICY, "quarantine", "/displayName", "Quarantine".into());
    }));
    scenes.push(Scene::of(
        "recovery: the account comes back to work",
        |world| world.set("user", "bg1", "/accountEnabled", false.into()),
        |world| world.set("user", "bg1", "/accountEnabled", true.into()),
    ));
    scenes.push(Scene::of(
        "recovery: the role comes back",
        |world| world.remove("roleAssignment", "ga-bg1"),
        |world| role(world, "ga-bg1", "bg1", GLOBAL),
    ));
    scenes.push(Scene::of(
        "recovery: the shelter is filled again",
        |world| world.members("shelter", &[]),
        |world| world.members("shelter", &["bg1", "inner"]),
    ));
    scenes.push(Scene::of(
        "recovery: everything strict comes back, with its shelter",
        |world| {
            for name in ["mfa", "places", "devices"] {
                world.remove(POLICY, name);
            }
            world.members("shelter", &[]);
        },
        |world| {
            world.members("shelter", &["bg1", "inner"]);
            for name in ["mfa", "places"] {
                world.put(POLICY, name, policy(controls(&["block"])));
            }
        },
    ));
    scenes
}

/// Plans that let somebody in by another way than before: what comes first decides.
pub fn moves() -> Vec<Scene> {
    let quarantine: fn(&mut World) = |world| {
        world.put(POLICY, "quarantine", policy(controls(&["block"])));
        world.set(POLICY, "quarantine", "/conditions/users", json!({"includeGroups": [id("travel")]}));
    };
    let strict: fn(&mut World) = |world| {
        world.put(POLICY, "strict", policy(controls(&["block"])));
    };
    vec![
        Scene::of("from a group to names", strict, |world| {
            world.set(
                POLICY,
                "strict",
                "/conditions/users",
                json!({"includeUsers": ["All"], "excludeUsers": [id("bg1"), id("bg2")]}),
            );
            for name in ["mfa", "legacy", "places"] {
                world.set(POLICY, name, "/conditions/users/excludeUsers", json!([id("bg1"), id("bg2")]));
            }
            world.members("shelter", &[]);
        }),
        Scene::new("from names to a group that they join", |world| {
            world.members("travel", &["bg1", "bg2"]);
            world.set(
                POLICY,
                "devices",
                "/conditions/users",
                json!({"includeUsers": ["All"], "excludeGroups": [id("travel")]}),
            );
        }),
        Scene::of("from one group to another", strict, |world| {
            for name in ["mfa", "legacy", "places", "strict"] {
                world.set(POLICY, name, "/conditions/users/excludeGroups", json!([id("travel")]));
            }
            world.members("shelter", &[]);
            world.members("travel", &["bg1", "bg2"]);
        }),
        Scene::of("from one group to a new one", strict, |world| {
            world.put(
                "group",
                "fresh",
                json!({"mailEnabled": false, "mailNickname": "fresh", "securityEnabled": true, "groupTypes": []}),
            );
            world.members("fresh", &["bg1", "bg2"]);
            for name in ["mfa", "legacy", "places", "strict"] {
                world.set(POLICY, name, "/conditions/users/excludeGroups", json!([id("fresh")]));
            }
            world.remove("group", "shelter");
        }),
        Scene::new("a policy and the group that it leaves out, both new", |world| {
            world.put(
                "group",
                "fresh",
                json!({"mailEnabled": false, "mailNickname": "fresh", "securityEnabled": true, "groupTypes": []}),
            );
            world.members("fresh", &["inner", "bg1"]);
            world.put(POLICY, "new", policy(controls(&["block"])));
            world.set(POLICY, "new", "/conditions/users/excludeGroups", json!([id("fresh")]));
        }),
        Scene::of("a policy goes, and with it those that it left out", strict, |world| {
            for name in ["mfa", "legacy", "places", "strict"] {
                world.remove(POLICY, name);
            }
            world.members("shelter", &[]);
        }),
        Scene::of("a policy is turned off, and those that it left out leave", strict, |world| {
            for name in ["mfa", "legacy", "places", "strict"] {
                world.set(POLICY, name, "/state", "disabled".into());
                world.set(POLICY, name, "/conditions/users/excludeGroups", json!([]));
            }
            world.members("shelter", &[]);
        }),
        Scene::of("into a group that is blocked, but left out by name", quarantine, |world| {
            world.members("travel", &["bg1"]);
            world.set(POLICY, "quarantine", "/conditions/users/excludeUsers", json!([id("bg1")]));
        }),
        Scene::of("into a group that was blocked", quarantine, |world| {
            world.members("travel", &["bg1"]);
            world.set(POLICY, "quarantine", "/state", "disabled".into());
        }),
        Scene::of("into a group that a policy is about no longer", quarantine, |world| {
            world.members("travel", &["bg1"]);
            world.set(POLICY, "quarantine", "/conditions/users/includeGroups", json!([id("staff")]));
            world.set(POLICY, "quarantine", "/displayName", "Quarantine of staff".into());
            world.set(POLICY, "quarantine", "/state", "enabledForReportingButNotEnforced".into());
        }),
        Scene::of(
            "out of a group that is blocked, and not left out by name any more",
            |world| {
                quarantine(world);
                world.members("travel", &["bg1", "ann"]);
                world.set(POLICY, "quarantine", "/conditions/users/excludeUsers", json!([id("bg1")]));
            },
            |world| {
                world.members("travel", &["ann"]);
                world.set(POLICY, "quarantine", "/conditions/users/excludeUsers", json!([]));
            },
        ),
        Scene::of("a policy is replaced", strict, |world| {
            world.remove(POLICY, "strict");
            world.put(POLICY, "stricter", policy(controls(&["block"])));
            world.set(
                POLICY,
                "stricter",
                "/conditions/users",
                json!({"includeUsers": ["All"], "excludeUsers": [id("bg1"), id("bg2")]}),
            );
        }),
        Scene::of(
            "an administrator by name becomes one by group",
            |world| world.remove("roleAssignment", "ga-bg2"),
            |world| {
                world.remove("roleAssignment", "ga-bg1");
                world.members("admins", &["admin2", "bg1"]);
            },
        ),
        Scene::of(
            "an administrator by group becomes one by name",
            |world| {
                world.remove("roleAssignment", "ga-bg1");
                world.members("admins", &["admin2", "bg1"]);
            },
            |world| {
                role(world, "ga-bg1", "bg1", GLOBAL);
                world.members("admins", &["admin2"]);
            },
        ),
        Scene::of(
            "places are left out one by one",
            |world| world.set(POLICY, "places", "/conditions/users/excludeGroups", json!([])),
            |world| {
                world.put(
                    "namedLocation",
                    "branch",
                    json!({"@odata.type": "#microsoft.graph.ipNamedLocation", "isTrusted": true,
                    "ipRanges": [{"@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "203.0.113.0/24"},
                        {"@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "192.0.2.0/25"}]}),
                );
                world.set(POLICY, "places", "/conditions/locations/excludeLocations", json!([id("branch")]));
                world.remove("namedLocation", "office");
            },
        ),
    ]
}
