//! Defines [`Fault`]: a refusal in Graph's own form. <https://learn.microsoft.com/graph/errors>

use serde_json::{Value, json};

/// Represents a refusal: status, code, message. Clients depend on the code, people read the message.
#[derive(Debug, Clone)]
pub struct Fault {
    /// HTTP status.
    pub status: u16,
    /// Graph's code, as in `Request_BadRequest`.
    pub code: &'static str,
    /// Message for people.
    pub message: String,
    /// A `Location` header, for a forced resynchronization.
    pub location: Option<String>,
    /// Other headers.
    pub headers: Vec<(&'static str, String)>,
}

impl Fault {
    /// Returns a refusal with any status and code.
    pub fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), location: None, headers: Vec::new() }
    }

    /// Returns 400 `Request_BadRequest`.
    pub fn bad(message: impl Into<String>) -> Self {
        Self::new(400, "Request_BadRequest", message)
    }

    /// Returns 400 `Request_UnsupportedQuery`.
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::new(400, "Request_UnsupportedQuery", message)
    }

    /// Returns 400 `BadRequest`, the code of the OData layer in front of the services.
    pub fn odata(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// Returns 404 `Request_ResourceNotFound` for an object.
    pub fn missing(id: &str) -> Self {
        Self::new(
            404,
            "Request_ResourceNotFound",
            format!("Resource '{id}' does not exist or one of its queried reference-property objects are not present."),
        )
    }

    /// Returns 400 for a path segment that no type has.
    pub fn no_segment(segment: &str) -> Self {
        Self::odata(format!("Resource not found for the segment '{segment}'."))
    }

    /// Returns 403 `Authorization_RequestDenied`.
    pub fn denied() -> Self {
        Self::new(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
    }

    /// Returns 405, which Graph sends with the code of a bad request.
    pub fn method() -> Self {
        Self::new(405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")
    }

    /// Returns 400 for a skip token that this tenant never issued. <https://learn.microsoft.com/graph/paging>
    pub fn page_token() -> Self {
        Self::new(
            400,
            "Directory_ExpiredPageToken",
            "The specified page token value has expired and can no longer be included in your request.",
        )
    }

    /// Returns the body that Graph sends.
    pub fn body(&self, request_id: &str, client_request_id: &str, date: &str) -> Value {
        json!({
            "error": {
                "code": self.code,
                "message": self.message,
                "innerError": {
                    "date": date,
                    "request-id": request_id,
                    "client-request-id": client_request_id,
                }
            }
        })
    }
}
