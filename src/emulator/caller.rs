//! Defines [`Caller`]: who sends a request, and with which permissions.

/// Identifies the caller of a request.
#[derive(Debug, Clone)]
pub enum Caller {
    /// A person, through an application (a delegated token).
    User {
        /// Object id.
        id: String,
        /// Display name.
        name: String,
        /// User principal name.
        upn: String,
        /// IP address from which the request comes.
        ip: String,
    },
    /// An application by itself.
    App {
        /// Client id.
        app_id: String,
        /// Object id of its service principal.
        principal: String,
        /// Display name.
        name: String,
        /// Application permissions.
        roles: Vec<String>,
        /// Template ids of the directory roles that the token carries.
        directory_roles: Vec<String>,
    },
}

impl Caller {
    /// Returns true if the caller has an application permission; a person has every one.
    pub fn may(&self, permission: &str) -> bool {
        match self {
            Caller::User { .. } => true,
            Caller::App { roles, .. } => roles.iter().any(|role| role == permission),
        }
    }

    /// Returns true if the caller is a person.
    pub fn is_user(&self) -> bool {
        matches!(self, Caller::User { .. })
    }

    /// Returns the object id of the caller.
    pub fn object_id(&self) -> Option<&str> {
        match self {
            Caller::User { id, .. } => Some(id),
            Caller::App { principal, .. } => Some(principal),
        }
    }
}
