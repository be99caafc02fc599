//! Classifies error replies. Of a body, only Graph's code and message are ever repeated: the rest may hold people's data. Secrets
//! of the sign-in in these texts are masked here, so that no error, event or journal holds them.

use serde::Deserialize;

use super::secrets::Secrets;
use crate::tenant::TenantError;

/// Maximum length of a message that is repeated, in characters.
const LONGEST: usize = 400;

/// Codes that say that the tenant lacks a licence. <https://github.com/microsoftgraph/microsoft-graph-docs-contrib/issues/3808>,
/// <https://github.com/microsoftgraph/microsoft-graph-docs-contrib/issues/5608> (some come with 401)
const LICENCE: &[&str] = &[
    "AadPremiumLicenseRequired",
    "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
    "RequestFromNonPremiumTenantOrB2CTenant",
    "NoLicense",
    "NoLicenseForThisOperation",
    "TenantNotLicensed",
    "LicenseNotFound",
];

/// Holds the code and the message of an error reply.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Fault {
    /// Graph's code; empty if the body held none.
    pub code: String,
    /// The code inside `innerError`; empty if there is none.
    pub inner: String,
    /// Graph's message, in one line.
    pub message: String,
}

#[derive(Deserialize)]
struct Body {
    error: Error,
}

// The field is documented as `innererror` and sent as `innerError`. <https://learn.microsoft.com/graph/errors>
#[derive(Deserialize)]
struct Error {
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default, rename = "innerError", alias = "innererror")]
    inner: Option<Inner>,
}

#[derive(Deserialize)]
struct Inner {
    #[serde(default)]
    code: Option<String>,
}

impl Fault {
    /// Reads the body of a reply with `status`, and masks the secrets that it repeats.
    pub(super) fn read(status: u16, body: &[u8], secrets: &Secrets) -> Self {
        // The text is masked before it is shortened, since a secret that is cut could not be recognized.
        let text = |text: Option<String>| one_line(&secrets.mask(&text.unwrap_or_default()));
        match serde_json::from_slice::<Body>(body) {
            Ok(Body { error }) => Fault {
                code: text(error.code),
                inner: text(error.inner.and_then(|inner| inner.code)),
                message: text(error.message),
            },
            Err(_) => Fault { message: format!("HTTP {status} without a Graph error"), ..Fault::default() },
        }
    }

    /// Returns true if the tenant lacks a licence.
    pub(super) fn is_licence(&self) -> bool {
        let message = self.message.to_ascii_lowercase();
        LICENCE.iter().any(|code| self.code.eq_ignore_ascii_case(code) || self.inner.eq_ignore_ascii_case(code))
            || message.contains("premium license")
            || message.contains("tenant is not licensed")
    }

    /// Returns true if a page's token has run out, so that the list must be read from its beginning.
    /// <https://learn.microsoft.com/answers/questions/2337800>, <https://learn.microsoft.com/graph/paging>
    pub(super) fn is_expired_page(code: &str) -> bool {
        ["Directory_ExpiredPageToken", "DirectoryPageTokenNotFoundException", "Directory_PageTokenNotFound"]
            .iter()
            .any(|known| code.eq_ignore_ascii_case(known))
    }

    /// Converts the fault into the error for the caller.
    pub(super) fn into_error(self, request: String, status: u16, permissions: &[&str]) -> TenantError {
        let message = match (self.code.is_empty(), self.message.is_empty()) {
            (true, _) => self.message.clone(),
            (false, true) => self.code.clone(),
            (false, false) => format!("{}: {}", self.code, self.message),
        };
        match status {
            400 | 401 | 403 if self.is_licence() => TenantError::Unlicensed { request, message },
            401 => TenantError::SignIn { request, message },
            403 => TenantError::Denied {
                request,
                permissions: permissions.iter().map(|&name| name.to_owned()).collect(),
                message,
            },
            404 => TenantError::NotFound { request, message },
            _ => TenantError::Refused { request, status, code: self.code, message: self.message },
        }
    }
}

/// Returns `text` in one line, without control characters, and not too long.
pub(super) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len().min(LONGEST));
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if line.chars().count() > LONGEST {
        line = line.chars().take(LONGEST).chain("…".chars()).collect();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(status: u16, body: &str) -> TenantError {
        Fault::read(status, body.as_bytes(), &Secrets::default()).into_error(
            "GET /groups".into(),
            status,
            &["Group.Read.All"],
        )
    }

    // The bodies are as documented: <https://learn.microsoft.com/graph/json-batching>
    #[test]
    fn a_missing_permission_is_named() {
        let body = r#"{"error":{"code":"Authorization_RequestDenied","message":"Insufficient privileges to complete the operation.",
            "innerError":{"date":"2025-02-13T10:17:06","request-id":"93b6f17e-c05d-4f45-ad2a-6665c708d8a0"}}}"#;
        insta::assert_snapshot!(error(403, body), @"GET /groups: permission denied: Authorization_RequestDenied: Insufficient privileges to complete the operation. (grant one of: Group.Read.All)");
    }

    #[test]
    fn a_method_that_is_not_allowed_is_refused() {
        let body = r#"{"error":{"code":"Request_BadRequest","message":"Specified HTTP method is not allowed for the request target."}}"#;
        insta::assert_snapshot!(error(405, body), @"GET /groups: refused (405 Request_BadRequest): Specified HTTP method is not allowed for the request target.");
    }

    #[test]
    fn licences_are_told_from_permissions() {
        let body = r#"{"error":{"code":"Authentication_RequestFromNonPremiumTenantOrB2CTenant","message":"Neither tenant is B2C or tenant doesn't have premium license"}}"#;
        for status in [400, 401, 403] {
            assert!(matches!(error(status, body), TenantError::Unlicensed { .. }), "{status}");
        }
        let body = r#"{"error":{"code":"Forbidden","message":"x","innererror":{"code":"AadPremiumLicenseRequired"}}}"#;
        assert!(matches!(error(403, body), TenantError::Unlicensed { .. }));
        let body = r#"{"error":{"code":"AccessDenied","message":"You do not have permission"}}"#;
        assert!(matches!(error(403, body), TenantError::Denied { .. }));
    }

    #[test]
    fn not_found_and_sign_in() {
        let body = r#"{"error":{"code":"Request_ResourceNotFound","message":"Resource '6a46cf97-e63a-4216-8572-04331c277457' does not exist or one of its queried reference-property objects are not present."}}"#;
        assert!(matches!(error(404, body), TenantError::NotFound { .. }));
        let body = r#"{"error":{"code":"InvalidAuthenticationToken","message":"Lifetime validation failed, the token is expired."}}"#;
        assert!(matches!(error(401, body), TenantError::SignIn { .. }));
    }

    #[test]
    fn a_body_that_is_no_graph_error_is_not_repeated() {
        let said = error(403, "<html>ada@contoso.com</html>").to_string();
        assert!(!said.contains("ada") && said.contains("HTTP 403"), "{said}");
        assert!(!error(400, r#"{"error":{"message":"a\u001b[31m\nb"}}"#).to_string().contains('\u{1b}'));
    }
}
