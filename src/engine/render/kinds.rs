//! Renders the table of kinds: source, folder, what can be restored, permissions and licences. It is made from the same data
//! that reading and writing use.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::json::{FORMAT_VERSION, sorted};
use crate::engine::schema::{self, Rule};
use crate::model::Kind;
use crate::model::kind::{Api, Creation, Deletion, Licence, Permissions, Readers, Updates, Verb};

/// Selects the permissions to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Permissions to export.
    Read,
    /// Permissions to export and to apply.
    Write,
}

/// Lists what can and cannot be restored of a kind.
struct Facts {
    comes_back: Vec<String>,
    cannot: Vec<String>,
}

fn facts(kind: &'static Kind) -> Facts {
    let (mut comes_back, mut cannot) = (Vec::new(), Vec::new());
    if matches!(kind.deletion, Deletion::Soft { .. }) {
        comes_back.push("restored from the recycle bin with its id".to_owned());
    }
    match kind.creation {
        Creation::Post { .. } if kind.requests.is_some() => comes_back.push("made again by a request".to_owned()),
        Creation::Post { .. } => comes_back.push("created again, with a new id".to_owned()),
        Creation::AtId(Verb::Patch | Verb::Put) => comes_back.push("created again, with its id".to_owned()),
        Creation::Never { reason } => cannot.push(format!("it is never created: {reason}")),
    }
    match kind.update {
        Updates::All | Updates::Replace => comes_back.push("changed in place".to_owned()),
        Updates::Only(names) => comes_back.push(format!("changed in place ({})", names.join(", "))),
        Updates::Nothing if matches!(kind.creation, Creation::Never { .. }) => {}
        Updates::Nothing => comes_back.push("replaced where it differs".to_owned()),
    }
    for link in kind.links {
        match link.is_written() {
            true => comes_back.push(format!("`{}`", link.name)),
            false => cannot.push(format!("`{}` is information only", link.name)),
        }
    }
    cannot.extend(kind.owned_elsewhere.map(|elsewhere| format!("left alone where {}", elsewhere.reason)));
    for variant in kind.variants {
        cannot.extend(variant.not_creatable.map(|reason| format!("{} are never created: {reason}", variant.title)));
    }
    if kind.api == Api::Beta {
        cannot.push("only Microsoft's beta API has it, which may change without notice".to_owned());
    }
    if kind.readers == Readers::PeopleOnly {
        cannot.push("an application's sign-in cannot read it: it is skipped, and said to be".to_owned());
    }
    let mut left: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let schema = schema::of(kind);
    if let schema::Shape::Object(rules, _) = &schema.root.shape {
        for (name, rule) in rules.iter().filter(|(name, _)| *name != "id") {
            left.entry(fate(rule)).or_default().push(name);
        }
    }
    for (why, names) in left.into_iter().filter(|(why, _)| !why.is_empty()) {
        cannot.push(format!("{why}: {}", names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")));
    }
    Facts { comes_back, cannot }
}

/// Returns the reason why a property is not restored; empty if it is.
fn fate(rule: &Rule) -> &'static str {
    match rule {
        Rule { write_only: true, .. } => "secret, never exported",
        Rule { left_out: true, .. } => "known and not exported",
        Rule { read_only: true, keep: true, .. } => "kept for information",
        Rule { read_only: true, .. } => "",
        Rule { create_only: true, .. } => "fixed at creation",
        _ => "",
    }
}

/// Renders the kinds for a terminal.
pub fn text(kinds: &[&'static Kind]) -> String {
    let mut out = String::new();
    for kind in kinds {
        let facts = facts(kind);
        out.push_str(&format!("{:<30} {}\n", kind.name, kind.title));
        out.push_str(&format!("    folder   {}\n    graph    {}{}\n", kind.folder, kind.api.segment(), kind.path));
        out.push_str(&format!(
            "    read     {}\n    write    {}\n",
            any(kind.permissions.read),
            any(kind.permissions.write)
        ));
        if let Some(licence) = kind.licence {
            out.push_str(&format!("    licence  {}\n", licence.title()));
        }
        for link in kind.links {
            out.push_str(&format!("    link     {}", link.name));
            if let Some(permissions) = link.permissions {
                out.push_str(&format!("  (read {}, write {})", any(permissions.read), any(permissions.write)));
            }
            out.push('\n');
        }
        for variant in kind.variants {
            out.push_str(&format!("    also     {}  ({})\n", variant.name, variant.title));
        }
        for (number, what) in facts.comes_back.iter().enumerate() {
            out.push_str(&format!("    {:<8} {}\n", if number == 0 { "back" } else { "" }, what.replace('`', "")));
        }
        for (number, what) in facts.cannot.iter().enumerate() {
            out.push_str(&format!("    {:<8} {}\n", if number == 0 { "not" } else { "" }, what.replace('`', "")));
        }
        out.push_str(&format!("    page     {}\n", kind.docs));
    }
    out
}

fn any(permissions: &[&str]) -> String {
    if permissions.is_empty() { "–".to_owned() } else { permissions.join(" or ") }
}

/// Renders the table of kinds for the README.
pub fn table(kinds: &[&'static Kind]) -> String {
    let mut out =
        "| kind | Graph | folder | links | to read | to write | licence |\n|---|---|---|---|---|---|---|\n".to_owned();
    let least = |permissions: &[&str]| permissions.first().map_or_else(|| "–".to_owned(), |first| format!("`{first}`"));
    for kind in kinds {
        let beta = if kind.api == Api::Beta { " (beta)" } else { "" };
        let links: Vec<String> = kind.links.iter().map(|link| format!("`{}`", link.name)).collect();
        out.push_str(&format!(
            "| [{}]({}) | `{}`{beta} | `{}` | {} | {} | {} | {} |\n",
            kind.name,
            kind.docs,
            kind.path,
            kind.folder,
            links.join(", "),
            least(kind.permissions.read),
            least(kind.permissions.write),
            kind.licence.map_or("", |licence| licence.title().trim_start_matches("Microsoft Entra ID ")),
        ));
    }
    out
}

/// Renders the table, and for each kind what is restored and what is not.
pub fn markdown(kinds: &[&'static Kind]) -> String {
    let mut out = format!("# Kinds\n\n{}", table(kinds));
    for kind in kinds {
        let facts = facts(kind);
        out.push_str(&format!("\n## {} (`{}`)\n\n", kind.title, kind.name));
        for what in facts.comes_back {
            out.push_str(&format!("- comes back: {what}\n"));
        }
        for what in facts.cannot {
            out.push_str(&format!("- does not: {what}\n"));
        }
    }
    out
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct KindsDocument {
    format_version: u32,
    kinds: Vec<KindDocument>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct KindDocument {
    name: &'static str,
    title: &'static str,
    folder: &'static str,
    api: &'static str,
    path: &'static str,
    links: Vec<&'static str>,
    link_permissions: BTreeMap<&'static str, NeededDocument>,
    variants: Vec<&'static str>,
    #[serde(flatten)]
    needed: NeededDocument,
    licence: Option<&'static str>,
    information: bool,
    comes_back: Vec<String>,
    does_not: Vec<String>,
    docs: &'static str,
}

/// Lists the permissions of which one is enough to read, or to write.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NeededDocument {
    read: &'static [&'static str],
    write: &'static [&'static str],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PermissionsDocument<'a> {
    format_version: u32,
    permissions: &'a BTreeSet<&'static str>,
}

/// Renders the kinds as a JSON document.
pub fn json(kinds: &[&'static Kind]) -> String {
    let kinds = kinds.iter().map(|kind| kind_document(kind)).collect();
    sorted(&KindsDocument { format_version: FORMAT_VERSION, kinds })
}

fn kind_document(kind: &'static Kind) -> KindDocument {
    let facts = facts(kind);
    let needed = |permissions: Permissions| NeededDocument { read: permissions.read, write: permissions.write };
    let link_permissions = kind.links.iter().filter_map(|link| Some((link.name, needed(link.permissions?))));
    KindDocument {
        name: kind.name,
        title: kind.title,
        folder: kind.folder,
        api: kind.api.segment(),
        path: kind.path,
        links: kind.links.iter().map(|link| link.name).collect(),
        link_permissions: link_permissions.collect(),
        variants: kind.variants.iter().map(|variant| variant.name).collect(),
        needed: needed(kind.permissions),
        licence: kind.licence.map(Licence::title),
        information: kind.is_information(),
        comes_back: facts.comes_back,
        does_not: facts.cannot,
        docs: kind.docs,
    }
}

/// Renders permissions as a JSON document.
pub fn permissions_json(permissions: &BTreeSet<&'static str>) -> String {
    sorted(&PermissionsDocument { format_version: FORMAT_VERSION, permissions })
}

/// Returns every application permission that these kinds need, the least of each.
pub fn permissions(kinds: &[&'static Kind], access: Access) -> BTreeSet<&'static str> {
    let mut found = BTreeSet::new();
    for kind in kinds.iter().filter(|kind| kind.readers == Readers::Everyone) {
        for permissions in
            std::iter::once(&kind.permissions).chain(kind.links.iter().filter_map(|link| link.permissions.as_ref()))
        {
            found.extend(permissions.read.first());
            if access == Access::Write {
                found.extend(permissions.write.first());
            }
        }
        found.extend(kind.hidden_permissions());
        found.extend(schema::of(kind).guarded().iter().map(|(_, permission)| permission.as_str()));
    }
    // The audit log says who made a change.
    found.insert("AuditLog.Read.All");
    found
}

/// Returns commands of the Azure CLI that give an application these permissions. The commands look up the permissions' ids
/// in the tenant by name.
/// <https://learn.microsoft.com/cli/azure/ad/app/permission>
pub fn script(permissions: &BTreeSet<&'static str>) -> String {
    let names: Vec<&str> = permissions.iter().copied().collect();
    format!(
        "APP=${{APP:?the application (client) id}}\n\
         GRAPH=00000003-0000-0000-c000-000000000000\n\
         for NAME in {}; do\n  \
           ID=$(az ad sp show --id $GRAPH --query \"appRoles[?value=='$NAME'].id | [0]\" --output tsv)\n  \
           [ -n \"$ID\" ] || {{ echo \"this tenant's Microsoft Graph has no permission $NAME\" >&2; continue; }}\n  \
           az ad app permission add --id \"$APP\" --api $GRAPH --api-permissions \"$ID=Role\"\n\
         done\n\
         az ad app permission admin-consent --id \"$APP\"\n",
        names.join(" \\\n  ")
    )
}

#[cfg(test)]
mod tests {
    use super::super::fits::assert_fits;
    use super::*;
    use crate::kinds;

    #[test]
    fn the_documents_fit_their_schemas() {
        assert_fits!("kinds", json(kinds::ALL));
        assert_fits!("permissions", permissions_json(&permissions(kinds::ALL, Access::Write)));
    }
}
