//! [`TenantError`]: what went wrong, by what the caller can do about it.

use thiserror::Error;

/// Why a tenant did not do what was asked. `request` is the method and path; messages hold no secret and no token.
#[derive(Debug, Clone, Error, PartialEq)]
pub enum TenantError {
    /// 401: the sign-in was refused.
    #[error("{request}: sign-in refused: {message}")]
    SignIn {
        /// Method and path, or the token endpoint.
        request: String,
        /// What the service said.
        message: String,
    },
    /// 403: a permission is missing.
    #[error("{request}: permission denied: {message}{}", one_of(.permissions))]
    Denied {
        /// Method and path.
        request: String,
        /// Application permissions of which one would do, least first; may be empty.
        permissions: Vec<String>,
        /// What the service said.
        message: String,
    },
    /// 403 or 400: the tenant has no licence for it.
    #[error("{request}: not licensed: {message}")]
    Unlicensed {
        /// Method and path.
        request: String,
        /// What the service said.
        message: String,
    },
    /// 404.
    #[error("{request}: not found: {message}")]
    NotFound {
        /// Method and path.
        request: String,
        /// What the service said.
        message: String,
    },
    /// 400, 405, 409, 412, 422: the service will not do it, and asking again will not help.
    #[error("{request}: refused ({status} {code}): {message}")]
    Refused {
        /// Method and path.
        request: String,
        /// HTTP status.
        status: u16,
        /// Graph's error code.
        code: String,
        /// Graph's message.
        message: String,
    },
    /// A write was sent and its answer was lost: it may or may not have happened.
    #[error("{request}: the answer was lost, so it is not known whether this was done: {message}")]
    Unknown {
        /// Method and path.
        request: String,
        /// What happened to the answer.
        message: String,
    },
    /// The service could not be reached, or kept failing until the deadline.
    #[error("{request}: unavailable: {message}")]
    Unavailable {
        /// Method and path.
        request: String,
        /// The last failure.
        message: String,
    },
    /// The service answered something that makes no sense.
    #[error("{request}: unexpected answer: {message}")]
    Unexpected {
        /// Method and path.
        request: String,
        /// What was wrong with it.
        message: String,
    },
}

fn one_of(permissions: &[String]) -> String {
    if permissions.is_empty() { String::new() } else { format!(" (grant one of: {})", permissions.join(", ")) }
}
