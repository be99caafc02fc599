//! Checks files against their kind's schema, and says in words what does not fit.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{JsonType, ValidationError, Validator};
use serde_json::Value;

use super::{Context, FileFindings, dotted};
use crate::engine::canonical::Form;
use crate::engine::schema::{self, Rule, Shape};
use crate::kinds;
use crate::model::Kind;
use crate::model::finding::Severity;

fn validators() -> &'static BTreeMap<&'static str, Validator> {
    static VALIDATORS: OnceLock<BTreeMap<&'static str, Validator>> = OnceLock::new();
    VALIDATORS.get_or_init(|| {
        kinds::ALL
            .iter()
            .filter_map(|kind| {
                // Formats are checked here as Graph reads them; the validator's own ideas of the others are stricter.
                let lenient = ["date", "uuid"];
                let options = jsonschema::options().should_validate_formats(true);
                let options = options.with_format("duration", Form::is_duration);
                let options = options.with_format("date-time", Form::is_time);
                let options = options.with_format("ip-range", Form::is_address_range);
                let options = lenient.into_iter().fold(options, |options, name| options.with_format(name, |_| true));
                Some((kind.name, options.build(&schema::of(kind).document).ok()?))
            })
            .collect()
    })
}

/// Checks a file against its kind's schema. What the tenant has like this already is nobody's mistake, and stands in the way of no
/// other edit.
pub(super) fn check(context: &Context<'_>, known: Option<&BTreeSet<&str>>, found: &mut FileFindings<'_, '_>) {
    let file = found.file;
    let Some(validator) = validators().get(file.kind.name) else { return };
    let instance = Value::Object(file.value.clone());
    let written = (context.written)(file.path);
    let severity = |is_tenants_own: bool| if is_tenants_own { Severity::Warning } else { Severity::Error };
    let mut before: Option<BTreeSet<Fault>> = None;
    let errors: Vec<_> = validator.iter_errors(&instance).collect();
    let of_wrong_type: BTreeSet<String> = errors
        .iter()
        .filter(|error| error.kind().keyword() == "type")
        .map(|error| error.instance_path().to_string())
        .collect();
    for error in errors {
        let pointer = error.instance_path().to_string();
        if pointer.is_empty() && file.value.get("id").is_none() && error.kind().keyword() == "required" {
            // The missing id is reported already, with a better message.
            continue;
        }
        if error.kind().keyword() != "type" && of_wrong_type.contains(&pointer) {
            continue;
        }
        if let ValidationErrorKind::AdditionalProperties { unexpected } = error.kind() {
            for name in unexpected {
                let path = dotted(&pointer, name);
                if known.is_some_and(|known| known.contains(path.as_str())) {
                    continue;
                }
                let place = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
                found.say(&place, severity(written || found.is_tenants_own(&place)), "unknown-property", || {
                    let hint = hint(file.kind, &pointer, name);
                    format!("`{path}` is no property of {}; {hint}", file.kind.name)
                });
            }
            continue;
        }
        let is_tenants_own = written
            || match error.instance().is_object() {
                true => before.get_or_insert_with(|| faults_before(found, validator)).contains(&fault(&error)),
                false => found.is_tenants_own(&pointer),
            };
        found.say(&pointer, severity(is_tenants_own), check_name(error.kind().keyword()), || {
            let what = dotted(&pointer, "").trim_end_matches('.').to_owned();
            let what = if what.is_empty() { file.kind.name.to_owned() } else { format!("`{what}`") };
            format!("{what}: {}", description(&schema::of(file.kind).document, &error))
        });
    }
}

/// Identifies a fault of an object: the rule that it breaks, its place without positions in lists, and the property that is missing.
type Fault = (String, String, String);

fn fault(error: &ValidationError<'_>) -> Fault {
    let missing = match error.kind() {
        ValidationErrorKind::Required { property } => property.to_string(),
        _ => String::new(),
    };
    (error.schema_path().to_string(), dotted(error.instance_path().as_str(), ""), missing)
}

/// Returns the faults of the object as the snapshots have it.
fn faults_before(found: &FileFindings<'_, '_>, validator: &Validator) -> BTreeSet<Fault> {
    found.before().iter().flat_map(|before| validator.iter_errors(before)).map(|error| fault(&error)).collect()
}

/// Returns what a schema says in words about a rule (`x-entra-says`): the nearest at or above `path`.
fn said<'s>(schema: &'s Value, path: &str) -> Option<&'s str> {
    let mut node = schema;
    let mut says = None;
    for part in path.split('/').skip(1) {
        let part = part.replace("~1", "/").replace("~0", "~");
        node = match node {
            Value::Object(map) => map.get(&part)?,
            Value::Array(elements) => elements.get(part.parse::<usize>().ok()?)?,
            _ => break,
        };
        says = node.get("x-entra-says").and_then(Value::as_str).or(says);
    }
    says
}

/// Describes what is wrong with a value, and what would be right. The value itself is not repeated, as it may be a secret.
fn description(schema: &Value, error: &ValidationError<'_>) -> String {
    let plain = match error.kind() {
        ValidationErrorKind::Type { .. } if error.instance().is_null() => {
            Some("no value stands here; put it in, or leave the line out".to_owned())
        }
        ValidationErrorKind::Type { kind: TypeKind::Single(wanted) } => Some(form_of(*wanted)),
        ValidationErrorKind::Enum { options } => Some(words(options, error.instance())),
        ValidationErrorKind::Format { format } if format == "date-time" => {
            Some("this is no time such as `2026-01-31T08:00:00Z`".to_owned())
        }
        ValidationErrorKind::Format { format } if format == "duration" => {
            Some("this is no duration such as `PT8H` or `P14D`".to_owned())
        }
        ValidationErrorKind::Pattern { pattern } if pattern.starts_with("^[0-9a-fA-F]{8}-") => {
            Some("this is no id such as `0f1cc0a2-4ac1-4cd5-8a1d-27dca4c0a3a1`".to_owned())
        }
        ValidationErrorKind::Maximum { limit } => Some(format!("at most {limit} is allowed")),
        ValidationErrorKind::Minimum { limit } => Some(format!("at least {limit} is needed")),
        _ => None,
    };
    if let Some(plain) = plain {
        return plain;
    }
    if let Some(says) = said(schema, error.schema_path().as_str()) {
        return says.to_owned();
    }
    match error.kind() {
        ValidationErrorKind::Required { property } => {
            format!("`{}` is missing, and Graph needs it", property.as_str().unwrap_or_default())
        }
        _ => error.masked().to_string(),
    }
}

fn form_of(wanted: JsonType) -> String {
    match wanted {
        JsonType::Array => "a list is needed: each element on a line of its own, behind `- `",
        JsonType::Boolean => "`true` or `false` is needed, without quotes",
        JsonType::Integer => "a whole number is needed, without quotes",
        JsonType::Number => "a number is needed, without quotes",
        JsonType::Object => "properties are needed, each on a line of its own and indented below this one",
        JsonType::String => "text is needed; if this is it, put it in quotes",
        JsonType::Null => "nothing may stand here",
    }
    .to_owned()
}

/// Describes the words of an enumeration, the nearest first.
fn words(options: &Value, found: &Value) -> String {
    let known: Vec<&str> = options.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let all = known.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    match found.as_str().and_then(|found| nearest(known.iter().copied(), found)) {
        Some(near) => format!("did you mean `{near}`? it is one of {all}"),
        None => format!("it is one of {all}"),
    }
}

/// Returns the word that a slip of few letters turns into `word`.
fn nearest<'w>(known: impl Iterator<Item = &'w str>, word: &str) -> Option<&'w str> {
    known
        .map(|near| (strsim::damerau_levenshtein(&near.to_lowercase(), &word.to_lowercase()), near))
        .filter(|(distance, _)| *distance <= 3)
        .min()
        .map(|(_, near)| near)
}

fn check_name(keyword: &str) -> &'static str {
    match keyword {
        "type" => "wrong-type",
        "required" | "dependentRequired" => "missing-property",
        "enum" | "const" => "unknown-value",
        "pattern" | "format" | "maxLength" | "minLength" => "wrong-format",
        "anyOf" | "oneOf" | "contains" | "maxItems" | "minItems" | "not" | "false schema" => "combination",
        _ => "schema",
    }
}

/// Says what to do about a property that its object does not have.
fn hint(kind: &'static Kind, pointer: &str, name: &str) -> String {
    let root = &schema::of(kind).root;
    let mut here = pointer.split('/').skip(1).filter(|part| part.parse::<usize>().is_err());
    let rules = here.try_fold(root, |rule, part| rule.property(part)).and_then(properties);
    if let Some(near) = rules.and_then(|rules| nearest(rules.keys().map(String::as_str), name)) {
        return format!("did you mean `{near}`?");
    }
    let mut places = Vec::new();
    places_of(root, name, &mut Vec::new(), &mut places);
    match places.as_slice() {
        [place] if place.is_empty() => "it belongs to the object itself: indent it less".to_owned(),
        [place] => format!("it belongs below `{place}`: mind the indentation"),
        _ => "remove it".to_owned(),
    }
}

/// Adds the paths of the objects that have a property of this name.
fn places_of<'r>(rule: &'r Rule, name: &str, path: &mut Vec<&'r str>, found: &mut Vec<String>) {
    let Some(rules) = properties(rule) else { return };
    if rules.contains_key(name) {
        found.push(path.join("."));
    }
    for (part, rule) in rules {
        path.push(part);
        places_of(rule, name, path, found);
        path.pop();
    }
}

/// Returns the properties of an object, or of a list's elements.
fn properties(rule: &Rule) -> Option<&BTreeMap<String, Rule>> {
    match &rule.shape {
        Shape::Object(rules, _) => Some(rules),
        Shape::List(items) => match &items.shape {
            Shape::Object(rules, _) => Some(rules),
            Shape::List(_) | Shape::Scalar => None,
        },
        Shape::Scalar => None,
    }
}
