//! Implements the rules for Conditional Access policies.
//! <https://learn.microsoft.com/graph/api/conditionalaccessroot-post-policies>

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::application;
use super::checks::{invalid, require};
use super::policy_names::named;
use crate::emulator::error::Fault;
use crate::emulator::operations;
use crate::emulator::store::{Key, Properties, is_guid, strings, text};
use crate::emulator::tenant::Tenant;
use crate::kinds;

/// Id of the MFA trusted addresses of the legacy portal, which are no named location:
/// <https://learn.microsoft.com/graph/api/resources/conditionalaccesslocations>
const LEGACY_TRUSTED: &str = "00000000-0000-0000-0000-000000000000";

pub(super) fn write(tenant: &Tenant, old: Option<&Properties>, object: &mut Properties) -> Result<(), Fault> {
    require(object, &["displayName", "state", "conditions"], "ConditionalAccessPolicy")?;
    let conditions = object.get("conditions").cloned().unwrap_or_default();
    let some = |list: &str| strings(conditions.pointer(list)).next().is_some();
    let set = |path: &str| conditions.pointer(path).is_some_and(|value| !value.is_null());
    if !some("/applications/includeApplications")
        && !some("/applications/includeUserActions")
        && !some("/applications/includeAuthenticationContextClassReferences")
        && !set("/applications/applicationFilter")
    {
        return Err(Fault::bad(
            "1011: Conditional Access policy must include applications, user actions or authentication contexts.",
        ));
    }
    let people = ["Users", "Groups", "Roles"].iter().any(|of| some(&format!("/users/include{of}")));
    if !people
        && !set("/users/includeGuestsOrExternalUsers")
        && !some("/clientApplications/includeServicePrincipals")
        && !some("/clientApplications/includeAgentIdServicePrincipals")
        && !set("/clientApplications/servicePrincipalFilter")
        && !set("/clientApplications/agentIdServicePrincipalFilter")
    {
        return Err(Fault::bad("Conditional Access policy must include users, groups, roles or service principals."));
    }
    controls(object)?;
    authentication_flows(object)?;
    references(tenant, old, object)?;
    if let Some(strength) =
        object.get_mut("grantControls").and_then(|controls| controls.get_mut("authenticationStrength"))
        && !strength.is_null()
    {
        // Of a strength only the id is stored: a read shows the strength as it is then.
        *strength = json!({"id": strength.get("id")});
    }
    if let Some(conditions) = object.get_mut("conditions").and_then(Value::as_object_mut) {
        // Microsoft's page says "clientAppTypes … default all":
        // <https://learn.microsoft.com/graph/api/resources/conditionalaccessconditionset>
        if strings(conditions.get("clientAppTypes")).next().is_none() {
            conditions.insert("clientAppTypes".to_owned(), json!(["all"]));
        }
    }
    // The service adds these values to a sign-in frequency that names only the interval:
    // <https://learn.microsoft.com/graph/api/resources/signinfrequencysessioncontrol>
    if let Some(frequency) = object.get_mut("sessionControls").and_then(|controls| controls.get_mut("signInFrequency"))
        && let Some(frequency) = frequency.as_object_mut()
    {
        for (name, value) in
            [("authenticationType", "primaryAndSecondaryAuthentication"), ("frequencyInterval", "timeBased")]
        {
            if frequency.get(name).is_none_or(Value::is_null) {
                frequency.insert(name.to_owned(), value.into());
            }
        }
    }
    let now = tenant.clock.ticks();
    match old {
        None => object.insert("createdDateTime".to_owned(), now.into()),
        Some(_) => object.insert("modifiedDateTime".to_owned(), now.into()),
    };
    Ok(())
}

/// Checks the grant controls. <https://learn.microsoft.com/graph/api/resources/conditionalaccessgrantcontrols>
fn controls(object: &Properties) -> Result<(), Fault> {
    let grant = object.get("grantControls").filter(|value| !value.is_null());
    let session = object.get("sessionControls").and_then(Value::as_object);
    let session =
        session.is_some_and(|session| session.values().any(|value| !value.is_null() && value != &Value::Bool(false)));
    let Some(grant) = grant else {
        return if session {
            Ok(())
        } else {
            Err(Fault::bad("Conditional Access policy must have grant controls or session controls."))
        };
    };
    let built_in: Vec<&str> = strings(grant.get("builtInControls")).collect();
    if built_in.contains(&"block") && built_in.len() > 1 {
        return Err(Fault::bad("The block control cannot be combined with other controls."));
    }
    let strength = grant.get("authenticationStrength").is_some_and(|value| !value.is_null());
    if strength && built_in.contains(&"mfa") {
        return Err(Fault::bad("An authentication strength cannot be combined with the mfa control."));
    }
    match grant.get("operator").and_then(Value::as_str) {
        Some("AND" | "OR") => Ok(()),
        _ => Err(invalid("grantControls/operator", "ConditionalAccessPolicy")),
    }
}

/// Checks a policy on authentication flows: it can only block, and has no session controls, not even an empty object.
/// <https://learn.microsoft.com/entra/identity/conditional-access/policy-block-authentication-flows>,
/// <https://github.com/microsoft/Microsoft365DSC/issues/7119>
fn authentication_flows(object: &Properties) -> Result<(), Fault> {
    let flows = object.get("conditions").and_then(|conditions| conditions.get("authenticationFlows"));
    let methods = flows.and_then(|flows| flows.get("transferMethods")).and_then(Value::as_str).unwrap_or_default();
    if matches!(methods, "" | "none") {
        return Ok(());
    }
    let built_in = object.get("grantControls").and_then(|grant| grant.get("builtInControls"));
    let blocks = strings(built_in).eq(["block"]);
    match blocks && object.get("sessionControls").is_none_or(Value::is_null) {
        true => Ok(()),
        false => Err(Fault::bad(
            "1235: A policy on authentication flows takes the grant control block and no session controls.",
        )),
    }
}

/// Checks that the objects which a policy names exist. Only new references are checked: an object that was deleted since stays
/// named.
fn references(tenant: &Tenant, old: Option<&Properties>, object: &Properties) -> Result<(), Fault> {
    let before: BTreeSet<(&str, &str)> = old.map(named).unwrap_or_default();
    for (what, id) in named(object).difference(&before) {
        if exists(tenant, what, id) {
            continue;
        }
        return Err(Fault::bad(match *what {
            // Locations have a number of their own.
            "namedLocation" => format!("1040: NamedLocation with id {id} does not exist in the directory."),
            "application" => {
                format!("1011: The application '{id}' is not valid in includeApplications or excludeApplications.")
            }
            _ => format!("The policy names the {what} '{id}', which does not exist in the directory."),
        }));
    }
    Ok(())
}

fn exists(tenant: &Tenant, what: &str, id: &str) -> bool {
    let live =
        |name: &str| kinds::by_name(name).is_some_and(|kind| tenant.store.table(kind).live.contains_key(&Key::of(id)));
    let holder =
        |name: &str| kinds::by_name(name).is_some_and(|kind| tenant.store.table(kind).holder("appId", id).is_some());
    match (what, id) {
        ("user", "All" | "None" | "GuestsOrExternalUsers") => true,
        ("application", "All" | "None" | "Office365" | "MicrosoftAdminPortals") => true,
        ("application", _) => {
            // An application without a service principal is not valid in a policy.
            holder("servicePrincipal") || application::first_party(id).is_some()
        }
        ("namedLocation", "All" | "AllTrusted" | LEGACY_TRUSTED) => true,
        ("servicePrincipal", "ServicePrincipalsInMyTenant" | "None") => true,
        // Role templates and terms of use are not served here; their ids are GUIDs.
        ("role" | "agreement", _) => is_guid(id),
        _ => live(what),
    }
}

/// Shows a strength as the whole object, although it is written by id.
/// <https://learn.microsoft.com/graph/api/conditionalaccesspolicy-get>
pub(super) fn expand(tenant: &Tenant, object: &mut Properties, root: &str) {
    let id = object.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let Some(controls) = object.get_mut("grantControls").and_then(Value::as_object_mut) else { return };
    let strength =
        controls.get("authenticationStrength").and_then(|strength| strength.get("id")).and_then(Value::as_str);
    let found = strength.and_then(|id| {
        let kind = kinds::by_name("authenticationStrengthPolicy")?;
        tenant.store.table(kind).get(id)
    });
    let found = found.map(|mut strength| {
        super::authentication::expand_strength(tenant, &mut strength, root);
        operations::advertise("authenticationStrengthPolicy", root, &mut strength);
        // The copy in a policy is not the list's: Microsoft's own strengths were made eight hours later there.
        for name in ["createdDateTime", "modifiedDateTime"] {
            if let Some(day) = text(&strength, name).strip_suffix("T00:00:00Z").map(str::to_owned) {
                strength.insert(name.to_owned(), format!("{day}T08:00:00Z").into());
            }
        }
        Value::Object(strength)
    });
    controls.insert(
        "authenticationStrength@odata.context".to_owned(),
        format!(
            "{root}/$metadata#identity/conditionalAccess/policies('{id}')/grantControls/authenticationStrength/$entity"
        )
        .into(),
    );
    controls.insert("authenticationStrength".to_owned(), found.unwrap_or_default());
}
