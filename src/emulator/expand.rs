//! Shows directory objects of several kinds in one list, and the relations that `$expand` adds to an object.

use std::collections::BTreeMap;

use serde_json::Value;

use super::child_shapes;
use super::csdl::Csdl;
use super::error::Fault;
use super::odata::{Expand, Shape};
use super::quirks;
use super::store::{Key, Properties};
use super::tenant::Tenant;
use crate::model::Kind;
use crate::model::kind::LinkShape;

/// Adds an expanded relation to an object. "$expand of a relation between directory objects returns at most 20 objects and no
/// nextLink". <https://learn.microsoft.com/graph/query-parameters#expand-parameter>
pub fn expanded(
    tenant: &Tenant,
    csdl: &'static Csdl,
    kind: &'static Kind,
    key: &Key,
    expand: &Expand,
    item: &mut Properties,
) -> Result<(), Fault> {
    // The relation is stored with the object by value, and shown when it is asked for.
    if quirks::by_value(kind, &expand.name) {
        let row = tenant.store.table(kind).live.get(key);
        let value = row.and_then(|row| row.pick(&[expand.name.as_str()]).remove(&expand.name));
        item.insert(expand.name.clone(), value.unwrap_or(Value::Null));
        return Ok(());
    }
    let link = kind.link(&expand.name).ok_or_else(|| {
        Fault::new(
            400,
            "ExpandNotSupported",
            format!("Expand is not allowed for property '{}' according to the entity schema.", expand.name),
        )
    })?;
    if link.name == "rules" {
        let mut shape = Shape::new(csdl, child_shapes::type_of(csdl, kind, link)?, expand.select.as_deref(), true)?;
        let rules = quirks::rules_of(tenant, key).into_iter().map(|rule| Value::Object(shape.apply(rule)));
        item.insert(link.name.to_owned(), rules.collect());
        return Ok(());
    }
    let targets = tenant.links.targets(key, link.name).into_iter().flatten();
    let mut shapes = Shapes::new(csdl, expand.select.as_deref());
    let mut items: Vec<Value> = match link.shape {
        LinkShape::Children(_) => {
            let mut shape = Shape::new(csdl, child_shapes::type_of(csdl, kind, link)?, expand.select.as_deref(), true)?;
            let table = tenant.store.children(link.name);
            targets
                .filter_map(|key| Some(table?.live.get(key)?.unpack()))
                .filter(|child| tenant.visible(link.name, child))
                .take(20)
                .map(|child| Value::Object(shape.apply(child)))
                .collect()
        }
        _ => targets.filter_map(|key| shapes.show(tenant, key)).take(20).collect(),
    };
    match link.shape {
        _ if link.children().is_some_and(|children| children.single) => {
            item.insert(link.name.to_owned(), items.pop().unwrap_or(Value::Null));
        }
        LinkShape::Reference => {
            if let Some(one) = items.pop() {
                item.insert(link.name.to_owned(), one);
            }
        }
        _ => {
            item.insert(link.name.to_owned(), Value::Array(items));
        }
    }
    Ok(())
}

/// Holds the shapes of directory objects of several kinds in one list.
pub struct Shapes<'a> {
    csdl: &'static Csdl,
    select: Option<&'a [String]>,
    by_kind: BTreeMap<&'static str, Shape<'static>>,
}

impl<'a> Shapes<'a> {
    /// Returns the shapes for a selection.
    pub fn new(csdl: &'static Csdl, select: Option<&'a [String]>) -> Self {
        Self { csdl, select, by_kind: BTreeMap::new() }
    }

    /// Returns a live directory object with its `@odata.type`, if it is there.
    pub fn show(&mut self, tenant: &Tenant, key: &Key) -> Option<Value> {
        let kind = tenant.directory_kind(key)?;
        let mut object = tenant.store.table(kind).live.get(key)?.unpack();
        object.insert("@odata.type".to_owned(), format!("#microsoft.graph.{}", kind.entity).into());
        if !self.by_kind.contains_key(kind.name) {
            let ty = self.csdl.ty(kind.entity)?;
            // A property that this type does not have is left out of its items.
            let select: Option<Vec<String>> =
                self.select.map(|names| names.iter().filter(|name| ty.property(name).is_some()).cloned().collect());
            let select = select.map(|names| if names.is_empty() { vec!["@odata.type".to_owned()] } else { names });
            let shape =
                Shape::new(self.csdl, ty, select.as_deref().filter(|names| names[0] != "@odata.type"), true).ok()?;
            self.by_kind.insert(kind.name, shape);
        }
        Some(Value::Object(self.by_kind.get_mut(kind.name)?.apply(object)))
    }
}
