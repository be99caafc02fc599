//! [`TenantError`]: the failures of a tenant, by what the caller can do about them.

use thiserror::Error;

/// Lists the reasons why a request to a tenant failed. `request` is the method and path. Messages hold no secret and no token.
#[derive(Debug, Clone, Error, PartialEq)]
pub enum TenantError {
    /// 401: the service refused the sign-in.
    #[error("{}", sign_in_message(.request, .message))]
    SignIn {
        /// Method and path, or the token endpoint; empty if nothing was asked.
        request: String,
        /// Message of the service.
        message: String,
    },
    /// 403: a permission is missing.
    #[error("{request}: permission denied: {message}{}", permissions_hint(.permissions))]
    Denied {
        /// Method and path.
        request: String,
        /// Application permissions of which one is enough, the least privileged first; may be empty.
        permissions: Vec<String>,
        /// Message of the service.
        message: String,
    },
    /// 403 or 400: the tenant has no licence for the request.
    #[error("{request}: not licensed: {message}")]
    Unlicensed {
        /// Method and path.
        request: String,
        /// Message of the service.
        message: String,
    },
    /// 404: the object does not exist.
    #[error("{request}: not found: {message}")]
    NotFound {
        /// Method and path.
        request: String,
        /// Message of the service.
        message: String,
    },
    /// 400, 405, 409, 412, 422: the service refuses the request, and asking again will not help.
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
    /// A write was sent and its answer was lost: the write may or may not have happened.
    #[error("{request}: the answer was lost, so it is not known whether this was done: {message}")]
    Unknown {
        /// Method and path.
        request: String,
        /// Reason why the answer was lost.
        message: String,
    },
    /// The service accepted a request and has not carried it out yet: it may wait for somebody's approval.
    #[error("{request}: the request was taken and is waiting ({status}); it may not be carried out yet")]
    Waiting {
        /// Method and path.
        request: String,
        /// Status of the request.
        status: String,
    },
    /// The service could not be reached, or kept failing until the deadline.
    #[error("{request}: unavailable: {message}")]
    Unavailable {
        /// Method and path.
        request: String,
        /// Message of the last failure.
        message: String,
    },
    /// The service gave an answer that does not have the documented form.
    #[error("{request}: unexpected answer: {message}")]
    Unexpected {
        /// Method and path.
        request: String,
        /// Description of what was wrong with the answer.
        message: String,
    },
}

/// Returns the message of [`TenantError::SignIn`].
fn sign_in_message(request: &str, message: &str) -> String {
    if request.is_empty() { message.to_owned() } else { format!("{request}: sign-in refused: {message}") }
}

/// Returns the end of the message of [`TenantError::Denied`].
fn permissions_hint(permissions: &[String]) -> String {
    if permissions.is_empty() { String::new() } else { format!(" (grant one of: {})", permissions.join(", ")) }
}
