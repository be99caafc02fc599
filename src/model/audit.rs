//! [`AuditEvent`]: an entry of the tenant's directory audit log, less what a report does not need.

use serde::{Deserialize, Serialize};

/// One entry of `/auditLogs/directoryAudits`.
/// <https://learn.microsoft.com/graph/api/resources/directoryaudit>
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditEvent {
    /// The entry's id.
    pub id: String,
    /// When, RFC 3339 in UTC.
    pub time: String,
    /// What was done, in the log's words: `Update conditional access policy`.
    pub activity: String,
    /// Who did it.
    pub actor: Actor,
    /// Correlation id.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub correlation_id: String,
    /// Ids of the objects it was done to.
    pub targets: Vec<String>,
    /// Properties that it changed, in Graph's spelling as far as the log tells; the values stay in the log.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub properties: Vec<String>,
    /// Whether Microsoft's own backup and recovery says so, whose writes no delta query tells.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub recovery: bool,
}

/// Who did something.
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
    /// Whether it was an application.
    pub is_app: bool,
}

impl Actor {
    /// How a report names the actor: `Ada Lovelace <ada@contoso.com>`, `Nightly job (application)`, or the id.
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
