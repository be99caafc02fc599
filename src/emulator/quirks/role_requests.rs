//! Checks requests for schedules of Privileged Identity Management against the settings of their role or group.

use serde_json::Value;

use super::role_scopes as scopes;
use crate::emulator::error::Fault;
use crate::emulator::store::{Key, Properties, strings, text};
use crate::emulator::tenant::Tenant;
use crate::model::Kind;

/// Checks a request for a schedule against the settings of its role or group: they bind administrators as well.
pub fn check_request(tenant: &Tenant, kind: &Kind, request: &Properties) -> Result<(), Fault> {
    let group = request.contains_key("groupId");
    let (scope, subject) = match group {
        true => (text(request, "groupId"), text(request, "accessId")),
        false => ("/", text(request, "roleDefinitionId")),
    };
    let found = scopes::policies(tenant, scope).into_iter().find(|policy| text(policy, "roleDefinitionId") == subject);
    let Some(policy) = found else { return Ok(()) };
    let key = Key::of(text(&policy, "id"));
    let level = if kind.name.contains("Eligibility") { "Eligibility" } else { "Assignment" };
    let all = scopes::rules_of(tenant, &key);
    let rule = |sort: &str| {
        let id = format!("{sort}_Admin_{level}");
        all.iter().find(|rule| text(rule, "id") == id).cloned().unwrap_or_default()
    };
    let mut failed = Vec::new();
    let expiration = rule("Expiration");
    if expiration.get("isExpirationRequired") == Some(&Value::Bool(true))
        && !ends_within(tenant, request.get("scheduleInfo"), text(&expiration, "maximumDuration"))
    {
        failed.push("ExpirationRule");
    }
    let justified = !text(request, "justification").trim().is_empty();
    if !justified && strings(rule("Enablement").get("enabledRules")).any(|one| one == "Justification") {
        failed.push("JustificationRule");
    }
    match failed.is_empty() {
        true => Ok(()),
        false => Err(Fault::new(
            400,
            "RoleAssignmentRequestPolicyValidationFailed",
            format!("The following policy rules failed: {failed:?}"),
        )),
    }
}

/// Returns true if a schedule ends, and at most `longest` after it starts. A start in the past is now.
fn ends_within(tenant: &Tenant, info: Option<&Value>, longest: &str) -> bool {
    let now = tenant.clock.now();
    let text = |path: &str| info.and_then(|info| info.pointer(path)).and_then(Value::as_str).unwrap_or_default();
    let start = text("/startDateTime").parse().unwrap_or(now).max(now).to_zoned(jiff::tz::TimeZone::UTC);
    let after = |duration: &str| start.checked_add(duration.parse::<jiff::Span>().ok()?).ok();
    let end = match text("/expiration/type") {
        "afterDateTime" => text("/expiration/endDateTime").parse::<jiff::Timestamp>().ok(),
        "afterDuration" => after(text("/expiration/duration")).map(|end| end.timestamp()),
        _ => None,
    };
    end.zip(after(longest)).is_some_and(|(end, latest)| end <= latest.timestamp())
}
