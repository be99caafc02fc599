//! Properties that one version of Graph shows and the other leaves out, and relations that hang on an object without being part of it,
//! are in the files and come back, or are told as lost.

use entragit::ops::plan::plan;
use serde_json::{Value, json};

use crate::support::in_process::{World, company, snapshot};

/// Applies `main`, which has to be reached, and asks for nothing more afterwards.
async fn recover(world: &World) {
    let applied = world.apply().await.unwrap();
    assert!(applied.verified, "{:?} {:?}", applied.unmet, applied.outcome.failed);
    let again = plan(&world.context, &world.tenant, &world.aim()).await.unwrap();
    assert!(again.plan.steps.is_empty() && again.plan.losses.is_empty(), "{:#?}", again.plan);
}

/// <https://learn.microsoft.com/graph/api/resources/permissiongrantconditionset?view=graph-rest-beta>
#[tokio::test(start_paused = true)]
async fn consent_stays_with_certified_applications_and_labels() {
    const POLICIES: &str = "/beta/policies/permissionGrantPolicies";
    let world = company(&["application", "servicePrincipal", "permissionGrantPolicy"]).await;
    let policy = json!({"id": "own-policy", "displayName": "Own", "resourceScopeType": "team", "includeAllPreApprovedApplications": false});
    world.graph.made(POLICIES, policy).await;
    let labels = json!({"@odata.type": "#microsoft.graph.enumeratedScopeSensitivityLabels", "labelKind": "enumerated",
        "sensitivityLabels": ["d9c43deb-f3e1-4422-9fd6-ccf22a3206b8"]});
    let includes = format!("{POLICIES}/own-policy/includes");
    let mut made = Vec::new();
    for set in [
        json!({"permissionType": "delegated", "certifiedClientApplicationsOnly": true}),
        json!({"permissionType": "application", "certifiedClientApplicationsOnly": false, "scopeSensitivityLabels": labels}),
    ] {
        made.push(world.graph.made(&includes, set).await);
    }
    let seen = world.graph.ok("/v1.0/policies/permissionGrantPolicies/own-policy").await.to_string();
    assert!(!seen.contains("PreApproved") && !seen.contains("resourceScopeType"), "{seen}");
    snapshot(&world).await;
    let file = world.git(&["grep", "-h", "", "snapshots", "--", "policies/permission-grant"]);
    for line in ["certifiedClientApplicationsOnly: true", "labelKind: enumerated", "resourceScopeType: team"] {
        assert!(file.contains(line), "{file}");
    }
    for set in &made {
        let path = format!("{includes}/{}", set["id"].as_str().unwrap());
        assert_eq!(world.graph.delete(&path).await.0, 204);
    }
    // Both sets cover more than before, and nothing that v1.0 shows of them differs.
    for ty in ["delegated", "application"] {
        world.graph.made(&includes, json!({"permissionType": ty, "certifiedClientApplicationsOnly": false})).await;
    }
    let more = json!({"includeAllPreApprovedApplications": true});
    assert_eq!(world.graph.patch(&format!("{POLICIES}/own-policy"), more).await.0, 204);
    recover(&world).await;
    let now = world.graph.ok(&format!("{POLICIES}/own-policy")).await;
    assert_eq!(now["includeAllPreApprovedApplications"], false);
    let sets = world.graph.ok(&includes).await.to_string();
    assert!(sets.contains(r#""certifiedClientApplicationsOnly":true"#) && sets.contains("d9c43deb"), "{sets}");
}

/// <https://learn.microsoft.com/graph/api/resources/hardwareoathauthenticationmethodconfiguration?view=graph-rest-beta>
#[tokio::test(start_paused = true)]
async fn methods_that_only_beta_shows_come_back() {
    const POLICY: &str = "/beta/policies/authenticationMethodsPolicy";
    const TOKENS: &str = "/beta/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/HardwareOath";
    let world = company(&["group", "application", "servicePrincipal", "authenticationMethodsPolicy"]).await;
    let everybody = json!({"id": "all_users", "targetType": "group"});
    let settings = |state: &str| {
        json!({"systemCredentialPreferences": {"state": state, "includeTargets": [everybody], "excludeTargets": []},
            "reportSuspiciousActivitySettings": {"state": state, "includeTarget": everybody, "voiceReportingCode": 0},
            "microsoftAuthenticatorPlatformSettings": {"enforceAppPIN": {"includeTargets": [everybody], "excludeTargets": []}}})
    };
    let tokens = |state: &str| json!({"@odata.type": "#microsoft.graph.hardwareOathAuthenticationMethodConfiguration", "state": state});
    assert_eq!(world.graph.patch(POLICY, settings("enabled")).await.0, 200);
    assert_eq!(world.graph.patch(TOKENS, tokens("enabled")).await.0, 204);
    let seen = world.graph.ok("/v1.0/policies/authenticationMethodsPolicy").await.to_string();
    assert!(!seen.contains("HardwareOath") && !seen.contains("systemCredentialPreferences"), "{seen}");
    snapshot(&world).await;
    let file = world.git(&["show", "snapshots:policies/authentication-methods-policy.yaml"]);
    for part in
        ["id: HardwareOath", "systemCredentialPreferences:", "reportSuspiciousActivitySettings:", "enforceAppPIN:"]
    {
        assert!(file.contains(part), "{part}: {file}");
    }
    assert_eq!(world.graph.patch(POLICY, settings("disabled")).await.0, 200);
    assert_eq!(world.graph.patch(TOKENS, tokens("disabled")).await.0, 204);
    recover(&world).await;
    let now = world.graph.ok(POLICY).await;
    assert_eq!(now["systemCredentialPreferences"]["state"], "enabled");
    assert_eq!(now["reportSuspiciousActivitySettings"]["state"], "enabled");
    assert_eq!(world.graph.ok(TOKENS).await["state"], "enabled");
}

/// <https://learn.microsoft.com/graph/api/resources/compliantnetworknamedlocation>
#[tokio::test(start_paused = true)]
async fn compliant_network_is_among_the_locations() {
    const LOCATIONS: &str = "identity/conditionalAccess/namedLocations";
    let world = company(&["namedLocation"]).await;
    let signal = json!({"signalingStatus": "enabled"});
    assert_eq!(world.graph.patch("/beta/networkAccess/settings/conditionalAccess", signal).await.0, 204);
    let ty = "#microsoft.graph.compliantNetworkNamedLocation";
    let all = world.graph.pages(&format!("/beta/{LOCATIONS}")).await;
    let network = all.iter().find(|location| location["@odata.type"] == ty).unwrap();
    assert_eq!(world.graph.pages(&format!("/v1.0/{LOCATIONS}")).await.len(), all.len() - 1);
    snapshot(&world).await;
    let file = world.git(&["grep", "-h", "compliantNetwork", "snapshots", "--", "conditional-access/named-locations"]);
    assert!(file.contains("compliantNetworkType: allTenantCompliantNetworks"), "{file}");
    let path = format!("/beta/{LOCATIONS}/{}", network["id"].as_str().unwrap());
    assert_eq!(world.graph.patch(&path, json!({"@odata.type": ty, "isTrusted": true})).await.0, 204);
    recover(&world).await;
    assert_ne!(world.graph.ok(&path).await["isTrusted"], true);
}

/// <https://learn.microsoft.com/graph/api/resources/accesspackagequestion>,
/// <https://learn.microsoft.com/graph/api/resources/customextensionstagesetting>
#[tokio::test(start_paused = true)]
async fn questions_and_stages_of_an_assignment_policy_come_back() {
    const POLICIES: &str = "/v1.0/identityGovernance/entitlementManagement/assignmentPolicies";
    let world = company(&["accessPackageAssignmentPolicy"]).await;
    let all = world.graph.pages(&format!("{POLICIES}?$expand=accessPackage($select=id)")).await;
    let id = all[0]["id"].as_str().unwrap();
    let mut body = all[0].as_object().unwrap().clone();
    body.retain(|name, value| !name.contains('@') && !name.ends_with("DateTime") && !value.is_null());
    let asked = json!([{"@odata.type": "#microsoft.graph.accessPackageTextInputQuestion", "sequence": 1, "isRequired": true,
        "isAnswerEditable": true, "text": "What for?", "localizations": [{"languageCode": "de", "text": "Wozu?"}],
        "isSingleLineQuestion": true}]);
    let called = json!([{"stage": "assignmentRequestCreated", "customExtension": {
        "@odata.type": "#microsoft.graph.accessPackageAssignmentRequestWorkflowExtension", "id": "219f57b6-7983-45a1-be01-2c228b7a43f8"}}]);
    let put = async |questions: &Value, stages: &Value| {
        let mut body = body.clone();
        body.insert("questions".to_owned(), questions.clone());
        body.insert("customExtensionStageSettings".to_owned(), stages.clone());
        let ((status, answer), _) = world.graph.send("PUT", &format!("{POLICIES}/{id}"), Some(body.into()), &[]).await;
        assert!(status < 300, "{answer}");
    };
    put(&asked, &called).await;
    snapshot(&world).await;
    let file = world.git(&["grep", "-h", "", "snapshots", "--", "governance/assignment-policies"]);
    for line in ["text: Wozu?", "stage: assignmentRequestCreated", "id: 219f57b6-7983-45a1-be01-2c228b7a43f8"] {
        assert!(file.contains(line), "{line}: {file}");
    }
    put(&json!([]), &json!([])).await;
    recover(&world).await;
    let query = "$expand=questions,customExtensionStageSettings($expand=customExtension($select=id))";
    let now = world.graph.ok(&format!("{POLICIES}/{id}?{query}")).await;
    assert_eq!(now["questions"][0]["localizations"][0]["text"], "Wozu?", "{now}");
    assert_eq!(now["customExtensionStageSettings"][0]["customExtension"]["id"], called[0]["customExtension"]["id"]);
}

/// The plan that creates these says what is lost: the groups that an expiry policy is for
/// (<https://learn.microsoft.com/graph/api/group-list-grouplifecyclepolicies>), and the applications that may answer.
#[tokio::test(start_paused = true)]
async fn relations_that_no_list_shows_are_told_as_lost() {
    for (kind, path, says) in [
        ("groupLifecyclePolicy", "/v1.0/groupLifecyclePolicies", "they have to be selected again"),
        (
            "customTaskExtension",
            "/v1.0/identityGovernance/lifecycleWorkflows/customTaskExtensions",
            "the applications that may answer its calls have to be chosen again",
        ),
    ] {
        let world = company(&[kind]).await;
        snapshot(&world).await;
        for object in world.graph.pages(path).await {
            assert_eq!(world.graph.delete(&format!("{path}/{}", object["id"].as_str().unwrap())).await.0, 204);
        }
        let said = plan(&world.context, &world.tenant, &world.aim()).await.unwrap();
        let losses = format!("{:?}", said.plan.losses);
        assert!(losses.contains(says), "{losses}");
    }
}
