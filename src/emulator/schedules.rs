//! Handles schedules, which are read directly and written by requests.
//! <https://learn.microsoft.com/graph/api/rbacapplication-post-roleeligibilityschedulerequests>

use serde_json::{Value, json};

use super::audit::Verb;
use super::check::{self, Mode};
use super::csdl::{Csdl, Type};
use super::delta::What;
use super::error::Fault;
use super::faults::RequestStatus;
use super::quirks;
use super::read;
use super::request::{Reply, Request};
use super::store::{Key, Properties};
use super::tenant::Tenant;
use super::write;
use crate::kinds;
use crate::model::Kind;
use crate::model::kind::Requests;

/// Answers POST of a request: an administrator's is carried out at once, unless the faults give it another status.
pub fn request(tenant: &mut Tenant, csdl: &'static Csdl, kind: &'static Kind, call: &Request) -> Result<Reply, Fault> {
    let requests = kind.requests.ok_or_else(Fault::method)?;
    let ty = csdl.ty(requests.entity).ok_or_else(|| Fault::no_segment(requests.entity))?;
    let body = call.object()?;
    check::body(csdl, ty, &body, Mode::Create)?;
    let action = body.get("action").and_then(Value::as_str).unwrap_or_default().to_owned();
    // Eligibilities and assignments of one group are told apart by their key properties.
    let names = about(&requests, csdl.ty(kind.entity).ok_or_else(|| Fault::no_segment(kind.name))?);
    if let Some(name) = names.iter().find(|name| !body.contains_key(**name) && !optional(name)) {
        return Err(quirks::invalid(name, requests.entity));
    }
    dangling(tenant, &body)?;
    let status = tenant.weather.request_status().unwrap_or(RequestStatus::Provisioned);
    let id = uuid::Uuid::new_v4().to_string();
    let made = schedule_id(&body, &id);
    let rows = tenant.store.table(kind).live.iter();
    let same = |object: &Properties| names.iter().all(|name| object.get(*name) == body.get(*name));
    let found = rows.map(|(key, row)| (key.clone(), row.unpack())).find(|(_, object)| same(object));
    if !status.is_carried_out() {
        let schedule = found.map_or(Value::Null, |(key, _)| key.id.to_string().into());
        return answer(tenant, csdl, (requests, ty), call, with_id(body, id), (status, schedule));
    }
    if matches!(action.as_str(), "adminAssign" | "adminUpdate") {
        quirks::check_request(tenant, kind, &body)?;
    }
    let schedule = match (action.as_str(), found) {
        ("adminAssign", found) if found.is_some() || holds(tenant, kind, &body) => {
            return Err(Fault::new(400, "RoleAssignmentExists", "The Role assignment already exists."));
        }
        ("adminAssign", _) => {
            let ty = csdl.ty(kind.entity).ok_or_else(|| Fault::no_segment(kind.name))?;
            let mut schedule = body.clone();
            schedule.retain(|name, value| ty.property(name).is_some() && !value.is_null());
            let more = json!({"id": made, "createdUsing": id, "createdDateTime": tenant.clock.ticks(), "status": "Provisioned",
                // A schedule that nobody activated is "Assigned":
                // <https://learn.microsoft.com/graph/api/resources/unifiedroleassignmentschedule>
                "memberType": "Direct", "assignmentType": "Assigned"});
            schedule.extend(more.as_object().cloned().unwrap_or_default());
            schedule.retain(|name, _| ty.property(name).is_some());
            tenant.store.table_mut(kind).put(kind, &schedule);
            tenant.log.note(kind, &Key::of(&made), What::Written(schedule.keys().cloned().collect()));
            tenant.audit(call, kind, Verb::Add, None, Some(&schedule));
            bring_along(tenant, kind, &schedule);
            made
        }
        ("adminUpdate", Some((key, old))) => {
            let mut new = old.clone();
            if let Some(info) = body.get("scheduleInfo") {
                new.insert("scheduleInfo".to_owned(), info.clone());
            }
            // The changed schedule has a new id.
            new.insert("id".to_owned(), made.as_str().into());
            new.insert("createdUsing".to_owned(), id.as_str().into());
            tenant.store.table_mut(kind).take(kind, &key);
            tenant.log.note(kind, &key, What::Gone);
            write::store(tenant, call, kind, &Key::of(&made), &old, &new);
            made
        }
        ("adminRemove", Some((key, schedule))) => {
            write::remove(tenant, kind, &key, call);
            if let Some((assignments, assignment)) = assignment_of(kind, &schedule) {
                write::remove(tenant, assignments, &Key::of(quirks::text(&assignment, "id")), call);
            }
            key.id.to_string()
        }
        ("adminUpdate" | "adminRemove", None) => {
            return Err(Fault::new(400, "RoleAssignmentDoesNotExist", "The Role assignment does not exist."));
        }
        _ => return Err(quirks::invalid("action", requests.entity)),
    };
    answer(tenant, csdl, (requests, ty), call, with_id(body, id), (status, schedule.into()))
}

/// Returns the id of the schedule that the request `id` makes: for groups `{group}_{access}_{request}`.
/// <https://learn.microsoft.com/graph/api/privilegedaccessgroup-post-assignmentschedulerequests>
fn schedule_id(body: &Properties, id: &str) -> String {
    match quirks::text(body, "groupId") {
        "" => id.to_owned(),
        group => format!("{group}_{}_{id}", quirks::text(body, "accessId")),
    }
}

fn with_id(mut body: Properties, id: String) -> Properties {
    body.insert("id".to_owned(), id.into());
    body
}

/// Answers 201 with the request, its status, and the schedule that it is about.
fn answer(
    tenant: &mut Tenant,
    csdl: &'static Csdl,
    (requests, ty): (Requests, &'static Type),
    call: &Request,
    mut body: Properties,
    (status, schedule): (RequestStatus, Value),
) -> Result<Reply, Fault> {
    let now = tenant.clock.ticks();
    let caller = json!({"id": call.caller.object_id()});
    let by = if call.caller.is_user() { json!({"user": caller}) } else { json!({"application": caller}) };
    let completed = if status.is_carried_out() { Value::from(now.clone()) } else { Value::Null };
    let more = json!({requests.target: schedule, "status": status.as_str(), "createdBy": by, "createdDateTime": now,
        "completedDateTime": completed});
    body.extend(more.as_object().cloned().unwrap_or_default());
    let context = format!("{}/$metadata#{}/$entity", call.root(), requests.path.trim_start_matches('/'));
    let mut reply = read::one(csdl, ty, call, body, context)?;
    reply.status = 201;
    Ok(reply)
}

/// Returns the role assignment that exists as long as an active schedule does: it is in the list of assignments as well.
/// <https://learn.microsoft.com/graph/api/resources/privilegedidentitymanagementv3-overview>
fn assignment_of(kind: &Kind, schedule: &Properties) -> Option<(&'static Kind, Properties)> {
    let assignments = kinds::ALL.iter().find(|other| other.twin.is_some_and(|twin| twin.kind == kind.name))?;
    let by = assignments.twin?.by.iter();
    let mut assignment: Properties = by
        .filter_map(|name| Some(((*name).to_owned(), schedule.get(*name).filter(|value| !value.is_null())?.clone())))
        .collect();
    assignment.insert("id".to_owned(), quirks::assignment_id(&assignment).into());
    Some((assignments, assignment))
}

/// Returns true if the principal has the requested assignment already.
fn holds(tenant: &Tenant, kind: &Kind, schedule: &Properties) -> bool {
    assignment_of(kind, schedule)
        .is_some_and(|(kind, assignment)| tenant.store.table(kind).get(quirks::text(&assignment, "id")).is_some())
}

fn bring_along(tenant: &mut Tenant, kind: &Kind, schedule: &Properties) {
    if let Some((kind, assignment)) = assignment_of(kind, schedule) {
        let key = tenant.store.table_mut(kind).put(kind, &assignment);
        tenant.log.note(kind, &key, What::Written(assignment.keys().cloned().collect()));
    }
}

/// Returns the properties that tell one schedule from another.
fn about(requests: &Requests, ty: &Type) -> Vec<&'static str> {
    let tells =
        |name: &&'static str| ty.property(name).is_some_and(|property| !property.ty.contains("requestSchedule"));
    requests.names.iter().copied().filter(tells).collect()
}

/// Returns true for properties of which one is enough: "Either directoryScopeId or appScopeId is required":
/// <https://learn.microsoft.com/graph/api/resources/unifiedroleeligibilityschedulerequest>
fn optional(name: &str) -> bool {
    matches!(name, "appScopeId" | "directoryScopeId")
}

fn dangling(tenant: &Tenant, body: &Properties) -> Result<(), Fault> {
    for (name, known) in
        [("principalId", None), ("groupId", Some("group")), ("roleDefinitionId", Some("roleDefinition"))]
    {
        let Some(id) = body.get(name).and_then(Value::as_str) else { continue };
        let key = Key::of(id);
        let there = match known.and_then(kinds::by_name) {
            Some(kind) => tenant.store.table(kind).live.contains_key(&key),
            None => tenant.directory_kind(&key).is_some(),
        };
        if !there {
            return Err(Fault::missing(id));
        }
    }
    Ok(())
}
