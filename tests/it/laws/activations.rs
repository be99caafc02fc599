//! Who is assigned or activated through Privileged Identity Management is among the holders of the role as well. What has an end
//! there must not come back without one.

use std::collections::BTreeMap;

use entragit::engine::plan::{Inputs, plan};
use entragit::engine::scope::Scope;
use entragit::model::{Coverage, IdMap, Kind, Plan, Snapshot};
use entragit::tenant::Raw;
use serde_json::json;

use crate::support::generated::{addresses, guid, named, raw_of, snapshot};

type Objects = Vec<(&'static Kind, Raw)>;

fn people() -> Objects {
    let role = json!({"id": guid(7, 0), "displayName": "Readers", "isBuiltIn": false, "isEnabled": true});
    let user = json!({"id": guid(0, 0), "displayName": "Ada", "userPrincipalName": "ada@contoso.com"});
    vec![(named("roleDefinition"), raw_of(role)), (named("user"), raw_of(user))]
}

fn assignment() -> (&'static Kind, Raw) {
    let own =
        json!({"id": guid(8, 0), "principalId": guid(0, 0), "roleDefinitionId": guid(7, 0), "directoryScopeId": "/"});
    (named("roleAssignment"), raw_of(own))
}

fn schedule(sort: &str) -> (&'static Kind, Raw) {
    let own = json!({"id": guid(9, 0), "principalId": guid(0, 0), "roleDefinitionId": guid(7, 0), "directoryScopeId": "/",
        "createdUsing": guid(9, 0), "assignmentType": sort, "memberType": "Direct",
        "scheduleInfo": {"expiration": {"type": "afterDateTime", "endDateTime": "2026-01-01T10:00:00Z"}}});
    (named("roleAssignmentSchedule"), raw_of(own))
}

fn planned(wanted: Objects, live: Objects, scope: &Scope) -> (String, Vec<String>) {
    let with_people = |more: Objects| snapshot(people().into_iter().chain(more).collect());
    between(&with_people(wanted), &with_people(live), scope)
}

fn between(wanted: &Snapshot, live: &Snapshot, scope: &Scope) -> (String, Vec<String>) {
    let base = addresses(live);
    let (deleted, ids) = (BTreeMap::new(), IdMap::default());
    let inputs = Inputs { wanted, live, base: &base, deleted: &deleted, ids: &ids, scope, prune: true };
    let Plan { steps, losses, .. } = plan(&inputs);
    let steps: Vec<String> = steps.iter().map(|step| format!("{} {}", step.action.as_str(), step.called)).collect();
    (steps.join("; "), losses.into_iter().map(|loss| loss.what()).collect())
}

#[test]
fn an_activation_that_is_over_stays_over() {
    let both = vec![assignment(), schedule("Activated")];
    assert_eq!(planned(both, Vec::new(), &Scope::default()), (String::new(), Vec::new()));
}

#[test]
fn an_activation_that_runs_is_let_run() {
    let both = vec![assignment(), schedule("Activated")];
    assert_eq!(planned(Vec::new(), both, &Scope::default()), (String::new(), Vec::new()));
}

#[test]
fn an_assignment_with_an_end_is_made_with_its_end() {
    let (steps, losses) = planned(vec![assignment(), schedule("Assigned")], Vec::new(), &Scope::default());
    let said = ["gets a new id", "assignmentType and memberType are set by Graph and may come back otherwise"];
    assert_eq!((steps.as_str(), losses), ("create roleAssignmentSchedule", said.map(str::to_owned).to_vec()));
    // Where its schedule is not looked at, it is not made at all.
    let scope = Scope { kinds: ["roleAssignment"].into(), ..Scope::default() };
    let (steps, losses) = planned(vec![assignment(), schedule("Assigned")], Vec::new(), &scope);
    assert_eq!((steps.as_str(), losses), ("", vec!["comes with its schedule, which is not in scope".to_owned()]));
}

#[test]
fn an_assignment_for_good_is_made_as_it_was() {
    let (steps, _) = planned(vec![assignment()], Vec::new(), &Scope::default());
    assert_eq!(steps, "create roleAssignment");
    // Of a snapshot without schedules nobody can tell.
    let mut wanted = snapshot(people().into_iter().chain([assignment()]).collect());
    wanted.coverage.set_kind("roleAssignmentSchedule", Coverage::DeniedLicence);
    let (steps, losses) = between(&wanted, &snapshot(people()), &Scope::default());
    assert_eq!((steps.as_str(), losses.len()), ("create roleAssignment", 1));
    assert_eq!(losses[0], "is made for good: whether it had an end is not known");
}
