//! What gives nobody power, and what takes it away.

use serde_json::json;

use super::Way;
use super::hostile::{
    credential, custom, eligible, grant, in_group, nothing, on_behalf, owner, redirected, rules, settings, way,
};
use super::openings::{
    assigned, authorities, certificate_of, certificates, consent_policy, defaults, federated, manager, package,
    partner, pass,
};
use crate::support::scene::{GLOBAL, World, controls, id, policy, role};

const DIRECTORY_READERS: &str = "88d8e3e3-8f55-4a1e-953a-9b9898b8876b";
const MAIL_SEND: &str = "b633e1c5-b582-4048-a93e-9f11b44c7e96";

pub(super) fn all() -> Vec<Way> {
    let says = |label: &str, first: fn(&mut World), edit: fn(&mut World)| way(label, first, edit, "");
    vec![
        says("Directory Readers", nothing, |world| role(world, "new", "cleo", DIRECTORY_READERS)),
        says("eligible for Directory Readers", nothing, |world| eligible(world, "cleo", DIRECTORY_READERS, None)),
        says("eligible for what is held for good", nothing, |world| eligible(world, "admin", GLOBAL, None)),
        says(
            "eligibility that ends",
            |world| eligible(world, "cleo", GLOBAL, None),
            |world| eligible(world, "cleo", GLOBAL, Some("2027-01-01T00:00:00Z")),
        ),
        says("Mail.Send", nothing, |world| grant(world, "payroll-principal", MAIL_SEND)),
        says("User.Read for everybody", nothing, |world| {
            on_behalf(world, "AllPrincipals", "openid User.Read Mail.Send")
        }),
        says("one person's own mail", nothing, |world| on_behalf(world, "Principal", "Mail.ReadWrite")),
        says(
            "less on behalf of everybody",
            |world| on_behalf(world, "AllPrincipals", "Directory.ReadWrite.All Directory.AccessAsUser.All"),
            |world| on_behalf(world, "AllPrincipals", "directory.readwrite.all User.Read"),
        ),
        says("credential without power", nothing, |world| credential(world, "payroll")),
        says("E10b credential of what only reads", nothing, |world| credential(world, "recovery")),
        says("owner without power", nothing, |world| owner(world, "payroll")),
        says("address without power", nothing, redirected),
        says("multifactor authentication", nothing, |world| {
            world.put("conditionalAccessPolicy", "new", policy(controls(&["mfa"])))
        }),
        says("into a group", nothing, |world| world.members("staff", &["ann", "bob", "cleo"])),
        says("eligible for a group", nothing, |world| {
            in_group(world, "groupEligibilitySchedule", "cleo", "staff", "member")
        }),
        says("custom role that may do little", nothing, |world| {
            custom(world, &["applications/basic/update", "applications/credentials/read"]);
            role(world, "supporter", "cleo", &id("support"));
        }),
        says("custom role that nobody holds", nothing, |world| custom(world, &["applications/credentials/update"])),
        says(
            "stricter settings of a role",
            |world| {
                settings(world, GLOBAL);
                rules(world, 0, "/enabledRules", json!([]));
                rules(world, 2, "/setting/isApprovalRequired", false.into());
            },
            |world| {
                settings(world, GLOBAL);
                rules(world, 1, "/maximumDuration", "PT1H".into());
            },
        ),
        says(
            "settings of a role without power",
            |world| settings(world, DIRECTORY_READERS),
            |world| rules(world, 0, "/enabledRules", json!([])),
        ),
        says("consent that Microsoft limits", defaults, |world| assigned(world, "microsoft-user-default-recommended")),
        says("consent that an own policy limits", defaults, |world| {
            consent_policy(world, &["low"]);
            assigned(world, "own-policy");
        }),
        says("a policy of consent that nobody has", defaults, |world| consent_policy(world, &["all"])),
        says("partner without trust", nothing, |world| partner(world, false, false)),
        says(
            "federation renamed",
            |world| federated(world, "MII", "rejectMfaByFederatedIdp"),
            |world| {
                world.of("domain", "domain")["federationConfiguration"][0]["displayName"] = "Shop floor".into();
            },
        ),
        says("authority gone", |world| authorities(world, &["MIIA", "MIIB"]), |world| authorities(world, &["MIIA"])),
        says(
            "certificates off",
            |world| certificates(world, "enabled", "x509CertificateMultiFactor"),
            |world| certificates(world, "disabled", "x509CertificateMultiFactor"),
        ),
        says("pass for a group", |world| pass(world, &id("staff")), |world| pass(world, &id("travel"))),
        says("certificate of somebody without power", nothing, |world| certificate_of(world, "ann", &["X509:<PN>ann"])),
        says("phone of somebody without power", nothing, |world| {
            world.set("user", "cleo", "/mobilePhone", "+1 555 0100".into())
        }),
        says("package with approval", nothing, |world| package(world, "admins", true)),
        says("package of no power", nothing, |world| package(world, "staff", false)),
        says("catalog of no power", |world| package(world, "staff", true), manager),
        says(
            "application with power renamed",
            |world| grant(world, "payroll-principal", super::hostile::USERS),
            |world| {
                world.set("application", "payroll", "/displayName", "Wages".into());
            },
        ),
    ]
}
