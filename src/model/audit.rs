//! [`AuditEvent`]: an entry of the tenant's directory audit log, reduced to what a report needs.

use serde::{Deserialize, Serialize};

/// Represents one entry of `/auditLogs/directoryAudits`.
/// <https://learn.microsoft.com/graph/api/resources/directoryaudit>
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditEvent {
    /// Id of the entry.
    pub id: String,
    /// Time of the event, RFC 3339 in UTC.
    pub time: String,
    /// Name of the activity, in the log's words: `Update conditional access policy`.
    pub activity: String,
    /// Actor of the event.
    pub actor: Actor,
    /// Correlation id.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub correlation_id: String,
    /// Ids of the objects that the event changed.
    pub targets: Vec<String>,
    /// Names of the properties that the event changed, in Graph's spelling as far as the log shows it; the values stay in
    /// the log.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub properties: Vec<String>,
    /// True if Microsoft's own backup and recovery wrote the entry; delta queries do not report its writes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub recovery: bool,
}

/// Identifies the user or application that did something.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Actor {
    /// Object id of the user or the service principal.
    pub id: String,
    /// Display name; empty where the log has none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// User principal name, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub user_principal_name: String,
    /// Client address, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub ip_address: String,
    /// True if the actor is an application.
    pub is_app: bool,
}

impl Actor {
    /// Returns the actor's name for a report: `Ada Lovelace <ada@contoso.com>`, `Nightly job (application)`, or the id.
    pub fn label(&self) -> String {
        match (self.is_app, self.name.is_empty(), self.user_principal_name.is_empty()) {
            (true, false, _) => format!("{} (application)", self.name),
            (true, true, _) => format!("application {}", self.id),
            (false, false, false) => format!("{} <{}>", self.name, self.user_principal_name),
            (false, true, false) => self.user_principal_name.clone(),
            (false, false, true) => self.name.clone(),
            (false, true, true) => self.id.clone(),
        }
    }
}
