//! Chooses when a rule of Privileged Identity Management's settings is written.
//!
//! The rules for administrators bind the requests of the same plan: those that loosen come before the schedules, those that
//! tighten after them. A rule of the others that contradicts one that is still there is refused, so that the one which
//! gives way comes first.

use serde_json::Value;

use crate::engine::canonical;
use crate::engine::order::{Phase, Stage};
use crate::model::{Action, Kind, Object};

/// Rules of which only one may be in force: the authentication context, and multifactor authentication.
const CONTEXT: &str = "AuthenticationContext_EndUser_Assignment";
const ENABLEMENT: &str = "Enablement_EndUser_Assignment";

/// Returns phase and stage of a step that changes a rule; `None` if it may come at any time.
pub(super) fn order(kind: &Kind, action: &Action, wanted: &Object, live: Option<&Object>) -> Option<(Phase, Stage)> {
    let Action::Relink { link: "rules", value } = action else { return None };
    if !matches!(kind.name, "roleManagementPolicy" | "groupRoleSettings") {
        return None;
    }
    let id = value["id"].as_str()?;
    let live = live?;
    let before = rule(live, id)?;
    if id.contains("_Admin_") {
        return Some(match limits_more(before, value)? {
            false => (Phase::Loosen, Stage::Link),
            true => (Phase::Enforce, Stage::Link),
        });
    }
    let gives_way = match id {
        CONTEXT => demands_context(live) && demands_mfa(wanted),
        ENABLEMENT => demands_mfa(live) && demands_context(wanted),
        _ => false,
    };
    gives_way.then_some((Phase::Write, Stage::Prepare))
}

/// Returns true if an administrator's request may be refused by `after` that `before` takes; `None` if both take the same.
fn limits_more(before: &Value, after: &Value) -> Option<bool> {
    let (longest, longest_after) = (longest(before), longest(after));
    if longest != longest_after {
        return Some(longest_after < longest);
    }
    let demands_more = names(after).any(|name| names(before).all(|other| other != name));
    let demands_less = names(before).any(|name| names(after).all(|other| other != name));
    (demands_more || demands_less).then_some(demands_more)
}

/// Returns how long an assignment may last at most, in seconds. Without a limit it may be permanent.
fn longest(rule: &Value) -> u64 {
    match rule["isExpirationRequired"] == true {
        true => rule["maximumDuration"].as_str().map_or(0, canonical::seconds),
        false => u64::MAX,
    }
}

fn names(rule: &Value) -> impl Iterator<Item = &str> {
    rule["enabledRules"].as_array().into_iter().flatten().filter_map(Value::as_str)
}

fn demands_context(settings: &Object) -> bool {
    rule(settings, CONTEXT).is_some_and(|rule| rule["isEnabled"] == true)
}

fn demands_mfa(settings: &Object) -> bool {
    rule(settings, ENABLEMENT).is_some_and(|rule| names(rule).any(|name| name == "MultiFactorAuthentication"))
}

fn rule<'a>(settings: &'a Object, id: &str) -> Option<&'a Value> {
    settings.get("rules")?.as_array()?.iter().find(|rule| rule["id"] == id)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_rule_limits_more_if_requests_pass_no_longer() {
        let expires =
            |required: bool, longest: &str| json!({"isExpirationRequired": required, "maximumDuration": longest});
        let demands = |names: &[&str]| json!({"enabledRules": names});
        assert_eq!(limits_more(&expires(false, "P365D"), &expires(true, "P365D")), Some(true));
        assert_eq!(limits_more(&expires(true, "P365D"), &expires(false, "P15D")), Some(false));
        assert_eq!(limits_more(&expires(true, "P15D"), &expires(true, "P1Y")), Some(false));
        assert_eq!(limits_more(&expires(false, "P15D"), &expires(false, "P1Y")), None);
        assert_eq!(limits_more(&demands(&[]), &demands(&["Justification"])), Some(true));
        assert_eq!(limits_more(&demands(&["Justification"]), &demands(&[])), Some(false));
        assert_eq!(limits_more(&demands(&["Justification"]), &demands(&["MultiFactorAuthentication"])), Some(true));
    }
}
