//! Reads what belongs to no kind: the audit log, and the policies that use an authentication strength.

use serde_json::{Value, json};

use super::csdl::Csdl;
use super::error::Fault;
use super::evaluate;
use super::odata::{Options, Shape};
use super::page;
use super::request::{Reply, Request, encode};
use super::routes::Pick;
use super::store::Properties;
use super::tenant::Tenant;
use crate::kinds;
use crate::model::Kind;

/// Answers `/auditLogs/directoryAudits`: newest first, at most a thousand on a page.
/// <https://learn.microsoft.com/graph/api/directoryaudit-list>
pub fn audits(tenant: &Tenant, csdl: &'static Csdl, id: Option<&str>, request: &Request) -> Result<Reply, Fault> {
    let ty = csdl.ty("directoryAudit").ok_or_else(|| Fault::no_segment("directoryAudits"))?;
    let context = format!("{}/$metadata#auditLogs/directoryAudits", request.root());
    if let Some(id) = id {
        let entry = tenant.audits.iter().find(|entry| entry["id"] == id).and_then(Value::as_object);
        let entry = entry.ok_or_else(|| Fault::missing(id))?;
        return super::read::one(csdl, ty, request, entry.clone(), format!("{context}/$entity"));
    }
    let options = Options::read(request, csdl, ty, false)?;
    let size = options.top.unwrap_or(1000);
    if !(1..=1000).contains(&size) {
        return Err(Fault::odata(format!(
            "The limit of '1000' for Top query has been exceeded. The value from the incoming request is '{size}'."
        )));
    }
    let ascending = match &options.order {
        Some((name, descends)) if name == "activityDateTime" => !descends,
        None => false,
        Some((name, _)) => return Err(Fault::odata(format!("Ordering by '{name}' is not supported."))),
    };
    // Pages continue after the entry shown last, so that entries written meanwhile do not shift them.
    let state = options
        .token
        .as_deref()
        .map(|token| page::open(&tenant.secret, token).ok_or_else(Fault::page_token))
        .transpose()?;
    let after = state.as_ref().and_then(|state| state.get("after")).and_then(Value::as_str);
    let entries: Box<dyn Iterator<Item = &Value>> =
        if ascending { Box::new(tenant.audits.iter()) } else { Box::new(tenant.audits.iter().rev()) };
    let mut entries =
        entries.skip_while(|entry| after.is_some_and(|after| entry["id"] != after)).skip(usize::from(after.is_some()));
    let fits = |entry: &&Value| options.filter.as_ref().is_none_or(|filter| evaluate::matches(filter, entry));
    let mut shape = Shape::new(csdl, ty, options.select.as_deref(), true)?;
    let picked: Vec<&Value> = entries.by_ref().filter(fits).take(size).collect();
    let mut body = Properties::new();
    body.insert("@odata.context".to_owned(), format!("{context}{}", shape.context()).into());
    if let (true, Some(last)) = (picked.len() == size && entries.next().is_some(), picked.last()) {
        let token = page::seal(&tenant.secret, &json!({"after": last["id"]}));
        let mut query: Vec<String> = request
            .query
            .iter()
            .filter(|(name, _)| name != "$skiptoken")
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
            .collect();
        query.push(format!("$skiptoken={token}"));
        body.insert("@odata.nextLink".to_owned(), request.url(&query.join("&")).into());
    }
    let value = picked
        .into_iter()
        .filter_map(Value::as_object)
        .map(|entry| Value::Object(shape.apply(entry.clone())))
        .collect();
    body.insert("value".to_owned(), Value::Array(value));
    Ok(Reply::json(200, &body))
}

/// Answers `/policies/authenticationStrengthPolicies/{id}/usage`
/// <https://learn.microsoft.com/graph/api/authenticationstrengthpolicy-usage>
pub fn usage(tenant: &Tenant, kind: &'static Kind, of: &Pick, request: &Request) -> Result<Reply, Fault> {
    let (key, _) = tenant.find(kind, of)?;
    let (mut mfa, mut none) = (Vec::new(), Vec::new());
    if let Some(policies) = kinds::by_name("conditionalAccessPolicy") {
        for row in tenant.store.table(policies).live.values() {
            let policy = Value::Object(row.unpack());
            if policy.pointer("/grantControls/authenticationStrength/id").and_then(Value::as_str) != Some(&key.id) {
                continue;
            }
            match policy.pointer("/grantControls/builtInControls").and_then(Value::as_array) {
                Some(controls) if controls.iter().any(|control| control == "mfa") => mfa.push(policy),
                _ => none.push(policy),
            }
        }
    }
    let context = format!("{}/$metadata#microsoft.graph.authenticationStrengthUsage", request.root());
    Ok(Reply::text(json!({"@odata.context": context, "mfa": mfa, "none": none}).to_string()))
}
