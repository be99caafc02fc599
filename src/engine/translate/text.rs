//! Translates domains and tenant ids in texts, and removes values from an object.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::engine::schema;
use crate::model::{Kind, Object, Snapshot, TenantMap};

/// Maps the words of the other tenant to those of this one.
pub(super) struct Words<'a> {
    domains: Vec<(&'a str, &'a str)>,
    /// Id of the other tenant.
    other: &'a str,
    /// Id of this tenant.
    own: &'a str,
}

impl<'a> Words<'a> {
    pub(super) fn new(map: &'a TenantMap, other: &'a str, own: &'a str) -> Self {
        let mut domains: Vec<(&str, &str)> = map.domains.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        // A subdomain comes before its parent domain.
        domains.sort_by_key(|(domain, _)| std::cmp::Reverse(domain.len()));
        Words { domains, other, own }
    }

    /// Returns the object with this tenant's words. Its id and its display name stay.
    pub(super) fn translate(&self, kind: &'static Kind, object: &Object) -> Object {
        let schema = schema::of(kind);
        let properties = object.0.iter().map(|(name, value)| {
            let named = name == "id" || name == "displayName" || schema.identities().contains(name);
            (name.clone(), if named { value.clone() } else { self.value(value) })
        });
        Object(properties.collect())
    }

    fn value(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::from(self.text(text)),
            Value::Array(elements) => Value::Array(elements.iter().map(|element| self.value(element)).collect()),
            Value::Object(map) => {
                Value::Object(map.iter().map(|(name, value)| (name.clone(), self.value(value))).collect())
            }
            other => other.clone(),
        }
    }

    fn text(&self, text: &str) -> String {
        let mut text = text.replace(self.other, self.own);
        // Only one domain is replaced, so that a replacement is not translated again.
        for (there, here) in &self.domains {
            let places = places(&text, there);
            if !places.is_empty() {
                let mut changed = String::with_capacity(text.len());
                let mut done = 0;
                for place in places {
                    changed.push_str(&text[done..place]);
                    changed.push_str(here);
                    done = place + there.len();
                }
                changed.push_str(&text[done..]);
                text = changed;
                break;
            }
        }
        text
    }
}

/// Returns the positions at which `domain` stands as a whole domain, or as the end of one.
fn places(text: &str, domain: &str) -> Vec<usize> {
    let mut found = Vec::new();
    if domain.is_empty() || text.len() < domain.len() {
        return found;
    }
    let bytes = text.as_bytes();
    let part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let mut at = 0;
    while at + domain.len() <= bytes.len() {
        let end = at + domain.len();
        let fits = bytes[at..end].eq_ignore_ascii_case(domain.as_bytes())
            && (at == 0 || !part(bytes[at - 1]))
            && (end == bytes.len()
                || !part(bytes[end]) && (bytes[end] != b'.' || bytes.get(end + 1).is_none_or(|next| !part(*next))));
        if fits {
            found.push(at);
            at = end;
        } else {
            at += 1;
        }
    }
    found
}

/// Returns the domain of a user principal name, in lower case.
pub(super) fn domain(name: &str) -> Option<String> {
    name.rsplit_once('@').map(|(_, domain)| domain.to_lowercase())
}

/// Returns the domains of a tenant's accounts.
pub(super) fn domains(snapshot: &Snapshot) -> BTreeSet<String> {
    snapshot.objects.values().filter_map(|object| domain(object.text("userPrincipalName")?)).collect()
}

/// Returns the top-level properties that can be written and that name one of `domains`.
pub(super) fn bound(kind: &'static Kind, object: &Object, domains: &BTreeSet<String>) -> Vec<String> {
    let schema = schema::of(kind);
    let names = object.0.iter().filter(|(name, value)| {
        let written = schema.property(name).is_some_and(|rule| rule.writable(true) && !rule.link);
        written && *name != "displayName" && names_one(value, domains)
    });
    names.map(|(name, _)| name.clone()).collect()
}

fn names_one(value: &Value, domains: &BTreeSet<String>) -> bool {
    match value {
        Value::String(text) => domains.iter().any(|domain| !places(text, domain).is_empty()),
        Value::Array(elements) => elements.iter().any(|element| names_one(element, domains)),
        Value::Object(map) => map.values().any(|value| names_one(value, domains)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Returns the object without the values at `pointers`: an element of a list is removed whole, and so is a child of a link.
pub(super) fn without(kind: &'static Kind, object: &Object, pointers: &[&str]) -> Object {
    let mut whole = Value::Object(object.0.clone());
    let mut doomed: Vec<Vec<String>> = pointers
        .iter()
        .map(|pointer| {
            let parts = pointer.trim_start_matches('/').split('/');
            let parts: Vec<String> = parts.map(|part| part.replace("~1", "/").replace("~0", "~")).collect();
            match kind.link(&parts[0]) {
                Some(_) => parts.into_iter().take(2).collect(),
                None => parts,
            }
        })
        .collect();
    // The last element of a list is removed first, so that the others keep their positions.
    doomed.sort_by_key(|parts| parts.iter().map(|part| part.parse::<usize>().unwrap_or_default()).collect::<Vec<_>>());
    doomed.dedup();
    for parts in doomed.iter().rev() {
        let Some((last, above)) = parts.split_last() else { continue };
        let mut at = Some(&mut whole);
        for part in above {
            at = match at {
                Some(Value::Object(map)) => map.get_mut(part),
                Some(Value::Array(elements)) => part.parse::<usize>().ok().and_then(|index| elements.get_mut(index)),
                _ => None,
            };
        }
        match at {
            Some(Value::Object(map)) => drop(map.remove(last)),
            Some(Value::Array(elements)) => {
                if let Ok(index) = last.parse::<usize>()
                    && index < elements.len()
                {
                    elements.remove(index);
                }
            }
            _ => {}
        }
    }
    match whole {
        Value::Object(map) => Object(map),
        _ => object.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_translated_where_it_stands_as_one() {
        let map = TenantMap {
            domains: [("contoso.com", "fabrikam.net"), ("eu.contoso.com", "eu.org")]
                .map(|(a, b)| (a.to_owned(), b.to_owned()))
                .into(),
            ..TenantMap::default()
        };
        let words = Words::new(&map, "11111111-1111", "22222222-2222");
        let said = [
            "ada@contoso.com",
            "ada@Contoso.COM and bob@contoso.com.",
            "https://hr.contoso.com/in?x=contoso.com",
            "ada@eu.contoso.com",
            "notcontoso.com contoso.community contoso.com.au",
            "https://sts.windows.net/11111111-1111/",
        ]
        .map(|text| words.text(text));
        insta::assert_snapshot!(said.join("\n"), @r"
        ada@fabrikam.net
        ada@fabrikam.net and bob@fabrikam.net.
        https://hr.fabrikam.net/in?x=fabrikam.net
        ada@eu.org
        notcontoso.com contoso.community contoso.com.au
        https://sts.windows.net/22222222-2222/
        ");
    }
}
