//! Reads the scope of an export: a profile, kinds, and filters that the tenant chose.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Reader;
use crate::kinds;
use crate::model::Kind;
use crate::model::kind::Profile;

/// Names of these settings.
pub(super) const KNOWN: &[&str] = &["profile", "kinds", "exclude", "filter"];

/// Maximum number of characters of a filter: percent-encoded, it must fit into a URL that proxies and services accept.
const MAX_FILTER_CHARS: usize = 4_000;

/// The part of the template for these settings.
pub(super) const TEMPLATE: &str = "# What is exported: config (no user objects), recovery (all that recovery needs), everything (what is only for\n\
     # information, too). `entragit kinds` says which kinds each takes in.\n\
     profile: recovery\n\
     # Only these kinds, as in [group, conditionalAccessPolicy]; empty means all of the profile.\n\
     kinds: []\n\
     # Not these.\n\
     exclude: []\n\
     # Only those objects of a kind that an OData filter of Graph lets through. What it hides is never deleted or called drift.\n\
     # filter:\n\
     #   group: \"securityEnabled eq true\"\n";

/// Selects what is exported.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scope {
    /// Profile, which selects the kinds by default.
    pub profile: Profile,
    /// Names of the kinds to export, whatever the profile; if empty, all kinds of the profile.
    pub kinds: Vec<&'static str>,
    /// Names of the kinds that are not exported.
    pub exclude: Vec<&'static str>,
    /// `$filter` with which the objects of a kind are listed, by the kind's name.
    pub filters: BTreeMap<&'static str, String>,
}

impl Scope {
    /// Returns the kinds in scope.
    pub fn kinds(&self) -> Vec<&'static Kind> {
        let is_listed = |kind: &Kind| self.kinds.contains(&kind.name);
        let is_selected =
            |kind: &Kind| if self.kinds.is_empty() { kind.profile() <= self.profile } else { is_listed(kind) };
        kinds::ALL.iter().copied().filter(|kind| is_selected(kind) && !self.exclude.contains(&kind.name)).collect()
    }
}

/// Reads the scope of an export, and reports mistakes to `reader`.
pub(super) fn scope(reader: &mut Reader<'_>, top: &Map<String, Value>) -> Scope {
    let profile = reader.text(top, "", "profile", Profile::default().as_str());
    let profile = Profile::parse(&profile).unwrap_or_else(|| {
        reader.say(
            "/profile",
            format!("`{}` is no profile; take recovery, config or everything", profile.escape_debug()),
        );
        Profile::default()
    });
    let (kinds, exclude) = (read_kinds(reader, top, "kinds"), read_kinds(reader, top, "exclude"));
    Scope { profile, kinds, exclude, filters: read_filters(reader, top) }
}

/// Reads a list of kinds, and returns their names.
fn read_kinds(reader: &mut Reader<'_>, top: &Map<String, Value>, setting: &str) -> Vec<&'static str> {
    let mut found = Vec::new();
    for (index, word) in reader.texts(top, setting).into_iter().enumerate() {
        match kinds::by_word(&word) {
            Some(kind) => found.push(kind.name),
            None => reader.say(&format!("/{setting}/{index}"), kinds::unknown_kind_message(&word)),
        }
    }
    found
}

/// Reads the filters, by the kinds' names. Faulty ones are reported and left out.
fn read_filters(reader: &mut Reader<'_>, top: &Map<String, Value>) -> BTreeMap<&'static str, String> {
    let mut filters = BTreeMap::new();
    for (word, filter) in top.get("filter").and_then(Value::as_object).into_iter().flatten() {
        let pointer = format!("/filter/{word}");
        let wrong = match (kinds::by_word(word), filter.as_str().map(str::trim)) {
            (None, _) => kinds::unknown_kind_message(word),
            (Some(_), None) => format!("the filter of `{word}` is a text; put it in quotes"),
            (Some(kind), Some(filter)) => match find_filter_fault(kind, filter) {
                Some(wrong) => wrong,
                None => {
                    filters.insert(kind.name, filter.to_owned());
                    continue;
                }
            },
        };
        reader.say(&pointer, wrong);
    }
    filters
}

/// Returns a sentence on the fault of a filter; `None` if none is found without asking Graph.
fn find_filter_fault(kind: &'static Kind, filter: &str) -> Option<String> {
    if kind.is_singleton() || kind.for_each.is_some() {
        return Some(format!("`{}` cannot be filtered: Graph does not list it as a whole", kind.name));
    }
    let length = filter.chars().count();
    if length > MAX_FILTER_CHARS {
        return Some(format!(
            "the filter of `{}` has {length} characters, and {MAX_FILTER_CHARS} is the most; name a group or a prefix instead of \
             single objects",
            kind.name
        ));
    }
    if filter.is_empty() {
        return Some(format!("the filter of `{}` is empty; leave it out", kind.name));
    }
    let mut depth = 0i32;
    let unquoted = blank_quoted_texts(filter);
    let balanced = unquoted.chars().all(|c| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        depth >= 0
    });
    if !balanced || depth != 0 || !filter.matches('\'').count().is_multiple_of(2) {
        return Some("the filter does not close what it opens: look at its quotes and parentheses".to_owned());
    }
    let known: Value = serde_json::from_str(kind.schema).ok()?;
    let known: Vec<&str> = known.get("properties")?.as_object()?.keys().map(String::as_str).collect();
    compared_properties(&unquoted).into_iter().find_map(|name| {
        // Graph can also filter by properties that are not exported: only a name similar to a known one is a typing error.
        let near =
            known.iter().map(|known| (strsim::damerau_levenshtein(&known.to_lowercase(), &name.to_lowercase()), known));
        match near.min() {
            Some((distance, near)) if distance > 0 && distance <= 2 && !known.contains(&name) => {
                Some(format!("`{name}` is no property of `{}`; did you mean `{near}`?", kind.name))
            }
            Some((0, near)) if **near != *name => Some(format!("`{name}` is written `{near}`")),
            _ => None,
        }
    })
}

/// Returns the filter with every text in quotes replaced by an empty one.
fn blank_quoted_texts(filter: &str) -> String {
    let parts = filter.split('\'').enumerate();
    parts.map(|(index, part)| if index % 2 == 0 { part } else { "''" }).collect()
}

/// Returns the names of the properties that a filter compares: a word before an operator, or a function's first argument.
fn compared_properties(filter: &str) -> Vec<&str> {
    let words: Vec<&str> = filter.split([' ', '(', ')', ',']).filter(|word| !word.is_empty()).collect();
    let is_operator = |word: &str| matches!(word, "eq" | "ne" | "gt" | "ge" | "lt" | "le" | "in");
    let is_function = |word: &str| matches!(word, "startsWith" | "startswith" | "endsWith" | "endswith" | "contains");
    let pairs = words.windows(2).filter_map(|pair| match (pair[0], pair[1]) {
        (name, operator) if is_operator(operator) => Some(name),
        (function, name) if is_function(function) => Some(name),
        _ => None,
    });
    // Of a path the first name counts. `t:t` declares the variable of an `any`, and a name of one or two letters uses one.
    pairs
        .filter(|name| !name.contains([':', '$']))
        .map(|name| name.split('/').next().unwrap_or(name))
        .filter(|name| name.len() > 2)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::Settings;
    use super::*;

    fn said(text: &str) -> String {
        match Settings::parse("entragit.yaml", format!("tenant: t\n{text}").as_bytes()) {
            Ok(settings) => format!("{:?}", settings.scope),
            Err(found) => found.iter().map(|f| format!("{}: {}", f.line, f.message)).collect::<Vec<_>>().join("\n"),
        }
    }

    #[test]
    fn profiles_hold_one_another() {
        let kinds = |profile| Scope { profile, ..Scope::default() }.kinds();
        let [config, recovery, everything] = Profile::ALL.map(kinds);
        assert!(
            config.iter().all(|kind| recovery.contains(kind)) && recovery.iter().all(|kind| everything.contains(kind))
        );
        assert_eq!(everything.len(), crate::kinds::ALL.len());
        let names = |kinds: &[&Kind]| kinds.iter().map(|kind| kind.name).collect::<Vec<_>>();
        assert!(!names(&config).contains(&"user") && names(&recovery).contains(&"user"));
        assert!(!names(&recovery).contains(&"subscribedSku") && names(&everything).contains(&"subscribedSku"));
        let named = Scope { kinds: vec!["user", "subscribedSku", "group"], exclude: vec!["group"], ..Scope::default() };
        assert_eq!(names(&named.kinds()), ["user", "subscribedSku"]);
    }

    #[test]
    fn filters_are_read() {
        let text = "exclude: [users]\nfilter:\n  groups: \"securityEnabled eq true\"\n  application: \"startsWith(displayName, 'it''s (') or tags/any(t:t eq 'x')\"\n";
        insta::assert_snapshot!(said(text), @r#"Scope { profile: Recovery, kinds: [], exclude: ["user"], filters: {"application": "startsWith(displayName, 'it''s (') or tags/any(t:t eq 'x')", "group": "securityEnabled eq true"} }"#);
        assert_eq!(said("filter:\n"), format!("{:?}", Scope::default()));
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        let text = "profile: all\nexclude: [usr, zebracrossing]\nfilter:\n  grup: \"x eq 1\"\n  user: 7\n  authorizationPolicy: \"a eq 1\"\n  \
                    group: \"securityEnabed eq true\"\n  application: \"(displayName eq 'a'\"\n  servicePrincipal: \"\"\n";
        insta::assert_snapshot!(said(text), @r"
        2: `all` is no profile; take recovery, config or everything
        3: `usr` is no kind; did you mean `user`?
        3: `zebracrossing` is no kind; `entragit kinds` lists them
        5: `grup` is no kind; did you mean `group`?
        6: the filter of `user` is a text; put it in quotes
        7: `authorizationPolicy` cannot be filtered: Graph does not list it as a whole
        8: `securityEnabed` is no property of `group`; did you mean `securityEnabled`?
        9: the filter does not close what it opens: look at its quotes and parentheses
        10: the filter of `servicePrincipal` is empty; leave it out
        ");
        assert!(said("filter: all\n").starts_with("2: `filter` holds settings"));
    }

    #[test]
    fn a_filter_is_limited_in_length() {
        let of = |length: usize| said(&format!("filter:\n  group: \"displayName eq '{}'\"\n", "a".repeat(length - 17)));
        assert!(of(MAX_FILTER_CHARS).starts_with("Scope"));
        insta::assert_snapshot!(of(MAX_FILTER_CHARS + 1), @"3: the filter of `group` has 4001 characters, and 4000 is the most; name a group or a prefix instead of single objects");
    }
}
