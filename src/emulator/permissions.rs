//! Checks which application permissions a call needs, from Microsoft's own permission table.
//! <https://learn.microsoft.com/graph/permissions-reference>

use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::caller::Caller;
use super::error::Fault;
use super::routes::{Route, Target};
use crate::kinds;
use crate::model::Kind;
use crate::model::kind::Permissions;

/// Holds the whole table; the entry of a path is parsed when the path is asked for.
static TABLE: LazyLock<Table> =
    LazyLock::new(|| serde_json::from_str(include_str!("permissions.json")).unwrap_or_default());

#[derive(Default, Deserialize)]
struct Table {
    #[serde(borrow)]
    paths: HashMap<&'static str, &'static RawValue>,
    #[serde(borrow)]
    documented: HashMap<&'static str, &'static RawValue>,
}

/// Refuses a caller whose token does not carry the permissions of the call. A person's token is not checked: people's rights
/// depend on directory roles, which are not served here.
pub fn check(route: &Route, method: &str, caller: &Caller) -> Result<(), Fault> {
    let Caller::App { roles, .. } = caller else { return Ok(()) };
    let has = |name: &str| roles.iter().any(|role| role == name);
    let allowed = match (&route.target, permissions_in_table(&route.pattern, method)) {
        (Target::Batch, _) => true,
        _ if conditional_access(&route.pattern) && method != "GET" => {
            // Both permissions are needed together: <https://learn.microsoft.com/graph/api/conditionalaccesspolicy-update>
            has("Policy.Read.All") && has("Policy.ReadWrite.ConditionalAccess")
        }
        (_, Some(listed)) => {
            listed.iter().any(|(name, also)| has(name) && (also.is_empty() || also.iter().any(|name| has(name))))
        }
        (target, None) => registry_permissions(target).is_none_or(|needed| {
            let names = if method == "GET" { [needed.read, needed.write].concat() } else { needed.write.to_vec() };
            names.iter().any(|name| has(name))
                || has("Directory.ReadWrite.All")
                || method == "GET" && has("Directory.Read.All")
        }),
    };
    if allowed { Ok(()) } else { Err(Fault::denied()) }
}

fn conditional_access(pattern: &str) -> bool {
    // Authentication strengths are below this path too, and the table has their own permissions.
    let below = pattern.strip_prefix("/identity/conditionalaccess/");
    below.is_some_and(|rest| !rest.starts_with("authenticationstrength/"))
}

type Listed = Vec<(String, Vec<String>)>;

/// Returns the permissions that the table lists for a path, each with those that it also needs; `$ref` paths are folded into those of their relation.
fn permissions_in_table(pattern: &str, method: &str) -> Option<Listed> {
    let read = |part: &HashMap<&str, &RawValue>| serde_json::from_str::<Value>(part.get(pattern)?.get()).ok();
    let methods = read(&TABLE.paths)
        .filter(|methods| methods.get(method).is_some())
        .or_else(|| read(&TABLE.documented))
        .or_else(|| read(&TABLE.paths))?;
    // The table lists PUT and POST of a reference under either method.
    let rows = methods.get(method).or_else(|| match method {
        "POST" => methods.get("PUT"),
        "PUT" => methods.get("POST"),
        _ => None,
    })?;
    let mut listed = Vec::new();
    let mut writes = false;
    for row in rows.as_array()? {
        let name = row.get(0)?.as_str()?.to_owned();
        writes |= !is_read(&name);
        let also = row.get(2).and_then(Value::as_str).unwrap_or_default();
        listed.push((name, also.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect()));
    }
    if method != "GET" && writes {
        // A read permission that is listed for a write is one of a pair and never enough by itself.
        listed.retain(|(name, _)| !is_read(name));
    }
    Some(listed)
}

fn is_read(name: &str) -> bool {
    name.contains(".Read.") || name.contains(".ReadBasic.")
}

/// Returns the registry's permissions, for paths that the table does not have.
fn registry_permissions(target: &Target) -> Option<Permissions> {
    let of = |kind: &Kind| Some(kind.permissions);
    match target {
        Target::Link { kind, link, .. }
        | Target::LinkEnd { kind, link, .. }
        | Target::Child { kind, link, .. }
        | Target::Single { kind, link, .. }
        | Target::End { owner: kind, link, .. }
        | Target::Children { kind, link } => Some(link.permissions.unwrap_or(kind.permissions)),
        Target::Kind(kind)
        | Target::Borrowed { kind, .. }
        | Target::Count(kind)
        | Target::Requests(kind)
        | Target::Object(kind, _)
        | Target::Delta(kind)
        | Target::Bin(kind) => of(kind),
        Target::Deleted(Some(kind), _) | Target::Restore(Some(kind), _) => of(kind),
        Target::Reverse { kind, .. }
        | Target::Typed { kind, .. }
        | Target::ReverseChild { kind, .. }
        | Target::Action { kind, .. } => of(kind),
        Target::Deleted(None, _) | Target::Restore(None, _) => Some(Permissions {
            read: &["Directory.Read.All", "User.Read.All", "Group.Read.All", "Application.Read.All"],
            write: &[
                "Directory.ReadWrite.All",
                "User.ReadWrite.All",
                "User.DeleteRestore.All",
                "Group.ReadWrite.All",
                "Application.ReadWrite.All",
            ],
        }),
        Target::DirectoryObject(_) | Target::GetByIds | Target::Audits(_) | Target::Batch => None,
    }
}

/// Returns every permission that a path served here needs: tokens carry these by default.
pub fn every() -> Vec<String> {
    let mut names: BTreeSet<String> = [
        "AuditLog.Read.All",
        "Directory.Read.All",
        "Organization.Read.All",
        "User.DeleteRestore.All",
        // The next two are for employeeLeaveDateTime: <https://learn.microsoft.com/graph/api/resources/user>
        "User-LifeCycleInfo.Read.All",
        "User-LifeCycleInfo.ReadWrite.All",
    ]
    .map(str::to_owned)
    .into();
    for kind in kinds::ALL {
        names.extend(kind.hidden_permissions().map(str::to_owned));
        let all = kind.links.iter().filter_map(|link| link.permissions).chain([kind.permissions]);
        for permissions in all {
            names.extend(permissions.read.iter().chain(permissions.write).map(|name| (*name).to_owned()));
        }
    }
    names.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emulator::request::parse_path;
    use crate::emulator::routes::route;
    use crate::model::kind::Api;

    fn allowed(method: &str, path: &str, roles: &[&str]) -> bool {
        let caller = Caller::App {
            app_id: String::new(),
            principal: String::new(),
            name: String::new(),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            directory_roles: Vec::new(),
        };
        check(&route(Api::Beta, &parse_path(path)).expect(path), method, &caller).is_ok()
    }

    #[test]
    fn roles_decide() {
        assert!(allowed("GET", "/users", &["User.Read.All"]) && !allowed("GET", "/users", &["AuditLog.Read.All"]));
        assert!(!allowed("POST", "/users", &["User.Read.All"]) && allowed("POST", "/users", &["User.ReadWrite.All"]));
        let policies = "/identity/conditionalAccess/policies";
        assert!(!allowed("POST", policies, &["Policy.ReadWrite.ConditionalAccess"]));
        assert!(allowed("POST", policies, &["Policy.ReadWrite.ConditionalAccess", "Policy.Read.All"]));
        assert!(!allowed("POST", "/oauth2PermissionGrants", &["Directory.Read.All"]));
    }

    #[test]
    fn every_permission_opens_every_path() {
        let roles = every();
        let roles: Vec<&str> = roles.iter().map(String::as_str).collect();
        for kind in kinds::ALL {
            assert!(allowed("GET", kind.path, &roles), "{}", kind.path);
            let item = if kind.is_singleton() { kind.path.to_owned() } else { format!("{}/x", kind.path) };
            assert!(allowed("PATCH", &item, &roles), "{item}");
            for link in kind.links {
                assert!(allowed("GET", &format!("{item}/{}", link.name), &roles), "{item}/{}", link.name);
                assert!(allowed("POST", &format!("{item}/{}", link.name), &roles), "{item}/{}", link.name);
            }
        }
    }
}
