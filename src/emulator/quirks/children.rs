//! Implements the rules for objects that live with a parent: app role assignments, delegated grants, federated credentials,
//! method configurations.

use serde_json::{Value, json};

use super::authentication;
use super::checks::{invalid, require};
use super::role_settings;
use crate::emulator::error::Fault;
use crate::emulator::store::{Key, Properties, strings, text};
use crate::emulator::tenant::Tenant;
use crate::kinds;

/// Checks a new child and adds the properties that the service sets.
pub fn create_child(tenant: &Tenant, link: &'static str, parent: &Key, child: &mut Properties) -> Result<(), Fault> {
    match link {
        "appRoleAssignedTo" => assignment(tenant, child),
        "oauth2PermissionGrants" => grant(tenant, child),
        "federatedIdentityCredentials" => credential(tenant, link, parent, child),
        "extensionProperties" => extension(tenant, link, parent, child),
        "delegatedPermissionClassifications" => classification(tenant, link, parent, child),
        "synchronization" => job(tenant, link, parent, child),
        "authenticationMethodConfigurations" => {
            // Only external methods can be added:
            // <https://learn.microsoft.com/graph/api/authenticationmethodspolicy-post-authenticationmethodconfigurations>
            match text(child, "@odata.type") {
                "#microsoft.graph.externalAuthenticationMethodConfiguration" => targets(tenant, child),
                _ => Err(Fault::bad("Only external authentication methods can be added.")),
            }
        }
        // Microsoft's page says: "You can't create the default branding by setting the value of id to 0 or default":
        // <https://learn.microsoft.com/graph/api/organizationalbranding-post-localizations>
        "branding" if matches!(text(child, "id"), "0" | "default") => Err(invalid("id", "organizationalBranding")),
        "combinationConfigurations" => {
            super::generic::create_child(tenant, link, parent, child)?;
            authentication::configures(tenant, parent, child)
        }
        "resources" => {
            super::generic::create_child(tenant, link, parent, child)?;
            super::entitlement::add_resource(tenant, child)
        }
        // The synchronization belongs to the partner's tenant: its key is the partner's.
        // <https://learn.microsoft.com/graph/api/resources/crosstenantidentitysyncpolicypartner>
        "identitySynchronization" => {
            child.insert("tenantId".to_owned(), parent.id.as_ref().into());
            super::generic::create_child(tenant, link, parent, child)
        }
        "certificateBasedAuthConfiguration" => {
            super::certificate::name_issuers(child);
            super::generic::create_child(tenant, link, parent, child)
        }
        "certificateAuthorities" => {
            super::generic::create_child(tenant, link, parent, child)?;
            super::certificate::describe(tenant, child)
        }
        "resourceRoleScopes" => {
            super::generic::create_child(tenant, link, parent, child)?;
            super::entitlement::resource_there(tenant, parent, child)
        }
        _ => super::generic::create_child(tenant, link, parent, child),
    }
}

/// Checks a change of a child.
pub fn update_child(
    tenant: &Tenant,
    link: &str,
    old: &Properties,
    patch: &Properties,
    new: &mut Properties,
) -> Result<(), Fault> {
    match link {
        // Microsoft's page says: "You can only update scope":
        // <https://learn.microsoft.com/graph/api/oauth2permissiongrant-update>
        "oauth2PermissionGrants" => {
            match patch.keys().find(|name| *name != "scope" && patch.get(*name) != old.get(*name)) {
                Some(name) => Err(Fault::bad(format!("Property '{name}' is read-only and cannot be set."))),
                None => Ok(()),
            }
        }
        "federatedIdentityCredentials" => {
            if old.get("name") != new.get("name") {
                return Err(Fault::bad("Property 'name' is read-only and cannot be set."));
            }
            audiences(new)
        }
        "authenticationMethodConfigurations" => {
            // The type is part of the body:
            // <https://learn.microsoft.com/graph/api/fido2authenticationmethodconfiguration-update>.
            if patch.get("@odata.type") != old.get("@odata.type") {
                return Err(Fault::bad(
                    "The '@odata.type' property is required and must be the type of the authentication method configuration.",
                ));
            }
            targets(tenant, new)
        }
        "rules" => role_settings::update_rule(old, patch),
        "combinationConfigurations" => {
            let key = Key::of(text(old, "id"));
            let parent = tenant.links.sources(&key, "combinationConfigurations").into_iter().flatten().next();
            parent.map_or(Ok(()), |parent| authentication::configures(tenant, parent, new))
        }
        _ => Ok(()),
    }
}

/// Checks a changed child against the other children of its parent.
pub fn check_siblings(tenant: &Tenant, link: &str, key: &Key, new: &Properties) -> Result<(), Fault> {
    if link == "rules" { role_settings::check_rules(tenant, key, new) } else { Ok(()) }
}

/// Returns the state that remains when a child is deleted: method configurations return to their defaults.
/// <https://learn.microsoft.com/graph/api/fido2authenticationmethodconfiguration-delete>
pub fn delete_child(link: &str, old: &Properties) -> Result<Option<Properties>, Fault> {
    match (link, text(old, "id")) {
        // The default localization is deleted with the branding as a whole:
        // <https://learn.microsoft.com/graph/api/organizationalbranding-delete>
        ("branding", "0") => Err(Fault::bad("The default branding cannot be deleted as a localization.")),
        ("authenticationMethodConfigurations", id)
            if !text(old, "@odata.type").ends_with("externalAuthenticationMethodConfiguration") =>
        {
            Ok(super::defaults::configuration(id))
        }
        _ => Ok(None),
    }
}

/// Checks and completes a new app role assignment.
/// <https://learn.microsoft.com/graph/api/serviceprincipal-post-approleassignedto>
fn assignment(tenant: &Tenant, child: &mut Properties) -> Result<(), Fault> {
    require(child, &["principalId", "resourceId", "appRoleId"], "AppRoleAssignment")?;
    let (principal_kind, principal) = tenant
        .directory_object(text(child, "principalId"))
        .ok_or_else(|| Fault::missing(text(child, "principalId")))?;
    let (resource_kind, mut resource) =
        tenant.directory_object(text(child, "resourceId")).ok_or_else(|| Fault::missing(text(child, "resourceId")))?;
    let ty = match principal_kind.name {
        "user" => "User",
        "group" => "Group",
        "servicePrincipal" => "ServicePrincipal",
        _ => return Err(invalid("principalId", "AppRoleAssignment")),
    };
    if resource_kind.name != "servicePrincipal" {
        return Err(invalid("resourceId", "AppRoleAssignment"));
    }
    super::application::mirror(tenant, &mut resource);
    let role = text(child, "appRoleId").to_owned();
    let declared = resource.get("appRoles").and_then(Value::as_array).is_some_and(|roles| {
        roles.iter().any(|known| {
            known.get("id").and_then(Value::as_str) == Some(&role)
                && known.get("isEnabled") != Some(&Value::Bool(false))
        })
    });
    if !declared && role != "00000000-0000-0000-0000-000000000000" {
        return Err(Fault::bad("Permission being assigned was not found on application"));
    }
    let taken = tenant
        .children("appRoleAssignedTo", &Key::of(text(child, "resourceId")))
        .any(|other| ["principalId", "appRoleId"].iter().all(|name| other.get(*name) == child.get(*name)));
    if taken {
        return Err(Fault::bad("Permission being assigned already exists on the object"));
    }
    child.insert("principalType".to_owned(), ty.into());
    child.insert("principalDisplayName".to_owned(), principal.get("displayName").cloned().unwrap_or_default());
    child.insert("resourceDisplayName".to_owned(), resource.get("displayName").cloned().unwrap_or_default());
    child.insert("createdDateTime".to_owned(), tenant.clock.ticks().into());
    Ok(())
}

/// Checks a new delegated grant. <https://learn.microsoft.com/graph/api/oauth2permissiongrant-post>
fn grant(tenant: &Tenant, child: &mut Properties) -> Result<(), Fault> {
    // Microsoft's page says: "startTime, expiryTime: currently ignored, but a value is required in beta".
    child.remove("startTime");
    child.remove("expiryTime");
    require(child, &["clientId", "consentType", "resourceId", "scope"], "OAuth2PermissionGrant")?;
    for name in ["clientId", "resourceId"] {
        let found = tenant.directory_object(text(child, name)).is_some_and(|(kind, _)| kind.name == "servicePrincipal");
        if !found {
            return Err(Fault::missing(text(child, name)));
        }
    }
    match (text(child, "consentType"), text(child, "principalId")) {
        ("AllPrincipals", "") => {}
        ("Principal", id) if tenant.directory_object(id).is_some_and(|(kind, _)| kind.name == "user") => {}
        _ => return Err(invalid("principalId", "OAuth2PermissionGrant")),
    }
    let taken = tenant.children("oauth2PermissionGrants", &Key::of(text(child, "clientId"))).any(|other| {
        ["resourceId", "consentType", "principalId"].iter().all(|name| text(&other, name) == text(child, name))
    });
    if taken {
        return Err(Fault::new(409, "Request_MultipleObjectsWithSameKeyValue", "Permission entry already exists."));
    }
    Ok(())
}

/// Checks a new federated credential. <https://learn.microsoft.com/graph/api/application-post-federatedidentitycredentials>
fn credential(tenant: &Tenant, link: &'static str, parent: &Key, child: &mut Properties) -> Result<(), Fault> {
    // In beta an expression over the claims may replace the subject.
    // <https://learn.microsoft.com/graph/api/resources/federatedidentitycredential?view=graph-rest-beta>
    let expression = child.get("claimsMatchingExpression").is_some_and(|expression| !expression.is_null());
    match expression {
        true => require(child, &["name", "issuer", "audiences"], "FederatedIdentityCredential")?,
        false => require(child, &["name", "issuer", "subject", "audiences"], "FederatedIdentityCredential")?,
    }
    audiences(child)?;
    let others: Vec<Properties> = tenant.children(link, parent).collect();
    // Microsoft's page says: "You can add a maximum of 20 federated identity credentials to an application."
    if others.len() >= 20 {
        return Err(Fault::new(
            400,
            "Directory_QuotaExceeded",
            "The application has the maximum number of federated identity credentials.",
        ));
    }
    for other in &others {
        let same = |name: &str| text(other, name) == text(child, name);
        if same("name") || same("issuer") && !expression && same("subject") {
            return Err(Fault::new(
                409,
                "Request_MultipleObjectsWithSameKeyValue",
                format!("FederatedIdentityCredential with name {} already exists.", text(other, "name")),
            ));
        }
    }
    Ok(())
}

/// Checks a new directory extension, and names it after its application.
/// <https://learn.microsoft.com/graph/api/application-post-extensionproperty>
fn extension(tenant: &Tenant, link: &'static str, parent: &Key, child: &mut Properties) -> Result<(), Fault> {
    require(child, &["name", "dataType", "targetObjects"], "ExtensionProperty")?;
    let types = ["Binary", "Boolean", "DateTime", "Integer", "LargeInteger", "String"];
    if !types.contains(&text(child, "dataType")) {
        return Err(invalid("dataType", "ExtensionProperty"));
    }
    let targets = ["User", "Group", "AdministrativeUnit", "Application", "Device", "Organization"];
    if !strings(child.get("targetObjects")).all(|target| targets.contains(&target)) {
        return Err(invalid("targetObjects", "ExtensionProperty"));
    }
    let application = kinds::by_name("application").and_then(|kind| tenant.store.table(kind).get(&parent.id));
    let application = application.ok_or_else(|| Fault::missing(&parent.id))?;
    let name = format!("extension_{}_{}", text(&application, "appId").replace('-', ""), text(child, "name"));
    if tenant.children(link, parent).any(|other| text(&other, "name") == name) {
        return Err(Fault::new(
            409,
            "Request_MultipleObjectsWithSameKeyValue",
            "An extension property exists with the name.",
        ));
    }
    child.insert("name".to_owned(), name.into());
    child.insert("appDisplayName".to_owned(), application.get("displayName").cloned().unwrap_or_default());
    child.insert("isSyncedFromOnPremises".to_owned(), false.into());
    child.entry("isMultiValued").or_insert_with(|| false.into());
    Ok(())
}

/// Checks that a classification is for a permission that the application offers.
/// <https://learn.microsoft.com/graph/api/resources/delegatedpermissionclassification>
fn classification(tenant: &Tenant, link: &'static str, parent: &Key, child: &mut Properties) -> Result<(), Fault> {
    require(child, &["permissionId"], "DelegatedPermissionClassification")?;
    let (_, mut api) = tenant.directory_object(&parent.id).ok_or_else(|| Fault::missing(&parent.id))?;
    super::application::mirror(tenant, &mut api);
    let offered = api.get("oauth2PermissionScopes").and_then(Value::as_array);
    if !offered.is_some_and(|all| all.iter().any(|scope| scope.get("id") == child.get("permissionId"))) {
        return Err(invalid("permissionId", "DelegatedPermissionClassification"));
    }
    super::generic::create_child(tenant, link, parent, child)
}

/// Creates a synchronization job, which is disabled at first; its template defines what it does.
/// <https://learn.microsoft.com/graph/api/synchronization-synchronization-post-jobs>
fn job(tenant: &Tenant, link: &'static str, parent: &Key, child: &mut Properties) -> Result<(), Fault> {
    require(child, &["templateId"], "synchronizationJob")?;
    super::generic::create_child(tenant, link, parent, child)?;
    child.insert("schedule".to_owned(), json!({"expiration": null, "interval": "PT40M", "state": "Disabled"}));
    child.insert("status".to_owned(), status("Paused"));
    Ok(())
}

/// Returns the status that a job shows of its runs, as on
/// <https://learn.microsoft.com/graph/api/synchronization-synchronization-list-jobs>.
fn status(code: &str) -> Value {
    let never = "0001-01-01T00:00:00Z";
    json!({"code": code, "countSuccessiveCompleteFailures": 0, "escrowsPruned": false, "lastExecution": null,
        "lastSuccessfulExecution": null, "lastSuccessfulExecutionWithExports": null, "quarantine": null, "progress": [],
        "synchronizedEntryCountByType": [], "steadyStateFirstAchievedTime": never, "steadyStateLastAchievedTime": never})
}

fn audiences(child: &Properties) -> Result<(), Fault> {
    match strings(child.get("audiences")).count() {
        1 => Ok(()),
        _ => Err(invalid("audiences", "FederatedIdentityCredential")),
    }
}

/// Checks the targets of a method: each is a group, or `all_users`.
/// <https://learn.microsoft.com/graph/api/resources/authenticationmethodtarget>
fn targets(tenant: &Tenant, child: &Properties) -> Result<(), Fault> {
    for list in ["includeTargets", "excludeTargets"] {
        for target in child.get(list).and_then(Value::as_array).into_iter().flatten() {
            let id = target.get("id").and_then(Value::as_str).unwrap_or_default();
            let group =
                kinds::by_name("group").is_some_and(|kind| tenant.store.table(kind).live.contains_key(&Key::of(id)));
            if !group && id != "all_users" {
                return Err(Fault::bad(format!("The target '{id}' in {list} does not exist in the directory.")));
            }
        }
    }
    Ok(())
}

/// Sets a strength's combinations, which PATCH does not.
/// <https://learn.microsoft.com/graph/api/authenticationstrengthpolicy-updateallowedcombinations>
pub fn combinations(tenant: &Tenant, object: &mut Properties, body: &Properties) -> Result<Value, Fault> {
    authentication::built_in(object)?;
    let wanted = body.get("allowedCombinations").cloned().unwrap_or_default();
    if strings(Some(&wanted)).next().is_none() || body.len() != 1 {
        return Err(invalid("allowedCombinations", "AuthenticationStrengthPolicy"));
    }
    let before = object.insert("allowedCombinations".to_owned(), wanted.clone());
    object.insert("modifiedDateTime".to_owned(), tenant.clock.ticks().into());
    authentication::satisfied(object);
    Ok(json!({
        "additionalInformation": null, "conditionalAccessReferences": [],
        "currentCombinations": wanted, "previousCombinations": before,
    }))
}
