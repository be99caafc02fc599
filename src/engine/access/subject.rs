//! Names the accounts whose access is judged.

/// Identifies the account whose access is judged. Ids are in lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A person's account.
    User(String),
    /// A service principal: only policies for workload identities apply to it.
    Principal(String),
}

impl Subject {
    /// Returns the id of the account.
    pub fn id(&self) -> &str {
        match self {
            Subject::User(id) | Subject::Principal(id) => id,
        }
    }
}
