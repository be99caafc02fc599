//! Refuses writes to objects that ask for more than the permission for their kind: accounts of administrators, groups that can hold
//! directory roles, and members of restricted management administrative units.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::emulator::caller::Caller;
use crate::emulator::error::Fault;
use crate::emulator::store::{Key, Properties, text};
use crate::emulator::tenant::Tenant;
use crate::kinds;
use crate::model::Kind;

/// Lists the properties of an account whose change is a sensitive action.
/// <https://learn.microsoft.com/graph/api/resources/users#who-can-perform-sensitive-actions>
const SENSITIVE: &[&str] = &[
    "accountEnabled",
    "businessPhones",
    "mobilePhone",
    "onPremisesImmutableId",
    "otherMails",
    "passwordProfile",
    "userPrincipalName",
];

/// Global Administrator and Privileged Authentication Administrator, who may perform sensitive actions on every account.
const FOR_ALL: &[&str] = &["62e90394-69f5-4237-9190-012177145e10", "7be44c8a-adaf-4e2a-84d6-ab2649e08a13"];

/// User Administrator, who may perform them on accounts that hold no other roles than [`LESSER`].
const USER_ADMINISTRATOR: &str = "fe930be7-5e62-47db-91af-98c3a49a38b1";

/// Directory Readers, Groups Administrator, Guest Inviter, Helpdesk Administrator, Message Center Reader, Password Administrator,
/// Reports Reader, Usage Summary Reports Reader, User Administrator.
const LESSER: &[&str] = &[
    "88d8e3e3-8f55-4a1e-953a-9b9898b8876b",
    "fdd7a751-b60b-444a-984c-02652fe8fa1c",
    "95e79109-95c0-4d8e-aee3-d01accf2d47b",
    "729827e3-9c14-49f7-bb1b-9608f156bbb8",
    "790c1fb9-7f7d-4f88-86a1-ef1f95c05c1b",
    "966707d0-3269-4727-9be2-8c3a10f19b9d",
    "4a5d8f65-41da-4de4-8968-e035b65339cf",
    "75934031-6c7e-415a-99d7-48dbd49e875e",
    USER_ADMINISTRATOR,
];

/// Tells what a request does to the object.
#[derive(Debug, Clone, Copy)]
pub enum Act<'a> {
    /// Creates it.
    Create,
    /// Changes these properties.
    Update(&'a Properties),
    /// Adds or removes an entry of a relation, or carries out an action.
    Relate,
    /// Moves it into the recycle bin.
    Delete,
    /// Takes it out of the recycle bin.
    Restore,
}

/// Refuses the caller if the object asks for more than the permission for its kind.
pub fn check(tenant: &Tenant, caller: &Caller, kind: &Kind, object: &Properties, act: Act<'_>) -> Result<(), Fault> {
    let assignable = kind.name == "group" && object.get("isAssignableToRole") == Some(&Value::Bool(true));
    // <https://learn.microsoft.com/graph/api/group-post-groups>, <https://learn.microsoft.com/graph/api/group-post-members>
    if assignable && !caller.may("RoleManagement.ReadWrite.Directory") {
        return Err(Fault::denied());
    }
    let sensitive = match act {
        Act::Update(patch) => SENSITIVE.iter().any(|name| patch.contains_key(*name)),
        Act::Delete | Act::Restore => true,
        Act::Create | Act::Relate => false,
    };
    let id = text(object, "id");
    if kind.name == "user" && sensitive && !may_touch_account(tenant, caller, id) {
        return Err(Fault::denied());
    }
    let in_units = !matches!(act, Act::Create | Act::Restore) && matches!(kind.name, "user" | "group" | "device");
    match in_units && !may_touch_member(tenant, caller, id) {
        true => Err(restricted()),
        false => Ok(()),
    }
}

/// Returns true if the caller may perform sensitive actions on the account. A person's rights are not served here.
fn may_touch_account(tenant: &Tenant, caller: &Caller, account: &str) -> bool {
    let Caller::App { principal, directory_roles, .. } = caller else { return true };
    if directory_roles.iter().any(|role| FOR_ALL.contains(&role.as_str())) {
        return true;
    }
    let (held, protected) = roles_of_account(tenant, account);
    if held.is_empty() && !protected {
        return true;
    }
    let mut own = directory_roles.clone();
    own.extend(
        assignments(tenant).filter_map(|(holder, role, scope)| {
            (holder.eq_ignore_ascii_case(principal) && scope == "/").then_some(role)
        }),
    );
    let has = |role: &str| own.iter().any(|own| own == role);
    let is_lesser = !protected && held.iter().all(|role| LESSER.contains(&role.as_str()));
    FOR_ALL.iter().any(|role| has(role)) || is_lesser && has(USER_ADMINISTRATOR)
}

/// Returns the roles that an account holds, directly or through a group, and whether it is a member or an owner of a group that can
/// hold roles: such an account is protected like one with a role.
fn roles_of_account(tenant: &Tenant, account: &str) -> (BTreeSet<String>, bool) {
    let key = Key::of(account);
    let group = kinds::by_name("group");
    let rows = group.into_iter().flat_map(|kind| tenant.store.table(kind).live.iter());
    let is_in = |group: &Key| {
        let has = |link: &'static str| tenant.links.targets(group, link).is_some_and(|all| all.contains(&key));
        has("members") || has("owners")
    };
    let assignable =
        rows.filter(|(group, row)| is_in(group) && row.unpack().get("isAssignableToRole") == Some(&Value::Bool(true)));
    let groups: BTreeSet<Key> = assignable.map(|(key, _)| key.clone()).collect();
    let held = assignments(tenant).filter(|(holder, ..)| {
        let holder = Key::of(holder);
        holder == key || groups.contains(&holder)
    });
    (held.map(|(_, role, _)| role).collect(), !groups.is_empty())
}

/// Returns true if no restricted unit has the object as a member, or the caller holds a role whose scope is one of them. Permissions
/// of applications do not count.
/// <https://learn.microsoft.com/entra/identity/role-based-access-control/admin-units-restricted-management>
fn may_touch_member(tenant: &Tenant, caller: &Caller, member: &str) -> bool {
    let Some(kind) = kinds::by_name("administrativeUnit") else { return true };
    let member = Key::of(member);
    let units = tenant.links.sources(&member, "members").into_iter().flatten();
    let mut restricted = units.filter(|unit| {
        let unit = tenant.store.table(kind).get(&unit.id);
        unit.is_some_and(|unit| unit.get("isMemberManagementRestricted") == Some(&Value::Bool(true)))
    });
    let scopes: BTreeSet<String> =
        restricted.by_ref().map(|unit| format!("/administrativeUnits/{}", unit.id)).collect();
    let own = caller.object_id().unwrap_or_default();
    let mut held = assignments(tenant);
    scopes.is_empty() || held.any(|(holder, _, scope)| holder.eq_ignore_ascii_case(own) && scopes.contains(&scope))
}

/// Lists the active assignments of roles: holder, role, scope.
fn assignments(tenant: &Tenant) -> impl Iterator<Item = (String, String, String)> + '_ {
    let kind = kinds::by_name("roleAssignment");
    let rows = kind.into_iter().flat_map(|kind| tenant.store.table(kind).live.values());
    rows.map(|row| {
        let row = row.unpack();
        let of = |name: &str| text(&row, name).to_owned();
        (of("principalId"), of("roleDefinitionId"), of("directoryScopeId"))
    })
}

fn restricted() -> Fault {
    Fault::new(
        403,
        "Authorization_RequestDenied",
        "Insufficient privileges to complete the operation. Target object is a member of a restricted management administrative unit and can only be modified by administrators scoped to that administrative unit. Check that you are assigned a role that has permission to perform the operation for this restricted management administrative unit. Learn more: https://go.microsoft.com/fwlink/?linkid=2197831",
    )
}
