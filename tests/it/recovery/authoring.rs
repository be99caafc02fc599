//! What people write by hand: objects that are not there yet and that name each other.

use serde_json::Value;

use crate::support::command_line::World;
use crate::support::edits::steps;

const SHOP: &str = "id: new:shop
displayName: Shop
api:
  oauth2PermissionScopes:
    - id: 3c0f1a52-77e1-4c39-9a6b-2f8f6c1f6b11
      adminConsentDescription: Read orders
      adminConsentDisplayName: Read orders
      isEnabled: true
      type: User
      value: Orders.Read
identifierUris:
  - api://new:shop.appId
signInAudience: AzureADMyOrg
";

const CLIENT: &str = "id: new:shop-client
displayName: Shop client
requiredResourceAccess:
  - resourceAccess:
      - id: 3c0f1a52-77e1-4c39-9a6b-2f8f6c1f6b11
        type: Scope
    resourceAppId: new:shop.appId
signInAudience: AzureADMyOrg
";

const POLICY: &str = "id: new:shop-policy
displayName: Shop asks for more
conditions:
  applications:
    includeApplications:
      - new:shop.appId
  clientAppTypes:
    - all
  users:
    includeUsers:
      - All
grantControls:
  builtInControls:
    - mfa
  operator: OR
state: enabledForReportingButNotEnforced
";

#[tokio::test(flavor = "multi_thread")]
async fn an_application_is_named_by_its_application_id_before_it_has_one() {
    let world = World::exported().await;
    world.write("applications/shop.yaml", SHOP);
    world.write("applications/shop-client.yaml", CLIENT);
    let principal = "id: new:shop-principal\ndisplayName: Shop\naccountEnabled: true\nappId: ";
    world.write("service-principals/shop.yaml", &format!("{principal}new:shop\n"));
    world.write("conditional-access/policies/shop.yaml", POLICY);
    let ran = world.run(&["validate"]).ends(1);
    assert!(ran.out.contains("shop.yaml:4") && ran.out.contains("write new:shop.appId"), "{}{}", ran.out, ran.err);
    world.write("service-principals/shop.yaml", &format!("{principal}new:shop.appId\n"));
    world.commit("A shop");
    let planned = steps(&world.run(&["plan", "--json"]).ends(2).json());
    let ran = world.run(&["apply", "--to", "HEAD", "--yes"]);
    assert_eq!(ran.code, 0, "{planned}\n{}\n{}", ran.out, ran.err);
    let find = async |path: &str, name: &str| {
        let all = world.graph.pages(path).await;
        all.into_iter().find(|object| object["displayName"] == name).unwrap_or(Value::Null)
    };
    let shop = find("/v1.0/applications", "Shop").await;
    let app_id = shop["appId"].as_str().unwrap();
    assert_eq!(shop["identifierUris"][0], format!("api://{app_id}"));
    assert_eq!(find("/v1.0/servicePrincipals", "Shop").await["appId"], app_id);
    let client = find("/v1.0/applications", "Shop client").await;
    assert_eq!(client["requiredResourceAccess"][0]["resourceAppId"], app_id);
    let policy = find("/v1.0/identity/conditionalAccess/policies", "Shop asks for more").await;
    assert_eq!(policy["conditions"]["applications"]["includeApplications"][0], app_id);
    assert!(world.git(&["show", "HEAD:manifest.yaml"]).contains("new:shop.appId"));
    assert!(world.git(&["status", "--short"]).is_empty());
}
