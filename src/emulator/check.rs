//! Checks bodies strictly: a body is checked against Microsoft's metadata, with all nested values, before anything else uses it.

use serde_json::{Map, Value};

use super::csdl::{Csdl, Type};
use super::error::Fault;
use super::properties;

/// Tells whether an object is created or changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// POST, which creates.
    Create,
    /// PATCH, which changes.
    Update,
}

/// Checks a whole body of an object of `ty`.
pub fn body(csdl: &Csdl, ty: &Type, body: &Map<String, Value>, mode: Mode) -> Result<(), Fault> {
    let ty = actual(csdl, ty, body, "")?;
    if ty.is_abstract {
        return Err(Fault::odata(format!(
            "A type named '{}' is abstract and cannot be instantiated; '@odata.type' is missing.",
            ty.name
        )));
    }
    members(csdl, ty, body, "", Some(mode))
}

/// Returns the type that `@odata.type` names, which must be `ty` or extend it.
fn actual<'a>(csdl: &'a Csdl, ty: &'a Type, value: &Map<String, Value>, at: &str) -> Result<&'a Type, Fault> {
    let Some(name) = value.get("@odata.type") else { return Ok(ty) };
    let name = name.as_str().unwrap_or_default();
    match csdl.ty(name) {
        Some(found) if name.starts_with('#') && csdl.is_a(name, &ty.name) => Ok(found),
        _ => Err(Fault::odata(format!(
            "A type named '{name}' could not be resolved by the model or is not compatible with '{}'{}.",
            ty.name,
            place(at)
        ))),
    }
}

fn place(at: &str) -> String {
    if at.is_empty() { String::new() } else { format!(" at '{at}'") }
}

fn members(csdl: &Csdl, ty: &Type, value: &Map<String, Value>, at: &str, mode: Option<Mode>) -> Result<(), Fault> {
    for (name, value) in value {
        if name.contains('@') {
            annotation(ty, name)?;
            continue;
        }
        let path = if at.is_empty() { name.clone() } else { format!("{at}/{name}") };
        let Some(property) = ty.property(name) else {
            if ty.nav(name).is_some() && properties::nav_in_body(ty.short(), name) {
                navigation(csdl, ty, name, value, &path)?;
                continue;
            }
            if ty.open && name.starts_with("extension_") {
                continue;
            }
            // This is Graph's message on a property that it does not know.
            return Err(Fault::bad(format!("Invalid property '{path}': it does not exist on type '{}'.", ty.name)));
        };
        if let Some(mode) = mode {
            let locked = properties::read_only(ty.short(), name, property.read_only)
                || mode == Mode::Update && properties::refused_by_patch(ty.short(), name);
            if locked {
                return Err(Fault::bad(format!("Property '{name}' is read-only and cannot be set.")));
            }
        }
        if property.ty == "Stream" {
            return Err(Fault::bad(format!("Property '{path}' is a stream and cannot be set in a body.")));
        }
        if value.is_null() && (property.collection || !property.nullable) {
            return Err(wrong(&path, "a value that is not null"));
        }
        match (property.collection, value) {
            (_, Value::Null) => {}
            (true, Value::Array(list)) => {
                for element in list {
                    one(csdl, &property.ty, element, &path)?;
                }
            }
            (true, _) => return Err(wrong(&path, "a collection")),
            (false, value) => one(csdl, &property.ty, value, &path)?,
        }
    }
    Ok(())
}

fn annotation(ty: &Type, name: &str) -> Result<(), Fault> {
    let (property, word) = name.split_once('@').unwrap_or((name, ""));
    let known = match word {
        "odata.type" | "odata.context" | "odata.id" | "odata.etag" => true,
        // Binds are removed from the body before it gets here.
        "odata.bind" => false,
        _ => word.starts_with("odata."),
    };
    match known && (property.is_empty() || ty.property(property).is_some() || ty.nav(property).is_some()) {
        true => Ok(()),
        false => Err(Fault::bad(format!("Invalid annotation '{name}' on type '{}'.", ty.name))),
    }
}

fn navigation(csdl: &Csdl, ty: &Type, name: &str, value: &Value, path: &str) -> Result<(), Fault> {
    let Some(nav) = ty.nav(name) else { return Ok(()) };
    let list = match value {
        Value::Null => return Ok(()),
        Value::Array(list) if nav.collection => list.as_slice(),
        one if !nav.collection => std::slice::from_ref(one),
        _ => return Err(wrong(path, "a collection")),
    };
    for element in list {
        let object = element.as_object().ok_or_else(|| wrong(path, "an object"))?;
        let Some(base) = csdl.ty(&nav.ty) else { continue };
        let ty = actual(csdl, base, object, path)?;
        members(csdl, targets(csdl, ty, object), object, path, None)?;
    }
    Ok(())
}

/// Returns the type of a method's targets: they come without `@odata.type`, and their properties tell the type.
fn targets<'a>(csdl: &'a Csdl, ty: &'a Type, value: &Map<String, Value>) -> &'a Type {
    if value.keys().all(|name| name.contains('@') || ty.property(name).is_some()) {
        return ty;
    }
    csdl.derived(&ty.name)
        .find(|derived| value.keys().all(|name| name.contains('@') || derived.property(name).is_some()))
        .unwrap_or(ty)
}

/// Checks one value against the name of a type.
fn one(csdl: &Csdl, ty: &str, value: &Value, path: &str) -> Result<(), Fault> {
    let text = value.as_str();
    let good = match ty {
        "String" => text.is_some(),
        "Boolean" => value.is_boolean(),
        "Byte" => value.as_u64().is_some_and(|number| number <= 255),
        "Int16" => value.as_i64().is_some_and(|number| i16::try_from(number).is_ok()),
        "Int32" => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
        "Int64" => value.is_i64() || value.is_u64(),
        "Double" | "Single" | "Decimal" => value.is_number(),
        "DateTimeOffset" => text.is_some_and(|text| text.parse::<jiff::Timestamp>().is_ok()),
        "Date" => text.is_some_and(|text| text.parse::<jiff::civil::Date>().is_ok()),
        "TimeOfDay" => text.is_some_and(|text| text.parse::<jiff::civil::Time>().is_ok()),
        "Duration" => text.is_some_and(is_duration),
        "Guid" => text.is_some_and(super::store::is_guid),
        "Binary" => text.is_some_and(is_base64),
        _ => return named(csdl, ty, value, path),
    };
    if good { Ok(()) } else { Err(wrong(path, &format!("of type 'Edm.{ty}'"))) }
}

fn named(csdl: &Csdl, name: &str, value: &Value, path: &str) -> Result<(), Fault> {
    let Some(ty) = csdl.ty(name) else { return Ok(()) };
    if let Some(known) = &ty.members {
        let text = value.as_str().unwrap_or_default();
        let mut words = text.split(',').map(str::trim);
        let good = !text.is_empty()
            && (ty.flags || !text.contains(','))
            && words.all(|word| word != "unknownFutureValue" && known.iter().any(|member| member == word));
        return if good { Ok(()) } else { Err(wrong(path, &format!("a member of '{name}'"))) };
    }
    let Some(object) = value.as_object() else { return Err(wrong(path, &format!("of type '{name}'"))) };
    let ty = actual(csdl, ty, object, path)?;
    if ty.is_abstract && csdl.derived(&ty.name).next().is_some() {
        return Err(wrong(path, &format!("a value whose '@odata.type' extends '{name}'")));
    }
    // Ids and dates of nested values are the client's own: only the top level of a body is guarded.
    members(csdl, ty, object, path, None)
}

/// Returns true if `text` is a duration as OData writes it: days, hours, minutes and seconds, as in `P14D` or `PT1H30M`.
/// <https://docs.oasis-open.org/odata/odata/v4.01/os/abnf/odata-abnf-construction-rules.txt>, `durationValue`
fn is_duration(text: &str) -> bool {
    let Some(rest) = text.strip_prefix(['+', '-']).unwrap_or(text).strip_prefix('P') else { return false };
    let (days, time) = rest.split_once('T').map_or((rest, None), |(days, time)| (days, Some(time)));
    let parts = |text: &str, units: &str| {
        let mut units = units.chars();
        text.split_inclusive(|char: char| char.is_ascii_uppercase()).all(|part| {
            let unit = part.chars().next_back().unwrap_or_default();
            let number = part.strip_suffix(unit).unwrap_or_default();
            let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
            let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            units.any(|known| known == unit)
                && digits(whole)
                && digits(fraction)
                && (unit == 'S' || !number.contains('.'))
        })
    };
    let timed = time.is_none_or(|time| !time.is_empty() && parts(time, "HMS"));
    timed && parts(days, "D") && (!days.is_empty() || time.is_some())
}

fn is_base64(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=-_".contains(&byte))
}

fn wrong(path: &str, wanted: &str) -> Fault {
    Fault::bad(format!("Invalid value specified for property '{path}': expected {wanted}."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emulator::csdl;
    use serde_json::json;

    fn check(ty: &str, value: Value, mode: Mode) -> Result<(), String> {
        let ty = csdl::v1().ty(ty).expect(ty);
        body(csdl::v1(), ty, value.as_object().expect("object"), mode).map_err(|fault| fault.message)
    }

    #[test]
    fn bodies_are_checked_all_the_way_down() {
        assert!(check("user", json!({"displayName": "A", "businessPhones": ["1"]}), Mode::Update).is_ok());
        assert!(check("user", json!({"nope": 1}), Mode::Update).is_err_and(|text| text.contains("nope")));
        assert!(check("user", json!({"createdDateTime": "2024-01-01T00:00:00Z"}), Mode::Create).is_err());
        assert!(check("user", json!({"accountEnabled": "yes"}), Mode::Create).is_err());
        assert!(check("group", json!({"isAssignableToRole": true}), Mode::Create).is_ok());
        assert!(check("group", json!({"isAssignableToRole": true}), Mode::Update).is_err());
        let policy = |state: &str| json!({"state": state, "conditions": {"users": {"includeUsers": ["All"]}}});
        assert!(check("conditionalAccessPolicy", policy("enabled"), Mode::Create).is_ok());
        assert!(check("conditionalAccessPolicy", policy("on"), Mode::Create).is_err());
        assert!(
            check("conditionalAccessPolicy", json!({"conditions": {"users": {"who": []}}}), Mode::Create)
                .is_err_and(|text| text.contains("conditions/users/who"))
        );
    }

    #[test]
    fn durations_have_the_form_of_odata() {
        for good in ["P14D", "PT2H", "PT1H30M", "P1DT12H", "PT0S", "PT1.5S", "-P1D"] {
            assert!(is_duration(good), "{good}");
        }
        for bad in ["", "P", "PT", "P1DT", "2 hours", "PT2", "P1W", "P1M", "PT1M1H", "P1.5D", "PT1H ", "p1d"] {
            assert!(!is_duration(bad), "{bad}");
        }
    }

    #[test]
    fn derived_types_are_named() {
        let location = json!({"@odata.type": "#microsoft.graph.ipNamedLocation", "displayName": "x", "isTrusted": true,
            "ipRanges": [{"@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "10.0.0.0/8"}]});
        assert!(check("namedLocation", location, Mode::Create).is_ok());
        assert!(check("namedLocation", json!({"@odata.type": "#microsoft.graph.user"}), Mode::Create).is_err());
        let strength = json!({"grantControls": {"operator": "OR", "authenticationStrength": {"id": "x"}}});
        assert!(check("conditionalAccessPolicy", strength, Mode::Update).is_ok());
    }
}
