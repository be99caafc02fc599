//! Reads the settings of `drift` and `status`: differences that are no drift, and the maximum age of a snapshot.

use jiff::SignedDuration;
use serde_json::{Map, Value};

use super::Reader;
use crate::format::span::span;
use crate::kinds;

/// Names of these settings.
pub(super) const KNOWN: &[&str] = &["objective", "drift"];

/// The part of the template for these settings.
pub(super) const TEMPLATE: &str = "# How old the last snapshot may become before `entragit status` says so.\n\
     objective: 24h\n\
     \n\
     # What is no drift, because someone else owns it or it never stands still. Of kind, name (a pattern), id and\n\
     # property all that are given must agree.\n\
     # drift:\n\
     #   ignore:\n\
     #     - kind: user\n\
     #       property: jobTitle\n\
     #       reason: \"owned by HR\"\n";

/// Selects differences that are no drift. All given conditions must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ignore {
    /// Kind of the objects.
    pub kind: Option<&'static str>,
    /// Pattern that the object's name must fit.
    pub name: Option<String>,
    /// Id of the object.
    pub id: Option<String>,
    /// Property or link, or a part of it: `jobTitle`, `conditions.users.excludeUsers`. Without it the rule applies to every
    /// change of the object.
    pub property: Option<String>,
    /// Reason, for people.
    pub reason: Option<String>,
}

/// Reads the maximum age of a snapshot.
pub(super) fn objective(reader: &mut Reader<'_>, top: &Map<String, Value>) -> SignedDuration {
    let default = SignedDuration::from_hours(24);
    let text = reader.text(top, "", "objective", "24h");
    span(&text.to_lowercase()).filter(|span| !span.is_zero()).unwrap_or_else(|| {
        reader.say("/objective", format!("`{}` is no span of time; write 24h, 90m or 2d", text.escape_debug()));
        default
    })
}

/// Reads the rules of `drift`.
pub(super) fn ignore(reader: &mut Reader<'_>, drift: &Map<String, Value>) -> Vec<Ignore> {
    reader.only(drift, "/drift", &["ignore"]);
    let rules = match drift.get("ignore") {
        None | Some(Value::Null) => return Vec::new(),
        Some(Value::Array(rules)) => rules,
        Some(_) => {
            let message = "`ignore` is a list of rules, each as in `- kind: user`, with what it is about below it";
            reader.say("/drift/ignore", message.to_owned());
            return Vec::new();
        }
    };
    let mut read = Vec::new();
    for (index, rule) in rules.iter().enumerate() {
        let pointer = format!("/drift/ignore/{index}");
        match rule.as_object() {
            Some(rule) => read.extend(one(reader, rule, &pointer)),
            None => reader.say(&pointer, "a rule has kind, name, id or property, and a reason".to_owned()),
        }
    }
    read
}

fn one(reader: &mut Reader<'_>, rule: &Map<String, Value>, pointer: &str) -> Option<Ignore> {
    reader.only(rule, pointer, &["kind", "name", "id", "property", "reason"]);
    let mut text = |name: &str| {
        let text = reader.text(rule, pointer, name, "");
        // A condition that is written and empty was meant to have a value.
        if text.is_empty() && rule.get(name).is_some_and(|value| value.as_str() == Some("") || value.is_null()) {
            reader.say(&format!("{pointer}/{name}"), format!("`{name}` is empty; leave it out, or say which"));
        }
        Some(text).filter(|text| !text.is_empty())
    };
    let (word, name, id) = (text("kind"), text("name"), text("id"));
    let (property, reason) = (text("property"), text("reason"));
    let mut kind = None;
    if let Some(word) = &word {
        kind = kinds::by_word(word);
        if kind.is_none() {
            reader.say(&format!("{pointer}/kind"), kinds::unknown_kind_message(word));
            return None;
        }
    }
    if word.is_none() && name.is_none() && id.is_none() && property.is_none() {
        // Such a rule would hide all drift.
        let message = "this rule is about everything; give it a kind, a name, an id or a property".to_owned();
        reader.say(pointer, message);
        return None;
    }
    Some(Ignore { kind: kind.map(|kind| kind.name), name, id, property, reason })
}

#[cfg(test)]
mod tests {
    use super::super::Settings;

    fn said(text: &str) -> String {
        match Settings::parse("entragit.yaml", text.as_bytes()) {
            Ok(settings) => format!("{:?} {:#?}", settings.objective, settings.ignore),
            Err(found) => found.iter().map(|f| format!("{}: {}", f.line, f.message)).collect::<Vec<_>>().join("\n"),
        }
    }

    #[test]
    fn rules_are_read() {
        let text = "tenant: t\nobjective: 36h\ndrift:\n  ignore:\n    - kind: users\n      property: jobTitle\n      \
                    reason: \"owned by HR\"\n    - name: \"tmp-*\"\n";
        insta::assert_snapshot!(said(text), @r#"
        36h [
            Ignore {
                kind: Some(
                    "user",
                ),
                name: None,
                id: None,
                property: Some(
                    "jobTitle",
                ),
                reason: Some(
                    "owned by HR",
                ),
            },
            Ignore {
                kind: None,
                name: Some(
                    "tmp-*",
                ),
                id: None,
                property: None,
                reason: None,
            },
        ]
        "#);
        insta::assert_snapshot!(said("tenant: t\n"), @"24h []");
    }

    #[test]
    fn mistakes_in_rules_are_named_with_their_line() {
        let text = "tenant: t\nobjective: soon\ndrift:\n  ignor: []\n  ignore:\n    - kind: usr\n    - reason: because\n    \
                    - propery: jobTitle\n      kind: user\n    - all\n    - kind: \"\"\n      name: 7\n";
        insta::assert_snapshot!(said(text), @r"
        2: `soon` is no span of time; write 24h, 90m or 2d
        4: `ignor` is no setting; did you mean `ignore`?
        6: `usr` is no kind; did you mean `user`?
        7: this rule is about everything; give it a kind, a name, an id or a property
        8: `propery` is no setting; did you mean `property`?
        10: a rule has kind, name, id or property, and a reason
        11: `kind` is empty; leave it out, or say which
        11: this rule is about everything; give it a kind, a name, an id or a property
        12: `name` is a text; put it in quotes
        ");
        insta::assert_snapshot!(said("tenant: t\ndrift:\n  - kind: user\n"), @"2: `drift` holds settings of its own, one a line and indented");
        insta::assert_snapshot!(said("tenant: t\ndrift:\n  ignore: all\n"), @"3: `ignore` is a list of rules, each as in `- kind: user`, with what it is about below it");
    }
}
