//! Implements the rules for named locations. <https://learn.microsoft.com/graph/api/conditionalaccessroot-post-namedlocations>

use std::net::IpAddr;

use serde_json::{Value, json};

use super::checks::{invalid, require};
use crate::emulator::error::Fault;
use crate::emulator::store::{Key, Properties, Row, text};
use crate::emulator::tenant::Tenant;

/// Type of the location that the service makes by itself.
const COMPLIANT_NETWORK: &str = "microsoft.graph.compliantNetworkNamedLocation";

/// Adds the location of the compliant network: "Automatically created with the name "All Compliant Network Locations" when you
/// enable Global Secure Access signaling for Conditional Access".
/// <https://learn.microsoft.com/graph/api/resources/compliantnetworknamedlocation>
pub(super) fn add_compliant_network(tenant: &mut Tenant, settings: &Properties) {
    let Some(kind) = crate::kinds::by_name("namedLocation") else { return };
    let ty = format!("#{COMPLIANT_NETWORK}");
    let is_one = |row: &Row| text(&row.unpack(), "@odata.type") == ty;
    if text(settings, "signalingStatus") != "enabled" || tenant.store.table(kind).live.values().any(is_one) {
        return;
    }
    let now = tenant.clock.ticks();
    let id = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, format!("{}/compliant network", tenant.id).as_bytes());
    let location = json!({"@odata.type": ty, "id": id.to_string(), "displayName": "All Compliant Network Locations",
        "compliantNetworkType": "allTenantCompliantNetworks", "isTrusted": false, "createdDateTime": now, "modifiedDateTime": now});
    if let Value::Object(location) = location {
        tenant.store.table_mut(kind).put(kind, &location);
    }
}

pub(super) fn create(tenant: &Tenant, object: &mut Properties) -> Result<(), Fault> {
    require(object, &["displayName"], "NamedLocation")?;
    if short(text(object, "@odata.type")) == COMPLIANT_NETWORK {
        return Err(invalid("@odata.type", "NamedLocation"));
    }
    let now = tenant.clock.ticks();
    object.insert("createdDateTime".to_owned(), now.clone().into());
    object.insert("modifiedDateTime".to_owned(), now.into());
    check(object)
}

pub(super) fn update(tenant: &Tenant, old: &Properties, patch: &Properties, new: &mut Properties) -> Result<(), Fault> {
    // The type cannot be left out: <https://learn.microsoft.com/graph/api/ipnamedlocation-update>
    if patch.get("@odata.type").and_then(Value::as_str).map(short)
        != old.get("@odata.type").and_then(Value::as_str).map(short)
    {
        return Err(Fault::bad("The '@odata.type' property is required and must be the type of the named location."));
    }
    new.insert("@odata.type".to_owned(), old.get("@odata.type").cloned().unwrap_or_default());
    new.insert("modifiedDateTime".to_owned(), tenant.clock.ticks().into());
    check(new)
}

fn short(name: &str) -> &str {
    name.trim_start_matches('#')
}

fn check(object: &Properties) -> Result<(), Fault> {
    match short(text(object, "@odata.type")) {
        "microsoft.graph.ipNamedLocation" => {
            let ranges = object.get("ipRanges").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            if ranges.is_empty() || ranges.len() > 2000 || !ranges.iter().all(is_range) {
                return Err(invalid("ipRanges", "IpNamedLocation"));
            }
            Ok(())
        }
        "microsoft.graph.countryNamedLocation" => {
            let mut codes = crate::emulator::store::strings(object.get("countriesAndRegions")).peekable();
            // Microsoft's page says: "two-letter format specified by ISO 3166-2":
            // <https://learn.microsoft.com/graph/api/resources/countrynamedlocation>
            let good = codes.peek().is_some()
                && codes.all(|code| code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase()));
            if good { Ok(()) } else { Err(invalid("countriesAndRegions", "CountryNamedLocation")) }
        }
        COMPLIANT_NETWORK => Ok(()),
        _ => Err(Fault::bad("The '@odata.type' property is required and must be the type of a named location.")),
    }
}

fn is_range(range: &Value) -> bool {
    let name = range.get("@odata.type").and_then(Value::as_str).map(short).unwrap_or_default();
    let address = range.get("cidrAddress").and_then(Value::as_str).and_then(|cidr| cidr.split_once('/'));
    let Some((Ok(address), Ok(bits))) = address.map(|(address, bits)| (address.parse::<IpAddr>(), bits.parse::<u8>()))
    else {
        return false;
    };
    match (name, address) {
        ("microsoft.graph.iPv4CidrRange", IpAddr::V4(_)) => bits <= 32,
        ("microsoft.graph.iPv6CidrRange", IpAddr::V6(_)) => bits <= 128,
        _ => false,
    }
}

/// Refuses to delete a trusted location, which must first be made untrusted, and one that a policy names.
/// <https://learn.microsoft.com/graph/api/ipnamedlocation-delete>
pub(super) fn delete(tenant: &Tenant, key: &Key, object: &Properties) -> Result<(), Fault> {
    if object.get("isTrusted") == Some(&Value::Bool(true)) {
        return Err(Fault::bad("A trusted named location cannot be deleted. Mark it as not trusted first."));
    }
    if super::policy_names::names_location(tenant, &key.id) {
        return Err(Fault::bad(
            "The named location is referenced by a conditional access policy and cannot be deleted.",
        ));
    }
    Ok(())
}
