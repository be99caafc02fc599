//! Finds values that a person wrote and that Graph refuses or ignores, as far as the shape alone does not tell.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Context, FileFindings, dotted};
use crate::engine::refs::is_guid;
use crate::engine::schema::{self, Ref, Rule, Shape};
use crate::model::Kind;
use crate::model::finding::{MOST_PER_FILE, Severity};

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

/// A finding that is not yet added to those of the file.
struct Fault {
    pointer: String,
    severity: Severity,
    check: &'static str,
    message: String,
}

/// Returns the tenant's domains; `None` if they are not completely known.
pub(super) fn domains<'a>(context: &Context<'a>) -> Option<Vec<&'a str>> {
    let domains = context.addresses.iter().filter(|address| address.kind.name == "domain");
    context.coverage.kind("domain").is_complete().then(|| domains.map(|address| address.id.as_str()).collect())
}

/// Finds such values in a file that a person wrote. What a snapshot has in the same place is the tenant's own.
pub(super) fn check(context: &Context<'_>, domains: Option<&[&str]>, found: &mut FileFindings<'_, '_>) {
    if (context.written)(found.file.path) {
        return;
    }
    let kind = found.file.kind;
    let mut walk = Walk { context, domains, kind, found, faults: Vec::new(), errors: 0 };
    for (name, value) in found.file.value {
        if let Some(rule) = schema::of(kind).property(name) {
            walk.value(rule, value, &format!("/{name}"));
        }
    }
    // Where not all are listed, these are.
    walk.faults.sort_by_key(|fault| fault.severity);
    for Fault { pointer, severity, check, message } in walk.faults {
        found.say(&pointer, severity, check, || message);
    }
}

/// Goes through the values of a file.
struct Walk<'w, 'f, 'a> {
    context: &'w Context<'a>,
    domains: Option<&'w [&'w str]>,
    kind: &'static Kind,
    found: &'w FileFindings<'f, 'a>,
    faults: Vec<Fault>,
    /// Number of errors among the faults.
    errors: usize,
}

impl Walk<'_, '_, '_> {
    fn say(&mut self, pointer: &str, severity: Severity, check: &'static str, message: &str) {
        let path = dotted(pointer, "");
        let message = format!("`{}`: {message}", path.trim_end_matches('.'));
        self.errors += usize::from(severity == Severity::Error);
        self.faults.push(Fault { pointer: pointer.to_owned(), severity, check, message });
    }

    fn value(&mut self, rule: &Rule, value: &Value, pointer: &str) {
        // More errors than are listed need no message. Warnings hide none.
        if self.errors > MOST_PER_FILE {
            return;
        }
        if rule.read_only && !rule.keep && !self.found.is_tenants_own(pointer) {
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
            if !seen.insert(element.to_string()) && self.faults.len() <= MOST_PER_FILE {
                let message = "it is listed twice, and counts once";
                self.say(&format!("{pointer}/{index}"), Severity::Warning, "duplicate-element", message);
            }
        }
        let Some(name) = &rule.unique_element else { return };
        let mut seen = BTreeSet::new();
        for (index, element) in elements.iter().enumerate() {
            if let Some(text) = element.get(name).and_then(Value::as_str)
                && !seen.insert(text)
                && !self.found.is_tenants_own(&format!("{pointer}/{index}"))
            {
                let message = format!("another element has `{text}`, too; each needs one of its own");
                self.say(&format!("{pointer}/{index}/{name}"), Severity::Error, "duplicate-element", &message);
            }
        }
    }

    fn text(&mut self, rule: &Rule, text: &str, pointer: &str) {
        if !rule.refs.is_empty() && is_no_id(&rule.refs, text) && !self.found.is_tenants_own(pointer) {
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
            && let Some(domains) = self.domains
            && !domains.iter().any(|known| known.eq_ignore_ascii_case(domain))
            && !self.found.is_tenants_own(pointer)
        {
            let known = domains.iter().take(10).copied().collect::<Vec<_>>().join(", ");
            let message = format!("{domain} is none of the tenant's domains: {known}");
            return self.say(pointer, Severity::Error, "unknown-domain", &message);
        }
        let quotes = [('“', '”'), ('„', '“'), ('‘', '’'), ('«', '»')];
        let is_quoted = quotes.iter().any(|(open, close)| text.starts_with(*open) && text.ends_with(*close));
        if is_quoted && !self.found.is_tenants_own(pointer) {
            let message = "these quotation marks are part of the text; straight ones (\") only enclose it";
            self.say(pointer, Severity::Warning, "typographic-quotes", message);
        }
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
