//! What a tenant starts with.

pub mod contoso;
mod object;

use std::collections::BTreeMap;

use serde_json::{Value, json};

pub use object::SeedObject;

fn object(kind: &'static str, value: Value, links: &[(&'static str, Value)]) -> SeedObject {
    SeedObject {
        kind,
        value: value.as_object().cloned().unwrap_or_default(),
        links: links
            .iter()
            .map(|(name, list)| (*name, list.as_array().cloned().unwrap_or_default()))
            .collect::<BTreeMap<_, _>>(),
    }
}

/// A handful of objects, until the seeds proper are there.
pub fn contoso() -> Vec<SeedObject> {
    let id = |n: u32| format!("00000000-0000-4000-8000-{n:012}");
    let user = |n: u32, name: &str| {
        json!({"id": id(n), "displayName": name, "userPrincipalName": format!("{}@contoso.com", name.to_lowercase()),
            "mailNickname": name.to_lowercase(), "accountEnabled": true, "userType": "Member", "department": "Sales",
            "createdDateTime": "2024-01-01T00:00:00Z"})
    };
    vec![
        object("user", user(1, "Adele"), &[]),
        object("user", user(2, "Alex"), &[("manager", json!([id(1)]))]),
        object("user", user(3, "Diego"), &[("manager", json!([id(1)]))]),
        object(
            "group",
            json!({"id": id(11), "displayName": "Remote workers", "mailNickname": "remote", "mailEnabled": false,
                "securityEnabled": true, "groupTypes": [], "createdDateTime": "2024-01-01T00:00:00Z"}),
            &[("members", json!([id(1), id(2)])), ("owners", json!([id(1)]))],
        ),
        object(
            "application",
            json!({"id": id(21), "appId": id(22), "displayName": "Payroll", "signInAudience": "AzureADMyOrg",
                "appRoles": [{"id": id(23), "displayName": "Reader", "description": "Reads", "value": "Read",
                    "isEnabled": true, "allowedMemberTypes": ["User"]}]}),
            &[("owners", json!([id(1)]))],
        ),
        object(
            "servicePrincipal",
            json!({"id": id(31), "appId": id(22), "displayName": "Payroll", "servicePrincipalType": "Application",
                "accountEnabled": true, "appRoleAssignmentRequired": false}),
            &[("appRoleAssignedTo", json!([{"principalId": id(11), "principalType": "Group", "appRoleId": id(23)}]))],
        ),
    ]
}

/// A company with `count` users.
pub fn random(count: usize, seed: u64) -> Vec<SeedObject> {
    let mut dice = fastrand::Rng::with_seed(seed);
    let mut guid = move || uuid::Builder::from_random_bytes(dice.u128(..).to_be_bytes()).into_uuid().to_string();
    (0..count)
        .map(|n| {
            object("user", json!({"id": guid(), "displayName": format!("Person {n}"), "accountEnabled": true,
                "userPrincipalName": format!("person{n}@contoso.com"), "mailNickname": format!("person{n}"), "userType": "Member",
                "jobTitle": "Engineer", "department": "Research", "city": "Berlin", "country": "Germany",
                "createdDateTime": "2024-01-01T00:00:00Z"}), &[])
        })
        .collect()
}
