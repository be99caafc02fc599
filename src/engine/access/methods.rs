//! What a policy asks for before it lets anybody in, and whether it can be had.

use serde_json::{Map, Value};

use super::{Tenant, words};

/// What whoever is asked can do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Demand {
    /// It is blocked.
    Block,
    /// Nothing more than an emergency account can be expected to have.
    Met,
    /// Something of which nobody knows that the account has it.
    Unmet(Vec<String>),
}

/// What the grant controls demand. `mfa` can be met: every account that signs in to an administration portal needs it anyway
/// (<https://learn.microsoft.com/entra/identity/authentication/concept-mandatory-multifactor-authentication>). A device, an
/// approved application or somebody else's control is nothing an emergency account is known to have
/// (<https://learn.microsoft.com/entra/identity/role-based-access-control/security-emergency-access>).
pub(super) fn demand(tenant: &Tenant, policy: &Map<String, Value>) -> Demand {
    let Some(grant) = policy.get("grantControls").and_then(Value::as_object) else { return Demand::Met };
    let all = grant.get("operator").and_then(Value::as_str).is_some_and(|operator| operator == "AND");
    let (mut met, mut unmet) = (0, Vec::new());
    let controls = grant.get("builtInControls").and_then(Value::as_array).into_iter().flatten();
    for control in controls.filter_map(Value::as_str) {
        match control.to_lowercase().as_str() {
            "block" => return Demand::Block,
            "mfa" | "passwordchange" => met += 1,
            _ => unmet.push(format!("the control {control}")),
        }
    }
    // Terms can be accepted by whoever signs in.
    met += words(grant.get("termsOfUse")).count();
    unmet.extend(words(grant.get("customAuthenticationFactors")).map(|id| format!("the custom control {id}")));
    let strength = grant.get("authenticationStrength").and_then(|strength| strength.get("id")).and_then(Value::as_str);
    match strength.map(|id| (id, possible(tenant, &id.to_lowercase()))) {
        Some((_, Ok(()))) => met += 1,
        Some((id, Err(why))) => unmet.push(format!("the authentication strength {id}, {why}")),
        None => {}
    }
    // "OR": one of them is enough. <https://learn.microsoft.com/graph/api/resources/conditionalaccessgrantcontrols>
    match unmet.is_empty() || (met > 0 && !all) {
        true => Demand::Met,
        false => Demand::Unmet(unmet),
    }
}

/// Whether any combination of the strength uses only methods that are not known to be off.
fn possible(tenant: &Tenant, id: &str) -> Result<(), String> {
    let Some(strength) = tenant.strengths.get(id) else {
        // Where strengths were not read at all, Microsoft's own are as they always are.
        let built_in = id.starts_with("00000000-0000-0000-0000-");
        return if built_in || tenant.strengths.is_empty() { Ok(()) } else { Err("which is not there".to_owned()) };
    };
    let combinations: Vec<String> = words(strength.get("allowedCombinations")).collect();
    if combinations.is_empty() {
        return Err("which no way of signing in satisfies".to_owned());
    }
    let usable = |combination: &String| combination.split(',').all(|method| !is_off(tenant, method.trim()));
    match combinations.iter().any(usable) {
        true => Ok(()),
        false => Err("of whose methods none is allowed in the tenant".to_owned()),
    }
}

/// Whether the tenant's policy of authentication methods has the method off.
/// <https://learn.microsoft.com/graph/api/resources/authenticationmethodspolicy>
fn is_off(tenant: &Tenant, method: &str) -> bool {
    let name = match method {
        "fido2" => "fido2",
        "x509certificatesinglefactor" | "x509certificatemultifactor" => "x509certificate",
        "sms" => "sms",
        "voice" => "voice",
        "email" => "email",
        "softwareoath" => "softwareoath",
        "hardwareoath" => "hardwareoath",
        "microsoftauthenticatorpush" | "devicebasedpush" => "microsoftauthenticator",
        "temporaryaccesspassonetime" | "temporaryaccesspassmultiuse" => "temporaryaccesspass",
        _ => return false,
    };
    let all = tenant.methods.get("authenticationMethodConfigurations").and_then(Value::as_array);
    all.into_iter().flatten().any(|method| {
        let text = |property: &str| method.get(property).and_then(Value::as_str).unwrap_or_default();
        text("id").eq_ignore_ascii_case(name) && text("state") == "disabled"
    })
}
