//! Adds what `odata.metadata=full` asks for: the type, the id and the address of each object, and the types of its properties.
//! <https://docs.oasis-open.org/odata/odata-json-format/v4.01/odata-json-format-v4.01.html>, section 3.1.2; the forms are those of
//! <https://github.com/microsoftgraph/msgraph-metadata/issues/331>.

use serde_json::{Map, Value};

use super::csdl::{self, Csdl};
use super::request::{Reply, Request};
use super::routes::Target;
use super::tenant::Tenant;
use crate::kinds;
use crate::model::Kind;

/// Adds the annotations to `reply`, if the request asks for them.
pub fn add(tenant: &Tenant, target: &Target, request: &Request, reply: Reply) -> Reply {
    let body = reply.body.as_deref().filter(|_| request.full_metadata() && !reply.plain);
    let Some(Value::Object(mut body)) = body.and_then(|body| serde_json::from_str(body).ok()) else { return reply };
    let kind = kind_of(target);
    match body.get_mut("value") {
        Some(Value::Array(items)) => {
            items.iter_mut().filter_map(Value::as_object_mut).for_each(|item| annotate(tenant, request, kind, item));
        }
        _ => annotate(tenant, request, kind, &mut body),
    }
    Reply { body: serde_json::to_string(&body).ok(), ..reply }
}

fn kind_of(target: &Target) -> Option<&'static Kind> {
    match target {
        Target::Kind(kind) | Target::Object(kind, _) | Target::Delta(kind) | Target::Bin(kind) => Some(kind),
        Target::Typed { only, .. } => Some(only),
        Target::End { owner, .. } => Some(owner),
        _ => None,
    }
}

/// Annotates one object: of the type that it names, or else of the kind that the path leads to.
fn annotate(tenant: &Tenant, request: &Request, kind: Option<&'static Kind>, item: &mut Map<String, Value>) {
    let csdl = csdl::of(request.api);
    let named = item.get("@odata.type").and_then(Value::as_str).map(|name| name.trim_start_matches('#').to_owned());
    let entity = named.or_else(|| kind.map(|kind| format!("microsoft.graph.{}", kind.entity)));
    let Some(ty) = entity.and_then(|entity| csdl.ty(&entity)) else { return };
    let kind = kind.or_else(|| kinds::ALL.iter().copied().find(|kind| kind.entity == ty.short()));
    let types: Vec<(String, Value)> = ty
        .properties
        .iter()
        .filter(|property| item.contains_key(&property.name))
        .filter_map(|property| Some((format!("{}@odata.type", property.name), written(property)?.into())))
        .collect();
    if let (Some(kind), Some(id)) = (kind, item.get("id").and_then(Value::as_str)) {
        let edit = address(csdl, kind, ty.short(), id);
        item.insert("@odata.id".to_owned(), format!("{}/v2/{}/{edit}", request.base, tenant.id).into());
        item.insert("@odata.editLink".to_owned(), edit.into());
    }
    item.insert("@odata.type".to_owned(), format!("#{}", ty.name).into());
    item.extend(types);
}

/// Returns the name of a property's type where the value does not tell it.
fn written(property: &csdl::Property) -> Option<String> {
    match (property.collection, property.ty.as_str()) {
        (true, ty) => Some(format!("#Collection({ty})")),
        (false, "DateTimeOffset" | "Guid" | "Duration" | "Binary" | "Date" | "TimeOfDay") => {
            Some(format!("#{}", property.ty))
        }
        (false, _) => None,
    }
}

/// Returns the address of an object in the directory's own service, as pages show it for groups and for policies.
/// <https://learn.microsoft.com/graph/api/group-get>, <https://learn.microsoft.com/graph/api/claimsmappingpolicy-get>,
/// <https://learn.microsoft.com/graph/api/rbacapplication-post-roleassignments>
fn address(csdl: &Csdl, kind: &Kind, ty: &str, id: &str) -> String {
    if csdl.is_a(kind.entity, "directoryObject") {
        let first = ty.get(..1).unwrap_or_default().to_ascii_uppercase();
        return format!("directoryObjects/{id}/Microsoft.DirectoryServices.{first}{}", ty.get(1..).unwrap_or_default());
    }
    format!("{}/{id}", kind.path.rsplit('/').next().unwrap_or(kind.path))
}
