//! Handles role and group schedules of Privileged Identity Management: they are changed only by posting a schedule request.
//! <https://learn.microsoft.com/graph/api/rbacapplication-post-roleeligibilityschedulerequests>

use serde_json::{Value, json};

use super::audit::Verb;
use super::change_log::What;
use super::check::{self, Mode};
use super::csdl::{Csdl, Type};
use super::error::Fault;
use super::faults::RequestStatus;
use super::quirks;
use super::read;
use super::request::{Reply, Request};
use super::store::{Key, Properties, text};
use super::tenant::Tenant;
use super::write;
use crate::kinds;
use crate::model::Kind;
use crate::model::kind::Requests;

/// Answers the POST of a schedule request. The actions `adminAssign`, `adminUpdate` and `adminRemove` are carried out at once,
/// unless the faults set another status for requests. Other actions are refused.
pub fn request(tenant: &mut Tenant, csdl: &'static Csdl, kind: &'static Kind, call: &Request) -> Result<Reply, Fault> {
    let requests = kind.requests.ok_or_else(Fault::method)?;
    let ty = csdl.ty(requests.entity).ok_or_else(|| Fault::no_segment(requests.entity))?;
    let body = call.object()?;
    check::body(csdl, ty, &body, Mode::Create)?;
    let action = body.get("action").and_then(Value::as_str).unwrap_or_default().to_owned();
    // A schedule with the same values of these properties is the one that the request is for.
    let names = identifying_properties(&requests, csdl.ty(kind.entity).ok_or_else(|| Fault::no_segment(kind.name))?);
    if let Some(name) = names.iter().find(|name| !body.contains_key(**name) && !is_optional(name)) {
        return Err(quirks::invalid(name, requests.entity));
    }
    check_references(tenant, &body)?;
    let status = tenant.weather.request_status().unwrap_or(RequestStatus::Provisioned);
    let id = uuid::Uuid::new_v4().to_string();
    let new_id = schedule_id(&body, &id);
    let rows = tenant.store.table(kind).live.iter();
    let same = |object: &Properties| names.iter().all(|name| object.get(*name) == body.get(*name));
    let found = rows.map(|(key, row)| (key.clone(), row.unpack())).find(|(_, object)| same(object));
    if !status.is_carried_out() {
        let schedule = found.map_or(Value::Null, |(key, _)| key.id.to_string().into());
        return created(tenant, csdl, requests, call, with_id(body, id), status, schedule);
    }
    if matches!(action.as_str(), "adminAssign" | "adminUpdate") {
        quirks::check_request(tenant, kind, &body)?;
    }
    let schedule = match (action.as_str(), found) {
        ("adminAssign", found) if found.is_some() || assignment_exists(tenant, kind, &body) => {
            return Err(Fault::new(400, "RoleAssignmentExists", "The Role assignment already exists."));
        }
        ("adminAssign", _) => {
            let ty = csdl.ty(kind.entity).ok_or_else(|| Fault::no_segment(kind.name))?;
            let mut schedule = body.clone();
            schedule.retain(|name, value| ty.property(name).is_some() && !value.is_null());
            let more = json!({"id": new_id, "createdUsing": id, "createdDateTime": tenant.clock.ticks(), "status": "Provisioned",
                // A schedule that nobody activated is "Assigned":
                // <https://learn.microsoft.com/graph/api/resources/unifiedroleassignmentschedule>
                "memberType": "Direct", "assignmentType": "Assigned"});
            schedule.extend(more.as_object().cloned().unwrap_or_default());
            schedule.retain(|name, _| ty.property(name).is_some());
            tenant.store.table_mut(kind).put(kind, &schedule);
            tenant.log.note(kind, &Key::of(&new_id), What::Written(schedule.keys().cloned().collect()));
            tenant.audit(call, kind, Verb::Add, None, Some(&schedule));
            store_assignment(tenant, kind, &schedule);
            new_id
        }
        ("adminUpdate", Some((key, old))) => {
            let mut new = old.clone();
            if let Some(info) = body.get("scheduleInfo") {
                new.insert("scheduleInfo".to_owned(), info.clone());
            }
            // Graph replaces a schedule when it is changed: the new one has another id.
            new.insert("id".to_owned(), new_id.as_str().into());
            new.insert("createdUsing".to_owned(), id.as_str().into());
            tenant.store.table_mut(kind).take(kind, &key);
            tenant.log.note(kind, &key, What::Gone);
            write::store(tenant, call, kind, &Key::of(&new_id), &old, &new);
            new_id
        }
        ("adminRemove", Some((key, schedule))) => {
            write::remove(tenant, kind, &key, call);
            if let Some((assignments, assignment)) = assignment_of(kind, &schedule) {
                write::remove(tenant, assignments, &Key::of(text(&assignment, "id")), call);
            }
            key.id.to_string()
        }
        ("adminUpdate" | "adminRemove", None) => {
            return Err(Fault::new(400, "RoleAssignmentDoesNotExist", "The Role assignment does not exist."));
        }
        _ => return Err(quirks::invalid("action", requests.entity)),
    };
    created(tenant, csdl, requests, call, with_id(body, id), status, schedule.into())
}

/// Returns the id of the schedule that the request with the id `id` creates: the same id, or `{group}_{access}_{id}` for groups.
/// <https://learn.microsoft.com/graph/api/privilegedaccessgroup-post-assignmentschedulerequests>
fn schedule_id(body: &Properties, id: &str) -> String {
    match text(body, "groupId") {
        "" => id.to_owned(),
        group => format!("{group}_{}_{id}", text(body, "accessId")),
    }
}

/// Returns the body with the request's id.
fn with_id(mut body: Properties, id: String) -> Properties {
    body.insert("id".to_owned(), id.into());
    body
}

/// Returns the reply 201 with the request, its status, and the id of its schedule (null if there is none).
fn created(
    tenant: &mut Tenant,
    csdl: &'static Csdl,
    requests: Requests,
    call: &Request,
    mut body: Properties,
    status: RequestStatus,
    schedule: Value,
) -> Result<Reply, Fault> {
    let ty = csdl.ty(requests.entity).ok_or_else(|| Fault::no_segment(requests.entity))?;
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

/// Returns the role assignment that Graph lists beside an active assignment schedule, and its kind; `None` for kinds of schedules
/// without such assignments, as eligibilities.
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

/// Returns true if the principal already has the role assignment that goes with the schedule.
fn assignment_exists(tenant: &Tenant, kind: &Kind, schedule: &Properties) -> bool {
    assignment_of(kind, schedule)
        .is_some_and(|(kind, assignment)| tenant.store.table(kind).get(text(&assignment, "id")).is_some())
}

/// Stores the role assignment that goes with the schedule, if its kind has one.
fn store_assignment(tenant: &mut Tenant, kind: &Kind, schedule: &Properties) {
    if let Some((kind, assignment)) = assignment_of(kind, schedule) {
        let key = tenant.store.table_mut(kind).put(kind, &assignment);
        tenant.log.note(kind, &key, What::Written(assignment.keys().cloned().collect()));
    }
}

/// Returns the properties that identify a schedule, as the principal, the role and the scope: those that a request and the type
/// of a schedule share, without the schedule's dates.
fn identifying_properties(requests: &Requests, ty: &Type) -> Vec<&'static str> {
    let identifies =
        |name: &&'static str| ty.property(name).is_some_and(|property| !property.ty.contains("requestSchedule"));
    requests.names.iter().copied().filter(identifies).collect()
}

/// Returns true if a request may lack the property: "Either directoryScopeId or appScopeId is required".
/// <https://learn.microsoft.com/graph/api/resources/unifiedroleeligibilityschedulerequest>
fn is_optional(name: &str) -> bool {
    matches!(name, "appScopeId" | "directoryScopeId")
}

/// Fails if the principal, the group or the role of a request does not exist.
fn check_references(tenant: &Tenant, body: &Properties) -> Result<(), Fault> {
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
