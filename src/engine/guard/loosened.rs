//! Finds changes by which people could gain privileges although nobody is granted any by name: settings that demand less than
//! before, trust in other tenants, addresses that tokens are sent to. Each function compares the properties that an object had
//! (`before`, `None` for a new object) with those that it gets (`after`), and returns clauses on what is permitted since. A
//! change that only makes the object stricter gives none.

mod children;

use std::collections::BTreeSet;

use serde_json::{Map, Value};

pub(super) use children::{child, is_unlimited};

use crate::engine::access::holders::{list, tasks_of_power};
use crate::engine::canonical::seconds;
use crate::kinds::power::{GUESTS_AS_MEMBERS, LIMITED_CONSENT};

type Properties = Map<String, Value>;

/// Returns what an object of the kind `kind` permits in `after` and not in `before`, as clauses whose subject is the object;
/// empty if it is as strict as before, or stricter.
/// `limited` returns true for the id of a permission grant policy that the tenant made and that covers only some permissions.
pub(super) fn of(
    kind: &str,
    before: Option<&Properties>,
    after: &Properties,
    limited: &dyn Fn(&str) -> bool,
) -> Vec<String> {
    match kind {
        "authorizationPolicy" => wider_default_permissions(before, after, limited),
        "crossTenantAccessDefault" | "crossTenantPartner" | "organizationPartnerTemplate" => {
            new_inbound_trust(before, after)
        }
        "organizationSyncTemplate" => synchronization(before, after),
        // <https://learn.microsoft.com/graph/api/resources/customauthenticationextension>
        "customAuthenticationExtension" => clause_if_replaced(
            before,
            after,
            &["endpointConfiguration/targetUrl", "authenticationConfiguration/resourceId"],
            "asks another address what to put into tokens",
        ),
        // <https://learn.microsoft.com/graph/api/resources/socialidentityprovider>
        "identityProvider" => clause_if_replaced(
            before,
            after,
            &["clientId", "serviceId", "developerId"],
            "trusts sign-ins of another client",
        ),
        "user" => new_sign_in_methods(before, after),
        "application" | "servicePrincipal" => new_token_recipients(before, after),
        "roleDefinition" => new_role_permissions(before, after),
        "roleAssignmentSchedule"
        | "roleEligibilitySchedule"
        | "groupAssignmentSchedule"
        | "groupEligibilitySchedule" => held_longer(before, after),
        "accessPackageAssignmentPolicy" => more_unapproved_access(before, after),
        _ => Vec::new(),
    }
}

/// Finds permissions of everybody, guests included, that the authorization policy newly gives.
/// <https://learn.microsoft.com/graph/api/resources/authorizationpolicy>,
/// <https://learn.microsoft.com/entra/fundamentals/users-default-permissions>
fn wider_default_permissions(
    before: Option<&Properties>,
    after: &Properties,
    limited: &dyn Fn(&str) -> bool,
) -> Vec<String> {
    let mut found = Vec::new();
    for (path, value, clause) in [
        ("guestUserRoleId", GUESTS_AS_MEMBERS, "lets guests do what members may"),
        ("allowInvitesFrom", "everyone", "lets everybody invite guests, guests included"),
    ] {
        let is = |object: &Properties| text(object, path).eq_ignore_ascii_case(value);
        if is(after) && !before.is_some_and(is) {
            found.push(clause.to_owned());
        }
    }
    for (path, clause) in [
        ("defaultUserRolePermissions/allowedToCreateApps", "lets everybody register applications"),
        ("defaultUserRolePermissions/allowedToCreateTenants", "lets everybody create tenants"),
        ("allowUserConsentForRiskyApps", "lets people consent to risky applications"),
        ("allowEmailVerifiedUsersToJoinOrganization", "lets whoever has an address of a domain join"),
    ] {
        found.extend(is_newly_set(before, after, path).then(|| clause.to_owned()));
    }
    // The assigned value reads `ManagePermissionGrantsForSelf.{policy}`:
    // <https://learn.microsoft.com/entra/identity/enterprise-apps/manage-app-consent-policies>
    let own = |object: &Properties| {
        let all = strings(object, "defaultUserRolePermissions/permissionGrantPoliciesAssigned");
        let all = all.into_iter().filter_map(|policy| {
            let (whose, policy) = policy.split_once('.')?;
            (whose == "managepermissiongrantsforself").then(|| policy.to_owned())
        });
        all.collect::<BTreeSet<String>>()
    };
    let had = before.map(own).unwrap_or_default();
    let gained = own(after).into_iter().filter(|policy| !had.contains(policy));
    let gained = gained.filter(|policy| !LIMITED_CONSENT.contains(&policy.as_str()) && !limited(policy));
    found.extend(gained.map(|policy| format!("lets people consent under the policy {policy}")));
    found
}

/// Finds claims of other tenants about their people that are newly trusted.
/// <https://learn.microsoft.com/graph/api/resources/crosstenantaccesspolicyinboundtrust>
fn new_inbound_trust(before: Option<&Properties>, after: &Properties) -> Vec<String> {
    let claims = [
        ("inboundTrust/isMfaAccepted", "multifactor authentication"),
        ("inboundTrust/isCompliantDeviceAccepted", "compliant devices"),
        ("inboundTrust/isHybridAzureADJoinedDeviceAccepted", "hybrid joined devices"),
    ];
    let newly_set = claims.iter().filter(|(path, _)| is_newly_set(before, after, path));
    newly_set.map(|(_, what)| format!("accepts {what} as another tenant tells it")).collect()
}

/// Finds that another tenant may newly create users here.
/// <https://learn.microsoft.com/graph/api/resources/crosstenantidentitysyncpolicypartner>
fn synchronization(before: Option<&Properties>, after: &Properties) -> Vec<String> {
    let newly_set = is_newly_set(before, after, "userSyncInbound/isSyncAllowed");
    newly_set.then(|| "lets another tenant create users here".to_owned()).into_iter().collect()
}

/// Returns `clause` if an existing object gets another value at one of `paths`. Removing a value does not count.
fn clause_if_replaced(before: Option<&Properties>, after: &Properties, paths: &[&str], clause: &str) -> Vec<String> {
    let Some(before) = before else { return Vec::new() };
    let is_new = |path: &&str| !text(after, path).is_empty() && text(after, path) != text(before, path);
    paths.iter().any(is_new).then(|| clause.to_owned()).into_iter().collect()
}

/// Finds new ways to sign in as a user: certificates that are accepted for the user, and contacts that can confirm a password
/// reset.
/// <https://learn.microsoft.com/entra/identity/authentication/concept-certificate-based-authentication-certificateuserids>,
/// <https://learn.microsoft.com/entra/identity/authentication/howto-sspr-authenticationdata>
fn new_sign_in_methods(before: Option<&Properties>, after: &Properties) -> Vec<String> {
    let ways = [
        ("authorizationInfo/certificateUserIds", "can sign in with another certificate"),
        ("otherMails", "can confirm a password reset from another mailbox"),
    ];
    let mut found: Vec<String> = ways
        .iter()
        .filter(|(path, _)| list_gains(before, after, path))
        .map(|(_, clause)| (*clause).to_owned())
        .collect();
    let phone = |object: &Properties| text(object, "mobilePhone");
    if !phone(after).is_empty() && before.is_none_or(|before| phone(before) != phone(after)) {
        found.push("can confirm a password reset from another phone".to_owned());
    }
    found
}

/// Finds new addresses that an application's tokens are sent to, and that people of other tenants may newly sign in.
/// <https://learn.microsoft.com/entra/identity-platform/reply-url>,
/// <https://learn.microsoft.com/entra/identity-platform/supported-accounts-validation>
fn new_token_recipients(before: Option<&Properties>, after: &Properties) -> Vec<String> {
    let mut found = Vec::new();
    let lists = ["web/redirectUris", "spa/redirectUris", "publicClient/redirectUris", "replyUrls"];
    if lists.iter().any(|path| list_gains(before, after, path)) {
        found.push("sends tokens to another address".to_owned());
    }
    let own = |object: &Properties| matches!(text(object, "signInAudience").as_str(), "" | "AzureADMyOrg");
    if !own(after) && before.is_some_and(own) {
        found.push("lets people of other tenants sign in".to_owned());
    }
    found
}

/// Finds privileged permissions that a role newly has. A disabled role has none.
fn new_role_permissions(before: Option<&Properties>, after: &Properties) -> Vec<String> {
    let usable = |role: &Properties| match role.get("isEnabled") {
        Some(Value::Bool(false)) => BTreeSet::new(),
        _ => tasks_of_power(role),
    };
    let had = before.map(usable).unwrap_or_default();
    usable(after).difference(&had).map(|task| format!("permits {task}")).collect()
}

/// Finds that a role assignment or group membership is new or ends later than before.
/// <https://learn.microsoft.com/graph/api/resources/expirationpattern>
fn held_longer(before: Option<&Properties>, after: &Properties) -> Vec<String> {
    let Some(before) = before else { return vec!["is held".to_owned()] };
    let ends = |object: &Properties, name: &str| text(object, &format!("scheduleInfo/expiration/{name}"));
    let (was, is) = (ends(before, "type"), ends(after, "type"));
    let outlasts = match (was.as_str(), is.as_str()) {
        ("noExpiration", _) => false,
        (_, "noExpiration") => true,
        ("afterDateTime", "afterDateTime") => ends(after, "endDateTime") > ends(before, "endDateTime"),
        ("afterDuration", "afterDuration") => seconds(&ends(after, "duration")) > seconds(&ends(before, "duration")),
        // A date and a duration cannot be compared without the start: any difference counts.
        _ => after.get("scheduleInfo") != before.get("scheduleInfo"),
    };
    outlasts.then(|| "is held for longer".to_owned()).into_iter().collect()
}

/// Finds that an assignment policy newly gives its access package without approval, or gives it to more people.
/// <https://learn.microsoft.com/graph/api/resources/accesspackageassignmentpolicy>
fn more_unapproved_access(before: Option<&Properties>, after: &Properties) -> Vec<String> {
    let wider = |before: &Properties| {
        text(before, "allowedTargetScope") != text(after, "allowedTargetScope")
            || list(after, "specificAllowedTargets")
                .any(|one| !list(before, "specificAllowedTargets").any(|had| had == one))
    };
    let opens = hands_out_freely(after) && before.is_none_or(|before| !hands_out_freely(before) || wider(before));
    opens.then(|| "hands out an access package without approval".to_owned()).into_iter().collect()
}

/// Returns true if an assignment policy gives its access package to somebody without approval: Graph requests it for them, or
/// they request it themselves and need no approval.
pub(super) fn hands_out_freely(policy: &Properties) -> bool {
    let has_targets = !matches!(text(policy, "allowedTargetScope").as_str(), "" | "notSpecified");
    let requestable = at(policy, "requestorSettings/enableTargetsToSelfAddAccess") != Some(&Value::Bool(false));
    let given = flag(policy, "automaticRequestSettings/requestAccessForAllowedTargets");
    has_targets
        && (given || requestable)
        && (given || !flag(policy, "requestApprovalSettings/isApprovalRequiredForAdd"))
}

/// Returns the value at a path of names separated by `/`.
fn at<'a>(object: &'a Properties, path: &str) -> Option<&'a Value> {
    let mut names = path.split('/');
    let first = object.get(names.next()?)?;
    names.try_fold(first, |value, name| value.get(name))
}

/// Returns the string at a path; empty if there is none.
fn text(object: &Properties, path: &str) -> String {
    at(object, path).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Returns true if the value at a path is `true`.
fn flag(object: &Properties, path: &str) -> bool {
    at(object, path) == Some(&Value::Bool(true))
}

/// Returns true if a flag is set that was not set before.
fn is_newly_set(before: Option<&Properties>, after: &Properties, path: &str) -> bool {
    flag(after, path) && !before.is_some_and(|before| flag(before, path))
}

/// Returns the strings of the list at a path, in lower case.
fn strings(object: &Properties, path: &str) -> BTreeSet<String> {
    let list = at(object, path).and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_str).map(str::to_lowercase).collect()
}

/// Returns true if the list at a path has a string that it did not have before.
fn list_gains(before: Option<&Properties>, after: &Properties, path: &str) -> bool {
    let had = before.map(|before| strings(before, path)).unwrap_or_default();
    strings(after, path).iter().any(|element| !had.contains(element))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seat_is_held_for_longer_only_if_it_ends_later() {
        let seat = |expiration: Value| serde_json::json!({"scheduleInfo": {"expiration": expiration}});
        let until = |day: &str| seat(serde_json::json!({"type": "afterDateTime", "endDateTime": day}));
        let ever = seat(serde_json::json!({"type": "noExpiration"}));
        let longer =
            |a: &Value, b: &Value| !held_longer(a.as_object(), b.as_object().unwrap_or(&Map::new())).is_empty();
        assert!(longer(&until("2027-01-01T00:00:00Z"), &until("2028-01-01T00:00:00Z")));
        assert!(longer(&until("2027-01-01T00:00:00Z"), &ever));
        assert!(!longer(&ever, &until("2028-01-01T00:00:00Z")));
        assert!(!longer(&until("2028-01-01T00:00:00Z"), &until("2027-01-01T00:00:00Z")));
    }
}
