//! Builds the query strings of reads.

use super::urls::escape;
use crate::model::Kind;
use crate::model::kind::{LinkRead, LinkShape};

/// Returns `$top`, where Graph documents one for the kind; its relations take the same.
pub(super) fn top(kind: &Kind) -> Option<String> {
    kind.page_size.map(|size| format!("$top={size}"))
}

/// Returns a query string of the given parts.
pub(super) fn query<const N: usize>(parts: [Option<String>; N]) -> String {
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { String::new() } else { format!("?{}", parts.join("&")) }
}

/// Returns `$filter`, without which Graph refuses the list.
pub(super) fn filter(filter: Option<&str>) -> Option<String> {
    filter.map(|filter| format!("$filter={}", escape(filter)))
}

/// Returns `$expand`, for relations that come with the object: only the id of another object, but children whole.
pub(super) fn expand(kind: &Kind) -> Option<String> {
    let links = kind.links.iter().filter(|link| link.read == LinkRead::Expand);
    let names = links.map(|link| match link.shape {
        LinkShape::Children(_) if !link.expand.is_empty() => {
            format!("{}($expand={})", link.name, link.expand.join(","))
        }
        LinkShape::Children(_) => link.name.to_owned(),
        LinkShape::Reference | LinkShape::References => format!("{}($select=id)", link.name),
    });
    let names: Vec<String> = names.chain(kind.expand.iter().map(|name| (*name).to_owned())).collect();
    (!names.is_empty()).then(|| format!("$expand={}", names.join(",")))
}
