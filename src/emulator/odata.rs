//! Parses query options, and shapes replies: which properties they hold, and null or an empty list for unset ones.

use std::collections::BTreeMap;

use serde_json::Value;

use super::csdl::{Csdl, Property, Type};
use super::error::Fault;
use super::filter::{self, Expr};
use super::operations;
use super::properties;
use super::request::Request;
use super::store::Properties;

/// Holds the query options of a read.
#[derive(Debug, Default)]
pub struct Options {
    /// `$select`
    pub select: Option<Vec<String>>,
    /// `$filter`
    pub filter: Option<Expr>,
    /// `$top`
    pub top: Option<usize>,
    /// `$skip`
    pub skip: usize,
    /// `$count=true`
    pub count: bool,
    /// `$orderby`: the property, and whether the order is descending.
    pub order: Option<(String, bool)>,
    /// `$search`
    pub search: Option<String>,
    /// `$expand`, relation by relation.
    pub expand: Vec<Expand>,
    /// `$skiptoken`
    pub token: Option<String>,
}

/// Represents one relation of `$expand=name($select=…)`
#[derive(Debug)]
pub struct Expand {
    /// Name of the navigation property.
    pub name: String,
    /// Names of the inner `$select`.
    pub select: Option<Vec<String>>,
    /// Names of the inner `$expand`.
    pub inner: Vec<String>,
}

impl Options {
    /// Reads the options of `request`, a read of `ty`.
    pub fn read(request: &Request, csdl: &Csdl, ty: &Type, directory: bool) -> Result<Self, Fault> {
        let mut options = Self::default();
        for (name, value) in &request.query {
            match name.as_str() {
                "$select" => options.select = Some(names(value)),
                "$filter" => options.filter = Some(filter::parse(value)?),
                "$top" => options.top = Some(number(name, value)?),
                "$skip" if directory => return Err(Fault::bad("'$skip' is not supported by the service.")),
                "$skip" => options.skip = number(name, value)?,
                "$count" => options.count = value == "true",
                "$orderby" => options.order = Some(order(value)),
                "$search" => options.search = Some(value.clone()),
                "$expand" => options.expand = expands(value, directory)?,
                "$skiptoken" | "$deltatoken" => options.token = Some(value.clone()),
                "$format" => {}
                _ if name.starts_with('$') => {
                    return Err(Fault::odata(format!("The query parameter '{name}' is not supported.")));
                }
                _ => {}
            }
        }
        if let Some(filter) = &options.filter {
            filter.check(csdl, ty, directory)?;
        }
        if let Some((name, _)) = &options.order {
            find(csdl, ty, name)?;
        }
        if directory {
            options.directory_rules(request)?;
        }
        Ok(options)
    }

    /// Returns the properties that are needed for the answer, if that is not all of them.
    pub fn names(&self) -> Option<Vec<&str>> {
        let select = self.select.as_ref().filter(|names| !names.is_empty() && self.search.is_none())?;
        let mut names: Vec<&str> = select.iter().map(|name| name.split('/').next().unwrap_or(name)).collect();
        names.extend(self.filter.iter().flat_map(Expr::names));
        names.extend(self.order.iter().map(|(name, _)| name.as_str()));
        names.push("@odata.type");
        (!names.contains(&"*")).then_some(names)
    }

    /// Applies the directory's rules on advanced queries. <https://learn.microsoft.com/graph/aad-advanced-queries>
    fn directory_rules(&mut self, request: &Request) -> Result<(), Fault> {
        let advanced =
            self.filter.as_ref().is_some_and(Expr::is_advanced) || (self.filter.is_some() && self.order.is_some());
        if advanced && !(request.eventual() && self.count) {
            return Err(Fault::unsupported(
                "Operator is not supported because the required parameters might be missing. Try adding $count=true query parameter and ConsistencyLevel:eventual header. Refer to https://aka.ms/graph-docs/advanced-queries for more information",
            ));
        }
        if self.search.is_some() && !request.eventual() {
            return Err(Fault::unsupported(
                "Request with $search query parameter only works through MSGraph with a special request header: 'ConsistencyLevel: eventual'",
            ));
        }
        if advanced && !self.expand.is_empty() {
            return Err(Fault::unsupported("The 'expand' query option is not supported with advanced queries."));
        }
        // Without the header `$count=true` is silently ignored.
        self.count &= request.eventual();
        if self.top.is_some_and(|top| !(1..=999).contains(&top)) {
            return Err(Fault::bad(format!(
                "Invalid page size specified: '{}'. Must be between 1 and 999 inclusive.",
                self.top.unwrap_or_default()
            )));
        }
        Ok(())
    }
}

fn names(list: &str) -> Vec<String> {
    list.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}

fn number(name: &str, value: &str) -> Result<usize, Fault> {
    value.parse().map_err(|_| Fault::odata(format!("Invalid value '{value}' for {name} query option found. The {name} query option requires a non-negative integer value.")))
}

fn order(value: &str) -> (String, bool) {
    let mut words = value.split(',').next().unwrap_or_default().split_whitespace();
    let name = words.next().unwrap_or_default().to_owned();
    (name, words.next().is_some_and(|word| word.eq_ignore_ascii_case("desc")))
}

fn expands(value: &str, directory: bool) -> Result<Vec<Expand>, Fault> {
    let mut parts = vec![String::new()];
    let mut depth = 0usize;
    for char in value.chars() {
        match char {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(part) = parts.last_mut() {
            part.push(char);
        }
    }
    // A directory object allows only one relation at a time:
    // <https://learn.microsoft.com/graph/query-parameters#expand-parameter>.
    if directory && parts.len() > 1 {
        return Err(Fault::unsupported("Multiple navigation properties in $expand are not supported."));
    }
    parts.iter().map(|part| expand(part)).collect()
}

fn expand(value: &str) -> Result<Expand, Fault> {
    let (name, inner) = match value.split_once('(') {
        Some((name, rest)) => (
            name,
            rest.strip_suffix(')').ok_or_else(|| {
                Fault::odata("Parsing OData Select and Expand failed: Found an unbalanced bracket expression.")
            })?,
        ),
        None => (value, ""),
    };
    let (mut select, mut within) = (None, Vec::new());
    for option in inner.split(';').filter(|option| !option.is_empty()) {
        match option.split_once('=') {
            Some(("$select", list)) => select = Some(names(list)),
            // Nested options of relations between directory objects are accepted and have no effect: `$levels`, `$top`.
            Some(("$levels" | "$top", _)) => {}
            Some(("$expand", list)) => within = names(list),
            _ => {
                return Err(Fault::odata(format!(
                    "Parsing OData Select and Expand failed: '{option}' is not supported."
                )));
            }
        }
    }
    Ok(Expand { name: name.trim().to_owned(), select, inner: within })
}

/// Returns the property called `name`, or Graph's refusal if there is none.
pub fn find<'a>(csdl: &'a Csdl, ty: &'a Type, name: &str) -> Result<Option<&'a Property>, Fault> {
    let first = name.split('/').next().unwrap_or(name);
    if let Some(property) = ty.property(first) {
        return Ok(Some(property));
    }
    let derived = csdl.derived(&ty.name).find_map(|derived| derived.property(first));
    if derived.is_some() || first.starts_with("extension_") && ty.open || ty.nav(first).is_some() {
        return Ok(derived);
    }
    Err(Fault::odata(format!(
        "Parsing OData Select and Expand failed: Could not find a property named '{first}' on type '{}'.",
        ty.name
    )))
}

/// Decides the form of an object in a reply.
#[derive(Debug)]
pub struct Shape<'a> {
    csdl: &'a Csdl,
    base: &'a Type,
    select: Option<Vec<String>>,
    list: bool,
    all_members: bool,
    /// Scheme, host and version for the addresses of actions; without it none is shown.
    root: Option<String>,
    fields: BTreeMap<String, Vec<&'a Property>>,
}

impl<'a> Shape<'a> {
    /// Returns the shape of objects of `ty` when `select` was asked for, in a list or alone.
    pub fn new(csdl: &'a Csdl, ty: &'a Type, select: Option<&[String]>, list: bool) -> Result<Self, Fault> {
        for name in select.into_iter().flatten() {
            find(csdl, ty, name)?;
            if list && properties::single_only(ty.short()).contains(&name.as_str()) {
                return Err(Fault::new(501, "NotImplemented", "This operation target is not yet supported."));
            }
        }
        let select = select.filter(|names| !names.is_empty()).map(<[String]>::to_vec);
        Ok(Self { csdl, base: ty, select, list, all_members: false, root: None, fields: BTreeMap::new() })
    }

    /// Shows newer members of an enumeration if the request asks for them, else `unknownFutureValue`; also adds the available
    /// actions. <https://learn.microsoft.com/graph/best-practices-concept#handling-future-members-in-evolvable-enumerations>
    pub fn for_request(mut self, request: &Request) -> Self {
        self.all_members = request.prefers("include-unknown-enum-members");
        self.root = Some(request.root());
        self
    }

    /// Returns the part of `@odata.context` for the selection, as in `#users(id,displayName)`.
    pub fn context(&self) -> String {
        self.select.as_ref().map(|names| format!("({})", names.join(","))).unwrap_or_default()
    }

    /// Returns `object` in this shape.
    pub fn apply(&mut self, mut object: Properties) -> Properties {
        let name = object.get("@odata.type").and_then(Value::as_str).unwrap_or(&self.base.name).to_owned();
        if !self.fields.contains_key(&name) {
            let fields = self.choose(self.csdl.ty(&name).unwrap_or(self.base));
            self.fields.insert(name.clone(), fields);
        }
        let mut out = Properties::new();
        let fields = self.fields.get(&name).map(Vec::as_slice).unwrap_or_default();
        for property in fields {
            let value = object.remove(&property.name);
            if let Some(value) = filled(self.csdl, property, value, self.all_members) {
                out.insert(property.name.clone(), value);
            }
        }
        for (name, value) in object {
            let wanted = match &self.select {
                Some(names) => names.contains(&name),
                // An id is shown only where the metadata has one.
                None => self.base.property(&name).is_none() && name != "id",
            };
            // Annotations, directory extensions, and values of a navigation property are shown as well.
            if wanted || name == "@odata.type" {
                out.insert(name, value);
            }
        }
        if let (None, Some(root)) = (&self.select, &self.root) {
            operations::advertise(self.base.short(), root, &mut out);
        }
        out
    }

    fn choose(&self, ty: &'a Type) -> Vec<&'a Property> {
        let defaults = properties::default_properties(self.base.short());
        ty.properties
            .iter()
            .filter(|property| property.ty != "Stream")
            .filter(|property| match (&self.select, defaults) {
                (Some(names), _) => {
                    names.iter().any(|name| name == "*" || name.split('/').next() == Some(&property.name))
                }
                (None, Some(defaults)) => defaults.contains(&property.name.as_str()),
                (None, None) => {
                    !property.on_select && !properties::on_select(ty.short()).contains(&property.name.as_str())
                }
            })
            .filter(|property| !(self.list && properties::single_only(ty.short()).contains(&property.name.as_str())))
            .collect()
    }
}

/// Returns `value` as Graph does: null, an empty list or a default if it is unset, complex values filled at all levels.
fn filled(csdl: &Csdl, property: &Property, value: Option<Value>, all: bool) -> Option<Value> {
    match value.filter(|value| !value.is_null()) {
        Some(value) => Some(complete(csdl, &property.ty, value, all)),
        None if property.collection => Some(Value::Array(Vec::new())),
        None if property.nullable => Some(Value::Null),
        None => match property.ty.as_str() {
            "Boolean" => Some(Value::Bool(false)),
            "Int32" | "Int16" | "Int64" | "Byte" => Some(Value::from(0)),
            "String" | "DateTimeOffset" => Some(Value::Null),
            _ => None,
        },
    }
}

/// Fills a complex value with null and empty lists for the unset properties of its type. With `all`, every member of an
/// enumeration is shown, else only those that every client knows.
pub fn complete(csdl: &Csdl, ty: &str, value: Value, all: bool) -> Value {
    match value {
        Value::Array(list) => Value::Array(list.into_iter().map(|element| complete(csdl, ty, element, all)).collect()),
        Value::Object(mut object) => {
            let name = object.get("@odata.type").and_then(Value::as_str).unwrap_or(ty);
            let Some(ty) = csdl.ty(name) else { return Value::Object(object) };
            for property in &ty.properties {
                let value = object.remove(&property.name);
                if let Some(value) = filled(csdl, property, value, all) {
                    object.insert(property.name.clone(), value);
                }
            }
            Value::Object(object)
        }
        Value::String(text) if !all => Value::String(masked(csdl, ty, text)),
        other => other,
    }
}

/// Replaces newer members of an enumeration: those declared after `unknownFutureValue` came later.
fn masked(csdl: &Csdl, ty: &str, text: String) -> String {
    // Platforms are shown as they are: a client that asks for nothing meets `linux`:
    // <https://github.com/AzureAD/azure-activedirectory-powershell/issues/31>,
    // <https://learn.microsoft.com/graph/api/resources/conditionalaccessplatforms>
    if ty.ends_with(".conditionalAccessDevicePlatform") {
        return text;
    }
    let Some(members) = csdl.ty(ty).filter(|_| ty.contains('.')).and_then(|ty| ty.members.as_ref()) else {
        return text;
    };
    let Some(known) = members.iter().position(|member| member == "unknownFutureValue") else { return text };
    let words = text.split(',').map(|word| match members[known..].iter().any(|newer| newer == word.trim()) {
        true => "unknownFutureValue",
        false => word,
    });
    words.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emulator::csdl;
    use serde_json::json;

    #[test]
    fn users_come_with_eleven_properties_unless_asked() {
        let ty = csdl::v1().ty("user").expect("user");
        let object = json!({"id": "1", "displayName": "A", "department": "B"}).as_object().cloned().unwrap_or_default();
        let all = Shape::new(csdl::v1(), ty, None, true).expect("shape").apply(object.clone());
        assert_eq!(all.len(), 11);
        assert_eq!(all.get("businessPhones"), Some(&json!([])));
        let select = ["department".to_owned()];
        let some = Shape::new(csdl::v1(), ty, Some(&select), true).expect("shape").apply(object);
        assert_eq!(Value::Object(some), json!({"department": "B"}));
        assert!(Shape::new(csdl::v1(), ty, Some(&["nope".to_owned()]), true).is_err());
    }
}
