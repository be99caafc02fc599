//! Judges whether an account can meet the demands of a policy's grant controls.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::subject::Subject;
use super::{Tenant, words};

/// Tells whether an account can meet the demands of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Demand {
    /// The policy blocks the account.
    Block,
    /// The policy demands no more than an emergency account can be expected to have.
    Met,
    /// The policy demands something that the account is not known to have.
    Unmet(Vec<String>),
}

/// Judges the demands of the grant controls. `mfa` can be met: every account that signs in to an administration portal needs
/// it anyway (<https://learn.microsoft.com/entra/identity/authentication/concept-mandatory-multifactor-authentication>). A
/// device, an approved application or a third-party control is not known to be available to an emergency account
/// (<https://learn.microsoft.com/entra/identity/role-based-access-control/security-emergency-access>).
pub(super) fn demand(tenant: &Tenant, policy: &Map<String, Value>, subject: &Subject) -> Demand {
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
    // Every account can accept terms of use.
    met += words(grant.get("termsOfUse")).count();
    unmet.extend(words(grant.get("customAuthenticationFactors")).map(|id| format!("the custom control {id}")));
    let strength = grant.get("authenticationStrength").and_then(|strength| strength.get("id")).and_then(Value::as_str);
    match strength.map(|id| (id, possible(tenant, &id.to_lowercase(), subject))) {
        Some((_, Ok(()))) => met += 1,
        Some((id, Err(why))) => unmet.push(format!("the authentication strength {id}, {why}")),
        None => {}
    }
    // With the operator "OR", one of the controls is enough.
    // <https://learn.microsoft.com/graph/api/resources/conditionalaccessgrantcontrols>
    match unmet.is_empty() || (met > 0 && !all) {
        true => Demand::Met,
        false => Demand::Unmet(unmet),
    }
}

/// Returns `Ok` if a combination of the strength uses only methods that the account is not known to lack.
///
/// # Errors
/// If there is no such combination, with the reason as a clause.
fn possible(tenant: &Tenant, id: &str, subject: &Subject) -> Result<(), String> {
    let Some(strength) = tenant.strengths.get(id) else {
        // If no strengths were read, the built-in ones are assumed to exist unchanged.
        let built_in = id.starts_with("00000000-0000-0000-0000-");
        return if built_in || tenant.strengths.is_empty() { Ok(()) } else { Err("which is not there".to_owned()) };
    };
    let combinations: Vec<String> = words(strength.get("allowedCombinations")).collect();
    if combinations.is_empty() {
        return Err("which no way of signing in satisfies".to_owned());
    }
    let possible =
        |left: &dyn Fn(&str) -> bool| combinations.iter().any(|all| all.split(',').all(|one| left(one.trim())));
    if !possible(&|method| !is_off(tenant, method)) {
        return Err("of whose methods none is allowed in the tenant".to_owned());
    }
    let usable = |method: &str| is_usable(tenant, method, subject.id()) && keys_suffice(tenant, strength, method);
    match possible(&usable) {
        true => Ok(()),
        false => Err("none of whose methods the account is known to have".to_owned()),
    }
}

/// Returns the id of a strength's method in the tenant's authentication method configurations.
/// <https://learn.microsoft.com/graph/api/resources/authenticationmethodspolicy>
fn configuration_of(method: &str) -> Option<&'static str> {
    Some(match method {
        "fido2" => "fido2",
        "x509certificatesinglefactor" | "x509certificatemultifactor" => "x509certificate",
        "sms" => "sms",
        "voice" => "voice",
        "email" => "email",
        "softwareoath" => "softwareoath",
        "hardwareoath" => "hardwareoath",
        "microsoftauthenticatorpush" | "devicebasedpush" => "microsoftauthenticator",
        "temporaryaccesspassonetime" | "temporaryaccesspassmultiuse" => "temporaryaccesspass",
        _ => return None,
    })
}

fn configuration<'a>(tenant: &'a Tenant, name: &str) -> Option<&'a Value> {
    let all = tenant.methods.get("authenticationMethodConfigurations").and_then(Value::as_array);
    let is_it =
        |method: &&Value| method.get("id").and_then(Value::as_str).is_some_and(|id| id.eq_ignore_ascii_case(name));
    all.into_iter().flatten().find(is_it)
}

/// Returns true if the tenant's authentication methods policy disables the method.
fn is_off(tenant: &Tenant, method: &str) -> bool {
    let known = configuration_of(method).and_then(|name| configuration(tenant, name));
    known.is_some_and(|method| method.get("state").and_then(Value::as_str) == Some("disabled"))
}

/// Returns true if nothing is known that keeps the account from using the method.
fn is_usable(tenant: &Tenant, method: &str, account: &str) -> bool {
    match method {
        // It is bound to a device that somebody set up, and an emergency account is not known to have one.
        "windowshelloforbusiness" => false,
        "federatedmultifactor" | "federatedsinglefactor" => is_federated(tenant, account),
        _ => configuration_of(method)
            .and_then(|name| configuration(tenant, name))
            .is_none_or(|known| is_allowed_for(tenant, known, account)),
    }
}

/// Returns true if another identity provider decides the sign-ins of the account's domain.
/// <https://learn.microsoft.com/graph/api/resources/domain>
fn is_federated(tenant: &Tenant, account: &str) -> bool {
    let name = tenant.users.get(account).and_then(|user| user.get("userPrincipalName")).and_then(Value::as_str);
    let Some((_, domain)) = name.and_then(|name| name.split_once('@')) else { return false };
    tenant.rules_of("domain").any(|(id, own)| {
        id.eq_ignore_ascii_case(domain) && own.get("authenticationType").and_then(Value::as_str) == Some("Federated")
    })
}

/// Returns true if a method is enabled for the account: the account is targeted, and not excluded. The members of a dynamic
/// group may be anybody. Without targets, the method is for all.
/// <https://learn.microsoft.com/graph/api/resources/authenticationmethodtarget>
fn is_allowed_for(tenant: &Tenant, method: &Value, account: &str) -> bool {
    let targets = |list: &str| {
        let all = method.get(list).and_then(Value::as_array).into_iter().flatten();
        let ids: Vec<String> = all.filter_map(|target| target.get("id")?.as_str()).map(str::to_lowercase).collect();
        ids
    };
    let holds = |id: &String| id == "all_users" || id == account || tenant.holds(id, account);
    let include = targets("includeTargets");
    let included = include.is_empty() || include.iter().any(|id| holds(id) || !tenant.rules(id).is_empty());
    let on = method.get("state").and_then(Value::as_str) != Some("disabled");
    on && included && !targets("excludeTargets").iter().any(holds)
}

/// Represents the models of security keys that can be used, by their AAGUIDs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Keys {
    AllBut(BTreeSet<String>),
    Only(BTreeSet<String>),
}

impl Keys {
    /// Returns the models of security keys that the tenant allows.
    /// <https://learn.microsoft.com/graph/api/resources/fido2keyrestrictions>
    fn of(tenant: &Tenant) -> Keys {
        let restrictions = configuration(tenant, "fido2").and_then(|method| method.get("keyRestrictions"));
        let enforced = |all: &&Value| all.get("isEnforced") == Some(&Value::Bool(true));
        let Some(restrictions) = restrictions.filter(enforced) else { return Keys::AllBut(BTreeSet::new()) };
        let listed = words(restrictions.get("aaGuids")).collect();
        match restrictions.get("enforcementType").and_then(Value::as_str) {
            Some("allow") => Keys::Only(listed),
            _ => Keys::AllBut(listed),
        }
    }

    /// Returns true if this set contains every model in `other`.
    fn cover(&self, other: &Keys) -> bool {
        match (self, other) {
            (Keys::AllBut(own), Keys::AllBut(other)) => own.is_subset(other),
            (Keys::AllBut(own), Keys::Only(other)) => own.is_disjoint(other),
            (Keys::Only(own), Keys::Only(other)) => other.is_subset(own),
            (Keys::Only(_), Keys::AllBut(_)) => false,
        }
    }
}

/// Returns true if a strength allows every security key that the tenant allows: it is not known which of them the account
/// has.
/// <https://learn.microsoft.com/graph/api/resources/fido2combinationconfiguration>
fn keys_suffice(tenant: &Tenant, strength: &Map<String, Value>, method: &str) -> bool {
    let restricted = strength.get("combinationConfigurations").and_then(Value::as_array).into_iter().flatten();
    let keys: BTreeSet<String> = restricted.flat_map(|one| words(one.get("allowedAAGUIDs"))).collect();
    method != "fido2" || keys.is_empty() || Keys::Only(keys).cover(&Keys::of(tenant))
}

/// Lists the methods that give a second factor, and that every tenant lists. A code by mail does not count, nor a pass that
/// another administrator would have to issue.
/// <https://learn.microsoft.com/entra/identity/authentication/concept-authentication-methods>
const SECOND_FACTORS: [&str; 6] =
    ["fido2", "microsoftauthenticator", "sms", "softwareoath", "voice", "x509certificate"];

/// Lists the methods by which an account can give a second factor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Proofs {
    methods: BTreeSet<&'static str>,
    keys: Keys,
}

impl Proofs {
    pub(super) fn of(tenant: &Tenant, account: &str) -> Proofs {
        let usable =
            |name: &&&str| configuration(tenant, name).is_none_or(|known| is_allowed_for(tenant, known, account));
        let mut methods: BTreeSet<&'static str> = SECOND_FACTORS.iter().filter(usable).copied().collect();
        // Not every tenant lists this method, so that its absence does not mean that it is allowed.
        let tokens = configuration(tenant, "hardwareoath").is_some_and(|known| is_allowed_for(tenant, known, account));
        methods.extend(tokens.then_some("hardwareoath"));
        Proofs { methods, keys: Keys::of(tenant) }
    }

    /// Returns the reason, as a clause, why the account has no second factor left, if that is new.
    pub(super) fn loss_of_second_factor(&self, now: &Proofs) -> Option<&'static str> {
        if self.methods.is_empty() || *self == *now {
            return None;
        }
        if now.methods.is_empty() {
            return Some("no authentication method that gives a second factor is left for it, and portals ask for one");
        }
        let only_keys = now.methods.iter().all(|method| *method == "fido2");
        let narrower = self.methods.contains("fido2") && !now.keys.cover(&self.keys);
        (only_keys && narrower).then_some(
            "security keys are all it has for a second factor, and fewer makes of them are allowed than before",
        )
    }
}
