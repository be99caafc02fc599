//! Answers `$batch`: up to twenty requests in one, each answered by the same dispatcher.
//! <https://learn.microsoft.com/graph/json-batching>

use std::collections::{BTreeMap, BTreeSet};
use std::sync::RwLock;

use serde_json::{Value, json};

use super::error::Fault;
use super::replies::{headers, settle};
use super::request::{Reply, Request, parse_path, parse_query};
use super::tenant::Tenant;

const MOST: usize = 20;

/// Answers one request.
pub type Dispatch = fn(&RwLock<Tenant>, &Request) -> Result<Reply, Fault>;

/// Answers a batch, each part through `dispatch`.
pub fn answer(tenant: &RwLock<Tenant>, request: &Request, dispatch: Dispatch) -> Result<Reply, Fault> {
    if request.method != "POST" {
        return Err(Fault::method());
    }
    let body = request.object()?;
    let Some(Value::Array(parts)) = body.get("requests") else {
        return Err(Fault::odata("Invalid batch payload format."));
    };
    if parts.len() > MOST {
        return Err(Fault::odata(format!("Number of batch request steps exceeds the maximum value of {MOST}.")));
    }
    let mut seen = BTreeSet::new();
    for part in parts {
        let id = text(part, "id");
        if id.is_empty() || text(part, "method").is_empty() || text(part, "url").is_empty() {
            return Err(Fault::odata("Invalid batch payload format: every request needs 'id', 'method' and 'url'."));
        }
        // Microsoft's page says of the ids: "case-insensitive … must be unique".
        if !seen.insert(id.to_lowercase()) {
            return Err(Fault::odata("Request Id duplicated in batch request."));
        }
    }
    for part in parts {
        if depends(part).iter().any(|id| !seen.contains(&id.to_lowercase())) {
            return Err(Fault::odata("Invalid dependsOn: it names a request that is not part of the batch."));
        }
    }
    let responses = run(tenant, request, parts, dispatch)?;
    let mut texts: Vec<String> = responses.into_values().collect();
    // Microsoft's page says: "The responses might come back in a different order."
    fastrand::shuffle(&mut texts);
    Ok(Reply::text(format!("{{\"responses\":[{}]}}", texts.join(","))))
}

/// Answers every part after those it depends on. Returns each response as JSON text by its position.
fn run(
    tenant: &RwLock<Tenant>,
    request: &Request,
    parts: &[Value],
    dispatch: Dispatch,
) -> Result<BTreeMap<usize, String>, Fault> {
    let mut status: BTreeMap<String, u16> = BTreeMap::new();
    let mut done: BTreeMap<usize, String> = BTreeMap::new();
    while done.len() < parts.len() {
        let before = done.len();
        for (at, part) in parts.iter().enumerate() {
            let needs = depends(part);
            if done.contains_key(&at) || !needs.iter().all(|id| status.contains_key(&id.to_lowercase())) {
                continue;
            }
            let failed = needs.iter().any(|id| status.get(&id.to_lowercase()).is_some_and(|status| *status >= 400));
            let (code, response) =
                if failed { (424, dependency(request, part)) } else { one(tenant, request, part, dispatch) };
            status.insert(text(part, "id").to_lowercase(), code);
            done.insert(at, response);
        }
        if done.len() == before {
            return Err(Fault::odata("Invalid dependsOn: the requests depend on each other."));
        }
    }
    Ok(done)
}

fn one(tenant: &RwLock<Tenant>, outer: &Request, part: &Value, dispatch: Dispatch) -> (u16, String) {
    let url = text(part, "url");
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    // The version is the batch's own; a version in the path is an error that real batches answer with a bad segment.
    let mut sent: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in part.get("headers").and_then(Value::as_object).into_iter().flatten() {
        sent.insert(name.to_lowercase(), value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    }
    sent.entry("user-agent".to_owned()).or_insert_with(|| outer.header("user-agent").unwrap_or_default().to_owned());
    let body = part.get("body").filter(|body| !body.is_null());
    let request = Request {
        method: text(part, "method").to_uppercase(),
        segments: parse_path(path),
        query: parse_query(query),
        body: body.map(|body| body.to_string().into_bytes()).unwrap_or_default(),
        headers: sent,
        id: uuid::Uuid::new_v4().to_string(),
        ..outer.clone()
    };
    let typed = request.header("content-type").is_some_and(|ty| ty.starts_with("application/json"));
    let result = match (body, path.trim_matches('/')) {
        // Microsoft's page forbids nested batches, and a body needs its type.
        (_, "$batch") => Err(Fault::odata("Nested batch requests are not supported.")),
        (Some(_), _) if !typed => Err(Fault::odata(
            "Write request id : ".to_owned() + text(part, "id") + " does not contain Content-Type header or body.",
        )),
        _ => dispatch(tenant, &request),
    };
    let reply = settle(tenant, &request, result);
    let mut shown: BTreeMap<String, String> =
        headers(&reply, &request).into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    if reply.body.is_none() {
        shown.remove("Content-Type");
    }
    let head = json!({"id": text(part, "id"), "status": reply.status, "headers": shown}).to_string();
    // The body is JSON text already, so it is inserted unchanged.
    let body = reply.body.as_deref().unwrap_or("null");
    (reply.status, format!("{},\"body\":{body}}}", &head[..head.len() - 1]))
}

fn dependency(outer: &Request, part: &Value) -> String {
    let fault =
        Fault::new(424, "FailedDependency", "The request was not executed because a request it depends on failed.");
    json!({"id": text(part, "id"), "status": 424, "headers": {}, "body": fault.body(&outer.id, &outer.id, "")})
        .to_string()
}

fn depends(part: &Value) -> Vec<&str> {
    super::store::strings(part.get("dependsOn")).collect()
}

fn text<'a>(part: &'a Value, name: &str) -> &'a str {
    part.get(name).and_then(Value::as_str).unwrap_or_default()
}
