//! Reads lists page after page, and returns each object once. <https://learn.microsoft.com/graph/paging>

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use reqwest::Url;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::fault::Fault;
use super::http::{Http, Request};
use crate::tenant::{Raw, TenantError};

/// Number of times that a list is begun again when its page tokens run out.
const RESTARTS: u32 = 2;

/// Number of pages in a row that may bring nothing new.
const IDLE_PAGES: u32 = 1000;

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    value: Option<Vec<&'a RawValue>>,
    #[serde(rename = "@odata.nextLink")]
    next: Option<String>,
}

/// Represents one page.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Page {
    /// Objects of the page; `None` if the reply is no list.
    pub value: Option<Vec<Raw>>,
    /// Link to the next page.
    pub next: Option<String>,
}

/// Reads a page. A body that is not complete is an error.
pub(super) fn parse(body: &[u8]) -> Result<Page, String> {
    // Splitting the list first and reading the elements one by one is a third faster than reading it as one value.
    let envelope: Envelope<'_> = serde_json::from_slice(body).map_err(|error| describe_json_error(&error))?;
    let value = match envelope.value {
        None => None,
        Some(items) => Some(
            items
                .into_iter()
                .map(|item| serde_json::from_str::<Raw>(item.get()).map_err(|error| describe_json_error(&error)))
                .collect::<Result<Vec<Raw>, String>>()?,
        ),
    };
    Ok(Page { value, next: envelope.next.filter(|next| !next.is_empty()) })
}

/// Describes an error in JSON, without repeating any of the text.
pub(super) fn describe_json_error(error: &serde_json::Error) -> String {
    format!("the body is not whole JSON (line {}, column {})", error.line(), error.column())
}

/// Holds ids that were seen, in little memory: most are GUIDs.
#[derive(Debug, Default)]
pub(super) struct Seen {
    guids: HashSet<u128>,
    others: HashSet<String>,
}

impl Seen {
    /// Adds `id`, and returns true if it is new.
    pub(super) fn insert(&mut self, id: &str) -> bool {
        match uuid::Uuid::try_parse(id) {
            // A GUID in another spelling counts as another id.
            Ok(guid) if id.len() == 36 && !id.bytes().any(|byte| byte.is_ascii_uppercase()) => {
                self.guids.insert(guid.as_u128())
            }
            _ => self.others.insert(id.to_owned()),
        }
    }
}

/// Represents a list being read.
pub(super) struct Pages<'a> {
    http: &'a Http,
    first: Url,
    next: Option<Url>,
    permissions: &'static [&'static str],
    seen: Seen,
    links: HashSet<u64>,
    idle: u32,
    restarts: u32,
}

impl<'a> Pages<'a> {
    /// Returns a reader of the list at `first`.
    pub(super) fn new(http: &'a Http, first: Url, permissions: &'static [&'static str]) -> Self {
        Pages {
            http,
            next: Some(first.clone()),
            first,
            permissions,
            seen: Seen::default(),
            links: HashSet::new(),
            idle: 0,
            restarts: 0,
        }
    }

    /// Returns the next objects, none of which was returned before; `None` at the end. Pages without a new object are passed
    /// over.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Raw>>, TenantError> {
        while let Some(url) = self.next.take() {
            let request = Request::get(url, self.permissions);
            let page = match self.http.run(&request, parse).await {
                Err(TenantError::Refused { ref code, .. })
                    if Fault::is_expired_page(code) && self.restarts < RESTARTS && request.url != self.first =>
                {
                    self.restarts += 1;
                    self.links.clear();
                    self.next = Some(self.first.clone());
                    continue;
                }
                other => other?,
            };
            let wrong =
                |message: &str| TenantError::Unexpected { request: request.label(), message: message.to_owned() };
            let mut objects = page.value.ok_or_else(|| wrong("a page without `value`"))?;
            if let Some(link) = page.next {
                if !self.links.insert(digest(&link)) {
                    return Err(wrong("the pages go round in a circle"));
                }
                self.next = Some(self.http.base.follow(&link, &request.label())?);
            }
            objects.retain(|object| match object.get("id").and_then(|id| id.as_str()) {
                Some(id) => self.seen.insert(id),
                None => true,
            });
            if !objects.is_empty() {
                self.idle = 0;
                return Ok(Some(objects));
            }
            self.idle += 1;
            if self.idle > IDLE_PAGES {
                return Err(wrong("page after page brings nothing new"));
            }
        }
        Ok(None)
    }

    /// Returns all remaining objects.
    pub(super) async fn all(mut self) -> Result<Vec<Raw>, TenantError> {
        let mut all = Vec::new();
        while let Some(mut page) = self.next().await? {
            all.append(&mut page);
        }
        Ok(all)
    }
}

fn digest(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_read_strictly() {
        let page = parse(br##"{"@odata.context":"x","value":[{"id":"1"},{"id":"2","a":[1]}],"@odata.nextLink":"u"}"##)
            .unwrap();
        assert_eq!(page.value.unwrap().len(), 2);
        assert_eq!(page.next.as_deref(), Some("u"));
        assert_eq!(parse(b"{}").unwrap().value, None);
        assert_eq!(parse(br#"{"value":[]}"#).unwrap().value, Some(vec![]));
        for bad in [&b""[..], b"{\"value\":[{\"id\":\"1\"}", b"<html>", b"{\"value\":[1]}", b"{\"value\":[]} x", b"[]"]
        {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
        let said = parse(br#"{"value":["ada@contoso.com"]}"#).unwrap_err();
        assert!(!said.contains("ada"), "{said}");
    }

    #[test]
    fn ids_are_seen_once() {
        let mut seen = Seen::default();
        assert!(seen.insert("8c7f1a2b-0000-4000-8000-000000000001"));
        assert!(!seen.insert("8c7f1a2b-0000-4000-8000-000000000001"));
        assert!(seen.insert("8C7F1A2B-0000-4000-8000-000000000001"));
        assert!(seen.insert("Fido2") && !seen.insert("Fido2"));
    }
}
