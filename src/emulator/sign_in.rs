//! Defines the values that the token endpoint insists on, and its refusals.

use serde_json::{Value, json};

/// Holds the values that the token endpoint insists on; `None` accepts anything.
#[derive(Debug, Clone, Default)]
pub struct Pins {
    /// The tenant id.
    pub tenant: Option<String>,
    /// The client id.
    pub client: Option<String>,
    /// The client secret.
    pub secret: Option<String>,
    /// The certificate, in DER.
    pub certificate: Option<Vec<u8>>,
    /// Application permissions put into tokens.
    pub roles: Option<Vec<String>>,
}

/// Represents a refusal of the token endpoint.
#[derive(Debug)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// Error code of OAuth.
    pub error: &'static str,
    /// Error number of Microsoft.
    pub number: u32,
    /// Message of Microsoft.
    pub text: String,
}

impl Refusal {
    pub fn new(status: u16, error: &'static str, number: u32, text: impl Into<String>) -> Self {
        Self { status, error, number, text: text.into() }
    }

    /// Returns the body of the refusal. <https://learn.microsoft.com/entra/identity-platform/reference-error-codes>
    pub fn body(&self, trace: &str, time: &str) -> Value {
        json!({
            "error": self.error,
            "error_description": format!("AADSTS{}: {} Trace ID: {trace} Correlation ID: {trace} Timestamp: {time}", self.number, self.text),
            "error_codes": [self.number], "timestamp": time, "trace_id": trace, "correlation_id": trace,
            "error_uri": format!("https://login.microsoftonline.com/error?code={}", self.number),
        })
    }
}
