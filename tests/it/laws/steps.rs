//! Steps of single plans: their order, and what is never made or written.

use std::collections::{BTreeMap, BTreeSet};

use entragit::engine::normalize::normalize;
use entragit::engine::schema;
use entragit::kinds;
use entragit::model::{Address, Snapshot};
use serde_json::{Value, json};

use crate::support::generated::sides::Sides;
use crate::support::generated::{addresses, guid, snapshot};

#[test]
fn tiers() {
    insta::assert_snapshot!(
        schema::tiers().iter().map(|(kind, tier)| format!("{tier} {kind}")).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join("\n"),
        @r"
    0 accessPackageCatalog
    0 accessReview
    0 activityBasedTimeoutPolicy
    0 adminConsentRequestPolicy
    0 administrativeUnit
    0 agreement
    0 appManagementPolicy
    0 application
    0 attributeSet
    0 authenticationContextClassReference
    0 authenticationFlowsPolicy
    0 authenticationStrengthPolicy
    0 authorizationPolicy
    0 b2xIdentityUserFlow
    0 certificateBasedAuthPki
    0 claimsMappingPolicy
    0 connectedOrganization
    0 crossTenantAccessPolicy
    0 customAuthenticationExtension
    0 device
    0 domain
    0 entitlementManagementRoleDefinition
    0 entitlementManagementSettings
    0 externalIdentitiesPolicy
    0 featureRolloutPolicy
    0 filteringPolicy
    0 filteringProfile
    0 forwardingProfile
    0 group
    0 groupLifecyclePolicy
    0 groupSetting
    0 homeRealmDiscoveryPolicy
    0 identityApiConnector
    0 identityProvider
    0 identitySecurityDefaultsEnforcementPolicy
    0 identityUserFlowAttribute
    0 lifecycleManagementSettings
    0 multiTenantOrganization
    0 multiTenantOrganizationMember
    0 namedLocation
    0 networkAccessConditionalAccess
    0 networkAccessCrossTenantAccess
    0 onPremisesDirectorySynchronization
    0 orgContact
    0 organization
    0 organizationSyncTemplate
    0 permissionGrantPolicy
    0 roleDefinition
    0 subscribedSku
    0 tenantAppManagementPolicy
    0 tlsInspectionPolicy
    0 tokenIssuancePolicy
    0 tokenLifetimePolicy
    1 accessPackage
    1 customSecurityAttributeDefinition
    1 forwardingPolicy
    1 groupRoleSettings
    1 roleManagementPolicy
    1 servicePrincipal
    2 authenticationEventListener
    2 customTaskExtension
    2 user
    3 accessPackageAssignmentPolicy
    3 authenticationMethodsPolicy
    3 conditionalAccessPolicy
    3 crossTenantAccessDefault
    3 crossTenantPartner
    3 deviceRegistrationPolicy
    3 entitlementManagementRoleAssignment
    3 groupAssignmentSchedule
    3 groupEligibilitySchedule
    3 lifecycleWorkflow
    3 organizationPartnerTemplate
    3 roleAssignment
    3 roleAssignmentSchedule
    3 roleEligibilitySchedule
    "
    );
}

/// What Graph has room for only once goes before its successor comes.
#[test]
fn the_old_goes_first_where_there_is_room_for_one() {
    let (api, shop) = (guid(90, 1), guid(90, 2));
    let side = |class: &str, first: &[&str], second: &[&str]| {
        let policy =
            |n: usize, to: &[&str]| json!({"id": guid(91, n), "displayName": "P", "isEnabled": true, "appliesTo": to});
        let classified = json!([{"permissionId": guid(92, 0), "permissionName": "read", "classification": class}]);
        let all = [
            (
                "servicePrincipal",
                json!({"id": api, "displayName": "Api", "delegatedPermissionClassifications": classified}),
            ),
            ("application", json!({"id": shop, "displayName": "Shop"})),
            ("appManagementPolicy", policy(1, first)),
            ("appManagementPolicy", policy(2, second)),
        ];
        snapshot(
            all.into_iter()
                .map(|(kind, value)| (kinds::by_name(kind).unwrap(), value.as_object().unwrap().clone()))
                .collect(),
        )
    };
    let (live, wanted) = (side("low", &[], &[&shop]), side("medium", &[&shop], &[]));
    let base = addresses(&live);
    let plan = Sides { wanted, live, deleted: BTreeMap::new(), base }.plan();
    let steps =
        plan.steps.iter().map(|step| format!("{} {:?}", step.address.kind.name, step.action)).collect::<Vec<_>>();
    let found = |kind: &str, what: &str| {
        steps
            .iter()
            .position(|step| step.starts_with(kind) && step.contains(what))
            .unwrap_or_else(|| panic!("{steps:#?}"))
    };
    for kind in ["servicePrincipal", "appManagementPolicy"] {
        assert!(found(kind, " Unlink") < found(kind, " Link"), "{steps:#?}");
    }
    assert_eq!(steps.len(), 4, "{steps:#?}");
}

/// What is only shown of a child never makes it anew; what a new one lacks is said.
#[test]
fn a_job_is_not_made_anew_for_its_schedule() {
    let side = |jobs: Value| {
        let object = json!({"id": guid(93, 1), "displayName": "Travel", "synchronization": jobs});
        snapshot(vec![(kinds::by_name("servicePrincipal").unwrap(), object.as_object().unwrap().clone())])
    };
    let job = |state: &str| json!([{"templateId": "scim", "schedule": {"interval": "PT40M", "state": state}}]);
    let plan = |wanted: Snapshot, live: Snapshot| {
        let base = addresses(&live);
        Sides { wanted, live, deleted: BTreeMap::new(), base }.plan()
    };
    let same = plan(side(job("Active")), side(job("Paused")));
    assert!(same.steps.is_empty() && same.losses.is_empty(), "{:#?}", same.steps);
    let gone = plan(side(job("Active")), side(json!([])));
    assert!(gone.losses[0].what().contains("a person enters its credentials"), "{:#?}", gone.losses);
}

/// Agents are never made as what they are not: an account with a password, an application like any other.
#[test]
fn agents_are_not_made_as_something_else() {
    let all = [
        ("application", json!({"id": guid(94, 1), "@odata.type": "#microsoft.graph.agentIdentityBlueprint"})),
        (
            "servicePrincipal",
            json!({"id": guid(94, 2), "@odata.type": "#microsoft.graph.agentIdentityBlueprintPrincipal"}),
        ),
        ("servicePrincipal", json!({"id": guid(94, 3), "servicePrincipalType": "ServiceIdentity"})),
        ("user", json!({"id": guid(94, 4), "@odata.type": "#microsoft.graph.agentUser"})),
    ];
    let raw = all.into_iter().map(|(kind, value)| (kinds::by_name(kind).unwrap(), value.as_object().unwrap().clone()));
    let (wanted, live) = (snapshot(raw.collect()), snapshot(Vec::new()));
    let plan = Sides { wanted, live, deleted: BTreeMap::new(), base: BTreeSet::new() }.plan();
    assert!(plan.steps.is_empty(), "{:#?}", plan.steps);
    assert_eq!(plan.losses.len(), 4, "{:#?}", plan.losses);
    // Some replies name the type of every object.
    let application = kinds::by_name("application").unwrap();
    let typed = |ty: &str| json!({"id": "a", "@odata.type": format!("#microsoft.graph.{ty}")});
    let kept =
        |ty: &str| normalize(application, typed(ty).as_object().unwrap().clone()).object.get("@odata.type").is_some();
    assert!(!kept("application") && kept("agentIdentityBlueprint"));
}

/// Licences and the gallery's entry are shown, and a difference in them is nobody's to write.
#[test]
fn what_is_kept_for_information_is_not_written() {
    let kept = [
        ("application", "applicationTemplateId", json!("one"), json!("two")),
        ("servicePrincipal", "applicationTemplateId", json!("one"), json!("two")),
        ("user", "assignedLicenses", json!([{"skuId": guid(95, 8)}]), json!([])),
        ("group", "assignedLicenses", json!([{"skuId": guid(95, 9)}]), json!([])),
    ];
    for (kind, property, was, is) in kept {
        let kind = kinds::by_name(kind).unwrap();
        let side = |value: &Value| {
            let object = json!({"id": guid(95, 1), "displayName": "Same", property: value});
            snapshot(vec![(kind, object.as_object().unwrap().clone())])
        };
        let (wanted, live) = (side(&was), side(&is));
        let address = Address::new(kind, guid(95, 1));
        assert_eq!(wanted.objects[&address].get(property), Some(&was), "{} {property}", kind.name);
        let base = addresses(&live);
        let plan = Sides { wanted, live, deleted: BTreeMap::new(), base }.plan();
        assert!(plan.steps.is_empty(), "{:#?}", plan.steps);
        let said = entragit::engine::render::kinds::text(&[kind]);
        let line = said.lines().find(|line| line.contains("kept for information")).unwrap_or_default();
        assert!(line.contains(property), "{said}");
    }
}
