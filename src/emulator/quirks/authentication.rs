//! Implements the rules for authentication strengths, the authentication methods policy and the authorization policy.

use serde_json::{Value, json};

use super::checks::{invalid, require};
use super::policy_names;
use crate::emulator::csdl::{self, Csdl};
use crate::emulator::error::Fault;
use crate::emulator::store::{Key, Properties, Row, strings, text};
use crate::emulator::tenant::Tenant;
use crate::model::kind::Api;

const CONFIGURATIONS: &str = "combinationConfigurations";

/// Checks and completes a new authentication strength.
/// <https://learn.microsoft.com/graph/api/authenticationstrengthroot-post-policies>
pub(super) fn create_strength(tenant: &Tenant, object: &mut Properties) -> Result<(), Fault> {
    require(object, &["displayName", "allowedCombinations"], "AuthenticationStrengthPolicy")?;
    if strings(object.get("allowedCombinations")).next().is_none() {
        return Err(invalid("allowedCombinations", "AuthenticationStrengthPolicy"));
    }
    let now = tenant.clock.ticks();
    object.insert("createdDateTime".to_owned(), now.clone().into());
    object.insert("modifiedDateTime".to_owned(), now.into());
    object.insert("policyType".to_owned(), "custom".into());
    satisfied(object);
    Ok(())
}

/// Sets whether a strength satisfies MFA: combinations of a single weak factor do not.
/// <https://learn.microsoft.com/graph/api/resources/authenticationstrengthpolicy>
pub fn satisfied(object: &mut Properties) {
    let weak = ["password", "sms", "federatedSingleFactor", "x509CertificateSingleFactor", "voice", "qrCodePin"];
    let mfa = strings(object.get("allowedCombinations")).all(|combination| !weak.contains(&combination));
    object.insert("requirementsSatisfied".to_owned(), if mfa { "mfa" } else { "none" }.into());
}

pub(super) fn update_strength(tenant: &Tenant, old: &Properties, new: &mut Properties) -> Result<(), Fault> {
    built_in(old)?;
    new.insert("modifiedDateTime".to_owned(), tenant.clock.ticks().into());
    Ok(())
}

/// Refuses to change Microsoft's own strengths, which can be read only.
/// <https://learn.microsoft.com/graph/api/authenticationstrengthpolicy-update>
pub fn built_in(object: &Properties) -> Result<(), Fault> {
    match text(object, "policyType") {
        "builtIn" => Err(Fault::bad("Built-in authentication strength policies cannot be changed.")),
        _ => Ok(()),
    }
}

/// Refuses to delete a strength that a policy uses. <https://learn.microsoft.com/graph/api/authenticationstrengthpolicy-delete>
pub(super) fn delete_strength(tenant: &Tenant, key: &Key, object: &Properties) -> Result<(), Fault> {
    built_in(object)?;
    match policy_names::names(tenant, "authenticationStrengthPolicy", &key.id) {
        true => Err(Fault::bad(
            "The authentication strength policy is referenced by a conditional access policy and cannot be deleted.",
        )),
        false => Ok(()),
    }
}

/// Adds the combination configurations to the strength.
/// <https://learn.microsoft.com/graph/api/authenticationstrengthroot-list-policies>
pub(super) fn expand_strength(tenant: &Tenant, object: &mut Properties, root: &str) {
    let id = text(object, "id").to_owned();
    let all = tenant.children(CONFIGURATIONS, &Key::of(&id));
    object.insert(
        "combinationConfigurations@odata.context".to_owned(),
        format!("{root}/$metadata#policies/authenticationStrengthPolicies('{id}')/combinationConfigurations").into(),
    );
    object.insert(CONFIGURATIONS.to_owned(), all.map(Value::Object).collect());
}

/// Checks a combination configuration: it belongs to a custom strength, names one of its combinations, and is the only one of its
/// type to name it. <https://learn.microsoft.com/graph/api/authenticationstrengthpolicy-post-combinationconfigurations>,
/// <https://learn.microsoft.com/graph/api/resources/authenticationcombinationconfiguration>
pub(super) fn configures(tenant: &Tenant, parent: &Key, child: &Properties) -> Result<(), Fault> {
    let kind = crate::kinds::by_name("authenticationStrengthPolicy");
    let strength = kind.and_then(|kind| tenant.store.table(kind).get(&parent.id)).unwrap_or_default();
    built_in(&strength)?;
    let possible: &[&str] = match text(child, "@odata.type") {
        "#microsoft.graph.fido2CombinationConfiguration" => &["fido2"],
        "#microsoft.graph.x509CertificateCombinationConfiguration" => {
            &["x509CertificateSingleFactor", "x509CertificateMultiFactor"]
        }
        _ => return Err(invalid("@odata.type", "AuthenticationCombinationConfiguration")),
    };
    let own: Vec<&str> = strings(strength.get("allowedCombinations")).collect();
    let mut named = strings(child.get("appliesToCombinations")).peekable();
    if named.peek().is_none() || named.any(|name| !possible.contains(&name) || !own.contains(&name)) {
        return Err(invalid("appliesToCombinations", "AuthenticationCombinationConfiguration"));
    }
    Ok(())
}

/// Adds the method configurations, which are part of the policy's reply.
/// <https://learn.microsoft.com/graph/api/authenticationmethodspolicy-get>
pub(super) fn expand_methods(tenant: &Tenant, key: &Key, object: &mut Properties, root: &str) {
    let link = "authenticationMethodConfigurations";
    let children: Vec<Value> = tenant
        .links
        .targets(key, link)
        .into_iter()
        .flatten()
        .filter_map(|child| tenant.store.children(link)?.live.get(child))
        .map(Row::unpack)
        // A version leaves out the methods whose type it does not have.
        .filter(|child| csdl_of(root).ty(text(child, "@odata.type")).is_some())
        .map(|child| configuration(Value::Object(child), root))
        .collect();
    object.insert(
        format!("{link}@odata.context"),
        format!("{root}/$metadata#policies/authenticationMethodsPolicy/{link}").into(),
    );
    object.insert(link.to_owned(), Value::Array(children));
}

/// Returns the description of the version that `root` ends with.
fn csdl_of(root: &str) -> &'static Csdl {
    csdl::of(if root.ends_with(Api::Beta.segment()) { Api::Beta } else { Api::V1 })
}

/// Returns one configuration with the annotation that its targets carry.
pub fn configuration(child: Value, root: &str) -> Value {
    let Value::Object(mut child) =
        crate::emulator::odata::complete(csdl_of(root), "authenticationMethodConfiguration", child, true)
    else {
        return Value::Null;
    };
    let id = text(&child, "id").to_owned();
    let ty = text(&child, "@odata.type").trim_start_matches('#').to_owned();
    child.insert(
        "includeTargets@odata.context".to_owned(),
        format!("{root}/$metadata#policies/authenticationMethodsPolicy/authenticationMethodConfigurations('{id}')/{ty}/includeTargets").into(),
    );
    child.entry("includeTargets").or_insert_with(|| json!([]));
    Value::Object(child)
}

/// Updates the time of the last change. <https://learn.microsoft.com/graph/api/authenticationmethodspolicy-update>
pub(super) fn touch(tenant: &Tenant, new: &mut Properties) -> Result<(), Fault> {
    new.insert("lastModifiedDateTime".to_owned(), tenant.clock.ticks().into());
    Ok(())
}

/// Checks the guest role: there are three that a guest can have.
/// <https://learn.microsoft.com/graph/api/resources/authorizationpolicy>
pub(super) fn update_authorization(new: &Properties) -> Result<(), Fault> {
    let roles = [
        "a0b1b346-4d3e-4e8b-98f8-753987be4970",
        "10dae51f-b6af-4016-8d66-8c2a99b929b3",
        "2af84b1e-32c8-42b7-82bc-daa82404023b",
    ];
    match text(new, "guestUserRoleId") {
        "" => Ok(()),
        role if roles.contains(&role) => Ok(()),
        _ => Err(invalid("guestUserRoleId", "AuthorizationPolicy")),
    }
}
