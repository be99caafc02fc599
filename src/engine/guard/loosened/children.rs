//! Judges children of an object: rules of a role's settings, authentication methods, federations, certificate authorities.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Properties, at, flag, seconds, strings, synchronization, text};

/// Returns what a child permits that it did not permit before, as clauses whose subject is the parent.
pub(in crate::engine::guard) fn child(
    kind: &str,
    link: &str,
    before: Option<&Properties>,
    after: &Properties,
) -> Vec<String> {
    match (kind, link) {
        ("roleManagementPolicy" | "groupRoleSettings", "rules") => before.map_or_else(Vec::new, |old| rule(old, after)),
        ("domain", "federationConfiguration") => federation(before, after),
        ("crossTenantPartner", "identitySynchronization") => synchronization(before, after),
        ("authenticationMethodsPolicy", _) => method(before, after),
        // <https://learn.microsoft.com/entra/identity/authentication/concept-certificate-based-authentication>
        ("certificateBasedAuthPki", "certificateAuthorities")
        | ("organization", "certificateBasedAuthConfiguration") => {
            let new = before.is_none();
            new.then(|| "trusts another certificate authority to tell who somebody is".to_owned()).into_iter().collect()
        }
        ("permissionGrantPolicy", "includes") => {
            let opens = is_unlimited(after) && !before.is_some_and(is_unlimited);
            opens.then(|| "covers every permission of any application".to_owned()).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// Judges a rule of Privileged Identity Management.
/// <https://learn.microsoft.com/graph/identity-governance-pim-rules-overview>
fn rule(before: &Properties, after: &Properties) -> Vec<String> {
    let when = match text(after, "id").contains("EndUser") {
        true => "when it is activated",
        false => "when an administrator gives it",
    };
    let mut found: Vec<String> = strings_as_written(before, "enabledRules")
        .difference(&strings_as_written(after, "enabledRules"))
        .map(|rule| format!("no longer asks for {rule} {when}"))
        .collect();
    if flag(before, "isExpirationRequired") && !flag(after, "isExpirationRequired") {
        found.push(format!("can be held for ever {when}"));
    }
    let (was, is) = (text(before, "maximumDuration"), text(after, "maximumDuration"));
    if was != is && flag(after, "isExpirationRequired") && seconds(&is) > seconds(&was) {
        found.push(format!("can be held for {is} instead of {was} {when}"));
    }
    if flag(before, "setting/isApprovalRequired") && !flag(after, "setting/isApprovalRequired") {
        found.push(format!("no longer needs approval {when}"));
    } else if flag(before, "setting/isApprovalRequired") && !approvers(after).is_subset(&approvers(before)) {
        found.push(format!("can be approved by somebody else {when}"));
    }
    if text(after, "id").starts_with("AuthenticationContext") && flag(before, "isEnabled") && !flag(after, "isEnabled")
    {
        found.push(format!("no longer asks for an authentication context {when}"));
    }
    found
}

fn strings_as_written(object: &Properties, path: &str) -> BTreeSet<String> {
    let list = at(object, path).and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Returns the approvers of a rule, each as written.
fn approvers(rule: &Properties) -> BTreeSet<String> {
    let stages = at(rule, "setting/approvalStages").and_then(Value::as_array).into_iter().flatten();
    let lists = stages.flat_map(|stage| ["primaryApprovers", "escalationApprovers"].map(|name| stage.get(name)));
    lists.flatten().filter_map(Value::as_array).flatten().map(Value::to_string).collect()
}

/// Judges a federation: the identity provider that is trusted to identify the people of a domain.
/// <https://learn.microsoft.com/graph/api/resources/internaldomainfederation>
fn federation(before: Option<&Properties>, after: &Properties) -> Vec<String> {
    let Some(before) = before else {
        return vec![format!("lets {} tell who its people are", text(after, "issuerUri"))];
    };
    let mut found = Vec::new();
    let keys = ["issuerUri", "signingCertificate", "nextSigningCertificate"];
    let addresses = ["activeSignInUri", "metadataExchangeUri", "passiveSignInUri"];
    let is_new = |name: &&str| !text(after, name).is_empty() && text(after, name) != text(before, name);
    if keys.iter().any(is_new) {
        found.push("trusts sign-ins under another certificate".to_owned());
    }
    if addresses.iter().any(is_new) {
        found.push("sends its people elsewhere to sign in".to_owned());
    }
    let accepts = |object: &Properties| {
        matches!(
            text(object, "federatedIdpMfaBehavior").as_str(),
            "acceptIfMfaDoneByFederatedIdp" | "enforceMfaByFederatedIdp"
        )
    };
    if accepts(after) && !accepts(before) {
        found.push("takes its identity provider's word for multifactor authentication".to_owned());
    }
    found
}

/// Judges an authentication method: the proofs of identity that it accepts.
/// <https://learn.microsoft.com/graph/api/resources/temporaryaccesspassauthenticationmethodconfiguration>,
/// <https://learn.microsoft.com/graph/api/resources/x509certificateauthenticationmethodconfiguration>
fn method(before: Option<&Properties>, after: &Properties) -> Vec<String> {
    let enabled = |object: &Properties| text(object, "state") == "enabled";
    let mut found = Vec::new();
    match text(after, "id").as_str() {
        "TemporaryAccessPass" => {
            let targets = |object: &Properties| {
                let list = at(object, "includeTargets").and_then(Value::as_array).into_iter().flatten();
                list.filter_map(|target| target.get("id").and_then(Value::as_str)).any(|id| id == "all_users")
            };
            let everybody = |object: &Properties| enabled(object) && targets(object);
            if everybody(after) && !before.is_some_and(everybody) {
                found.push("lets everybody be given a Temporary Access Pass".to_owned());
            }
        }
        "X509Certificate" if enabled(after) => {
            let mode = "authenticationModeConfiguration";
            let default =
                |object: &Properties| text(object, &format!("{mode}/x509CertificateAuthenticationDefaultMode"));
            let multi = |object: &Properties| enabled(object) && default(object) == "x509CertificateMultiFactor";
            if multi(after) && !before.is_some_and(multi) {
                found.push("takes a certificate for multifactor authentication".to_owned());
            }
            let rules = |object: &Properties| -> BTreeSet<String> {
                let list = at(object, &format!("{mode}/rules")).and_then(Value::as_array).into_iter().flatten();
                let multi = |rule: &&Value| {
                    rule.get("x509CertificateAuthenticationMode").and_then(Value::as_str)
                        == Some("x509CertificateMultiFactor")
                };
                list.filter(multi).map(Value::to_string).collect()
            };
            if !rules(after).is_subset(&before.map(rules).unwrap_or_default()) {
                found.push("takes certificates of another sort for multifactor authentication".to_owned());
            }
            let affinity =
                |object: &Properties| text(object, &format!("{mode}/x509CertificateDefaultRequiredAffinityLevel"));
            if affinity(after) == "low" && before.is_some_and(|before| affinity(before) == "high") {
                found.push("takes a certificate that is tied to an account more loosely".to_owned());
            }
        }
        _ => {}
    }
    found
}

/// Returns true if a condition set of a permission grant policy holds for every permission of every application.
/// <https://learn.microsoft.com/graph/api/resources/permissiongrantconditionset>
pub(in crate::engine::guard) fn is_unlimited(set: &Properties) -> bool {
    let all = |name: &str| {
        let values = strings(set, name);
        values.is_empty() || values.contains("all")
    };
    let classified = text(set, "permissionClassification");
    (classified.is_empty() || classified == "all")
        && ["permissions", "clientApplicationIds", "clientApplicationPublisherIds", "clientApplicationTenantIds"]
            .iter()
            .all(|name| all(name))
}
