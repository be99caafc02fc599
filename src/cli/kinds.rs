//! `kinds`: what is exported, where it goes, and what it needs.

use serde_json::json;

use crate::engine::render;
use crate::kinds;

/// For people.
pub fn text() -> String {
    let mut out = String::new();
    for kind in kinds::ALL {
        let read = kind.permissions.read.join(" or ");
        let write = kind.permissions.write.join(" or ");
        out.push_str(&format!("{:<30} {}\n", kind.name, kind.title));
        out.push_str(&format!("    folder  {}\n    graph   {}{}\n", kind.folder, kind.api.segment(), kind.path));
        out.push_str(&format!("    read    {read}\n    write   {write}\n"));
        for link in kind.links {
            out.push_str(&format!("    link    {}", link.name));
            if let Some(permissions) = link.permissions {
                out.push_str(&format!(
                    "  (read {}, write {})",
                    permissions.read.join(" or "),
                    permissions.write.join(" or ")
                ));
            }
            out.push('\n');
        }
        for variant in kind.variants {
            out.push_str(&format!("    also    {}", variant.name));
            if let Some(reason) = variant.not_creatable {
                out.push_str(&format!("  (not creatable: {reason})"));
            }
            out.push('\n');
        }
    }
    out
}

/// For programs.
pub fn json() -> String {
    let kinds: Vec<_> = kinds::ALL
        .iter()
        .map(|kind| {
            json!({
                "name": kind.name,
                "title": kind.title,
                "folder": kind.folder,
                "api": kind.api.segment(),
                "path": kind.path,
                "links": kind.links.iter().map(|link| link.name).collect::<Vec<_>>(),
                "variants": kind.variants.iter().map(|variant| variant.name).collect::<Vec<_>>(),
                "read": kind.permissions.read,
                "write": kind.permissions.write,
                "docs": kind.docs,
            })
        })
        .collect();
    render::json::pretty(&json!({"formatVersion": render::json::FORMAT_VERSION, "kinds": kinds}))
}
