//! Reads the directory audit log. <https://learn.microsoft.com/graph/api/directoryaudit-list>

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::http::Http;
use super::page::Pages;
use super::urls::escape;
use crate::model::{Actor, AuditEvent};
use crate::tenant::{Raw, TenantError};

/// Maximum number of changed properties kept of one entry. No entry is known to name more; the rest of a hostile one is dropped.
const MOST_PROPERTIES: usize = 100;

/// Returns the entries since `since`, oldest first.
pub(super) async fn read(http: &Http, since: Option<&str>) -> Result<Vec<AuditEvent>, TenantError> {
    let mut path = "/v1.0/auditLogs/directoryAudits".to_owned();
    if let Some(since) = since {
        let time: Timestamp = since.parse().map_err(|_| TenantError::Unexpected {
            request: format!("GET {path}"),
            message: format!("{since:?} is not a time (RFC 3339)"),
        })?;
        path.push_str("?$filter=activityDateTime%20ge%20");
        path.push_str(&escape(&time.to_string()));
    }
    let entries = Pages::new(http, http.base.join(&path)?, &["AuditLog.Read.All"]).all().await?;
    let mut events: Vec<AuditEvent> = entries.iter().map(event).collect();
    events.sort_by(|a, b| (key(&a.time), &a.id).cmp(&(key(&b.time), &b.id)));
    Ok(events)
}

/// Returns the time as a sort key: fractions of a second differ in length, so that the text would not sort correctly.
fn key(time: &str) -> Timestamp {
    time.parse().unwrap_or(Timestamp::MIN)
}

fn event(entry: &Raw) -> AuditEvent {
    let by = entry.get("initiatedBy");
    let side = |name: &str| by.and_then(|by| by.get(name)).filter(|side| side.is_object());
    let actor = match (side("user"), side("app")) {
        (Some(user), _) => Actor {
            id: text(Some(user), "id"),
            name: text(Some(user), "displayName"),
            user_principal_name: text(Some(user), "userPrincipalName"),
            ip_address: text(Some(user), "ipAddress"),
            is_app: false,
        },
        (None, app) => {
            let id = text(app, "servicePrincipalId");
            Actor {
                id: if id.is_empty() { text(app, "appId") } else { id },
                name: text(app, "displayName"),
                is_app: app.is_some(),
                ..Actor::default()
            }
        }
    };
    let own = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let targets = entry.get("targetResources").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    AuditEvent {
        id: own("id"),
        time: own("activityDateTime"),
        activity: own("activityDisplayName"),
        actor,
        correlation_id: own("correlationId"),
        targets: targets.iter().map(|target| text(Some(target), "id")).filter(|id| !id.is_empty()).collect(),
        properties: properties(targets),
        recovery: recovery(entry),
    }
}

/// Returns true if an entry is of Microsoft's own recovery: its jobs change objects without a delta record.
/// <https://learn.microsoft.com/graph/api/resources/entra-backup-and-recovery-api-overview>
fn recovery(entry: &Raw) -> bool {
    let is = |name: &str| {
        entry.get(name).and_then(Value::as_str).is_some_and(|it| it.eq_ignore_ascii_case("backup and recovery"))
    };
    is("category") || is("loggedByService")
}

/// Returns the names of the properties that an entry reports as changed. The directory names each (`displayName:
/// "AccountEnabled"`, with old and new value as JSON); the policy services log the whole document before and after.
/// <https://learn.microsoft.com/graph/api/resources/modifiedproperty>
fn properties(targets: &[Value]) -> Vec<String> {
    let mut names = BTreeSet::new();
    let modified = targets.iter().filter_map(|target| target.get("modifiedProperties")?.as_array()).flatten();
    for property in modified {
        let name = text(Some(property), "displayName");
        let document =
            |side: &str| -> Option<Map<String, Value>> { serde_json::from_str(property.get(side)?.as_str()?).ok() };
        match (document("oldValue"), document("newValue")) {
            (Some(old), Some(new)) => {
                let keys = old.keys().chain(new.keys()).filter(|key| old.get(*key) != new.get(*key));
                names.extend(keys.filter(|key| !key.starts_with('@')).cloned());
            }
            // The list of all changed names and the properties of a linked object (with a dot) are no properties of the target.
            _ if name == "Included Updated Properties" || name.is_empty() || name.contains('.') => {}
            _ => {
                names.insert(uncapitalized(&name));
            }
        }
    }
    names.into_iter().take(MOST_PROPERTIES).collect()
}

fn uncapitalized(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map(|first| first.to_ascii_lowercase().to_string() + chars.as_str()).unwrap_or_default()
}

fn text(value: Option<&Value>, name: &str) -> String {
    value.and_then(|value| value.get(name)).and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    // <https://learn.microsoft.com/graph/api/directoryaudit-list>, shortened
    #[test]
    fn people_and_applications_are_told_apart() {
        let mut entry = json!({
            "id": "Directory_1", "correlationId": "c", "activityDateTime": "2018-01-09T21:20:02.7215374Z",
            "activityDisplayName": "Add member to group",
            "initiatedBy": {"app": null, "user": {"id": "728309ae", "displayName": null, "userPrincipalName": "a@contoso.com", "ipAddress": null}},
            "targetResources": [{"id": "ef7e527d"}, {"id": "6b0fa1f2"}, {"id": null}]
        });
        let found = event(entry.as_object().unwrap());
        assert_eq!((found.actor.label().as_str(), found.targets.len()), ("a@contoso.com", 2));
        entry["initiatedBy"] =
            json!({"user": null, "app": {"appId": "x", "displayName": "Job", "servicePrincipalId": null}});
        let found = event(entry.as_object().unwrap());
        assert_eq!((found.actor.label().as_str(), found.actor.id.as_str()), ("Job (application)", "x"));
        assert!(!found.recovery);
        entry["category"] = json!("Backup and Recovery");
        assert!(event(entry.as_object().unwrap()).recovery);
        assert!(key("2026-01-01T00:00:00.5Z") > key("2026-01-01T00:00:00.25Z"));
    }
}
