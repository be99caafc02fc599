//! Microsoft's own metadata for the types served here, read from an excerpt of it: what exists, of what type, and what
//! may not be written. Never our schemas: the tenant must not be our own mirror.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use serde_json::{Map, Value};

/// The metadata of one version of Graph.
#[derive(Debug)]
pub struct Csdl {
    types: HashMap<String, Arc<Type>>,
    #[cfg_attr(not(test), expect(dead_code, reason = "tests check the paths of the registry against it"))]
    container: HashMap<String, String>,
}

/// A type, with everything it inherits.
#[derive(Debug, Default)]
pub struct Type {
    /// Qualified name: `microsoft.graph.user`.
    pub name: String,
    /// The type it extends.
    pub base: Option<String>,
    /// Whether only a derived type can be written.
    pub is_abstract: bool,
    /// Whether it takes properties nobody declared.
    pub open: bool,
    /// Members, if it is an enumeration.
    pub members: Option<Vec<String>>,
    /// Whether members combine: `a,b`.
    pub flags: bool,
    /// Structural properties by name, inherited ones too.
    pub properties: Vec<Property>,
    /// Navigation properties, inherited ones too.
    pub navigation: Vec<Navigation>,
}

/// A structural property.
#[derive(Debug, Clone)]
pub struct Property {
    /// Its name.
    pub name: String,
    /// Its type: `String`, `Boolean` … or a qualified name.
    pub ty: String,
    /// Whether it is a list.
    pub collection: bool,
    /// Whether null is a value of it.
    pub nullable: bool,
    /// Whether the documentation calls it read-only.
    pub read_only: bool,
    /// Whether it comes back only when `$select` names it.
    pub on_select: bool,
}

/// A navigation property.
#[derive(Debug, Clone)]
pub struct Navigation {
    /// Its name.
    pub name: String,
    /// The qualified name of what it leads to.
    pub ty: String,
    /// Whether it leads to many.
    pub collection: bool,
}

static V1: LazyLock<Csdl> = LazyLock::new(|| Csdl::read(&METADATA));
static METADATA: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("csdl.json")).unwrap_or(Value::Null));

/// The metadata of version 1.0, with the few types that only beta describes: they turn up in version 1.0 as well.
pub fn v1() -> &'static Csdl {
    &V1
}

impl Csdl {
    /// Reads the excerpt: Microsoft's metadata, and what only Microsoft's pages say (`documented`, `beta`).
    fn read(source: &Value) -> Self {
        let part = |path: &str| source.pointer(path).and_then(Value::as_object).cloned().unwrap_or_default();
        let mut raw = part("/types");
        raw.extend(part("/documented/types"));
        raw.extend(part("/beta/types"));
        for (name, more) in part("/documented/properties") {
            let own = raw.get_mut(&name).and_then(|ty| ty.get_mut("properties")).and_then(Value::as_array_mut);
            if let (Some(own), Value::Array(more)) = (own, more) {
                own.extend(more);
            }
        }
        let types = raw.keys().map(|name| (name.clone(), Arc::new(flatten(name, &raw)))).collect();
        let container = part("/container")
            .into_iter()
            .chain(part("/documented/container"))
            .filter_map(|(name, entry)| Some((name, entry.get("type")?.as_str()?.to_owned())))
            .collect();
        Self { types, container }
    }

    /// The type called `name`, with or without `#` and namespace.
    pub fn ty(&self, name: &str) -> Option<&Type> {
        let name = name.trim_start_matches('#');
        match self.types.get(name) {
            Some(found) => Some(found),
            None => self.types.get(&format!("microsoft.graph.{name}")).map(Arc::as_ref),
        }
    }

    /// Whether `name` is `base` or extends it.
    pub fn is_a(&self, name: &str, base: &str) -> bool {
        let mut at = self.ty(name);
        while let Some(ty) = at {
            if ty.name.strip_prefix("microsoft.graph.") == Some(base) || ty.name == base {
                return true;
            }
            at = ty.base.as_deref().and_then(|base| self.ty(base));
        }
        false
    }

    /// The types that extend `name` directly.
    pub fn derived<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Type> {
        self.types.values().map(Arc::as_ref).filter(move |ty| ty.base.as_deref() == Some(name))
    }

    /// The type that a path of names leads to, if the metadata has the path.
    #[cfg(test)]
    pub fn at_path(&self, path: &str) -> Option<&str> {
        let mut names = path.trim_matches('/').split('/');
        let mut at = self.container.get(names.next()?)?.as_str();
        for name in names {
            at = &self.ty(at)?.nav(name)?.ty;
        }
        Some(at)
    }
}

impl Type {
    /// The structural property called `name`.
    pub fn property(&self, name: &str) -> Option<&Property> {
        self.properties.iter().find(|property| property.name == name)
    }

    /// The navigation property called `name`.
    pub fn nav(&self, name: &str) -> Option<&Navigation> {
        self.navigation.iter().find(|navigation| navigation.name == name)
    }

    /// The name without the namespace.
    pub fn short(&self) -> &str {
        self.name.strip_prefix("microsoft.graph.").unwrap_or(&self.name)
    }
}

fn flatten(name: &str, raw: &Map<String, Value>) -> Type {
    let mut ty = Type { name: name.to_owned(), ..Type::default() };
    let mut chain = Vec::new();
    let mut at = raw.get(name);
    while let Some(entry) = at {
        chain.push(entry);
        at = entry.get("base").and_then(Value::as_str).and_then(|base| raw.get(base));
    }
    let Some(own) = chain.first() else { return ty };
    ty.base = own.get("base").and_then(Value::as_str).map(str::to_owned);
    ty.is_abstract = flag(own, "abstract");
    ty.flags = flag(own, "flags");
    ty.members = own
        .get("members")
        .and_then(Value::as_array)
        .map(|list| list.iter().filter_map(Value::as_str).map(str::to_owned).collect());
    for entry in chain {
        ty.open |= flag(entry, "open");
        for property in entry.get("properties").and_then(Value::as_array).into_iter().flatten() {
            let Some(property) = read_property(property) else { continue };
            if ty.property(&property.name).is_none() {
                ty.properties.push(property);
            }
        }
        for nav in entry.get("navigation").and_then(Value::as_array).into_iter().flatten() {
            let (Some(name), Some(target)) = (text(nav, "name"), text(nav, "type")) else { continue };
            if ty.nav(&name).is_none() {
                ty.navigation.push(Navigation { name, ty: target, collection: flag(nav, "collection") });
            }
        }
    }
    ty
}

fn read_property(raw: &Value) -> Option<Property> {
    let computed = raw.get("ann").and_then(|ann| ann.get("Computed")).is_some_and(|v| v.as_str() != Some("false"));
    Some(Property {
        name: text(raw, "name")?,
        ty: text(raw, "type")?,
        collection: flag(raw, "collection"),
        nullable: raw.get("nullable") != Some(&Value::Bool(false)),
        read_only: computed || flag(raw, "ro"),
        on_select: flag(raw, "sel"),
    })
}

fn flag(raw: &Value, name: &str) -> bool {
    raw.get(name).is_some_and(|value| value.as_bool().unwrap_or(value.as_str() == Some("true")))
}

fn text(raw: &Value, name: &str) -> Option<String> {
    raw.get(name).and_then(Value::as_str).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds;

    #[test]
    fn every_kind_is_a_type_at_its_path() {
        for kind in kinds::ALL {
            let ty = v1().ty(kind.entity).unwrap_or_else(|| panic!("{} is no type", kind.name));
            let at = v1().at_path(kind.path).unwrap_or_else(|| panic!("{} is no path", kind.path));
            assert_eq!(ty.name, at, "{}", kind.path);
            for link in kind.links {
                assert!(ty.nav(link.name).is_some(), "{}/{}", kind.name, link.name);
            }
        }
    }

    #[test]
    fn inheritance_is_flat() {
        let user = v1().ty("user").expect("user");
        assert!(user.property("id").is_some() && user.property("deletedDateTime").is_some());
        assert!(v1().is_a("microsoft.graph.ipNamedLocation", "namedLocation"));
        assert!(!v1().is_a("user", "group"));
    }
}
