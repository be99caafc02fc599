//! Classifies error replies. Of a body, only Graph's code and message are ever repeated: the rest may hold people's data. Secrets
//! of the sign-in in these texts are masked here, so that no error, event or journal holds them.

use serde_json::Value;

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
    /// True if the body was a page for browsers: no service of Graph wrote it, but a gateway in front of one.
    pub page: bool,
}

impl Fault {
    /// Reads the body of a reply with `status`, and masks the secrets that it repeats. Not all services write errors alike
    ///: some have no `error`, some have a message in several languages.
    pub(super) fn read(status: u16, body: &[u8], secrets: &Secrets) -> Self {
        let without = || format!("HTTP {status} without a Graph error");
        let page = Fault { message: without(), page: true, ..Fault::default() };
        let body = match serde_json::from_slice::<Value>(body) {
            Ok(Value::Object(body)) => body,
            // A page inside a batch is a string.
            Ok(Value::String(text)) if is_page(&text) => return page,
            Err(_) if is_page(&String::from_utf8_lossy(body)) => return page,
            _ => return Fault { message: without(), ..Fault::default() },
        };
        let error = match body.get("error") {
            Some(Value::Object(error)) => error,
            _ => &body,
        };
        // The text is masked before it is shortened, since a secret that is cut could not be recognized.
        let text = |text: &str| one_line(&secrets.mask(text));
        let code = ["code", "errorCode", "Code"].iter().find_map(|name| error.get(*name)).map(said).unwrap_or_default();
        let message = ["message", "Message"].iter().find_map(|name| error.get(*name)).map(said).unwrap_or_default();
        // The field is documented as `innererror` and sent as `innerError`. <https://learn.microsoft.com/graph/errors>
        let inner = ["innerError", "innererror"].iter().find_map(|name| error.get(*name)?.get("code"));
        let inner = inner.map(said).unwrap_or_default();
        // An error may be the text of another one's message:
        // <https://github.com/microsoftgraph/microsoft-graph-docs/issues/20060>
        let nested: Option<Value> = serde_json::from_str(message).ok().filter(Value::is_object);
        let of = |names: &[&str]| names.iter().find_map(|name| nested.as_ref()?.get(*name)).map(said);
        let inner = of(&["errorCode", "code"]).unwrap_or(inner);
        let message = of(&["message"]).unwrap_or(message);
        if code.is_empty() && message.is_empty() && inner.is_empty() {
            return Fault { message: without(), ..Fault::default() };
        }
        let (page, message) = if is_page(message) { (true, "") } else { (false, message) };
        Fault { code: text(code), inner: text(inner), message: text(message), page }
    }

    /// Returns true if a reply with `status` is not to be believed before it comes again: such a 403 comes and goes, and
    /// such a 404 does not say that the object is not there.
    pub(super) fn is_doubtful(&self, status: u16) -> bool {
        let unknown = self.code.eq_ignore_ascii_case("UnknownError") && self.message.is_empty();
        matches!(status, 403 | 404) && (self.page || unknown)
    }

    /// Returns true if a service refused and said so with status 500.
    pub(super) fn is_hidden_refusal(&self, status: u16) -> bool {
        status == 500
            && ([&self.code, &self.inner].into_iter().any(|code| code.eq_ignore_ascii_case("Forbidden"))
                || self.message.contains("Forbidden"))
    }

    /// Returns true if the tenant lacks a licence.
    pub(super) fn is_licence(&self) -> bool {
        let message = self.message.to_ascii_lowercase();
        LICENCE.iter().any(|code| self.code.eq_ignore_ascii_case(code) || self.inner.eq_ignore_ascii_case(code))
            || message.contains("premium license")
            || message.contains("tenant is not licensed")
    }

    /// Returns true if the service behind the path was never set up in this tenant: some say so with status 500, some with 404, and
    /// asking again does not help.
    pub(super) fn is_unprovisioned(&self, status: u16) -> bool {
        let said = |word: &str| [&self.code, &self.inner, &self.message].into_iter().any(|text| text.contains(word));
        status == 500 && said("HostNotFound") || status == 404 && said("TenantDeploymentNotFound")
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
        if self.is_doubtful(status) {
            let message = match self.code.is_empty() {
                true => format!("HTTP {status} from a gateway in front of the service, several times"),
                false => format!("HTTP {status} {} without a reason, several times", self.code),
            };
            // Which permission is missing, if any, such an answer does not say.
            return match status {
                403 => TenantError::Denied { request, permissions: Vec::new(), message },
                _ => TenantError::Unavailable { request, message },
            };
        }
        if self.is_unprovisioned(status) {
            let message = format!("{message}: the service is not set up in this tenant");
            return TenantError::Unlicensed { request, message };
        }
        let status = if self.is_hidden_refusal(status) { 403 } else { status };
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

/// Returns true if a path leads to objects that Graph protects one by one: accounts, groups, devices.
pub(super) fn is_of_directory(path: &str) -> bool {
    let collection = path.split('/').nth(2).unwrap_or_default();
    matches!(collection, "users" | "groups" | "devices" | "directoryObjects" | "directory")
}

/// Says what the refusal of a write may be about if the sign-in has a permission for it: not the permission, but the object.
/// <https://learn.microsoft.com/graph/api/resources/users#who-can-perform-sensitive-actions>
/// <https://learn.microsoft.com/entra/identity/role-based-access-control/groups-concept>
/// <https://learn.microsoft.com/entra/identity/role-based-access-control/admin-units-restricted-management>
pub(super) fn about_object(error: TenantError, has: impl Fn(&str) -> bool) -> TenantError {
    match error {
        TenantError::Denied { request, permissions, message } if permissions.iter().any(|name| has(name)) => {
            let message = format!(
                "{message}; the sign-in has the permission, so that Graph may ask for more for this object: a directory role for an \
                 administrator's account, RoleManagement.ReadWrite.Directory for a group that may hold roles, a role for the unit \
                 where a restricted administrative unit holds the object"
            );
            TenantError::Denied { request, permissions: Vec::new(), message }
        }
        error => error,
    }
}

/// Returns the text of a code or a message. Some services nest it: `{"lang": "en", "value": "…"}`.
fn said(value: &Value) -> &str {
    let nested = || ["value", "message", "code"].iter().find_map(|name| value.get(*name)?.as_str());
    value.as_str().or_else(nested).unwrap_or_default()
}

fn is_page(text: &str) -> bool {
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    let start: String = text.chars().take(14).collect::<String>().to_ascii_lowercase();
    start.starts_with("<!doctype html") || start.starts_with("<html")
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
    fn refusal_names_no_permission_that_the_sign_in_has() {
        let denied = || TenantError::Denied {
            request: "PATCH /users/a".to_owned(),
            permissions: vec!["User.ReadWrite.All".to_owned()],
            message: "Insufficient privileges".to_owned(),
        };
        let said = about_object(denied(), |_| true).to_string();
        assert!(said.contains("a directory role") && !said.contains("User.ReadWrite.All"), "{said}");
        assert_eq!(about_object(denied(), |_| false), denied());
        assert!(is_of_directory("/v1.0/users/a") && !is_of_directory("/beta/identity/conditionalAccess/policies/a"));
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
    fn service_that_is_not_set_up_is_no_failure_and_no_absence() {
        let body = r#"{"error":{"code":"UnknownError","message":"HostNotFound"}}"#;
        insta::assert_snapshot!(error(500, body), @"GET /groups: not licensed: UnknownError: HostNotFound: the service is not set up in this tenant");
        let body = r#"{"error":{"code":"TenantDeploymentNotFound","message":"x"}}"#;
        assert!(matches!(error(404, body), TenantError::Unlicensed { .. }));
        assert!(matches!(error(404, r#"{"error":{"code":"HostNotFound"}}"#), TenantError::NotFound { .. }));
    }

    #[test]
    fn not_found_and_sign_in() {
        let body = r#"{"error":{"code":"Request_ResourceNotFound","message":"Resource '6a46cf97-e63a-4216-8572-04331c277457' does not exist or one of its queried reference-property objects are not present."}}"#;
        assert!(matches!(error(404, body), TenantError::NotFound { .. }));
        let body = r#"{"error":{"code":"InvalidAuthenticationToken","message":"Lifetime validation failed, the token is expired."}}"#;
        assert!(matches!(error(401, body), TenantError::SignIn { .. }));
    }

    #[test]
    fn errors_of_every_shape_keep_their_code() {
        let body = r#"{"errorCode":"MissingProvider","message":"The provider is missing."}"#;
        insta::assert_snapshot!(error(400, body), @"GET /groups: refused (400 MissingProvider): The provider is missing.");
        let body = r#"{"error":{"code":"UnknownError","message":"{\"errorCode\":\"MissingProvider\",\"message\":\"The provider is missing.\"}"}}"#;
        insta::assert_snapshot!(error(400, body), @"GET /groups: refused (400 UnknownError): The provider is missing.");
        insta::assert_snapshot!(error(400, r#"{"Message":"The request is invalid."}"#), @"GET /groups: refused (400 ): The request is invalid.");
        let body =
            r#"{"error":{"code":"Request_BadRequest","message":{"lang":"en","value":"Invalid value."},"details":{}}}"#;
        insta::assert_snapshot!(error(400, body), @"GET /groups: refused (400 Request_BadRequest): Invalid value.");
        let body = r#"{"error":{"code":"InternalServerError","message":"Forbidden","innerError":{}}}"#;
        insta::assert_snapshot!(error(500, body), @"GET /groups: permission denied: InternalServerError: Forbidden (grant one of: Group.Read.All)");
    }

    #[test]
    fn a_page_of_a_gateway_names_no_permission_and_no_object() {
        let page = "\u{feff}<!DOCTYPE html><html>403 Forbidden</html>";
        insta::assert_snapshot!(error(403, page), @"GET /groups: permission denied: HTTP 403 from a gateway in front of the service, several times");
        let body = r#"{"error":{"code":"UnknownError","message":""}}"#;
        insta::assert_snapshot!(error(404, body), @"GET /groups: unavailable: HTTP 404 UnknownError without a reason, several times");
        let body = r#"{"error":{"code":"UnknownError","message":"<html>Forbidden</html>"}}"#;
        insta::assert_snapshot!(error(403, body), @"GET /groups: permission denied: HTTP 403 UnknownError without a reason, several times");
    }

    #[test]
    fn a_body_that_is_no_graph_error_is_not_repeated() {
        let said = error(403, "<html>ada@contoso.com</html>").to_string();
        assert!(!said.contains("ada") && said.contains("HTTP 403"), "{said}");
        assert!(!error(400, r#"{"error":{"message":"a\u001b[31m\nb"}}"#).to_string().contains('\u{1b}'));
    }
}
