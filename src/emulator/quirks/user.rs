//! Implements the rules for users. <https://learn.microsoft.com/graph/api/user-post-users>

use serde_json::{Value, json};

use super::checks::{conflict, invalid, require, security_identifier};
use crate::emulator::error::Fault;
use crate::emulator::store::{Properties, text};
use crate::emulator::tenant::Tenant;
use crate::kinds;

pub(super) fn create(tenant: &Tenant, object: &mut Properties) -> Result<(), Fault> {
    let password = object.get("passwordProfile").and_then(|profile| profile.get("password")).and_then(Value::as_str);
    if password.is_none_or(str::is_empty) {
        return Err(Fault::bad("A password must be specified to create a new user."));
    }
    check_password(object)?;
    require(object, &["accountEnabled", "displayName", "mailNickname", "userPrincipalName"], "User")?;
    check_name(tenant, None, object)?;
    object.remove("passwordProfile");
    let name = text(object, "userPrincipalName").to_owned();
    let domain = name.split_once('@').map_or("", |(_, domain)| domain).to_owned();
    object.insert("createdDateTime".to_owned(), tenant.clock.seconds().into());
    object.insert("securityIdentifier".to_owned(), security_identifier(text(object, "id")).into());
    object.entry("userType").or_insert_with(|| "Member".into());
    object
        .entry("identities")
        .or_insert_with(|| json!([{"signInType": "userPrincipalName", "issuer": domain, "issuerAssignedId": name}]));
    follow_mail(object);
    Ok(())
}

pub(super) fn update(tenant: &Tenant, old: &Properties, patch: &Properties, new: &mut Properties) -> Result<(), Fault> {
    for name in ["displayName", "mailNickname", "userPrincipalName", "accountEnabled"] {
        if patch.get(name).is_some_and(Value::is_null) {
            return Err(invalid(name, "User"));
        }
    }
    if old.get("userPrincipalName") != new.get("userPrincipalName") {
        check_name(tenant, Some(old), new)?;
        let name = text(new, "userPrincipalName").to_owned();
        for identity in new.get_mut("identities").and_then(Value::as_array_mut).into_iter().flatten() {
            if identity.get("signInType").and_then(Value::as_str) == Some("userPrincipalName") {
                identity["issuerAssignedId"] = name.clone().into();
            }
        }
    }
    // Passwords can be written and never read.
    check_password(patch)?;
    if new.remove("passwordProfile").is_some() {
        new.insert("lastPasswordChangeDateTime".to_owned(), tenant.clock.seconds().into());
    }
    if patch.contains_key("mail") {
        follow_mail(new);
    }
    Ok(())
}

/// Renames a deleted user: the name in the recycle bin begins with the user's id, so that others can take the old one.
pub fn rename_deleted(object: &mut Properties) {
    let name = format!("{}{}", text(object, "id").replace('-', ""), text(object, "userPrincipalName"));
    object.insert("userPrincipalName".to_owned(), name.into());
}

/// Gives a deleted user the old name back.
pub fn rename_restored(object: &mut Properties) {
    let prefix = text(object, "id").replace('-', "");
    if let Some(name) = text(object, "userPrincipalName").strip_prefix(&prefix).map(str::to_owned) {
        object.insert("userPrincipalName".to_owned(), name.into());
    }
}

/// Checks a password: 8 to 256 characters of three of the four sorts, unless the user's policy takes weak ones.
/// <https://learn.microsoft.com/entra/identity/authentication/concept-sspr-policy#microsoft-entra-password-policies>
fn check_password(body: &Properties) -> Result<(), Fault> {
    let profile = body.get("passwordProfile").filter(|profile| !profile.is_null());
    let Some(password) = profile.and_then(|profile| profile.get("password")).and_then(Value::as_str) else {
        return Ok(());
    };
    let sorts: [fn(&char) -> bool; 4] =
        [char::is_ascii_lowercase, char::is_ascii_uppercase, char::is_ascii_digit, |char| {
            !char.is_ascii_alphanumeric()
        }];
    let strong = sorts.iter().filter(|sort| password.chars().any(|char| sort(&char))).count() >= 3;
    let weak_allowed = text(body, "passwordPolicies").contains("DisableStrongPassword");
    match (8..=256).contains(&password.chars().count()) && (strong || weak_allowed) {
        true => Ok(()),
        false => Err(Fault::bad(
            "The specified password does not comply with password complexity requirements. Please provide a different password.",
        )),
    }
}

/// Checks a user principal name. "The general format is alias@domain, where the domain must be present in the tenant's verified
/// domain collection." <https://learn.microsoft.com/graph/api/resources/user>
fn check_name(tenant: &Tenant, old: Option<&Properties>, object: &Properties) -> Result<(), Fault> {
    let name = text(object, "userPrincipalName");
    let Some((alias, domain)) = name.split_once('@').filter(|(alias, domain)| !alias.is_empty() && !domain.is_empty())
    else {
        return Err(Fault::bad("Property userPrincipalName is invalid."));
    };
    if alias.contains(' ') || !tenant.verified(domain) {
        return Err(Fault::bad(
            "The domain portion of the userPrincipalName property is invalid. You must use one of the verified domain names in your organization.",
        ));
    }
    let holder = kinds::by_name("user").and_then(|kind| tenant.store.table(kind).holder("userPrincipalName", name));
    let own = old.map(|old| text(old, "id")).unwrap_or_default();
    match holder {
        Some(key) if &*key.id != own => Err(conflict("userPrincipalName")),
        _ => Ok(()),
    }
}

/// Derives the proxy addresses from the mail address. "Changes to this property also update the user's proxyAddresses collection
/// to include the value as an SMTP address." <https://learn.microsoft.com/graph/api/resources/user>
fn follow_mail(object: &mut Properties) {
    let mail = text(object, "mail").to_owned();
    let proxies = if mail.is_empty() { json!([]) } else { json!([format!("SMTP:{mail}")]) };
    object.insert("proxyAddresses".to_owned(), proxies);
}
