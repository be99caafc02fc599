//! Defines [`Request`] and [`Reply`]: one call, which came over the wire or inside a batch.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::caller::Caller;
use super::error::Fault;
use super::store::Properties;
use crate::model::kind::Api;

/// Represents a client's request.
#[derive(Debug, Clone)]
pub struct Request {
    /// HTTP method: `GET`, `POST`, …
    pub method: String,
    /// Version of Graph.
    pub api: Api,
    /// Decoded path segments below the version.
    pub segments: Vec<String>,
    /// Decoded query options in order.
    pub query: Vec<(String, String)>,
    /// Headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// Bytes of the body.
    pub body: Vec<u8>,
    /// Scheme and host the client used, for absolute URLs.
    pub base: String,
    /// Identity of the caller.
    pub caller: Caller,
    /// Id of this request.
    pub id: String,
}

impl Request {
    /// Returns the query option `name`.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Returns the header `name`.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// Returns true if `Prefer` holds `word`.
    pub fn prefers(&self, word: &str) -> bool {
        self.header("prefer")
            .is_some_and(|value| value.split([',', ';']).any(|part| part.trim().eq_ignore_ascii_case(word)))
    }

    /// Returns true if the client accepts a lagging index, which advanced queries need.
    /// <https://learn.microsoft.com/graph/aad-advanced-queries>
    pub fn eventual(&self) -> bool {
        self.header("consistencylevel").is_some_and(|value| value.eq_ignore_ascii_case("eventual"))
    }

    /// Returns true if the client accepts plain text, the format of counts. A client without an `Accept` header accepts anything.
    pub fn takes_plain_text(&self) -> bool {
        self.header("accept").is_none_or(|accept| {
            accept.split(',').any(|range| {
                let media = range.split(';').next().unwrap_or_default().trim();
                ["text/plain", "text/*", "*/*"].iter().any(|plain| media.eq_ignore_ascii_case(plain))
            })
        })
    }

    /// Returns true if the client wants every annotation of OData.
    pub fn full_metadata(&self) -> bool {
        self.header("accept").is_some_and(|accept| {
            accept.split([',', ';']).any(|part| part.trim().eq_ignore_ascii_case("odata.metadata=full"))
        })
    }

    /// Returns the body as a JSON object.
    pub fn object(&self) -> Result<Properties, Fault> {
        let value: Value = serde_json::from_slice(&self.body).map_err(|error| {
            if self.body.is_empty() {
                Fault::bad("Empty Payload. JSON content expected.")
            } else {
                Fault::odata(format!("Unable to read JSON request payload. {error}"))
            }
        })?;
        match value {
            Value::Object(map) => Ok(map),
            _ => Err(Fault::odata(
                "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.",
            )),
        }
    }

    /// Returns the URL of the version: `http://host/v1.0`
    pub fn root(&self) -> String {
        format!("{}{}", self.base, self.api.segment())
    }

    /// Returns the absolute URL of this request's path with another query.
    pub fn url(&self, query: &str) -> String {
        let path: Vec<String> = self.segments.iter().map(|part| encode(part)).collect();
        format!("{}/{}?{query}", self.root(), path.join("/"))
    }
}

/// Represents the tenant's answer.
#[derive(Debug, Clone)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Headers besides those that every reply carries.
    pub headers: Vec<(&'static str, String)>,
    /// JSON text, or plain text for `$count`.
    pub body: Option<String>,
    /// True if `body` is plain text.
    pub plain: bool,
    /// Cost in resource units.
    pub units: u32,
}

impl Reply {
    /// Returns an empty 204.
    pub fn empty() -> Self {
        Self { status: 204, headers: Vec::new(), body: None, plain: false, units: 1 }
    }

    /// Returns `status` with a JSON body.
    pub fn json(status: u16, body: &Map<String, Value>) -> Self {
        Self { body: serde_json::to_string(body).ok(), status, ..Self::empty() }
    }

    /// Returns 200 with text that is JSON already.
    pub fn text(body: String) -> Self {
        Self { body: Some(body), status: 200, ..Self::empty() }
    }

    /// Returns 200 with a bare number.
    pub fn count(count: usize) -> Self {
        Self { body: Some(count.to_string()), status: 200, plain: true, ..Self::empty() }
    }
}

/// Percent-encodes characters that a URL cannot carry.
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z'
            | b'a'..=b'z'
            | b'0'..=b'9'
            | b'-'
            | b'_'
            | b'.'
            | b'~'
            | b'$'
            | b'('
            | b')'
            | b'='
            | b'\''
            | b','
            | b'@' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// Undoes percent-encoding; `plus` also reads `+` as a space, as query strings do.
pub fn decode(text: &str, plus: bool) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = |offset: usize| bytes.get(at + offset).and_then(|b| char::from(*b).to_digit(16));
        match (bytes[at], hex(1), hex(2)) {
            (b'%', Some(high), Some(low)) => {
                out.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                at += 3;
                continue;
            }
            (b'+', ..) if plus => out.push(b' '),
            (byte, ..) => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Splits a query string into decoded pairs.
pub fn parse_query(query: &str) -> Vec<(String, String)> {
    query
        .split('&')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            (decode(name, true), decode(value, true))
        })
        .collect()
}

/// Splits a path into decoded segments, setting `name(key)` apart into `name` and `(key)`.
pub fn parse_path(path: &str) -> Vec<String> {
    let mut segments = Vec::new();
    for part in path.split('/').filter(|part| !part.is_empty()) {
        let part = decode(part, false);
        let part = part.strip_suffix("()").unwrap_or(&part);
        let part = part.strip_prefix("microsoft.graph.").filter(|rest| *rest == "delta").unwrap_or(part);
        match part.find('(') {
            Some(at) if at > 0 && part.ends_with(')') => {
                segments.push(part[..at].to_owned());
                segments.push(part[at..].to_owned());
            }
            _ => segments.push(part.to_owned()),
        }
    }
    segments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_queries_are_decoded() {
        assert_eq!(parse_path("/applications(appId='x%20y')/owners"), ["applications", "(appId='x y')", "owners"]);
        assert_eq!(parse_path("/users/microsoft.graph.delta()"), ["users", "delta"]);
        assert_eq!(parse_query("$top=5&$filter=a+eq%20'b%26c'")[1].1, "a eq 'b&c'");
    }
}
