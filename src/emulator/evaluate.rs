//! Evaluates `$filter` and `$search` on an object, and orders objects.

use std::cmp::Ordering;

use jiff::Timestamp;
use serde_json::Value;

use super::csdl;
use super::filter::{Expr, Func, Literal, Op};
use crate::model::kind::Api;

/// Returns true if `object` meets `expr`. Text is compared without regard to case, as the directory does.
pub fn matches(expr: &Expr, object: &Value) -> bool {
    holds(expr, object, None)
}

type Bound<'a> = Option<(&'a str, &'a Value)>;

fn holds(expr: &Expr, root: &Value, bound: Bound<'_>) -> bool {
    match expr {
        Expr::And(a, b) => holds(a, root, bound) && holds(b, root, bound),
        Expr::Or(a, b) => holds(a, root, bound) || holds(b, root, bound),
        Expr::Not(inner) => !holds(inner, root, bound),
        Expr::IsOf(name) => {
            let ty = root.get("@odata.type").and_then(Value::as_str);
            ty.is_some_and(|ty| csdl::of(Api::Beta).is_a(ty, name.trim_start_matches("microsoft.graph.")))
        }
        Expr::Compare(path, op, literal) => match path.split_last() {
            Some((last, list)) if last == "$count" => {
                let size = at(root, bound, list).and_then(Value::as_array).map_or(0, Vec::len);
                compare(Some(&Value::from(size)), *op, literal)
            }
            _ => compare(at(root, bound, path), *op, literal),
        },
        Expr::In(path, literals) => literals.iter().any(|literal| compare(at(root, bound, path), Op::Eq, literal)),
        Expr::Call(func, path, text) => {
            let text = text.to_lowercase();
            at(root, bound, path).and_then(Value::as_str).map(str::to_lowercase).is_some_and(|value| match func {
                Func::StartsWith => value.starts_with(&text),
                Func::EndsWith => value.ends_with(&text),
                Func::Contains => value.contains(&text),
            })
        }
        Expr::Any(path, variable, inner) => at(root, bound, path).and_then(Value::as_array).is_some_and(|list| {
            list.iter().any(|element| inner.as_ref().is_none_or(|inner| holds(inner, root, Some((variable, element)))))
        }),
    }
}

fn at<'a>(root: &'a Value, bound: Bound<'a>, path: &[String]) -> Option<&'a Value> {
    let (mut value, rest) = match (bound, path.split_first()) {
        (Some((variable, element)), Some((first, rest))) if first == variable => (element, rest),
        _ => (root, path),
    };
    for name in rest {
        value = value.get(name)?;
    }
    Some(value)
}

fn compare(value: Option<&Value>, op: Op, literal: &Literal) -> bool {
    let value = value.filter(|value| !value.is_null());
    let order = match (value, literal) {
        (None, Literal::Null) => Some(Ordering::Equal),
        (None, _) | (_, Literal::Null) => None,
        (Some(Value::Bool(value)), Literal::Bool(wanted)) => Some(value.cmp(wanted)),
        (Some(Value::Number(value)), Literal::Number(wanted)) => {
            value.as_f64().and_then(|value| value.partial_cmp(wanted))
        }
        (Some(Value::String(value)), Literal::Text(wanted) | Literal::Bare(wanted)) => Some(texts(value, wanted)),
        _ => None,
    };
    match op {
        Op::Eq => order == Some(Ordering::Equal),
        Op::Ne => order != Some(Ordering::Equal),
        Op::Gt => order == Some(Ordering::Greater),
        Op::Ge => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
        Op::Lt => order == Some(Ordering::Less),
        Op::Le => matches!(order, Some(Ordering::Less | Ordering::Equal)),
    }
}

fn texts(value: &str, wanted: &str) -> Ordering {
    match (value.parse::<Timestamp>(), wanted.parse::<Timestamp>()) {
        (Ok(value), Ok(wanted)) => value.cmp(&wanted),
        _ => value.to_lowercase().cmp(&wanted.to_lowercase()),
    }
}

/// Orders two values of one property; unset values come first.
pub fn order(a: Option<&Value>, b: Option<&Value>) -> Ordering {
    let present = |value: Option<&'_ Value>| value.filter(|value| !value.is_null()).cloned();
    match (present(a), present(b)) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Less,
        (Some(_), None) => Ordering::Greater,
        (Some(Value::String(a)), Some(Value::String(b))) => texts(&a, &b),
        (Some(Value::Number(a)), Some(Value::Number(b))) => {
            a.as_f64().partial_cmp(&b.as_f64()).unwrap_or(Ordering::Equal)
        }
        (Some(a), Some(b)) => a.to_string().cmp(&b.to_string()),
    }
}

/// Returns true if `object` meets a `$search` such as `"displayName:van"` with `AND` and `OR` between the clauses.
/// <https://learn.microsoft.com/graph/search-query-parameter>
pub fn found(search: &str, object: &Value) -> bool {
    search.split(" OR ").any(|any| any.split(" AND ").all(|clause| clause_found(clause, object)))
}

fn clause_found(clause: &str, object: &Value) -> bool {
    let clause = clause.trim().trim_matches('"');
    let Some((name, word)) = clause.split_once(':') else { return false };
    let word = word.to_lowercase();
    object.get(name).and_then(Value::as_str).is_some_and(|text| {
        let text = text.to_lowercase();
        text.starts_with(&word)
            || text.split(|char: char| !char.is_alphanumeric()).any(|token| token.starts_with(&word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emulator::filter::parse;
    use serde_json::json;

    fn holds(text: &str) -> bool {
        let object = json!({
            "displayName": "Adele Vance", "accountEnabled": true, "createdDateTime": "2024-05-01T10:00:00Z",
            "groupTypes": ["Unified"], "info": {"url": null}, "roles": [{"id": "1"}, {"id": "2"}]
        });
        matches(&parse(text).expect(text), &object)
    }

    #[test]
    fn conditions_hold_or_not() {
        assert!(holds("displayName eq 'adele vance' and accountEnabled eq true"));
        assert!(holds("createdDateTime ge 2024-05-01T09:00:00Z and createdDateTime lt 2024-06-01"));
        assert!(holds("groupTypes/any(c:c eq 'Unified')") && !holds("groupTypes/any(c:c eq 'DynamicMembership')"));
        assert!(holds("roles/any(r:r/id eq '2')") && holds("info/url eq null") && holds("roles/$count eq 2"));
        assert!(holds("not startswith(displayName,'B')") && holds("mail ne 'x'") && !holds("mail eq 'x'"));
    }

    #[test]
    fn search_looks_at_the_beginnings_of_words() {
        let object = json!({"displayName": "Adele Vance"});
        assert!(found("\"displayName:van\"", &object) && !found("\"displayName:ance\"", &object));
    }
}
