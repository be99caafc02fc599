//! Lists the properties that differ from what the metadata says: who may write them, and which a read shows.

use crate::kinds;
use crate::model::Kind;
use crate::model::kind::Api;

/// Returns the properties whose values no two live objects of a kind share. A path picks an object by [`alternate_keys`] only.
pub fn unique(kind: &str) -> &'static [&'static str] {
    match kind {
        "user" => &["userPrincipalName"],
        "group" => &["uniqueName", "mail"],
        "application" => &["appId", "uniqueName", "identifierUris"],
        "servicePrincipal" => &["appId"],
        _ => &[],
    }
}

/// Returns the properties by whose values live objects are found: those of [`unique`], and mail addresses, which are compared only
/// when an object is restored.
pub fn indexed(kind: &str) -> impl Iterator<Item = &'static &'static str> {
    let addresses: &[&str] = if matches!(kind, "user" | "group") { &["proxyAddresses"] } else { &[] };
    unique(kind).iter().chain(addresses)
}

/// Returns the alternate keys, as the metadata's `AlternateKeys` has them.
pub fn alternate_keys(kind: &str) -> &'static [&'static str] {
    match kind {
        "user" => &["userPrincipalName"],
        "group" => &["uniqueName"],
        "application" => &["appId", "uniqueName"],
        "servicePrincipal" => &["appId"],
        _ => &[],
    }
}

/// Returns the status of an update that is answered with the object; `None` if the answer is 204 without a body.
/// <https://learn.microsoft.com/graph/api/grouplifecyclepolicy-update>,
/// <https://learn.microsoft.com/graph/api/accesspackageassignmentpolicy-update>,
/// <https://learn.microsoft.com/graph/api/connectedorganization-update>
pub fn update_status(kind: &str, api: Api) -> Option<u16> {
    match kind {
        // <https://learn.microsoft.com/graph/api/authenticationmethodspolicy-update?view=graph-rest-beta>
        "authenticationMethodsPolicy" if api == Api::Beta => Some(200),
        "groupLifecyclePolicy" | "accessPackageAssignmentPolicy" => Some(200),
        "connectedOrganization" => Some(202),
        _ => None,
    }
}

/// Returns the complex properties that a PATCH replaces whole: a part that it leaves out is gone, as the provider of Terraform meets
/// it. <https://github.com/hashicorp/terraform-provider-azuread/blob/main/internal/services/applications/application_resource_test.go>
pub fn replaced_whole(kind: &str) -> &'static [&'static str] {
    match kind {
        "application" => &["optionalClaims"],
        "servicePrincipal" => &["samlSingleSignOnSettings"],
        _ => &[],
    }
}

/// Returns the properties that are returned without `$select`, where these are not all. "by default, only a limited set of
/// properties are returned": <https://learn.microsoft.com/graph/api/user-list>
pub fn default_properties(ty: &str) -> Option<&'static [&'static str]> {
    match ty {
        "user" => Some(&[
            "businessPhones",
            "displayName",
            "givenName",
            "id",
            "jobTitle",
            "mail",
            "mobilePhone",
            "officeLocation",
            "preferredLanguage",
            "surname",
            "userPrincipalName",
        ]),
        _ => None,
    }
}

/// Returns the properties and relations that the list of a kind does not show, although one object does.
/// <https://learn.microsoft.com/graph/api/identitygovernance-lifecycleworkflowscontainer-list-workflows>
pub fn not_in_lists(kind: &Kind) -> &'static [&'static str] {
    match kind.name {
        "lifecycleWorkflow" => &["executionConditions", "tasks"],
        _ => &[],
    }
}

/// Returns the properties that only a read of a single user answers. <https://learn.microsoft.com/graph/api/user-list>
pub fn single_only(ty: &str) -> &'static [&'static str] {
    match ty {
        "user" => &[
            "aboutMe",
            "birthday",
            "hireDate",
            "interests",
            "mySite",
            "pastProjects",
            "preferredName",
            "responsibilities",
            "schools",
            "skills",
            "mailboxSettings",
        ],
        _ => &[],
    }
}

/// Returns the properties, besides those that the metadata marks, that are returned only when `$select` names them.
/// <https://learn.microsoft.com/graph/api/resources/group>, <https://learn.microsoft.com/graph/api/resources/serviceprincipal>
pub fn on_select(ty: &str) -> &'static [&'static str] {
    match ty {
        // These are never part of a plain read: "isFavorite … hasMembersWithLicenseErrors".
        "group" => &[
            "accessType",
            "hasMembersWithLicenseErrors",
            "isArchived",
            "isFavorite",
            "unseenConversationsCount",
            "unseenMessagesCount",
            "infoCatalogs",
            "welcomeMessageEnabled",
        ],
        "servicePrincipal" => &["customSecurityAttributes"],
        _ => &[],
    }
}

/// Returns true if a client may not write the property at all. `marked` is true if the metadata calls it read-only.
pub fn read_only(ty: &str, name: &str, marked: bool) -> bool {
    if writable_all_the_same(ty).contains(&name) {
        return false;
    }
    let always = ["id", "createdDateTime", "modifiedDateTime", "deletedDateTime", "lastModifiedDateTime"];
    marked || set_by_server(ty).contains(&name) || dates_are_set_by_server(ty) && always.contains(&name)
}

/// Returns the properties that a client may write although the metadata marks them. Descriptions such as "read-only for users
/// synced from on-premises" mark these; cloud objects take them. <https://learn.microsoft.com/graph/api/resources/user>
fn writable_all_the_same(ty: &str) -> &'static [&'static str] {
    match ty {
        "user" => {
            &["businessPhones", "mobilePhone", "onPremisesExtensionAttributes", "onPremisesImmutableId", "otherMails"]
        }
        "group" | "application" => &["uniqueName"],
        "passwordCredential" => &["hint"],
        // Microsoft's page says: "Read-only when isBuiltIn is true":
        // <https://learn.microsoft.com/graph/api/resources/unifiedroledefinition>
        "unifiedRoleDefinition" => {
            &["description", "displayName", "isEnabled", "rolePermissions", "templateId", "version"]
        }
        "unifiedRoleAssignment" => &["roleDefinitionId"],
        // <https://learn.microsoft.com/graph/api/group-post-settings>
        "groupSetting" => &["templateId"],
        // <https://learn.microsoft.com/graph/api/authenticationflowspolicy-update>
        "authenticationFlowsPolicy" => &["selfServiceSignUp"],
        // <https://learn.microsoft.com/graph/api/customsecurityattributedefinition-post-allowedvalues>,
        // <https://learn.microsoft.com/graph/api/organizationalbranding-post-localizations>
        "allowedValue" | "organizationalBrandingLocalization" => &["id"],
        _ => &[],
    }
}

/// Returns the properties that only the server sets, besides those that the metadata marks.
fn set_by_server(ty: &str) -> &'static [&'static str] {
    match ty {
        "user" => &[
            "assignedLicenses",
            "lastPasswordChangeDateTime",
            "externalUserStateChangeDateTime",
            "isManagementRestricted",
            "serviceProvisioningErrors",
            "onPremisesProvisioningErrors",
            "deviceEnrollmentLimit",
            "identityParentId",
        ],
        "group" => &[
            "isManagementRestricted",
            "serviceProvisioningErrors",
            "hasMembersWithLicenseErrors",
            "onPremisesProvisioningErrors",
            "organizationId",
        ],
        // Microsoft's page says: "verifiedPublisher: use setVerifiedPublisher":
        // <https://learn.microsoft.com/graph/api/resources/application>
        "application" => {
            // `isDisabled` is written by PATCH: <https://learn.microsoft.com/entra/identity/enterprise-apps/deactivate-app-registration>
            &["certification", "verifiedPublisher", "createdByAppId", "disabledByMicrosoftStatus"]
        }
        // <https://learn.microsoft.com/graph/api/resources/agentidentity>
        "agentIdentity" | "agentIdentityBlueprint" | "agentIdentityBlueprintPrincipal" => &["createdByAppId"],
        // <https://learn.microsoft.com/graph/api/resources/networkaccess-profile>
        _ if ty.starts_with("networkaccess.") => &["createdDateTime", "lastModifiedDateTime"],
        // A service principal takes these from its application:
        // <https://learn.microsoft.com/graph/api/resources/serviceprincipal>
        "servicePrincipal" => &[
            "appDisplayName",
            "appDescription",
            "appOwnerOrganizationId",
            "appRoles",
            "oauth2PermissionScopes",
            "servicePrincipalType",
            "verifiedPublisher",
            "disabledByMicrosoftStatus",
            "isDisabled",
            "createdByAppId",
            "passwordCredentials",
            "publisherName",
        ],
        "conditionalAccessPolicy" => &["templateId"],
        // <https://learn.microsoft.com/graph/api/resources/authenticationstrengthpolicy>
        "authenticationStrengthPolicy" => &["policyType", "requirementsSatisfied"],
        "authenticationMethodsPolicy" => &["policyVersion"],
        // These are read-only according to the metadata of beta:
        // <https://learn.microsoft.com/graph/api/resources/deviceregistrationpolicy>
        "deviceRegistrationPolicy" => &["displayName", "description"],
        _ => &[],
    }
}

/// Returns true if the server sets the id and the dates of such an object.
fn dates_are_set_by_server(ty: &str) -> bool {
    matches!(
        ty,
        "user"
            | "group"
            | "application"
            | "servicePrincipal"
            | "conditionalAccessPolicy"
            | "namedLocation"
            | "ipNamedLocation"
            | "countryNamedLocation"
            | "authenticationStrengthPolicy"
            | "authenticationMethodsPolicy"
            | "authorizationPolicy"
            | "appRoleAssignment"
            | "oAuth2PermissionGrant"
            | "federatedIdentityCredential"
            | "unifiedRoleManagementPolicy"
    )
}

/// Returns true if PATCH refuses the property: it can be given at creation only, or is changed by an action.
pub fn refused_by_patch(kind: &str, name: &str) -> bool {
    match kind {
        // Microsoft's page says: "Can only be set while creating the group and is immutable":
        // <https://learn.microsoft.com/graph/api/resources/group>
        "group" => matches!(name, "isAssignableToRole" | "uniqueName" | "mailEnabled"),
        "application" => name == "uniqueName",
        "unifiedRoleDefinition" => name == "templateId",
        "servicePrincipal" => name == "appId",
        "groupSetting" => name == "templateId",
        // PATCH takes displayName and description only, the rest goes through an action:
        // <https://learn.microsoft.com/graph/api/authenticationstrengthpolicy-update>
        "authenticationStrengthPolicy" => name == "allowedCombinations",
        _ => false,
    }
}

/// Returns true for navigation properties that a body may hold by value.
pub fn nav_in_body(ty: &str, name: &str) -> bool {
    match name {
        // <https://learn.microsoft.com/graph/api/conditionalaccessroot-post-policies>, example with authenticationStrength
        "authenticationStrength" => ty == "conditionalAccessGrantControls",
        // <https://learn.microsoft.com/graph/api/identitycontainer-post-authenticationeventlisteners>
        "includeApplications" => ty == "authenticationConditionsApplications",
        "customExtension" if ty.ends_with("CustomExtensionHandler") => true,
        // <https://learn.microsoft.com/graph/api/fido2authenticationmethodconfiguration-update>
        "includeTargets" | "passkeyProfiles" => ty.ends_with("AuthenticationMethodConfiguration"),
        _ => expandable(name),
    }
}

/// Returns true if a body may hold a relation by value because some list shows it so.
fn expandable(relation: &str) -> bool {
    kinds::ALL.iter().any(|kind| {
        let of_links = kind.links.iter().flat_map(|link| link.expand);
        kind.expand.iter().chain(of_links).any(|known| known.split(['(', ')', ',', '=']).any(|word| word == relation))
    })
}
