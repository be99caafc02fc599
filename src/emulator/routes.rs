//! Finds the target of a path. Routes are data: every kind of the registry gets its paths from its own description, and only
//! paths that belong to no kind (batches, the audit log, the recycle bin) are named here.

use std::borrow::Cow;

use super::csdl;
use super::directory;
use super::error::Fault;
use crate::kinds;
use crate::model::Kind;
use crate::model::kind::{Api, Borrowed, Children, Deletion, Link, LinkRead, LinkShape};

/// Represents the way in which a path picks one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pick {
    /// Id (or user principal name, where that is allowed).
    Id(String),
    /// Alternate key: `(appId='…')`.
    By(String, String),
}

/// Represents the part of a link that a path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkPart {
    /// The linked objects.
    Objects,
    /// The references to them: `$ref`.
    References,
    /// Their number: `$count`.
    Count,
}

/// Represents the target of a path.
#[derive(Debug, Clone)]
pub enum Target {
    /// All objects of a kind; the singleton itself for a singleton.
    Kind(&'static Kind),
    /// `…/$count` of a kind.
    Count(&'static Kind),
    /// One object.
    Object(&'static Kind, Pick),
    /// The delta function.
    Delta(&'static Kind),
    /// A link of one object.
    Link { kind: &'static Kind, of: Pick, link: &'static Link, part: LinkPart },
    /// One end of a link: `{link}/{id}/$ref`.
    LinkEnd { kind: &'static Kind, of: Pick, link: &'static Link, to: String },
    /// One child, below its parent or by itself.
    Child { kind: &'static Kind, of: Option<Pick>, link: &'static Link, child: Pick },
    /// Every child of that sort in the tenant.
    Children { kind: &'static Kind, link: &'static Link },
    /// The list from which a kind has a property.
    Borrowed { kind: &'static Kind, borrowed: &'static Borrowed },
    /// A relation seen from its other end: `memberOf`, `ownedObjects`, `appRoleAssignments`.
    Reverse { kind: &'static Kind, of: Pick, name: &'static str },
    /// The ends of a relation that are of one kind, or their number: `members/microsoft.graph.user`.
    Typed { kind: &'static Kind, of: Pick, name: &'static str, reverse: bool, only: &'static Kind, count: bool },
    /// One app role assignment seen from the principal's side.
    ReverseChild { kind: &'static Kind, of: Pick, child: String },
    /// An action bound to one object.
    Action { kind: &'static Kind, of: Pick, name: String },
    /// The recycle bin of one kind.
    Bin(&'static Kind),
    /// One deleted object; with its kind if the recycle bin has a path of its own.
    Deleted(Option<&'static Kind>, String),
    /// `…/restore` of a deleted object.
    Restore(Option<&'static Kind>, String),
    /// The child, where there is at most one.
    Single { kind: &'static Kind, of: Pick, link: &'static Link },
    /// The other end of a relation that is read elsewhere: `claimsMappingPolicies` of a service principal.
    End { kind: &'static Kind, of: Pick, owner: &'static Kind, link: &'static Link, to: Option<String> },
    /// The path to which write requests of a kind are sent.
    Requests(&'static Kind),
    /// Any directory object by id.
    DirectoryObject(String),
    /// `directoryObjects/getByIds`
    GetByIds,
    /// The audit log, or one entry.
    Audits(Option<String>),
    /// `$batch`
    Batch,
}

/// Holds a target and the path as the permission table writes it: lower case, `{id}` for keys, `$ref` left out.
#[derive(Debug, Clone)]
pub struct Route {
    /// Target of the path.
    pub target: Target,
    /// Pattern of the path.
    pub pattern: String,
}

/// Lists the second addresses of kinds' collections. Microsoft's metadata leads to the same type there, and its pages use them:
/// <https://learn.microsoft.com/graph/api/authenticationstrengthpolicy-post-combinationconfigurations>
const ALIASES: &[(&str, &str)] =
    &[("/identity/conditionalAccess/authenticationStrength/policies", "/policies/authenticationStrengthPolicies")];

/// Finds the target of `segments`. A kind that only beta serves has no path in v1.0.
pub fn route(api: Api, segments: &[String]) -> Result<Route, Fault> {
    let spelled: Vec<Cow<'_, str>> = segments.iter().map(|segment| spelled_out(segment)).collect();
    let parts: Vec<&str> = spelled.iter().map(AsRef::as_ref).collect();
    if let ["$batch"] | ["directoryObjects", ..] | ["auditLogs", ..] = parts.as_slice()
        && let Some(found) = fixed(&parts)
    {
        return Ok(found);
    }
    if let Some(found) = bins(api, &parts) {
        return Ok(found);
    }
    for kind in served(api) {
        for link in kind.links {
            if let Some(found) = top_level(kind, link, &parts) {
                return Ok(found);
            }
        }
        for borrowed in kind.borrowed {
            if below(borrowed.path, &parts).is_some_and(<[&str]>::is_empty) {
                let pattern = borrowed.path.to_lowercase();
                return Ok(Route { target: Target::Borrowed { kind, borrowed }, pattern });
            }
        }
        if let Some(requests) = kind.requests
            && below(requests.path, &parts).is_some_and(<[&str]>::is_empty)
        {
            return Ok(Route { target: Target::Requests(kind), pattern: requests.path.to_lowercase() });
        }
    }
    // `/policies/crossTenantAccessPolicy/partners` is the path of another kind, although it begins with the policy's path.
    let parts = parts.as_slice();
    let found = served(api).flat_map(|kind| {
        let also = ALIASES.iter().filter(|(_, path)| *path == kind.path).map(|(alias, _)| *alias);
        std::iter::once(kind.path).chain(also).filter_map(move |path| Some((kind, path, below(path, parts)?)))
    });
    if let Some((kind, path, rest)) = found.min_by_key(|(_, _, rest)| rest.len()) {
        return of_kind(api, kind, rest, path);
    }
    if let Some(found) = fixed(parts) {
        return Ok(found);
    }
    Err(Fault::no_segment(parts.first().unwrap_or(&"")))
}

/// Names the kinds that v1.0 serves too, in part, although they are read from beta.
const ALSO_IN_V1: &[&str] =
    &["authenticationMethodsPolicy", "conditionalAccessPolicy", "namedLocation", "permissionGrantPolicy"];

/// Returns the kinds that a version serves: beta has all kinds of v1.0.
fn served(api: Api) -> impl Iterator<Item = &'static Kind> {
    let in_v1 = |kind: &Kind| kind.api == Api::V1 || ALSO_IN_V1.contains(&kind.name);
    kinds::ALL.iter().copied().filter(move |kind| in_v1(kind) || kind.api == api)
}

/// Replaces `graph`, the alias that Microsoft's metadata gives to `microsoft.graph`; Microsoft's SDKs write it in paths.
fn spelled_out(segment: &str) -> Cow<'_, str> {
    // A user principal name with this prefix contains an `@`.
    match segment.strip_prefix("graph.").filter(|name| name.bytes().all(|byte| byte.is_ascii_alphanumeric())) {
        Some(name) => format!("microsoft.graph.{name}").into(),
        None => segment.into(),
    }
}

/// Returns the kind of directory objects that a cast segment names.
fn cast(segment: &str) -> Option<&'static Kind> {
    kinds::by_name(segment.strip_prefix("microsoft.graph.")?).filter(|kind| directory::holds(kind))
}

fn fixed(parts: &[&str]) -> Option<Route> {
    let at = |target, pattern: &str| Some(Route { target, pattern: pattern.to_owned() });
    match parts {
        ["$batch"] => at(Target::Batch, ""),
        ["directoryObjects", "getByIds" | "microsoft.graph.getByIds"] => {
            at(Target::GetByIds, "/directoryobjects/getbyids")
        }
        ["directoryObjects", id] => at(Target::DirectoryObject(bare(id)), "/directoryobjects/{id}"),
        ["auditLogs", "directoryAudits"] => at(Target::Audits(None), "/auditlogs/directoryaudits"),
        ["auditLogs", "directoryAudits", id] => at(Target::Audits(Some(bare(id))), "/auditlogs/directoryaudits/{id}"),
        _ => None,
    }
}

fn bins(api: Api, parts: &[&str]) -> Option<Route> {
    for kind in served(api) {
        let Deletion::Soft { list, item } = kind.deletion else { continue };
        if below(list, parts).is_some_and(<[&str]>::is_empty) {
            return Some(Route { target: Target::Bin(kind), pattern: list.to_lowercase() });
        }
        let shared = list != item;
        let owner = (!shared).then_some(kind);
        let pattern = |tail: &str| format!("{}{tail}", item.to_lowercase());
        match below(item, parts) {
            Some([id]) if !id.starts_with("microsoft.graph.") => {
                return Some(Route { target: Target::Deleted(owner, bare(id)), pattern: pattern("/{id}") });
            }
            Some([id, "restore" | "microsoft.graph.restore"]) => {
                return Some(Route { target: Target::Restore(owner, bare(id)), pattern: pattern("/{id}/restore") });
            }
            _ => {}
        }
    }
    None
}

/// Finds children that have a path of their own, such as `/oauth2PermissionGrants`.
fn top_level(kind: &'static Kind, link: &'static Link, parts: &[&str]) -> Option<Route> {
    let LinkShape::Children(children) = link.shape else { return None };
    let path = match link.read {
        LinkRead::Joined { path, .. } => path,
        _ => children.create.filter(|path| !path.contains("{parent}") && !path.starts_with(kind.path))?,
    };
    let pattern = path.to_lowercase();
    match below(path, parts)? {
        [] => Some(Route { target: Target::Children { kind, link }, pattern }),
        [child] => Some(Route {
            target: Target::Child { kind, of: None, link, child: pick(child) },
            pattern: format!("{pattern}/{{id}}"),
        }),
        _ => None,
    }
}

fn of_kind(api: Api, kind: &'static Kind, rest: &[&str], path: &str) -> Result<Route, Fault> {
    let path = path.to_lowercase();
    let made = |target, pattern: String| Ok(Route { target, pattern });
    if kind.is_singleton() {
        return match rest {
            [] => made(Target::Kind(kind), path),
            _ => of_object(api, kind, Pick::Id(String::new()), rest, &path),
        };
    }
    match rest {
        [] => made(Target::Kind(kind), path),
        ["$count"] => made(Target::Count(kind), path),
        ["delta"] if kind.delta.is_some() => made(Target::Delta(kind), format!("{path}/delta")),
        [id] => made(Target::Object(kind, pick(id)), format!("{path}/{{id}}")),
        [id, rest @ ..] => of_object(api, kind, pick(id), rest, &format!("{path}/{{id}}")),
    }
}

fn of_object(api: Api, kind: &'static Kind, of: Pick, rest: &[&str], path: &str) -> Result<Route, Fault> {
    let name = rest.first().copied().unwrap_or_default();
    let linked = kind.links.iter().find_map(|link| Some((link, below(link.segment(), rest)?)));
    let segment = linked.map_or(name, |(link, _)| link.segment());
    let lower = format!("{path}/{}", segment.trim_start_matches("microsoft.graph.").to_lowercase());
    let made = |target, tail: &str| Ok(Route { target, pattern: format!("{lower}{tail}") });
    if let Some((link, tail)) = linked {
        let children = link.children().copied();
        return match (tail, children) {
            ([], Some(Children { single: true, .. })) => made(Target::Single { kind, of, link }, ""),
            ([], _) => made(Target::Link { kind, of, link, part: LinkPart::Objects }, ""),
            (["$ref"], None) => made(Target::Link { kind, of, link, part: LinkPart::References }, ""),
            (["$count"], _) => made(Target::Link { kind, of, link, part: LinkPart::Count }, ""),
            ([to, "$ref"], None) => made(Target::LinkEnd { kind, of, link, to: bare(to) }, "/{id}"),
            ([to, ..], None) if link.shape == LinkShape::References && cast(to).is_some() => {
                typed(kind, of, link.name, false, tail, lower)
            }
            ([child], Some(_)) => made(Target::Child { kind, of: Some(of), link, child: pick(child) }, "/{id}"),
            _ => Err(Fault::no_segment(rest[rest.len() - 1])),
        };
    }
    if let Some((owner, link)) = other_end(api, kind, name) {
        return match &rest[1..] {
            [] | ["$ref"] => made(Target::End { kind, of, owner, link, to: None }, ""),
            [to, "$ref"] => made(Target::End { kind, of, owner, link, to: Some(bare(to)) }, "/{id}"),
            _ => Err(Fault::no_segment(rest[rest.len() - 1])),
        };
    }
    let ty = csdl::of(api).ty(kind.entity);
    let has = |nav: &str| ty.is_some_and(|ty| ty.nav(nav).is_some());
    match rest {
        ["memberOf"] if has("memberOf") => made(Target::Reverse { kind, of, name: "members" }, ""),
        ["memberOf", typed_as @ ..] if has("memberOf") => typed(kind, of, "members", true, typed_as, lower),
        ["ownedObjects"] if has("ownedObjects") => made(Target::Reverse { kind, of, name: "owners" }, ""),
        ["directReports"] if has("directReports") => made(Target::Reverse { kind, of, name: "manager" }, ""),
        ["appRoleAssignments"] if has("appRoleAssignments") => {
            made(Target::Reverse { kind, of, name: "appRoleAssignments" }, "")
        }
        ["appRoleAssignments", child] if has("appRoleAssignments") => {
            made(Target::ReverseChild { kind, of, child: bare(child) }, "/{id}")
        }
        [action] => {
            let name = action.trim_start_matches("microsoft.graph.").to_owned();
            made(Target::Action { kind, of, name }, "")
        }
        _ => Err(Fault::no_segment(name)),
    }
}

/// Returns the relation of another kind whose other end is `name`.
fn other_end(api: Api, kind: &Kind, name: &str) -> Option<(&'static Kind, &'static Link)> {
    let is = |link: &&Link| link.ends.iter().any(|end| end.kind == kind.name && end.relation == name);
    served(api).find_map(|owner| Some((owner, owner.links.iter().find(is)?)))
}

/// Returns the route of a relation narrowed to one kind by the cast segment that `rest` starts with.
fn typed(
    kind: &'static Kind,
    of: Pick,
    name: &'static str,
    reverse: bool,
    rest: &[&str],
    pattern: String,
) -> Result<Route, Fault> {
    let segment = rest.first().copied().unwrap_or_default();
    let only = cast(segment).ok_or_else(|| Fault::no_segment(segment))?;
    let count = match rest {
        [_] => false,
        [_, "$count"] => true,
        _ => return Err(Fault::no_segment(rest[rest.len() - 1])),
    };
    Ok(Route { target: Target::Typed { kind, of, name, reverse, only, count }, pattern })
}

/// Returns the rest of `parts` below `path`.
fn below<'a, 'b>(path: &str, parts: &'a [&'b str]) -> Option<&'a [&'b str]> {
    let names: Vec<&str> = path.trim_matches('/').split('/').collect();
    let (head, rest) = (parts.get(..names.len())?, &parts[names.len()..]);
    head.iter().zip(&names).all(|(part, name)| part.eq_ignore_ascii_case(name)).then_some(rest)
}

fn pick(segment: &str) -> Pick {
    let Some(inner) = segment.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) else {
        return Pick::Id(segment.to_owned());
    };
    match inner.split_once('=') {
        Some((name, value)) if !inner.starts_with('\'') => Pick::By(name.trim().to_owned(), unquote(value.trim())),
        _ => Pick::Id(unquote(inner)),
    }
}

fn bare(segment: &str) -> String {
    match pick(segment) {
        Pick::Id(id) | Pick::By(_, id) => id,
    }
}

fn unquote(text: &str) -> String {
    text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')).unwrap_or(text).replace("''", "'")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emulator::request::parse_path;

    fn pattern(path: &str) -> String {
        route(Api::V1, &parse_path(path)).map(|found| found.pattern).unwrap_or_default()
    }

    #[test]
    fn patterns_are_those_of_the_permission_table() {
        assert_eq!(pattern("/groups/1/members/2/$ref"), "/groups/{id}/members/{id}");
        assert_eq!(pattern("/applications(appId='a')/owners/$ref"), "/applications/{id}/owners");
        assert_eq!(pattern("/directory/deletedItems/1/restore"), "/directory/deleteditems/{id}/restore");
        assert_eq!(pattern("/oauth2PermissionGrants/x"), "/oauth2permissiongrants/{id}");
        assert_eq!(
            pattern("/policies/authenticationStrengthPolicies/x/updateAllowedCombinations"),
            "/policies/authenticationstrengthpolicies/{id}/updateallowedcombinations"
        );
    }

    #[test]
    fn a_second_address_leads_to_the_same_type() {
        for (alias, path) in ALIASES {
            let at = |path| csdl::v1().at_path(path).expect("a path of the metadata");
            assert_eq!(at(alias), at(path));
        }
        let path = "/identity/conditionalAccess/authenticationStrength/policies/x/combinationConfigurations";
        assert_eq!(
            pattern(path),
            "/identity/conditionalaccess/authenticationstrength/policies/{id}/combinationconfigurations"
        );
    }

    #[test]
    fn the_alias_of_the_namespace_is_taken() {
        assert_eq!(pattern("/groups/1/members/graph.user"), "/groups/{id}/members");
        assert_eq!(pattern("/users/1/memberOf/graph.group/$count"), "/users/{id}/memberof");
        assert_eq!(pattern("/directory/deletedItems/graph.group"), "/directory/deleteditems/microsoft.graph.group");
        assert_eq!(pattern("/groups/1/members/graph.namedLocation"), "");
    }

    #[test]
    fn keys_are_read() {
        assert_eq!(pick("('a''b')"), Pick::Id("a'b".into()));
        assert_eq!(pick("(appId='x')"), Pick::By("appId".into(), "x".into()));
    }
}
