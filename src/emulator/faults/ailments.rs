//! Simulates kinds that cannot be read, for different reasons.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::emulator::error::Fault;
use crate::emulator::request::{Reply, Request};
use crate::emulator::routes::Target;
use crate::kinds;

/// Represents the reason why a kind cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadFault {
    /// The application lacks the permission. <https://learn.microsoft.com/graph/errors>
    Denied,
    /// The tenant lacks the licence. <https://learn.microsoft.com/graph/resolve-auth-errors>
    Unlicensed,
    /// The service behind it was never set up in the tenant.
    Unprovisioned,
    /// The service behind it is out of order.
    Broken,
    /// Every list ends with a link to a page that has expired. <https://learn.microsoft.com/graph/paging>
    Expired,
    /// Every list answers 200 without a row, as where a query option is not supported.
    /// <https://learn.microsoft.com/graph/query-parameters#error-handling-for-query-parameters>
    Empty,
    /// Only the next list answers 200 without a row.
    EmptyOnce,
}

impl ReadFault {
    /// Lists all of them.
    pub const ALL: [ReadFault; 7] = [
        ReadFault::Denied,
        ReadFault::Unlicensed,
        ReadFault::Unprovisioned,
        ReadFault::Broken,
        ReadFault::Expired,
        ReadFault::Empty,
        ReadFault::EmptyOnce,
    ];

    /// Returns the word that selects it.
    pub fn as_str(self) -> &'static str {
        match self {
            ReadFault::Denied => "denied",
            ReadFault::Unlicensed => "unlicensed",
            ReadFault::Unprovisioned => "unprovisioned",
            ReadFault::Broken => "broken",
            ReadFault::Expired => "expired",
            ReadFault::Empty => "empty",
            ReadFault::EmptyOnce => "empty-once",
        }
    }
}

/// Holds the fault of each path.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ailments(BTreeMap<&'static str, ReadFault>);

impl Ailments {
    /// Adds the fault to a kind, and to every other kind at its path.
    pub fn add(&mut self, ailment: ReadFault, kind: &str) -> Result<(), String> {
        let kind = kinds::by_name(kind).ok_or_else(|| {
            format!("{} takes a kind, as in {}:group, not {kind:?}", ailment.as_str(), ailment.as_str())
        })?;
        self.0.insert(kind.path, ailment);
        Ok(())
    }

    /// Returns the fault of the path that `target` reads. A fault that happens once is removed then.
    pub fn meet(&mut self, target: &Target) -> Option<ReadFault> {
        let kind = match target {
            Target::Kind(kind) | Target::Count(kind) | Target::Delta(kind) | Target::Object(kind, _) => kind,
            // One service answers both lists.
            Target::Borrowed { kind, .. } => kind,
            _ => return None,
        };
        let ailment = self.0.get(kind.path).copied()?;
        let of_lists = matches!(ailment, ReadFault::Empty | ReadFault::EmptyOnce);
        if of_lists && !matches!(target, Target::Kind(_) | Target::Borrowed { .. }) {
            return None;
        }
        if ailment == ReadFault::EmptyOnce {
            self.0.remove(kind.path);
        }
        Some(ailment)
    }
}

/// Reads, or fails as the fault demands.
pub fn reading(
    ailment: Option<ReadFault>,
    request: &Request,
    read: impl FnOnce() -> Result<Reply, Fault>,
) -> Result<Reply, Fault> {
    match ailment {
        None => read(),
        Some(ReadFault::Denied) => Err(Fault::denied()),
        Some(ReadFault::Unlicensed) => Err(Fault::new(
            403,
            "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
            "Neither tenant is B2C or tenant doesn't have premium license",
        )),
        Some(ReadFault::Unprovisioned) => Err(Fault::new(500, "UnknownError", "HostNotFound")),
        Some(ReadFault::Broken) => Err(Fault::new(500, "InternalServerError", "An error has occurred.")),
        Some(ReadFault::Expired) if request.option("$skiptoken").is_some() => Err(Fault::page_token()),
        Some(ReadFault::Expired) => read().map(|reply| goes_on(reply, request)),
        Some(ReadFault::Empty | ReadFault::EmptyOnce) => read().map(|reply| less(reply, |_| false)),
    }
}

/// Removes rows from a list whose ids are not `kept`. Nothing else shows that they are missing.
pub fn less(reply: Reply, kept: impl Fn(&str) -> bool) -> Reply {
    let body = reply.body.as_deref().and_then(|body| serde_json::from_str::<Map<String, Value>>(body).ok());
    let Some(mut body) = body else { return reply };
    let Some(Value::Array(rows)) = body.get_mut("value") else { return reply };
    rows.retain(|row| row["id"].as_str().is_none_or(&kept));
    if rows.is_empty() {
        body.remove("@odata.nextLink");
    }
    Reply { body: Some(Value::Object(body).to_string()), ..reply }
}

/// Returns a reply that claims not to be the last page.
fn goes_on(reply: Reply, request: &Request) -> Reply {
    let body = reply.body.as_deref().and_then(|body| serde_json::from_str::<Map<String, Value>>(body).ok());
    match body {
        Some(mut body) if body.contains_key("value") => {
            body.remove("@odata.deltaLink");
            body.insert("@odata.nextLink".to_owned(), request.url("$skiptoken=gone").into());
            Reply { body: Some(Value::Object(body).to_string()), ..reply }
        }
        _ => reply,
    }
}
