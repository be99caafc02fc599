//! Finds values that a person wrote and that Graph refuses or ignores, as far as the shape alone does not tell.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Context, FileFindings, dotted};
use crate::engine::refs::is_guid;
use crate::engine::schema::{self, Ref, Rule, Shape};
use crate::kinds;
use crate::model::Kind;
use crate::model::finding::Severity;

/// Kinds whose ids are GUIDs. The others have ids that people read, such as a name.
const WITH_GUIDS: &[&str] = &[
    "accessPackage",
    "accessPackageCatalog",
    "administrativeUnit",
    "agreement",
    "application",
    "authenticationStrengthPolicy",
    "connectedOrganization",
    "device",
    "group",
    "namedLocation",
    "orgContact",
    "roleDefinition",
    "servicePrincipal",
    "user",
];

/// A finding before its place in the file is looked up.
struct Fault {
    pointer: String,
    severity: Severity,
    check: &'static str,
    message: String,
}

/// Finds such values in a file that a person wrote. What the last snapshot has in the same place is the tenant's own.
pub(super) fn check(context: &Context<'_>, found: &mut FileFindings<'_, '_>) {
    if (context.written)(found.file.path) {
        return;
    }
    let kind = found.file.kind;
    let mut faults = Vec::new();
    let mut walk = Walk { context, kind, faults: &mut faults };
    for (name, value) in found.file.value {
        if let Some(rule) = schema::of(kind).property(name) {
            walk.value(rule, value, &format!("/{name}"));
        }
    }
    for Fault { pointer, severity, check, message } in faults {
        if !found.is_tenants_own(&pointer) {
            found.say(&pointer, severity, check, || message);
        }
    }
}

/// Goes through the values of a file.
struct Walk<'w, 'a> {
    context: &'w Context<'a>,
    kind: &'static Kind,
    faults: &'w mut Vec<Fault>,
}

impl Walk<'_, '_> {
    fn say(&mut self, pointer: &str, severity: Severity, check: &'static str, message: &str) {
        let path = dotted(pointer, "");
        let message = format!("`{}`: {message}", path.trim_end_matches('.'));
        self.faults.push(Fault { pointer: pointer.to_owned(), severity, check, message });
    }

    fn value(&mut self, rule: &Rule, value: &Value, pointer: &str) {
        if rule.read_only && !rule.keep {
            let message = format!("Graph sets it, and nobody writes it; remove the line from this {}", self.kind.name);
            return self.say(pointer, Severity::Warning, "read-only", &message);
        }
        match (&rule.shape, value) {
            (Shape::Object(rules, _), Value::Object(map)) => {
                for (name, value) in map {
                    if let Some(rule) = rules.get(name) {
                        let name = name.replace('~', "~0").replace('/', "~1");
                        self.value(rule, value, &format!("{pointer}/{name}"));
                    }
                }
            }
            (Shape::List(items), Value::Array(elements)) => {
                self.repetitions(rule, elements, pointer);
                for (index, value) in elements.iter().enumerate() {
                    self.value(items, value, &format!("{pointer}/{index}"));
                }
            }
            (_, Value::String(text)) => self.text(rule, text, pointer),
            _ => {}
        }
    }

    /// Finds elements that a list has twice though their order means nothing, and those that agree in what must differ.
    fn repetitions(&mut self, rule: &Rule, elements: &[Value], pointer: &str) {
        let mut seen = BTreeSet::new();
        for (index, element) in elements.iter().enumerate().filter(|_| rule.set || rule.link) {
            if !seen.insert(element.to_string()) {
                let message = "it is listed twice; keep one of the two";
                self.say(&format!("{pointer}/{index}"), Severity::Error, "duplicate-element", message);
            }
        }
        let Some(name) = &rule.unique_element else { return };
        let mut seen = BTreeSet::new();
        for (index, element) in elements.iter().enumerate() {
            if let Some(text) = element.get(name).and_then(Value::as_str)
                && !seen.insert(text)
            {
                let message = format!("another element has `{text}`, too; each needs one of its own");
                self.say(&format!("{pointer}/{index}/{name}"), Severity::Error, "duplicate-element", &message);
            }
        }
    }

    fn text(&mut self, rule: &Rule, text: &str, pointer: &str) {
        if !rule.refs.is_empty() && is_no_id(&rule.refs, text) {
            let kinds: BTreeSet<&'static str> = rule.refs.iter().map(|to| to.kind).collect();
            let kinds: Vec<&'static str> = kinds.into_iter().collect();
            let hint = match (self.context.id_of)(&kinds, text) {
                Some(id) => format!("it is the name of {id}: write that"),
                None => "write the id of an object, or `new:<label>` of one that the repository holds".to_owned(),
            };
            let message = format!("`{text}` is no id of a {}; {hint}", kinds.join(" or "));
            return self.say(pointer, Severity::Error, "no-id", &message);
        }
        if rule.domain
            && let Some((_, domain)) = text.rsplit_once('@')
            && !self.has_domain(domain)
        {
            let message = format!("{domain} is none of the tenant's domains: {}", self.domains().join(", "));
            return self.say(pointer, Severity::Error, "unknown-domain", &message);
        }
        let quotes = [('“', '”'), ('„', '“'), ('‘', '’'), ('«', '»')];
        if quotes.iter().any(|(open, close)| text.starts_with(*open) && text.ends_with(*close)) {
            let message = "these quotation marks are part of the text; straight ones (\") only enclose it";
            self.say(pointer, Severity::Warning, "typographic-quotes", message);
        }
    }

    /// Returns true if the tenant has a domain, or if its domains are not completely known.
    fn has_domain(&self, domain: &str) -> bool {
        let known = kinds::address("domain", domain.to_lowercase());
        !self.context.coverage.kind("domain").is_complete()
            || known.is_some_and(|address| self.context.addresses.contains(&address))
    }

    fn domains(&self) -> Vec<&str> {
        let domains = self.context.addresses.iter().filter(|address| address.kind.name == "domain");
        domains.map(|address| address.id.as_str()).take(10).collect()
    }
}

/// Returns true if a text is a name, a sign-in name or a part of an id where an id is meant. Words with a meaning of their own (`All`)
/// and addresses (of a SharePoint site) are none of these.
fn is_no_id(refs: &[Ref], text: &str) -> bool {
    let is_name = text.contains([' ', '@']) && !text.contains("://");
    let is_cut =
        text.contains('-') && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-') && !is_guid(text);
    (is_name || is_cut) && !text.starts_with("new:") && refs.iter().all(|to| WITH_GUIDS.contains(&to.kind))
}
