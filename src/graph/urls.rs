//! Restricts the hosts that may be contacted, and encodes paths.

use std::net::IpAddr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;

use crate::tenant::TenantError;

/// Represents the scheme, host and port that tokens may be sent to.
#[derive(Debug, Clone)]
pub(super) struct Base {
    url: Url,
    text: String,
}

impl Base {
    /// Parses `text`, and checks that it is https, or http on this machine.
    pub(super) fn parse(text: &str, what: &str) -> Result<Self, TenantError> {
        let refuse = |message: &str| TenantError::Unexpected { request: what.to_owned(), message: message.to_owned() };
        let text = text.trim().trim_end_matches('/');
        let url = Url::parse(text).map_err(|_| refuse("not a URL"))?;
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err(refuse("a URL with a scheme, a host and nothing secret is wanted"));
        }
        match url.scheme() {
            "https" if url.host_str().is_some() => {}
            "http" if is_loopback(&url) => {}
            "http" => return Err(refuse("plain http is accepted only for this machine (127.0.0.0/8, ::1, localhost)")),
            _ => return Err(refuse("https is wanted")),
        }
        Ok(Base { url, text: text.to_owned() })
    }

    /// Returns the URL without a slash at its end.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Returns true if the host is this machine.
    pub(super) fn is_local(&self) -> bool {
        is_loopback(&self.url)
    }

    /// Returns true if nothing is encrypted, which is allowed on this machine.
    pub(super) fn is_plain(&self) -> bool {
        self.url.scheme() == "http"
    }

    /// Returns the URL of `path` (with its query) below this one.
    pub(super) fn join(&self, path: &str) -> Result<Url, TenantError> {
        let url = Url::parse(&format!("{}{path}", self.text)).ok();
        url.filter(|url| self.holds(url)).ok_or_else(|| TenantError::Unexpected {
            request: "GET".to_owned(),
            message: "a path that cannot be put into a URL".to_owned(),
        })
    }

    /// Returns a link that the service sent as a URL, if it leads to the same host: a token is never sent anywhere else.
    pub(super) fn follow(&self, link: &str, request: &str) -> Result<Url, TenantError> {
        match Url::parse(link) {
            Ok(url) if self.holds(&url) => Ok(url),
            Ok(url) => Err(TenantError::Unexpected {
                request: request.to_owned(),
                message: format!(
                    "the next page is said to be on {}, another host than {}; no token was sent there",
                    url.host_str().unwrap_or("no host"),
                    self.text
                ),
            }),
            Err(_) => Err(TenantError::Unexpected {
                request: request.to_owned(),
                message: "the next page's link is not a URL".to_owned(),
            }),
        }
    }

    fn holds(&self, url: &Url) -> bool {
        url.scheme() == self.url.scheme()
            && url.host_str() == self.url.host_str()
            && url.port_or_known_default() == self.url.port_or_known_default()
            && url.username().is_empty()
            && url.password().is_none()
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Returns an id as one segment of a path, encoded so that it cannot lead elsewhere.
pub(super) fn segment(id: &str) -> Result<String, TenantError> {
    if id.is_empty() || id == "." || id == ".." {
        return Err(TenantError::Refused {
            request: "nothing was sent".to_owned(),
            status: 400,
            code: "invalid-id".to_owned(),
            message: format!("{id:?} cannot be an object's id"),
        });
    }
    Ok(escape(id))
}

/// Percent-encodes everything but letters, digits and `-_.~`.
pub(super) fn escape(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// All but the characters that never need an escape: <https://www.rfc-editor.org/rfc/rfc3986#section-2.3>
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Returns `text` as an OData string in a query.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", escape(&text.replace('\'', "''")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_only_on_this_machine() {
        for good in [
            "https://graph.microsoft.com",
            "http://127.0.0.1:8080/",
            "http://127.9.9.9",
            "http://[::1]:1",
            "http://localhost:5",
        ] {
            assert!(Base::parse(good, "x").is_ok(), "{good}");
        }
        for bad in [
            "http://graph.microsoft.com",
            "http://127.0.0.1.evil.test",
            "http://localhost.evil.test",
            "ftp://localhost",
            "https://user:word@graph.microsoft.com",
            "graph.microsoft.com",
            "",
        ] {
            assert!(Base::parse(bad, "x").is_err(), "{bad}");
        }
    }

    #[test]
    fn links_lead_home_or_nowhere() {
        let base = Base::parse("https://graph.microsoft.com", "x").unwrap();
        assert!(base.follow("https://graph.microsoft.com/v1.0/users?$skiptoken=X", "GET /users").is_ok());
        assert!(base.follow("https://graph.microsoft.com:443/v1.0/users", "GET /users").is_ok());
        for bad in [
            "https://evil.test/v1.0/users",
            "http://graph.microsoft.com/v1.0/users",
            "https://graph.microsoft.com:8443/v1.0/users",
            "https://graph.microsoft.com@evil.test/v1.0/users",
            "https://u:p@graph.microsoft.com/v1.0/users",
            "//evil.test/",
            "/v1.0/users",
            "",
        ] {
            assert!(base.follow(bad, "GET /users").is_err(), "{bad}");
        }
        assert!(base.join("/v1.0/groups/x?$top=1").is_ok());
        assert!(base.join("@evil.test/").is_err());
    }

    #[test]
    fn ids_stay_in_their_segment() {
        assert_eq!(segment("../users/1?x#y").unwrap(), "..%2Fusers%2F1%3Fx%23y");
        assert!(segment("..").is_err() && segment("").is_err());
        assert_eq!(literal("a'b c"), "'a%27%27b%20c'");
    }
}
