//! Makes the clients that sign in known to the tenant.

use serde_json::{Value, json};

use super::change_log::What;
use super::store::is_guid;
use super::tenant::Tenant;
use crate::kinds;

/// Returns a service principal id for a client that the tenant does not hold: always the same for the same client.
pub fn made_up(client: &str) -> String {
    uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, client.as_bytes()).to_string()
}

/// Adds the service principal of a client that has an application id and signs in by itself: whoever has a token is in the tenant.
/// <https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference>, `oid`
pub fn enroll(tenant: &mut Tenant, client: &str) {
    let Some(kind) = kinds::by_name("servicePrincipal").filter(|_| is_guid(client)) else { return };
    if tenant.known_app(client).is_some() {
        return;
    }
    let client = client.to_lowercase();
    let principal = json!({
        "id": made_up(&client), "appId": client, "displayName": "Entragit", "appDisplayName": "Entragit", "accountEnabled": true,
        "appRoleAssignmentRequired": false, "servicePrincipalType": "Application", "servicePrincipalNames": [client],
        "signInAudience": "AzureADMultipleOrgs", "createdDateTime": tenant.clock.seconds(),
    });
    if let Value::Object(principal) = principal {
        let key = tenant.store.table_mut(kind).put(kind, &principal);
        tenant.log.note(kind, &key, What::Written(principal.keys().cloned().collect()));
    }
}
