//! One accident, as a person reads the plan against it.

use entragit::engine::guard::{Rules, verdicts};
use entragit::engine::plan::{Inputs, plan};
use entragit::engine::refs::Names;
use entragit::engine::render::{Style, plan as render};
use entragit::engine::scope::Scope;
use entragit::model::{IdMap, Kind, Plan, Snapshot};
use entragit::tenant::Raw;
use serde_json::{Value, json};

use crate::support::generated::{addresses, guid, named, raw_of, snapshot};

fn raw(kind: &str, mut value: Value, id: &str) -> (&'static Kind, Raw) {
    value["id"] = json!(id);
    (named(kind), raw_of(value))
}

/// Binned: a group that is still in the recycle bin. Purged: a group that is gone for good and that two policies name,
/// one of which somebody has switched off. And a group that nobody knows.
#[test]
fn groups_deleted_and_purged_and_a_policy_switched_off() {
    let [ada, binned, purged, stranger] = [guid(0, 1), guid(1, 1), guid(1, 2), guid(1, 3)];
    let [block, mfa] = [guid(6, 1), guid(6, 2)];
    let group = |name: &str, members: Value| {
        json!({"displayName": name, "mailNickname": "x", "members": members,
        "securityEnabled": true, "mailEnabled": false})
    };
    let policy = |name: &str, state: &str| {
        json!({"displayName": name, "state": state, "conditions": {
        "users": {"includeUsers": ["All"], "excludeGroups": [purged]}, "clientAppTypes": ["all"]}})
    };
    let user = raw("user", json!({"displayName": "Ada", "userPrincipalName": "ada@contoso.example"}), &ada);
    let member = json!([{"id": ada}]);
    let wanted = snapshot(vec![
        user.clone(),
        raw("group", group("Remote workers", member.clone()), &binned),
        raw("group", group("Exempt from MFA", member.clone()), &purged),
        raw("conditionalAccessPolicy", policy("Block legacy authentication", "enabled"), &block),
        raw("conditionalAccessPolicy", policy("Require MFA", "enabled"), &mfa),
    ]);
    let live = snapshot(vec![
        user,
        raw("group", group("Who made this", json!([])), &stranger),
        raw("conditionalAccessPolicy", policy("Block legacy authentication", "disabled"), &block),
        raw("conditionalAccessPolicy", policy("Require MFA", "enabled"), &mfa),
    ]);
    let bin = snapshot(vec![raw("group", group("Remote workers, old", Value::Null), &binned)]);
    insta::assert_snapshot!(text(&wanted, &live, &bin), @r#"
    Plan  7 steps: 1 create, 1 restore, 3 update, 2 link

    wave 1
      ↺ restore group "Remote workers"  00000001-1111-4000-8000-000000000001
      + create group "Exempt from MFA"  00000001-1111-4000-8000-000000000002
          + mailEnabled: false
          + mailNickname: x
          + securityEnabled: true

    wave 2
      ~ update group "Remote workers"  00000001-1111-4000-8000-000000000001
          ~ displayName: Remote workers, old → Remote workers

    wave 3
      + add to members of group "Exempt from MFA": Ada (00000000-1111-4000-8000-000000000001)  00000001-1111-4000-8000-000000000002
      + 1 link of group "Remote workers", unless it comes back with them

    wave 4
      ~ update conditionalAccessPolicy "Block legacy authentication"  00000006-1111-4000-8000-000000000001
          ! medium: the policy is enforced from now on (state)
          ~ state: disabled → enabled
          ~ conditions: follows the new id of what it names
      ~ update conditionalAccessPolicy "Require MFA"  00000006-1111-4000-8000-000000000002
          ~ conditions: follows the new id of what it names

    Still different when this is done (commit → tenant); no step covers it
      ≠ group "Who made this", only in the tenant  00000001-1111-4000-8000-000000000003
          only the tenant has it and no snapshot ever had it; --prune deletes it

    What this cannot bring back
      ! group "Exempt from MFA": gets a new id
    "#);
}

fn text(wanted: &Snapshot, live: &Snapshot, bin: &Snapshot) -> String {
    let mut names = Names::default();
    for (address, object) in live.objects.iter().chain(&wanted.objects) {
        names.learn(named(address.kind.name), object);
    }
    let plan: Plan = plan(&Inputs {
        wanted,
        live,
        base: &addresses(wanted),
        deleted: &bin.objects,
        ids: &IdMap::default(),
        scope: &Scope::default(),
        prune: false,
    });
    render::text(&plan, &verdicts(&plan, &Rules { max_deletes: 10, ..Rules::default() }), &names, Style::default())
}
