//! Microsoft's metadata, typed.

use std::collections::{BTreeMap, BTreeSet};

use entragit::model::kind::Api;
use serde::Deserialize;

/// Types that extend another and are never in its collections: what a function returns.
const RESULTS: &[&str] = &["microsoft.graph.whatIfAnalysisResult"];

/// The metadata of one version, with what only the documentation says folded in.
pub struct Csdl {
    types: BTreeMap<String, Type>,
}

#[derive(Deserialize)]
struct Type {
    kind: String,
    base: Option<String>,
    #[serde(default)]
    r#abstract: bool,
    #[serde(default)]
    flags: bool,
    #[serde(default)]
    members: Vec<String>,
    #[serde(default)]
    properties: Vec<Property>,
    #[serde(default)]
    navigation: Vec<Property>,
}

/// A property or a relation of a type.
#[derive(Deserialize)]
pub struct Property {
    name: String,
    /// Its type, or the type of its elements.
    pub r#type: String,
    /// Whether it is a list.
    #[serde(default)]
    pub collection: bool,
}

impl Csdl {
    /// Reads a version's metadata.
    pub fn load(api: Api) -> Csdl {
        let mut types: BTreeMap<String, Type> =
            BTreeMap::deserialize(&crate::support::metadata::of(api)["types"]).expect("types");
        types.retain(|name, _| !RESULTS.contains(&name.as_str()));
        Csdl { types }
    }

    fn get(&self, name: &str) -> &Type {
        self.types.get(name).unwrap_or_else(|| panic!("the metadata does not hold {name}"))
    }

    /// The type, then its bases.
    fn ancestry<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a str, &'a Type)> {
        std::iter::successors(Some((name, self.get(name))), |(_, found)| {
            let base = found.base.as_deref()?;
            Some((base, self.types.get(base)?))
        })
    }

    /// The types and all that derive from them.
    pub fn family<'a>(&'a self, types: &[&str]) -> BTreeSet<&'a str> {
        let derives = |name: &&'a str| self.ancestry(name).any(|(ancestor, _)| types.contains(&ancestor));
        self.types.keys().map(String::as_str).filter(derives).collect()
    }

    /// The properties of a type, its bases' too.
    pub fn properties<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a str, &'a Property)> {
        self.ancestry(name).flat_map(|(_, found)| &found.properties).map(|property| (property.name.as_str(), property))
    }

    /// The relations of a type, its bases' too, and what they lead to.
    pub fn navigation<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.ancestry(name)
            .flat_map(|(_, found)| &found.navigation)
            .map(|relation| (relation.name.as_str(), relation.r#type.as_str()))
    }

    /// The types without those that derive from another of them.
    pub fn bases_of<'a>(&self, types: &[&'a str]) -> Vec<&'a str> {
        let derives = |name: &str| self.ancestry(name).skip(1).any(|(ancestor, _)| types.contains(&ancestor));
        types.iter().copied().filter(|name| !derives(name)).collect()
    }

    /// Whether the type has properties of its own: an entity or a complex type.
    pub fn is_structured(&self, name: &str) -> bool {
        name.starts_with("microsoft.graph.") && self.get(name).kind != "enum"
    }

    /// Whether an object of exactly this type can exist.
    pub fn is_concrete(&self, name: &str) -> bool {
        !self.get(name).r#abstract
    }

    /// Whether an object of exactly this type can exist and nothing derives from it.
    pub fn is_leaf(&self, name: &str) -> bool {
        self.is_concrete(name) && !self.types.values().any(|found| found.base.as_deref() == Some(name))
    }

    /// The members of an enumeration, and whether others may turn up: further ones, or several joined by commas.
    pub fn members(&self, name: &str) -> Option<(Vec<&str>, bool)> {
        let found = self.types.get(name).filter(|found| found.kind == "enum")?;
        let named: Vec<&str> =
            found.members.iter().map(String::as_str).filter(|member| *member != "unknownFutureValue").collect();
        let open = found.flags || named.len() != found.members.len();
        Some((named, open))
    }
}
