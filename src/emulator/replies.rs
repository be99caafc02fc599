//! Completes replies: a refusal gets its body, and every reply its headers.

use std::sync::RwLock;

use serde_json::json;

use super::error::Fault;
use super::request::{Reply, Request};
use super::tenant::Tenant;

/// Content type of JSON replies; <https://learn.microsoft.com/graph/json-batching> shows it in full.
const JSON: &str = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8";

/// Turns a refusal into the reply Graph sends for it.
pub fn settle(tenant: &RwLock<Tenant>, request: &Request, result: Result<Reply, Fault>) -> Reply {
    result.unwrap_or_else(|fault| {
        let date = tenant
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clock
            .now()
            .strftime("%Y-%m-%dT%H:%M:%S")
            .to_string();
        let client = request.header("client-request-id").unwrap_or(&request.id);
        let body = fault.body(&request.id, client, &date).to_string();
        let location = fault.location.into_iter().map(|location| ("Location", location));
        let headers = location.chain(fault.headers).collect();
        Reply { status: fault.status, headers, body: Some(body), plain: false, units: 0 }
    })
}

/// Returns the headers that every reply carries.
pub fn headers(reply: &Reply, request: &Request) -> Vec<(&'static str, String)> {
    let mut headers = vec![
        ("Cache-Control", "no-cache".to_owned()),
        ("request-id", request.id.clone()),
        ("client-request-id", request.header("client-request-id").unwrap_or(&request.id).to_owned()),
        (
            "x-ms-ags-diagnostic",
            json!({"ServerInfo": {"DataCenter": "Embedded", "Slice": "E", "Ring": "0", "ScaleUnit": "000"}})
                .to_string(),
        ),
        ("OData-Version", "4.0".to_owned()),
    ];
    if reply.units > 0 {
        headers.push(("x-ms-resource-unit", reply.units.to_string()));
    }
    match (&reply.body, reply.plain) {
        (Some(_), true) => headers.push(("Content-Type", "text/plain".to_owned())),
        (Some(_), false) if request.full_metadata() => {
            headers.push(("Content-Type", JSON.replace("metadata=minimal", "metadata=full")));
        }
        (Some(_), false) => headers.push(("Content-Type", JSON.to_owned())),
        (None, _) => {}
    }
    headers.extend(reply.headers.iter().cloned());
    headers
}
