//! Settings that open a way to power.

use serde_json::{Value, json};

use super::Way;
use super::hostile::{eligible, nothing, way};
use crate::support::scene::{GLOBAL, World, id};

pub(super) fn all() -> Vec<Way> {
    [consent(), trust(), people(), packages()].into_iter().flatten().collect()
}

/// What everybody may do.
pub(super) fn defaults(world: &mut World) {
    world.put(
        "authorizationPolicy",
        "defaults",
        json!({"id": "authorizationPolicy", "displayName": "Authorization Policy",
        "allowInvitesFrom": "adminsAndGuestInviters", "guestUserRoleId": "2af84b1e-32c8-42b7-82bc-daa82404023b",
        "defaultUserRolePermissions": {"allowedToCreateApps": false, "allowedToCreateTenants": false,
            "permissionGrantPoliciesAssigned": ["ManagePermissionGrantsForSelf.microsoft-user-default-low"]}}),
    );
}

pub(super) fn assigned(world: &mut World, policy: &str) {
    let policies = json!([format!("ManagePermissionGrantsForSelf.{policy}")]);
    world.set(
        "authorizationPolicy",
        "defaults",
        "/defaultUserRolePermissions/permissionGrantPoliciesAssigned",
        policies,
    );
}

pub(super) fn consent_policy(world: &mut World, classified: &[&str]) {
    let set = |classified: &&str| {
        json!({"permissionType": "delegated", "permissionClassification": classified,
        "resourceApplication": "any", "permissions": ["all"], "clientApplicationIds": ["all"],
        "clientApplicationTenantIds": ["all"], "clientApplicationPublisherIds": ["all"],
        "clientApplicationsFromVerifiedPublisherOnly": false})
    };
    let sets: Vec<Value> = classified.iter().map(set).collect();
    world.put("permissionGrantPolicy", "own", json!({"id": "own-policy", "includes": sets}));
}

fn consent() -> Vec<Way> {
    let of = |label: &str, path: &'static str, value: Value, says: &str| {
        way(label, defaults, move |world| world.set("authorizationPolicy", "defaults", path, value.clone()), says)
    };
    vec![
        way(
            "E13",
            defaults,
            |world| assigned(world, "microsoft-user-default-legacy"),
            "consent under the policy microsoft-user-default-legacy",
        ),
        way(
            "E13b",
            defaults,
            |world| {
                consent_policy(world, &["all"]);
                assigned(world, "own-policy");
            },
            "lets people consent under the policy own-policy",
        ),
        way(
            "E13b made wider",
            |world| {
                defaults(world);
                consent_policy(world, &["low"]);
                assigned(world, "own-policy");
            },
            |world| consent_policy(world, &["low", "all"]),
            "covers every permission of any application",
        ),
        of(
            "E15 guests",
            "/guestUserRoleId",
            "a0b1b346-4d3e-4e8b-98f8-753987be4970".into(),
            "lets guests do what members may",
        ),
        of("E15 invitations", "/allowInvitesFrom", "everyone".into(), "lets everybody invite guests"),
        of(
            "E15 applications",
            "/defaultUserRolePermissions/allowedToCreateApps",
            true.into(),
            "lets everybody register applications",
        ),
        of(
            "E15 tenants",
            "/defaultUserRolePermissions/allowedToCreateTenants",
            true.into(),
            "lets everybody create tenants",
        ),
    ]
}

pub(super) fn partner(world: &mut World, trusted: bool, synchronized: bool) {
    world.put(
        "crossTenantPartner",
        "partner",
        json!({"id": id("fabrikam"), "tenantId": id("fabrikam"),
        "inboundTrust": {"isMfaAccepted": trusted, "isCompliantDeviceAccepted": false},
        "identitySynchronization": {"tenantId": id("fabrikam"), "userSyncInbound": {"isSyncAllowed": synchronized}}}),
    );
}

pub(super) fn federated(world: &mut World, certificate: &str, behavior: &str) {
    world.put("domain", "domain", json!({"id": "contoso.example", "federationConfiguration": [{
        "@odata.type": "#microsoft.graph.internalDomainFederation", "id": id("federation"), "displayName": "Plant floor",
        "issuerUri": "http://sts.contoso.example/trust", "signingCertificate": certificate,
        "passiveSignInUri": "https://sts.contoso.example/ls", "federatedIdpMfaBehavior": behavior}]}));
}

/// The method `number`, as it becomes.
pub(super) fn method(world: &mut World, name: &str, value: Value) {
    let word = format!("{}{}", name[..1].to_lowercase(), &name[1..]);
    let mut method =
        json!({"@odata.type": format!("#microsoft.graph.{word}AuthenticationMethodConfiguration"), "id": name});
    method.as_object_mut().unwrap().extend(value.as_object().unwrap().clone());
    let methods = world.of("authenticationMethodsPolicy", "methods")["authenticationMethodConfigurations"]
        .as_array_mut()
        .unwrap();
    methods.retain(|own| own["id"] != name);
    methods.push(method);
}

pub(super) fn pass(world: &mut World, target: &str) {
    method(
        world,
        "TemporaryAccessPass",
        json!({"state": "enabled", "includeTargets": [{"targetType": "group", "id": target}]}),
    );
}

pub(super) fn certificates(world: &mut World, state: &str, mode: &str) {
    method(
        world,
        "X509Certificate",
        json!({"state": state, "authenticationModeConfiguration": {
        "x509CertificateAuthenticationDefaultMode": mode, "x509CertificateDefaultRequiredAffinityLevel": "low", "rules": []}}),
    );
}

pub(super) fn authorities(world: &mut World, certificates: &[&str]) {
    let all: Vec<Value> = certificates
        .iter()
        .map(|certificate| json!({"certificate": certificate, "displayName": certificate}))
        .collect();
    world.put("certificateBasedAuthPki", "pki", json!({"certificateAuthorities": all}));
}

fn trust() -> Vec<Way> {
    let default: fn(&mut World) = |world| {
        world.put(
            "crossTenantAccessDefault",
            "default",
            json!({"id": "default",
            "inboundTrust": {"isMfaAccepted": false, "isCompliantDeviceAccepted": false}}),
        );
    };
    let extension: fn(&mut World) = |world| {
        world.put("customAuthenticationExtension", "claims", json!({
            "@odata.type": "#microsoft.graph.onTokenIssuanceStartCustomExtension",
            "endpointConfiguration": {"@odata.type": "#microsoft.graph.httpRequestEndpoint", "targetUrl": "https://own.example"}}));
    };
    let provider: fn(&mut World) = |world| {
        world.put(
            "identityProvider",
            "social",
            json!({"@odata.type": "#microsoft.graph.socialIdentityProvider",
            "identityProviderType": "Google", "clientId": "own", "clientSecret": "******"}),
        );
    };
    let mut ways = vec![
        way(
            "E14",
            default,
            |world| world.set("crossTenantAccessDefault", "default", "/inboundTrust/isMfaAccepted", true.into()),
            "accepts multifactor authentication",
        ),
        way(
            "E14",
            default,
            |world| {
                world.set("crossTenantAccessDefault", "default", "/inboundTrust/isCompliantDeviceAccepted", true.into())
            },
            "accepts compliant devices",
        ),
        way("F34", nothing, |world| partner(world, true, true), "accepts multifactor authentication"),
        way(
            "F34 of a partner",
            |world| partner(world, false, false),
            |world| partner(world, false, true),
            "lets another tenant create users",
        ),
        way(
            "E20b",
            |world| world.put("domain", "domain", json!({"id": "contoso.example"})),
            |world| federated(world, "MII", "rejectMfaByFederatedIdp"),
            "tell who its people are",
        ),
        way(
            "E20 word",
            |world| federated(world, "MII", "rejectMfaByFederatedIdp"),
            |world| federated(world, "MII", "acceptIfMfaDoneByFederatedIdp"),
            "word for multifactor",
        ),
        way(
            "E19",
            |world| authorities(world, &["MIIA"]),
            |world| authorities(world, &["MIIA", "MIIB"]),
            "trusts another certificate authority",
        ),
        way(
            "D13",
            |world| certificates(world, "disabled", "x509CertificateSingleFactor"),
            |world| certificates(world, "enabled", "x509CertificateMultiFactor"),
            "takes a certificate",
        ),
        way(
            "E23",
            |world| pass(world, &id("staff")),
            |world| pass(world, "all_users"),
            "lets everybody be given a Temporary Access Pass",
        ),
    ];
    let moved = [
        way(
            "E20 certificate",
            |world| federated(world, "MIIA", "rejectMfaByFederatedIdp"),
            |world| federated(world, "MIIB", "rejectMfaByFederatedIdp"),
            "under another certificate",
        ),
        way(
            "F41",
            extension,
            |world| {
                world.set(
                    "customAuthenticationExtension",
                    "claims",
                    "/endpointConfiguration/targetUrl",
                    "https://evil.example".into(),
                )
            },
            "asks another address",
        ),
        way(
            "F42",
            provider,
            |world| world.set("identityProvider", "social", "/clientId", "evil".into()),
            "of another client",
        ),
    ];
    ways.extend(moved.into_iter().map(|way| Way { returns: false, ..way }));
    ways
}

pub(super) fn certificate_of(world: &mut World, who: &str, names: &[&str]) {
    world.set("user", who, "/authorizationInfo", json!({"certificateUserIds": names}));
}

fn people() -> Vec<Way> {
    let mut ways = Vec::new();
    for who in ["admin", "admin2", "bg1"] {
        let edit = move |world: &mut World| certificate_of(world, who, &["X509:<PN>evil@contoso.example"]);
        ways.push(way(format!("E18 {who}"), nothing, edit, "can sign in with another certificate"));
    }
    ways.push(way(
        "E18 may activate",
        |world| eligible(world, "cleo", GLOBAL, None),
        |world| certificate_of(world, "cleo", &["X509:<PN>evil"]),
        "(Global Administrator)",
    ));
    ways.push(way(
        "E18 mail",
        nothing,
        |world| world.set("user", "admin", "/otherMails", json!(["evil@example.com"])),
        "from another mailbox",
    ));
    ways.push(way(
        "E18 phone",
        nothing,
        |world| world.set("user", "admin", "/mobilePhone", "+1 555 0100".into()),
        "from another phone",
    ));
    ways
}

/// A package that hands out a group, to everybody, with or without approval.
pub(super) fn package(world: &mut World, group: &str, approved: bool) {
    world.put("accessPackageCatalog", "catalog", json!({"catalogType": "userManaged", "state": "published"}));
    world.put("accessPackage", "package", json!({"catalog": {"id": id("catalog")}, "resourceRoleScopes": []}));
    hands_out(world, group);
    world.put(
        "accessPackageAssignmentPolicy",
        "everybody",
        json!({"allowedTargetScope": "allMemberUsers",
        "accessPackage": {"id": id("package")}, "requestorSettings": {"enableTargetsToSelfAddAccess": true},
        "requestApprovalSettings": {"isApprovalRequiredForAdd": approved}}),
    );
}

pub(super) fn hands_out(world: &mut World, group: &str) {
    let group = id(group);
    world.set(
        "accessPackage",
        "package",
        "/resourceRoleScopes",
        json!([{
        "role": {"displayName": "Member", "originSystem": "AadGroup", "originId": format!("Member_{group}"),
            "resource": {"originId": group, "originSystem": "AadGroup"}},
        "scope": {"originSystem": "AadGroup", "originId": group, "isRootScope": true}}]),
    );
}

pub(super) fn manager(world: &mut World) {
    world.put("entitlementManagementRoleAssignment", "manager", json!({"principalId": id("cleo"),
        "roleDefinitionId": "ae79f266-94d4-4dab-b730-feca7e132178", "appScopeId": format!("/AccessPackageCatalog/{}", id("catalog"))}));
}

fn packages() -> Vec<Way> {
    vec![
        way("F30", nothing, |world| package(world, "admins", false), "hands out"),
        way(
            "F30 no approval",
            |world| package(world, "admins", true),
            |world| package(world, "admins", false),
            r#"leads to "admins""#,
        ),
        way(
            "F30 another group",
            |world| package(world, "staff", false),
            |world| hands_out(world, "admins"),
            r#"hands out "admins" without approval"#,
        ),
        way("E22", |world| package(world, "admins", true), manager, r#"makes "cleo" Catalog owner"#),
    ]
}
