//! Handles Conditional Access policies that use preview features: v1.0 leaves them out of lists without an error, and refuses to
//! show or change one. <https://github.com/hashicorp/terraform-provider-azuread/issues/937>,
//! <https://github.com/microsoftgraph/msgraph-sdk-powershell/issues/431>

use serde_json::Value;

use crate::emulator::csdl;
use crate::emulator::error::Fault;
use crate::emulator::request::Request;
use crate::emulator::store::Properties;
use crate::model::Kind;
use crate::model::kind::Api;

/// Returns true if the list that `request` asks for leaves the object out.
pub fn hidden(kind: &Kind, object: &Properties, request: &Request) -> bool {
    request.api == Api::V1
        && match kind.name {
            "conditionalAccessPolicy" => object.iter().any(|(name, value)| is_preview(kind.entity, name, value)),
            // Beta alone has the compliant network:
            // <https://learn.microsoft.com/graph/api/resources/compliantnetworknamedlocation>
            "namedLocation" => {
                object.get("@odata.type").and_then(Value::as_str).is_some_and(|ty| csdl::v1().ty(ty).is_none())
            }
            _ => false,
        }
}

/// Refuses requests about the object that v1.0 does not serve.
pub fn refuse_hidden(kind: &Kind, object: &Properties, request: &Request) -> Result<(), Fault> {
    match hidden(kind, object, request) {
        true if kind.name == "namedLocation" => {
            Err(Fault::missing(object.get("id").and_then(Value::as_str).unwrap_or_default()))
        }
        true => Err(Fault::bad(
            "1037: The policy you requested contains preview features. Use the Beta endpoint to retrieve this policy.",
        )),
        false => Ok(()),
    }
}

/// Returns true if a property of type `ty`, or a value within it, is set that the type has in beta only.
fn is_preview(ty: &str, name: &str, value: &Value) -> bool {
    let Some(known) = csdl::v1().ty(ty) else { return is_set(value) };
    match known.property(name) {
        Some(property) => holds_preview(&property.ty, value),
        None => csdl::of(Api::Beta).ty(ty).is_some_and(|ty| ty.property(name).is_some()) && is_set(value),
    }
}

fn holds_preview(ty: &str, value: &Value) -> bool {
    match value {
        Value::Object(map) => {
            let ty = map.get("@odata.type").and_then(Value::as_str).unwrap_or(ty);
            map.iter().any(|(name, value)| is_preview(ty, name, value))
        }
        Value::Array(list) => list.iter().any(|element| holds_preview(ty, element)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn is_set(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
        Value::Array(list) => list.iter().any(is_set),
        Value::Object(map) => map.values().any(is_set),
    }
}
