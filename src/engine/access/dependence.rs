//! Judges what an account's access depends on besides policies: applications that issue tokens, the name it signs in with,
//! schedules that end, and reviews and workflows that remove access automatically.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::holders::{GROUP_SEATS, list, text};
use super::methods::Proofs;
use super::subject::Subject;
use super::token_apps::{COMMAND_LINE, TOKENS_FOR};
use super::{GLOBAL_ADMINISTRATOR, Tenant, words};

/// Lists the kinds that remove access automatically, or send people elsewhere to sign in.
pub const SCHEDULED: &[&str] = &["accessReview", "lifecycleWorkflow", "homeRealmDiscoveryPolicy"];

/// Lists the tasks of lifecycle workflows that remove an account's access.
/// <https://learn.microsoft.com/entra/id-governance/lifecycle-workflow-tasks>
const TASKS: [(&str, &str); 4] = [
    ("8d18588d-9ad3-4c0f-99d0-ec215f0e3dff", "deletes it"),
    ("1dfdfcc7-52fa-4c2e-bf3a-e3919cc12950", "disables it"),
    ("b3a31406-2a15-4c9a-b25b-a658fa5f07fc", "takes it out of all groups"),
    ("1953a66c-751c-45e5-8bfe-01462c70da3c", "takes it out of groups"),
];

/// Represents the end of a schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
enum End {
    Never,
    /// At a time, as Graph writes it.
    At(String),
    /// After a duration, counted from the beginning of the schedule.
    After(String),
}

impl End {
    fn of(schedule: &Map<String, Value>) -> End {
        let at = |name: &str| schedule.get("scheduleInfo")?.get("expiration")?.get(name)?.as_str();
        // <https://learn.microsoft.com/graph/api/resources/expirationpattern>
        match (at("type").unwrap_or_default(), at("endDateTime"), at("duration")) {
            ("afterDateTime", Some(end), _) => End::At(end.to_owned()),
            ("afterDuration", _, Some(duration)) => End::After(duration.to_owned()),
            _ => End::Never,
        }
    }

    /// Returns true if it is certain that this end is not sooner than `other`.
    fn lasts_as_long_as(&self, other: &End) -> bool {
        match (self, other) {
            (End::Never, _) => true,
            // Both are in UTC, as Graph writes them: text order is time order.
            (End::At(own), End::At(other)) => own >= other,
            (End::After(own), End::After(other)) => own == other,
            _ => false,
        }
    }
}

/// Holds what an account's access depends on.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Dependence {
    /// Name that an emergency account signs in with; empty for other accounts.
    pub(super) name: String,
    /// Reasons, as clauses, why applications issue no tokens to the account.
    pub(super) no_tokens: BTreeSet<String>,
    /// Ends of the schedules that give the account a role or membership, by that role or membership.
    schedules: BTreeMap<String, Vec<End>>,
    /// Authentication methods that the account can use; `None` for a service principal.
    pub(super) proofs: Option<Proofs>,
    /// Reviews, workflows and policies that remove the account's access automatically, as clauses.
    pub(super) taken_away: BTreeSet<String>,
}

impl Dependence {
    /// Returns the scheduled roles and memberships that now end sooner.
    pub(super) fn ends_sooner(&self, now: &Dependence) -> Vec<&str> {
        let shorter = |(what, ends): &(&String, &Vec<End>)| {
            let left = now.schedules.get(*what).map(Vec::as_slice).unwrap_or_default();
            !ends.iter().all(|end| left.iter().any(|now| now.lasts_as_long_as(end)))
        };
        self.schedules.iter().filter(shorter).map(|(what, _)| what.as_str()).collect()
    }

    pub(super) fn of(tenant: &Tenant, subject: &Subject, emergency: bool) -> Dependence {
        let id = subject.id();
        let person = matches!(subject, Subject::User(_));
        let own = tenant.users.get(id).filter(|_| emergency);
        let mut found = Dependence {
            name: own.map(|own| text(own, "userPrincipalName")).unwrap_or_default(),
            no_tokens: tenant.without_tokens(subject),
            proofs: person.then(|| Proofs::of(tenant, id)),
            ..Dependence::default()
        };
        for kind in ["roleAssignmentSchedule", "roleEligibilitySchedule"] {
            for (_, schedule) in tenant.rules_of(kind) {
                let (principal, role) = (text(schedule, "principalId"), text(schedule, "roleDefinitionId"));
                let whole = matches!(text(schedule, "directoryScopeId").as_str(), "" | "/");
                if whole
                    && (principal == id || tenant.holds(&principal, id))
                    && (!emergency || role == GLOBAL_ADMINISTRATOR)
                {
                    let what = format!("the role {}", tenant.role_name(&role));
                    found.schedules.entry(what).or_default().push(End::of(schedule));
                }
            }
        }
        for (_, schedule) in GROUP_SEATS.iter().flat_map(|kind| tenant.rules_of(kind)) {
            if text(schedule, "principalId") == id && text(schedule, "accessId") != "owner" {
                let what = format!("the membership in {}", tenant.quoted(&text(schedule, "groupId")));
                found.schedules.entry(what).or_default().push(End::of(schedule));
            }
        }
        if person {
            found.taken_away.extend(tenant.reviews_of(id));
            found.taken_away.extend(tenant.workflows_for(id));
            found.taken_away.extend(super::home_realm::sent_elsewhere(tenant, id));
        }
        found
    }
}

impl Tenant {
    /// Returns the applications that issue no tokens to `subject`, as clauses: disabled for sign-in, or for assigned people
    /// only.
    /// <https://learn.microsoft.com/entra/identity/enterprise-apps/disable-user-sign-in-portal>
    fn without_tokens(&self, subject: &Subject) -> BTreeSet<String> {
        let id = subject.id();
        let person = matches!(subject, Subject::User(_));
        let mut found = BTreeSet::new();
        for (resource, own) in &self.principals {
            let app = text(own, "appId");
            let named = |list: &[(&str, &'static str)]| list.iter().find(|(id, _)| *id == app).map(|(_, name)| *name);
            let (served, tool) = (named(&TOKENS_FOR), named(&COMMAND_LINE));
            let Some(name) = served.or(tool) else { continue };
            if served.is_some() && own.get("accountEnabled") == Some(&Value::Bool(false)) {
                found.insert(format!("{name} is disabled, and gives nobody a token"));
            }
            // Assignment counts for the direct members of a group, not for members of nested groups:
            // <https://learn.microsoft.com/entra/identity/enterprise-apps/assign-user-or-group-access-portal>
            let assigned = self
                .grants
                .iter()
                .filter(|(_, of, _)| of == resource)
                .any(|(who, ..)| who == id || self.groups.get(who).is_some_and(|group| group.members.contains(id)));
            if person && own.get("appRoleAssignmentRequired") == Some(&Value::Bool(true)) && !assigned {
                found.insert(format!("{name} lets in only those who are assigned to it"));
            }
        }
        found
    }

    /// Returns true if membership in the group matters: a policy excludes the group, or the group holds a role.
    fn group_matters(&self, group: &str) -> bool {
        let is_it = |outer: &str| outer == group || self.holds(outer, group);
        let excluded = self.policies.values().any(|policy| {
            let users = policy.get("conditions").and_then(|conditions| conditions.get("users"));
            words(users.and_then(|users| users.get("excludeGroups"))).any(|outer| is_it(&outer))
        });
        excluded || self.seats().any(|seat| is_it(&seat.principal.to_lowercase()))
    }

    /// Returns the access reviews that remove access from `id` unless somebody approves it, as clauses.
    /// <https://learn.microsoft.com/graph/api/resources/accessreviewschedulesettings>
    fn reviews_of(&self, id: &str) -> Vec<String> {
        let mut found = Vec::new();
        for (_, review) in self.rules_of("accessReview") {
            let setting = |name: &str| review.get("settings").and_then(|settings| settings.get(name));
            let by_itself = setting("autoApplyDecisionsEnabled") == Some(&Value::Bool(true))
                && setting("defaultDecisionEnabled") == Some(&Value::Bool(true))
                && setting("defaultDecision")
                    .and_then(Value::as_str)
                    .is_some_and(|word| !word.eq_ignore_ascii_case("approve"));
            if !by_itself {
                continue;
            }
            let scopes = ["scope", "instanceEnumerationScope"].into_iter().filter_map(|name| review.get(name));
            let mut queries = Vec::new();
            scopes.for_each(|scope| queries_of(scope, &mut queries));
            let guests = queries.iter().any(|query| query.contains("usertype eq 'guest'"));
            let guest = self.users.get(id).is_some_and(|user| text(user, "userType") == "guest");
            if guests && !guest {
                continue;
            }
            let named = |id: &str| queries.iter().any(|query| query.contains(id));
            let groups = self.groups.keys().filter(|group| named(group) && self.holds(group, id));
            let group = groups.into_iter().find(|group| self.group_matters(group)).map(|group| self.quoted(group));
            let role = self.roles(id).into_iter().find(|role| named(role));
            if let Some(from) = group.or(role.map(|role| format!("the role {}", self.role_name(role)))) {
                let name = review.get("displayName").and_then(Value::as_str).unwrap_or_default();
                found.push(format!("the access review \"{name}\" takes it out of {from} unless somebody approves it"));
            }
        }
        found
    }

    /// Returns the enabled and scheduled lifecycle workflows that remove access from `id`, as clauses.
    fn workflows_for(&self, id: &str) -> Vec<String> {
        let mut found = Vec::new();
        for (_, workflow) in self.rules_of("lifecycleWorkflow") {
            let on = |name: &str| workflow.get(name) == Some(&Value::Bool(true));
            let reached = workflow.get("executionConditions").is_some_and(|conditions| self.is_reached(conditions, id));
            if !on("isEnabled") || !on("isSchedulingEnabled") || !reached {
                continue;
            }
            let tasks = list(workflow, "tasks").filter(|task| task.get("isEnabled") != Some(&Value::Bool(false)));
            let ids: BTreeSet<String> =
                tasks.filter_map(|task| task.get("taskDefinitionId")?.as_str()).map(str::to_lowercase).collect();
            if let Some((_, what)) = TASKS.iter().find(|(task, _)| ids.contains(*task)) {
                let name = workflow.get("displayName").and_then(Value::as_str).unwrap_or_default();
                found.push(format!("the lifecycle workflow \"{name}\" {what} by itself"));
            }
        }
        found
    }

    /// Returns true if a workflow with these conditions may run for `id`.
    /// <https://learn.microsoft.com/graph/api/resources/identitygovernance-triggerandscopebasedconditions>
    fn is_reached(&self, conditions: &Value, id: &str) -> bool {
        let Some(scope) = conditions.get("scope") else { return false };
        let empty = Map::new();
        let own = self.users.get(id).unwrap_or(&empty);
        // A user without a leave date is never reached by a workflow that the leave date triggers.
        let attribute = conditions.pointer("/trigger/timeBasedAttribute").and_then(Value::as_str);
        if attribute == Some("employeeLeaveDateTime") && !own.contains_key("employeeLeaveDateTime") {
            return false;
        }
        if let Some(groups) = scope.get("groups").and_then(Value::as_array) {
            let mut ids = groups.iter().filter_map(|group| group.get("id")?.as_str()).map(str::to_lowercase);
            return ids.any(|group| self.holds(&group, id) || !self.rules(&group).is_empty());
        }
        let rule = scope.get("rule").and_then(Value::as_str).unwrap_or_default();
        rule_may_take_in(rule, own)
    }
}

fn queries_of(scope: &Value, found: &mut Vec<String>) {
    found.extend(scope.get("query").and_then(Value::as_str).map(str::to_lowercase));
    for parts in ["principalScopes", "resourceScopes"] {
        scope.get(parts).and_then(Value::as_array).into_iter().flatten().for_each(|part| queries_of(part, found));
    }
}

/// Returns true if a rule as `(department eq 'Sales') and (userType eq 'Member')` may include a user. Only equality is
/// evaluated; every other comparison may be true.
fn rule_may_take_in(rule: &str, user: &Map<String, Value>) -> bool {
    let bare = rule.replace(['(', ')'], " ");
    let differs = |comparison: &str| {
        let Some((name, value)) = comparison.split_once(" eq ") else { return false };
        let value = value.trim().trim_matches(['\'', '"']).to_lowercase();
        let own = match user.get(name.trim()) {
            Some(Value::String(own)) => own.to_lowercase(),
            Some(Value::Bool(own)) => own.to_string(),
            _ => String::new(),
        };
        KNOWN_OF_USERS.contains(&name.trim()) && own != value
    };
    bare.split(" or ").any(|alternative| !alternative.split(" and ").any(differs))
}

/// Lists the properties of users that rules test and that are kept for every user.
pub(super) const KNOWN_OF_USERS: &[&str] = &[
    "accountEnabled",
    "city",
    "companyName",
    "country",
    "department",
    "employeeLeaveDateTime",
    "employeeType",
    "jobTitle",
    "officeLocation",
    "state",
    "usageLocation",
    "userPrincipalName",
    "userType",
];
