//! Plans that would keep somebody out.

use serde_json::json;

use super::policies::{about_emergency, needed, tight, unmet};
use crate::support::scene::{GLOBAL, READER, Scene, World, controls, id, policy, role};

type Edit = fn(&mut World);

const POLICY: &str = "conditionalAccessPolicy";

/// Every scene.
pub fn all() -> Vec<Scene> {
    [
        made(),
        enforced(),
        exclusions(),
        accounts(),
        runner(),
        administrators(),
        on_the_way(),
        super::together::hostile(),
        super::dependence::hostile(),
        super::proofs::hostile(),
    ]
    .concat()
}

/// A policy that did not exist.
fn made() -> Vec<Scene> {
    let mut scenes = Vec::new();
    for (what, grant) in unmet() {
        for (who, users) in about_emergency() {
            scenes.push(Scene::new(format!("made: {what}, {who}"), |world| {
                world.put(POLICY, "new", policy(grant.clone()));
                world.set(POLICY, "new", "/conditions/users", users.clone());
            }));
        }
    }
    for (what, applications) in needed().into_iter().skip(1) {
        scenes.push(Scene::new(format!("made: for {what}"), |world| {
            world.put(POLICY, "new", policy(controls(&["block"])));
            world.set(POLICY, "new", "/conditions/users", json!({"includeUsers": ["All"]}));
            world.set(POLICY, "new", "/conditions/applications", applications.clone());
        }));
    }
    for (what, conditions) in tight() {
        scenes.push(Scene::new(format!("made: {what}"), |world| {
            world.put(POLICY, "new", policy(controls(&["block"])));
            world.set(POLICY, "new", "/conditions/users/excludeGroups", json!([]));
            for (name, value) in conditions.as_object().unwrap() {
                world.set(POLICY, "new", &format!("/conditions/{name}"), value.clone());
            }
        }));
    }
    scenes
}

/// A policy that there was, and that becomes stricter.
fn enforced() -> Vec<Scene> {
    let mut scenes = vec![
        Scene::new("enforced: it was only reported", |world| world.set(POLICY, "trial", "/state", "enabled".into())),
        Scene::new("enforced: it was off", |world| world.set(POLICY, "off", "/state", "enabled".into())),
        Scene::new("stricter: from mfa to block, for everybody", |world| {
            world.set(POLICY, "mfa", "/grantControls", controls(&["block"]));
            world.set(POLICY, "mfa", "/conditions/users", json!({"includeUsers": ["All"]}));
        }),
        Scene::new("stricter: old clients become all clients, nobody left out", |world| {
            world.set(POLICY, "legacy", "/conditions/clientAppTypes", json!(["all"]));
            world.set(POLICY, "legacy", "/conditions/users/excludeGroups", json!([]));
        }),
    ];
    let lax = |world: &mut World| {
        world.set(POLICY, "places", "/conditions/users/excludeGroups", json!([]));
        world.set(POLICY, "places", "/conditions/locations/excludeLocations", json!([id("office"), id("vpn")]));
    };
    let first = |world: &mut World, pointer: &str, value: serde_json::Value| {
        lax(world);
        world.set(POLICY, "places", pointer, value);
    };
    scenes.extend([
        Scene::of("stricter: one way less", lax, |world| {
            world.set(POLICY, "places", "/conditions/locations/excludeLocations", json!([id("vpn")]));
        }),
        Scene::of("stricter: the place itself shrinks", lax, |world| {
            world.set(
                "namedLocation",
                "office",
                "/ipRanges",
                json!([{"@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "203.0.113.7/32"}]),
            );
        }),
        Scene::of(
            "stricter: a trusted place is trusted no more",
            |world| first(world, "/conditions/locations/excludeLocations", json!(["AllTrusted"])),
            |world| world.set("namedLocation", "vpn", "/isTrusted", false.into()),
        ),
        Scene::of("stricter: no place is left out", lax, |world| {
            world.set(POLICY, "places", "/conditions/locations/excludeLocations", json!([]));
        }),
        Scene::of(
            "stricter: one more application",
            |world| first(world, "/conditions/applications", json!({"includeApplications": ["MicrosoftAdminPortals"]})),
            |world| world.set(POLICY, "places", "/conditions/applications", json!({"includeApplications": ["All"]})),
        ),
        Scene::of(
            "stricter: old clients become browsers",
            |world| first(world, "/conditions/clientAppTypes", json!(["other"])),
            |world| world.set(POLICY, "places", "/conditions/clientAppTypes", json!(["other", "browser"])),
        ),
        Scene::of(
            "stricter: one platform becomes all",
            |world| first(world, "/conditions/platforms", json!({"includePlatforms": ["iOS"]})),
            |world| world.set(POLICY, "places", "/conditions/platforms", json!({"includePlatforms": ["all"]})),
        ),
        Scene::of(
            "stricter: a risk is no condition any more",
            |world| first(world, "/conditions/signInRiskLevels", json!(["high"])),
            |world| world.set(POLICY, "places", "/conditions/signInRiskLevels", json!([])),
        ),
        Scene::of(
            "stricter: a lab becomes the world",
            |world| {
                first(world, "/conditions/locations", json!({"includeLocations": [id("lab")], "excludeLocations": []}))
            },
            |world| {
                world.set(
                    "namedLocation",
                    "lab",
                    "/ipRanges",
                    json!([
                {"@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "0.0.0.0/1"},
                {"@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "128.0.0.0/1"}]),
                )
            },
        ),
        Scene::of(
            "stricter: or becomes and",
            |world| {
                world.set(POLICY, "devices", "/grantControls", controls(&["mfa", "compliantDevice"]));
                world.set(POLICY, "devices", "/conditions/users", json!({"includeUsers": ["All"]}));
            },
            |world| world.set(POLICY, "devices", "/grantControls/operator", "AND".into()),
        ),
        Scene::of(
            "stricter: the method that a strength takes is turned off",
            |world| {
                world.set(
                    POLICY,
                    "devices",
                    "/grantControls",
                    json!({"operator": "OR", "authenticationStrength": {"id": id("keys")}}),
                );
                world.set(POLICY, "devices", "/conditions/users", json!({"includeUsers": ["All"]}));
            },
            |world| {
                let all = world.of("authenticationMethodsPolicy", "methods");
                all["authenticationMethodConfigurations"][0]["state"] = "disabled".into();
            },
        ),
        Scene::of(
            "stricter: a strength takes another method, which is off",
            |world| {
                world.set(
                    POLICY,
                    "devices",
                    "/grantControls",
                    json!({"operator": "OR", "authenticationStrength": {"id": id("keys")}}),
                );
                world.set(POLICY, "devices", "/conditions/users", json!({"includeUsers": ["All"]}));
            },
            |world| world.set("authenticationStrengthPolicy", "keys", "/allowedCombinations", json!(["password,sms"])),
        ),
        Scene::of(
            "restored: as strict as it went",
            |world| world.remove(POLICY, "trial"),
            |world| {
                world.put(POLICY, "trial", policy(controls(&["block"])));
                world.set(POLICY, "trial", "/conditions/users/excludeGroups", json!([]));
            },
        ),
    ]);
    if let Some(restored) = scenes.last_mut() {
        restored.bin.put(POLICY, "trial", policy(controls(&["block"])));
        restored.bin.set(POLICY, "trial", "/conditions/users/excludeGroups", json!([]));
    }
    scenes
}

/// Nobody is left out any more.
fn exclusions() -> Vec<Scene> {
    let mut scenes = Vec::new();
    for name in ["mfa", "legacy", "places"] {
        scenes.push(Scene::new(format!("exclusion: {name} leaves nobody out"), |world| {
            world.set(POLICY, name, "/conditions/users/excludeGroups", json!([]));
        }));
        scenes.push(Scene::new(format!("exclusion: {name} leaves others out"), |world| {
            world.set(POLICY, name, "/conditions/users/excludeGroups", json!([id("staff")]));
        }));
    }
    let edits: Vec<(&str, Edit)> = vec![
        ("one of two accounts is not left out", |world| {
            world.set(POLICY, "devices", "/conditions/users/excludeUsers", json!([id("bg1")]));
        }),
        ("the group is emptied", |world| world.members("shelter", &[])),
        ("the group loses one", |world| world.members("shelter", &["inner"])),
        ("the group loses the group in it", |world| world.members("shelter", &["bg1"])),
        ("the group in the group is emptied", |world| world.members("inner", &[])),
        ("the group is given to others", |world| world.members("shelter", &["ann", "bob"])),
        ("the group is deleted", |world| world.remove("group", "shelter")),
        ("the group in the group is deleted", |world| {
            world.members("shelter", &["bg1"]);
            world.remove("group", "inner");
        }),
        ("the group becomes one by rule", |world| {
            world.members("shelter", &[]);
            world.set("group", "shelter", "/groupTypes", json!(["DynamicMembership"]));
            world.set("group", "shelter", "/membershipRule", "user.department -eq \"none\"".into());
        }),
    ];
    scenes.extend(edits.into_iter().map(|(name, edit)| Scene::new(format!("exclusion: {name}"), edit)));
    // Whether a rule takes the account in is not known; that the rule is another one is.
    let by_rule = |world: &mut World| {
        world.set(POLICY, "places", "/conditions/users/excludeGroups", json!([id("by-rule")]));
    };
    scenes.push(Scene::of("exclusion: by another rule", by_rule, |world| {
        world.set("group", "by-rule", "/membershipRule", "user.department -eq \"other\"".into());
    }));
    scenes.push(Scene::of("exclusion: by the group of another rule", by_rule, |world| {
        world.set(POLICY, "places", "/conditions/users/excludeGroups", json!([id("by-another-rule")]));
    }));
    let by_role = |world: &mut World| {
        world.set(POLICY, "places", "/conditions/users", json!({"includeUsers": ["All"], "excludeRoles": [READER]}));
        role(world, "reader-bg1", "bg1", READER);
    };
    scenes.push(Scene::of("exclusion: by a role that is taken away", by_role, |world| {
        world.remove("roleAssignment", "reader-bg1")
    }));
    scenes.push(Scene::of("exclusion: by a role that is not left out any more", by_role, |world| {
        world.set(POLICY, "places", "/conditions/users/excludeRoles", json!([]));
    }));
    let blocked_group = |world: &mut World| {
        world.put(POLICY, "quarantine", policy(controls(&["block"])));
        world.set(POLICY, "quarantine", "/conditions/users", json!({"includeGroups": [id("travel")]}));
    };
    scenes.push(Scene::of("inclusion: into a group that is blocked", blocked_group, |world| {
        world.members("travel", &["bg1"])
    }));
    scenes
        .push(Scene::of("inclusion: into one by a group", blocked_group, |world| world.members("travel", &["inner"])));
    scenes.push(Scene::of("inclusion: by two groups", blocked_group, |world| {
        world.members("staff", &["ann", "bob", "bg2"]);
        world.members("travel", &["staff"]);
    }));
    scenes.push(Scene::of(
        "inclusion: by a role",
        |world| {
            world.put(POLICY, "readers", policy(controls(&["block"])));
            world.set(POLICY, "readers", "/conditions/users", json!({"includeRoles": [READER]}));
        },
        |world| role(world, "reader-bg2", "bg2", READER),
    ));
    scenes
}

/// The account itself.
fn accounts() -> Vec<Scene> {
    let mut scenes = Vec::new();
    for account in ["bg1", "bg2"] {
        scenes.push(Scene::new(format!("account: {account} is disabled"), |world| {
            world.set("user", account, "/accountEnabled", false.into());
        }));
        scenes.push(Scene::new(format!("account: {account} is deleted"), |world| {
            for group in ["shelter", "inner", "outer", "middle"] {
                let gone = id(account);
                let members = world.of("group", group)["members"].as_array_mut().unwrap();
                members.retain(|member| *member != gone);
            }
            world.remove("roleAssignment", &format!("ga-{account}"));
            world.remove("user", account);
        }));
        scenes.push(Scene::new(format!("account: {account} is no administrator"), |world| {
            world.remove("roleAssignment", &format!("ga-{account}"));
        }));
        scenes.push(Scene::new(format!("account: {account} has another role"), |world| {
            world.remove("roleAssignment", &format!("ga-{account}"));
            role(world, "other", account, READER);
        }));
    }
    scenes.push(Scene::of(
        "account: an administrator by a group that it leaves",
        |world| {
            world.remove("roleAssignment", "ga-bg1");
            world.members("admins", &["admin2", "bg1"]);
        },
        |world| world.members("admins", &["admin2"]),
    ));
    scenes.push(Scene::of(
        "account: an administrator by a group that holds the role no longer",
        |world| {
            world.remove("roleAssignment", "ga-bg1");
            world.members("admins", &["admin2", "bg1"]);
        },
        |world| world.remove("roleAssignment", "ga-admins"),
    ));
    scenes
}

/// Whoever carries it out.
fn runner() -> Vec<Scene> {
    let grants = |world: &mut World, kept: &[&str]| {
        let granted: Vec<_> =
            kept.iter().map(|role| json!({"principalId": id("runner"), "appRoleId": id(role)})).collect();
        world.set("servicePrincipal", "graph", "/appRoleAssignedTo", json!(granted));
    };
    let workload = |world: &mut World, conditions: serde_json::Value| {
        world.set(POLICY, "workloads", "/state", "enabled".into());
        for (name, value) in conditions.as_object().unwrap() {
            world.set(POLICY, "workloads", &format!("/conditions/{name}"), value.clone());
        }
    };
    let mut scenes = vec![
        Scene::new("runner: disabled", |world| {
            world.set("servicePrincipal", "runner", "/accountEnabled", false.into())
        }),
        Scene::new("runner: deleted", |world| {
            grants(world, &[]);
            world.remove("roleAssignment", "reader-runner");
            world.remove("servicePrincipal", "runner");
        }),
        Scene::new("runner: its application is deleted", |world| {
            world.remove("application", "recovery");
            world.remove("servicePrincipal", "runner");
            world.remove("roleAssignment", "reader-runner");
        }),
        Scene::new("runner: one permission is taken", |world| grants(world, &["role-one"])),
        Scene::new("runner: every permission is taken", |world| grants(world, &[])),
        Scene::new("runner: its role is taken", |world| world.remove("roleAssignment", "reader-runner")),
        Scene::new("runner: its credential is taken", |world| {
            world.set("application", "recovery", "/federatedIdentityCredentials", json!([]));
        }),
        Scene::new("runner: a policy for all workloads", |world| workload(world, json!({}))),
        Scene::new("runner: a policy for it", |world| {
            workload(world, json!({"clientApplications": {"includeServicePrincipals": [id("runner")]}}));
        }),
        Scene::new("runner: only from the office", |world| {
            workload(world, json!({"locations": {"includeLocations": ["All"], "excludeLocations": [id("office")]}}));
        }),
        Scene::new("runner: all but another", |world| {
            workload(
                world,
                json!({"clientApplications": {"includeServicePrincipals": ["ServicePrincipalsInMyTenant"],
                "excludeServicePrincipals": [id("payroll-principal")]}}),
            );
        }),
        Scene::new("runner: by a filter", |world| {
            workload(
                world,
                json!({"clientApplications": {"includeServicePrincipals": [],
                "servicePrincipalFilter": {"mode": "include", "rule": "CustomSecurityAttribute.Set.Name -eq \"x\""}}}),
            );
        }),
        Scene::new("runner: what it has permissions for is disabled for all but others", |world| {
            workload(world, json!({"applications": {"includeApplications": [crate::support::scene::GRAPH]}}));
        }),
    ];
    let person = |name: &str, edit: &dyn Fn(&mut World)| {
        let mut scene = Scene::new(format!("runner: a person, {name}"), edit);
        scene.runner = "admin";
        scene
    };
    scenes.extend([
        person("blocked by a new policy", &|world| {
            world.put(POLICY, "new", policy(controls(&["block"])));
        }),
        person("blocked by name", &|world| {
            world.put(POLICY, "new", policy(controls(&["block"])));
            world.set(POLICY, "new", "/conditions/users", json!({"includeUsers": [id("admin")]}));
        }),
        person("disabled", &|world| world.set("user", "admin", "/accountEnabled", false.into())),
        person("without a role", &|world| world.remove("roleAssignment", "ga-admin")),
        person("asked for a device of its own", &|world| {
            world.put(POLICY, "new", policy(controls(&["compliantDevice"])));
            world.set(
                POLICY,
                "new",
                "/conditions/users",
                json!({"includeRoles": [GLOBAL], "excludeGroups": [id("shelter")]}),
            );
        }),
    ]);
    scenes
}

/// A tenant in which no emergency account is an administrator any more.
fn lone(world: &mut World) {
    for label in ["ga-bg1", "ga-bg2", "ga-admins"] {
        world.remove("roleAssignment", label);
    }
}

/// The last Global Administrator.
fn administrators() -> Vec<Scene> {
    let but_the_two = |world: &mut World| {
        world.put(POLICY, "new", policy(controls(&["block"])));
    };
    vec![
        Scene::of("last administrator: loses the role", lone, |world| world.remove("roleAssignment", "ga-admin")),
        Scene::of("last administrator: is disabled", lone, |world| {
            world.set("user", "admin", "/accountEnabled", false.into());
        }),
        Scene::of("last administrator: is deleted", lone, |world| {
            world.remove("roleAssignment", "ga-admin");
            world.remove("user", "admin");
        }),
        Scene::of("last administrator: is blocked", lone, but_the_two),
        Scene::of(
            "last administrator: by a group that is emptied",
            |world| {
                lone(world);
                world.remove("roleAssignment", "ga-admin");
                role(world, "ga-admins", "admins", GLOBAL);
            },
            |world| world.members("admins", &[]),
        ),
        Scene::of(
            "last administrator: the other one is disabled already",
            |world| {
                lone(world);
                role(world, "ga-cleo", "cleo", GLOBAL);
                world.set("user", "cleo", "/accountEnabled", false.into());
            },
            |world| world.remove("roleAssignment", "ga-admin"),
        ),
    ]
}

/// Fine before and fine at the end: the order in which it is carried out is what counts, or nothing can be put right on
/// the way.
pub fn on_the_way() -> Vec<Scene> {
    let mut scenes = vec![Scene::of(
        "on the way: a policy comes back stricter than it is wanted",
        |world| world.remove(POLICY, "places"),
        |world| world.put(POLICY, "places", policy(controls(&["block"]))),
    )];
    if let Some(restored) = scenes.last_mut() {
        restored.bin.put(POLICY, "places", policy(controls(&["block"])));
        restored.bin.set(POLICY, "places", "/conditions/users", json!({"includeUsers": ["All"]}));
    }
    scenes.push(Scene::of(
        "on the way: a strength takes a method before that is on",
        |world| {
            world.set(
                POLICY,
                "devices",
                "/grantControls",
                json!({"operator": "OR", "authenticationStrength": {"id": id("keys")}}),
            );
            world.set(POLICY, "devices", "/conditions/users", json!({"includeUsers": ["All"]}));
        },
        |world| {
            world.set("authenticationStrengthPolicy", "keys", "/allowedCombinations", json!(["password,sms"]));
            let all = world.of("authenticationMethodsPolicy", "methods");
            all["authenticationMethodConfigurations"][0]["state"] = "disabled".into();
            all["authenticationMethodConfigurations"][1]["state"] = "enabled".into();
        },
    ));
    scenes.push(Scene::of(
        "on the way: a place moves from one location to another",
        |world| world.set(POLICY, "places", "/conditions/users/excludeGroups", json!([])),
        |world| {
            let range = |range: &str| json!([{"@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": range}]);
            world.set("namedLocation", "office", "/ipRanges", range("192.0.2.0/26"));
            world.set("namedLocation", "vpn", "/ipRanges", range("203.0.113.0/24"));
            world.set(POLICY, "places", "/conditions/locations/excludeLocations", json!([id("vpn")]));
        },
    ));
    scenes
}
