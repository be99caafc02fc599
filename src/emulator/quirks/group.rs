//! Implements the rules for groups and for links between directory objects.
//! <https://learn.microsoft.com/graph/api/group-post-groups>, <https://learn.microsoft.com/graph/api/group-update>

use serde_json::{Value, json};

use super::checks::{conflict, invalid, lists, require, security_identifier};
use crate::emulator::error::Fault;
use crate::emulator::request::Request;
use crate::emulator::store::{Key, Properties, Stored, text};
use crate::emulator::tenant::Tenant;
use crate::kinds;
use crate::model::Kind;
use crate::model::kind::Api;

pub(super) fn create(tenant: &Tenant, object: &mut Properties) -> Result<(), Fault> {
    require(object, &["displayName", "mailEnabled", "mailNickname", "securityEnabled"], "Group")?;
    let unified = lists(object, "groupTypes", "Unified");
    let yes = |name: &str| object.get(name) == Some(&Value::Bool(true));
    if yes("mailEnabled") != unified {
        // Distribution lists and mail-enabled security groups belong to Exchange.
        return Err(Fault::bad(
            "The service does not currently support writes of mail-enabled groups. Please ensure that the mail-enablement property is unset and the security-enablement property is set.",
        ));
    }
    if !unified && !yes("securityEnabled") {
        return Err(invalid("securityEnabled", "Group"));
    }
    check_nickname(text(object, "mailNickname"))?;
    check_rule(object)?;
    if yes("isAssignableToRole") && (!yes("securityEnabled") || lists(object, "groupTypes", "DynamicMembership")) {
        return Err(Fault::bad("A role assignable group must be security enabled and cannot have dynamic membership."));
    }
    if unified {
        let mail = format!("{}@{}", text(object, "mailNickname"), tenant.domains.first().map_or("", String::as_str));
        if kinds::by_name("group").is_some_and(|kind| tenant.store.table(kind).holder("mail", &mail).is_some()) {
            return Err(conflict("mailNickname"));
        }
        object.insert("proxyAddresses".to_owned(), json!([format!("SMTP:{mail}")]));
        object.insert("mail".to_owned(), mail.into());
        object.entry("visibility").or_insert_with(|| "Public".into());
    }
    let now = tenant.clock.seconds();
    object.insert("createdDateTime".to_owned(), now.clone().into());
    object.insert("renewedDateTime".to_owned(), now.into());
    object.insert("securityIdentifier".to_owned(), security_identifier(text(object, "id")).into());
    Ok(())
}

/// Describes a new Microsoft 365 group without a description by its name, as the service does soon after it has answered.
/// <https://github.com/microsoftgraph/msgraph-metadata/issues/331>
pub(super) fn describe(object: &mut Properties) {
    if lists(object, "groupTypes", "Unified") && text(object, "description").is_empty() {
        let name = object.get("displayName").cloned().unwrap_or_default();
        object.insert("description".to_owned(), name);
    }
}

pub(super) fn update(old: &Properties, patch: &Properties, new: &mut Properties) -> Result<(), Fault> {
    for name in ["displayName", "mailNickname", "securityEnabled"] {
        if patch.get(name).is_some_and(Value::is_null) {
            return Err(invalid(name, "Group"));
        }
    }
    if lists(old, "groupTypes", "Unified") != lists(new, "groupTypes", "Unified") {
        return Err(Fault::bad("The group type 'Unified' cannot be changed after the group was created."));
    }
    // These can be set only with a delegated sign-in, each by itself: <https://learn.microsoft.com/graph/api/group-update>
    if let Some(name) = [
        "allowExternalSenders",
        "autoSubscribeNewMembers",
        "hideFromAddressLists",
        "hideFromOutlookClients",
        "isSubscribedByMail",
        "unseenCount",
    ]
    .iter()
    .find(|name| patch.contains_key(**name))
        && patch.len() > 1
    {
        return Err(Fault::bad(format!("Property '{name}' must be updated in a request of its own.")));
    }
    if patch.get("visibility").and_then(Value::as_str) == Some("HiddenMembership")
        && text(old, "visibility") != "HiddenMembership"
    {
        return Err(invalid("visibility", "Group"));
    }
    check_nickname(text(new, "mailNickname"))?;
    check_rule(new)
}

/// Checks the mail nickname: 64 characters, none of `@ () \ [] " ; : <> , SPACE`.
/// <https://learn.microsoft.com/graph/api/resources/group>
fn check_nickname(name: &str) -> Result<(), Fault> {
    match name.is_empty()
        || name.len() > 64
        || name.contains(|char: char| "@()\\[]\";:<>, ".contains(char) || !char.is_ascii())
    {
        true => Err(invalid("mailNickname", "Group")),
        false => Ok(()),
    }
}

fn check_rule(object: &Properties) -> Result<(), Fault> {
    let dynamic = lists(object, "groupTypes", "DynamicMembership");
    let state = text(object, "membershipRuleProcessingState");
    if dynamic == text(object, "membershipRule").is_empty() {
        return Err(invalid("membershipRule", "Group"));
    }
    match (dynamic, state) {
        (true, "On" | "Paused") | (false, "" | "On" | "Paused") => Ok(()),
        _ => Err(invalid("membershipRuleProcessingState", "Group")),
    }
}

/// Returns true if v1.0 leaves `target` out of a plain list of a group's members or owners: it does so with service principals,
/// and beta, `$expand`, and advanced queries do not. <https://learn.microsoft.com/graph/api/group-list-members>,
/// <https://github.com/microsoftgraph/microsoft-graph-docs-contrib/issues/1140>,
/// <https://github.com/microsoftgraph/microsoft-graph-docs/issues/19619>,
/// <https://github.com/microsoftgraph/msgraph-sdk-powershell/issues/2853>
pub fn hidden_from_list(kind: &Kind, link: &str, target: &Kind, request: &Request) -> bool {
    let advanced = request.eventual() && request.option("$count") == Some("true");
    kind.name == "group"
        && matches!(link, "members" | "owners")
        && target.name == "servicePrincipal"
        && request.api == Api::V1
        && !advanced
}

/// Checks that `target` may be linked to, or unlinked from, `object` under `name`.
pub fn check_link(
    tenant: &Tenant,
    kind: &Kind,
    Stored { key, object }: Stored<'_>,
    name: &'static str,
    target_kind: &'static Kind,
    target: &Key,
    add: bool,
) -> Result<(), Fault> {
    if kind.name == "group" && name == "members" && lists(object, "groupTypes", "DynamicMembership") {
        // The membership belongs to the rule: <https://learn.microsoft.com/graph/api/group-post-members>.
        return Err(Fault::bad(
            "Cannot Update a dynamic membership group's members: the membership is determined by the group's rule.",
        ));
    }
    if !add {
        return last_owner(tenant, kind, key, name, target_kind);
    }
    let role = object.get("isAssignableToRole") == Some(&Value::Bool(true));
    let fits = match (kind.name, name, target_kind.name) {
        // Microsoft 365 groups take "users only", role-assignable ones no groups:
        // <https://learn.microsoft.com/graph/api/resources/groups-overview>
        ("group", "members", "user") => true,
        ("group", "members", "group") => !role && !lists(object, "groupTypes", "Unified") && key != target,
        // "Security groups: user, security group, device, service principal, organizational contact":
        // <https://learn.microsoft.com/graph/api/group-post-members>
        ("group", "members", "servicePrincipal" | "device" | "orgContact") => !lists(object, "groupTypes", "Unified"),
        ("group", "owners", "user" | "servicePrincipal") => true,
        ("application" | "servicePrincipal", "owners", "user" | "servicePrincipal") => true,
        ("user", "manager", "user") => key != target,
        ("group" | "application" | "servicePrincipal" | "user", ..) => false,
        _ => true,
    };
    if !fits {
        let ty = capital(target_kind.name);
        return Err(Fault::bad(format!(
            "The reference target '{ty}_{}' of type '{ty}' is invalid for the '{name}' reference.",
            target.id
        )));
    }
    if name == "owners" && tenant.links.targets(key, name).is_some_and(|owners| owners.len() >= 100) {
        return Err(Fault::new(
            400,
            "Directory_QuotaExceeded",
            "The maximum number of owners for this object has been reached.",
        ));
    }
    Ok(())
}

/// Refuses to remove the last owner. "If the group has assigned owners, the last owner (a user object) can't be removed."
/// <https://learn.microsoft.com/graph/api/group-delete-owners>
fn last_owner(tenant: &Tenant, kind: &Kind, key: &Key, name: &'static str, target: &Kind) -> Result<(), Fault> {
    if kind.name != "group" || name != "owners" || target.name != "user" {
        return Ok(());
    }
    let people = tenant
        .links
        .targets(key, name)
        .into_iter()
        .flatten()
        .filter(|owner| tenant.directory_kind(owner).is_some_and(|kind| kind.name == "user"))
        .count();
    match people {
        0 | 1 => Err(Fault::bad("The group must have at least one owner, hence this owner cannot be removed.")),
        _ => Ok(()),
    }
}

fn capital(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map(|first| first.to_ascii_uppercase().to_string() + chars.as_str()).unwrap_or_default()
}

/// Lists Microsoft's templates of directory settings: id, name. <https://learn.microsoft.com/graph/api/groupsettingtemplate-list>
const TEMPLATES: &[(&str, &str)] = &[
    ("08d542b9-071f-4e16-94b0-74abb372e3d9", "Group.Unified.Guest"),
    ("4bc7f740-180e-4586-adb6-38b2e9024e6b", "Application"),
    ("5cf42378-d67d-4f36-ba46-e8b86229381d", "Password Rule Settings"),
    ("62375ab9-6b52-47ed-826b-58e47e0e304b", "Group.Unified"),
    ("80661d51-be2f-4d46-9713-98a2fcaec5bc", "Prohibited Names Settings"),
    ("898f1161-d651-43d1-805c-3b0b388a9fc2", "Custom Policy Settings"),
    ("aad3907d-1d1a-448b-b3ef-7bf7f63db63b", "Prohibited Names Restricted Settings"),
    ("dffd5d46-495d-40a9-8e21-954ff55e198a", "Consent Policy Settings"),
];

/// Gives a setting the name of its template.
pub fn name_setting(object: &mut Properties) {
    let template = text(object, "templateId");
    if let Some((_, name)) = TEMPLATES.iter().find(|(id, _)| id.eq_ignore_ascii_case(template)) {
        object.insert("displayName".to_owned(), (*name).into());
    }
}
