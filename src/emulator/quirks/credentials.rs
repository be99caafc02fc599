//! Makes and hides the secrets of applications and service principals.

use serde_json::{Value, json};

use crate::emulator::change_log::What;
use crate::emulator::error::Fault;
use crate::emulator::store::{Properties, text};
use crate::emulator::tenant::Tenant;
use crate::model::Kind;

/// Implements `addPassword` and `removePassword`; the secret is returned once.
/// <https://learn.microsoft.com/graph/api/application-addpassword>
pub fn password(
    tenant: &Tenant,
    kind: &Kind,
    action: &str,
    object: &mut Properties,
    body: &Properties,
) -> Result<Option<Value>, Fault> {
    let mut list = object.get("passwordCredentials").and_then(Value::as_array).cloned().unwrap_or_default();
    let reply = match action {
        "addPassword" => {
            let shown = made(tenant, body.get("passwordCredential").unwrap_or(&Value::Null));
            list.push(hidden(&shown));
            Some(shown)
        }
        _ => {
            let id = text(body, "keyId");
            let before = list.len();
            list.retain(|credential| credential.get("keyId").and_then(Value::as_str) != Some(id));
            if list.len() == before {
                return Err(Fault::bad(format!(
                    "No password credential found with keyId '{id}' on the {}.",
                    kind.name
                )));
            }
            None
        }
    };
    object.insert("passwordCredentials".to_owned(), Value::Array(list));
    Ok(reply)
}

/// Makes a secret of which `given` says the name and the dates.
fn made(tenant: &Tenant, given: &Value) -> Value {
    let now = tenant.clock.now();
    let end = now.saturating_add(jiff::SignedDuration::from_hours(24 * 365 * 2)).unwrap_or(now);
    let id = uuid::Uuid::new_v4().to_string();
    let or = |name: &str, default: String| {
        given.get(name).filter(|value| !value.is_null()).cloned().unwrap_or_else(|| default.into())
    };
    json!({
        "displayName": given.get("displayName"), "startDateTime": or("startDateTime", tenant.clock.seconds()),
        "endDateTime": or("endDateTime", end.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
        "hint": id.get(..3), "keyId": id, "customKeyIdentifier": null,
        "secretText": format!("{}~{}", &id[..3], uuid::Uuid::new_v4().simple()),
    })
}

fn hidden(credential: &Value) -> Value {
    let mut credential = credential.clone();
    if let Some(properties) = credential.as_object_mut() {
        properties.remove("secretText");
    }
    credential
}

/// Makes the secrets that a new application asks for.
/// <https://learn.microsoft.com/graph/api/application-post-applications>, example with a password secret
pub(super) fn make_secrets(tenant: &Tenant, object: &mut Properties) {
    for credential in object.get_mut("passwordCredentials").and_then(Value::as_array_mut).into_iter().flatten() {
        *credential = made(tenant, credential);
    }
}

/// Returns an object as it is stored: a secret is shown once, to the client that made it.
pub fn without_secrets(object: &Properties) -> Properties {
    let mut kept = object.clone();
    for credential in kept.get_mut("passwordCredentials").and_then(Value::as_array_mut).into_iter().flatten() {
        *credential = hidden(credential);
    }
    kept
}

/// Adds a client secret and a certificate to one application and to one service principal that has an application.
pub fn add_credentials(tenant: &mut Tenant) -> usize {
    let mut added = 0;
    for name in ["application", "servicePrincipal"] {
        let Some(kind) = crate::kinds::by_name(name) else { continue };
        let of_application = |object: &Properties| text(object, "servicePrincipalType") != "ManagedIdentity";
        let mut all = tenant.store.table(kind).live.iter().map(|(key, row)| (key.clone(), row.unpack()));
        let Some((key, mut object)) = all.find(|(_, object)| of_application(object)) else { continue };
        drop(all);
        let secret = json!({"passwordCredential": {"displayName": "drill"}});
        let body = secret.as_object().cloned().unwrap_or_default();
        added += usize::from(password(tenant, kind, "addPassword", &mut object, &body).is_ok());
        let mut keys = object.get("keyCredentials").and_then(Value::as_array).cloned().unwrap_or_default();
        keys.push(json!({
            "displayName": "CN=drill", "type": "AsymmetricX509Cert", "usage": "Verify", "keyId": uuid::Uuid::new_v4().to_string(),
            "customKeyIdentifier": null, "startDateTime": tenant.clock.seconds(), "endDateTime": "2099-01-01T00:00:00Z",
        }));
        added += 1;
        object.insert("keyCredentials".to_owned(), Value::Array(keys));
        tenant.store.table_mut(kind).put(kind, &object);
        let changed = ["passwordCredentials".to_owned(), "keyCredentials".to_owned()];
        tenant.log.note(kind, &key, What::Written(changed.into()));
    }
    added
}
