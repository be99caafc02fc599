//! Reads Microsoft's own description of Graph, v1.0 and beta: which types and properties exist, and which may not be written. The
//! project's own schemas are never used: the tenant must not mirror the client.
//!
//! The descriptions are complete, so that they need no change when a kind is added. They are split into types on first use, and a
//! type is read when it is first needed: most never are.

use std::collections::{BTreeMap, HashMap};
use std::sync::{LazyLock, OnceLock};

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::model::kind::Api;

/// Holds the description of one version of Graph.
#[derive(Debug)]
pub struct Csdl {
    types: HashMap<&'static str, Entry>,
    added: &'static Documented,
    heirs: OnceLock<HashMap<&'static str, Vec<&'static str>>>,
    #[cfg_attr(not(test), expect(dead_code, reason = "tests check the paths of the registry against it"))]
    container: BTreeMap<&'static str, &'static RawValue>,
    /// Description in which to look for types that this one refers to and does not hold.
    fallback: Option<&'static Csdl>,
}

/// Holds a type as the description has it, and as it was read.
#[derive(Debug)]
struct Entry {
    raw: &'static RawValue,
    read: OnceLock<Type>,
}

#[derive(Deserialize)]
struct File {
    #[serde(borrow)]
    types: BTreeMap<&'static str, &'static RawValue>,
    #[serde(borrow)]
    container: BTreeMap<&'static str, &'static RawValue>,
}

/// Holds facts from Microsoft's pages that the description lacks.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Documented {
    #[serde(borrow)]
    types: BTreeMap<&'static str, &'static RawValue>,
    properties: BTreeMap<String, Vec<Value>>,
    navigation: BTreeMap<String, Vec<Value>>,
    paths: BTreeMap<String, Value>,
}

#[derive(Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'static"))]
struct Additions {
    #[serde(rename = "v1.0")]
    v1: Documented,
    beta: Documented,
}

/// Holds the part of a type that names its base.
#[derive(Deserialize)]
struct Head {
    base: Option<&'static str>,
}

/// Represents a type, with everything it inherits.
#[derive(Debug, Default)]
pub struct Type {
    /// Qualified name: `microsoft.graph.user`.
    pub name: String,
    /// Name of the type it extends.
    pub base: Option<String>,
    /// True if only a derived type can be written.
    pub is_abstract: bool,
    /// True if it takes properties that are not declared.
    pub open: bool,
    /// Members, if it is an enumeration.
    pub members: Option<Vec<String>>,
    /// True if members combine: `a,b`.
    pub flags: bool,
    /// Structural properties by name, inherited ones too.
    pub properties: Vec<Property>,
    /// Navigation properties, inherited ones too.
    pub navigation: Vec<Navigation>,
}

/// Represents a structural property.
#[derive(Debug, Clone)]
pub struct Property {
    /// Name of the property.
    pub name: String,
    /// Type of the property: `String`, `Boolean` … or a qualified name.
    pub ty: String,
    /// True if it is a list.
    pub collection: bool,
    /// True if it may be null.
    pub nullable: bool,
    /// True if the documentation calls it read-only.
    pub read_only: bool,
    /// True if it is returned only when `$select` names it.
    pub on_select: bool,
}

/// Represents a navigation property.
#[derive(Debug, Clone)]
pub struct Navigation {
    /// Name of the navigation property.
    pub name: String,
    /// Qualified name of the target's type.
    pub ty: String,
    /// True if it leads to several objects.
    pub collection: bool,
}

static ADDED: LazyLock<Additions> =
    LazyLock::new(|| serde_json::from_str(include_str!("metadata/documented.json")).unwrap_or_default());
static V1: LazyLock<Csdl> = LazyLock::new(|| Csdl::split(include_str!("metadata/v1.0.json"), &ADDED.v1, None));
static BETA: LazyLock<Csdl> =
    LazyLock::new(|| Csdl::split(include_str!("metadata/beta.json"), &ADDED.beta, Some(v1())));

/// Returns the description of version 1.0.
pub fn v1() -> &'static Csdl {
    &V1
}

/// Returns the description of a version.
pub fn of(api: Api) -> &'static Csdl {
    match api {
        Api::V1 => &V1,
        Api::Beta => &BETA,
    }
}

impl Csdl {
    fn split(source: &'static str, added: &'static Documented, fallback: Option<&'static Csdl>) -> Self {
        let file = serde_json::from_str(source).unwrap_or(File { types: BTreeMap::new(), container: BTreeMap::new() });
        let all = file.types.into_iter().chain(added.types.iter().map(|(name, raw)| (*name, *raw)));
        let types = all.map(|(name, raw)| (name, Entry { raw, read: OnceLock::new() })).collect();
        Self { types, added, heirs: OnceLock::new(), container: file.container, fallback }
    }

    /// Returns the type called `name`, with or without `#` and namespace.
    pub fn ty(&self, name: &str) -> Option<&Type> {
        let name = name.trim_start_matches('#');
        let (key, entry) = match self.types.get_key_value(name) {
            Some(found) => found,
            None => match self.types.get_key_value(format!("microsoft.graph.{name}").as_str()) {
                Some(found) => found,
                None => return self.fallback?.ty(name),
            },
        };
        Some(entry.read.get_or_init(|| self.flatten(key, entry.raw)))
    }

    /// Returns true if `name` is `base` or extends it.
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

    /// Returns the types that extend `name` directly.
    pub fn derived(&self, name: &str) -> impl Iterator<Item = &Type> {
        self.heirs().get(name).into_iter().flatten().filter_map(|heir| self.ty(heir))
    }

    fn heirs(&self) -> &HashMap<&'static str, Vec<&'static str>> {
        self.heirs.get_or_init(|| {
            let mut heirs: HashMap<&str, Vec<&str>> = HashMap::new();
            for (name, entry) in &self.types {
                if let Ok(Head { base: Some(base) }) = serde_json::from_str(entry.raw.get()) {
                    heirs.entry(base).or_default().push(name);
                }
            }
            heirs.values_mut().for_each(|names| names.sort_unstable());
            heirs
        })
    }

    /// Returns the type that a path of names leads to, if the description has the path.
    #[cfg(test)]
    pub fn at_path(&self, path: &str) -> Option<&str> {
        let known = self.added.paths.iter().filter_map(|(known, entry)| {
            let rest = path.strip_prefix(known.as_str()).filter(|rest| rest.is_empty() || rest.starts_with('/'))?;
            Some((rest, entry.get("type")?.as_str()?))
        });
        let (rest, mut at) = match known.min_by_key(|(rest, _)| rest.len()) {
            Some(found) => found,
            None => {
                let (root, rest) = path.trim_matches('/').split_once('/').unwrap_or((path.trim_matches('/'), ""));
                let entry: Value = serde_json::from_str(self.container.get(root)?.get()).ok()?;
                (rest, self.ty(entry.get("type")?.as_str()?)?.name.as_str())
            }
        };
        for name in rest.split('/').filter(|name| !name.is_empty() && !name.starts_with('{')) {
            at = &self.ty(at)?.nav(name)?.ty;
        }
        Some(at)
    }

    fn raw(&self, name: &str) -> Option<Value> {
        match self.types.get(name) {
            Some(entry) => serde_json::from_str(entry.raw.get()).ok(),
            None => self.fallback?.raw(name),
        }
    }

    fn flatten(&self, name: &str, raw: &RawValue) -> Type {
        let mut ty = Type { name: name.to_owned(), ..Type::default() };
        let mut chain = Vec::new();
        let mut at = serde_json::from_str::<Value>(raw.get()).ok().map(|raw| (name.to_owned(), raw));
        while let Some((name, entry)) = at {
            let base = text(&entry, "base");
            chain.push((name, entry));
            at = base.and_then(|base| Some((base.clone(), self.raw(&base)?)));
        }
        let Some((_, own)) = chain.first() else { return ty };
        ty.base = text(own, "base");
        ty.is_abstract = flag(own, "abstract");
        ty.flags = flag(own, "flags");
        ty.members = own
            .get("members")
            .and_then(Value::as_array)
            .map(|list| list.iter().filter_map(Value::as_str).map(str::to_owned).collect());
        for (name, entry) in &chain {
            ty.open |= flag(entry, "open");
            let list = |part: &str| entry.get(part).and_then(Value::as_array).into_iter().flatten();
            let more = self.added.properties.get(name).into_iter().flatten();
            for property in list("properties").chain(more).filter_map(read_property) {
                if ty.property(&property.name).is_none() {
                    ty.properties.push(property);
                }
            }
            let more = self.added.navigation.get(name).into_iter().flatten();
            for nav in list("navigation").chain(more) {
                let (Some(name), Some(target)) = (text(nav, "name"), text(nav, "type")) else { continue };
                if ty.nav(&name).is_none() {
                    ty.navigation.push(Navigation { name, ty: target, collection: flag(nav, "collection") });
                }
            }
        }
        ty
    }
}

impl Type {
    /// Returns the structural property called `name`.
    pub fn property(&self, name: &str) -> Option<&Property> {
        self.properties.iter().find(|property| property.name == name)
    }

    /// Returns the navigation property called `name`.
    pub fn nav(&self, name: &str) -> Option<&Navigation> {
        self.navigation.iter().find(|navigation| navigation.name == name)
    }

    /// Returns the name without the namespace.
    pub fn short(&self) -> &str {
        self.name.strip_prefix("microsoft.graph.").unwrap_or(&self.name)
    }
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
            let csdl = of(kind.api);
            let ty = csdl.ty(kind.entity).unwrap_or_else(|| panic!("{} is no type", kind.name));
            let at = csdl.at_path(kind.path).unwrap_or_else(|| panic!("{} is no path", kind.path));
            assert_eq!(ty.name, at, "{}", kind.path);
            for link in kind.links {
                let mut names = link.segment().split('/');
                let leads = names.try_fold(ty, |ty, name| csdl.ty(&ty.nav(name)?.ty));
                assert!(leads.is_some(), "{}/{}", kind.name, link.name);
            }
        }
    }

    #[test]
    fn the_descriptions_can_be_read() {
        for csdl in [v1(), of(Api::Beta)] {
            assert!(csdl.types.len() > 700 && csdl.container.len() > 30, "{}", csdl.types.len());
            assert!(csdl.types.keys().all(|name| csdl.ty(name).is_some_and(|ty| ty.name == *name)));
            assert!(
                csdl.added.paths.values().all(|entry| entry["type"].as_str().is_some_and(|ty| csdl.ty(ty).is_some()))
            );
            let sources = csdl.added.properties.values().chain(csdl.added.navigation.values()).flatten();
            assert!(sources.chain(csdl.added.paths.values()).all(|entry| entry["source"].is_string()));
        }
        let beta = of(Api::Beta);
        assert!(beta.ty("groupSetting").is_some() && beta.ty("nothing").is_none());
    }

    #[test]
    fn inheritance_is_flat() {
        let user = v1().ty("user").expect("user");
        assert!(user.property("id").is_some() && user.property("deletedDateTime").is_some());
        assert!(v1().is_a("microsoft.graph.ipNamedLocation", "namedLocation"));
        assert!(!v1().is_a("user", "group"));
    }
}
