//! Everything served is in Microsoft's metadata.

use entragit::emulator::Options;
use entragit::kinds;
use entragit::model::kind::Api;
use serde_json::{Value, json};

use crate::support::graph::*;
use crate::support::metadata::of;

/// The tenant must not be our own mirror: whatever it serves must be in Microsoft's metadata.
#[tokio::test]
async fn everything_served_is_in_microsofts_metadata() {
    let graph = Graph::with(Options::default()).await;
    let strength =
        text(&graph.made(STRENGTHS, json!({"displayName": "Keys", "allowedCombinations": ["fido2"]})).await["id"]);
    let mut body = policy("Keys");
    body["grantControls"] =
        json!({"operator": "OR", "builtInControls": [], "authenticationStrength": {"id": strength}});
    body["sessionControls"] = json!({"signInFrequency": {"value": 4, "type": "hours", "isEnabled": true}});
    graph.made(POLICIES, body).await;
    let body = json!({"@odata.type": "#microsoft.graph.countryNamedLocation", "displayName": "Home", "countriesAndRegions": ["DE"], "includeUnknownCountriesAndRegions": false});
    graph.made(LOCATIONS, body).await;
    let mut seen = 0;
    for kind in kinds::ALL {
        let metadata = of(kind.api);
        let path = format!("{}{}", kind.api.segment(), kind.path);
        let filter = kind.filter.map(|filter| format!("?$filter={filter}")).unwrap_or_default();
        let reply = graph.ok(&format!("{path}{filter}")).await;
        let items = reply["value"].as_array().cloned().unwrap_or_else(|| vec![reply.clone()]);
        for item in &items {
            known(metadata, &format!("microsoft.graph.{}", kind.entity), item, kind.name);
            seen += 1;
            for borrowed in kind.borrowed {
                let path =
                    format!("{}{}?$filter={}", kind.api.segment(), borrowed.path, borrowed.filter.unwrap_or_default());
                let list = graph.ok(&path).await;
                let entry = list["value"].as_array().into_iter().flatten().find(|one| one[borrowed.by] == item["id"]);
                known(
                    metadata,
                    &format!("microsoft.graph.{}", borrowed.entity),
                    entry.expect("an entry"),
                    borrowed.property,
                );
            }
            for link in kind.links.iter().filter(|_| !kind.is_singleton()) {
                let (status, reply) = graph.get(&format!("{path}/{}/{}", text(&item[kind.key]), link.segment())).await;
                assert!(status == 200 || link.name == "manager", "{reply}");
                for child in reply["value"].as_array().into_iter().flatten() {
                    known(metadata, &target(metadata, kind.entity, link.segment()), child, link.name);
                }
            }
        }
    }
    assert!(seen > 10);
    let metadata = of(Api::V1);
    for entry in graph.pages("/v1.0/auditLogs/directoryAudits").await {
        known(metadata, "microsoft.graph.directoryAudit", &entry, "directoryAudit");
    }
    known(metadata, "microsoft.graph.organization", &graph.ok("/v1.0/organization").await["value"][0], "organization");
}

fn types<'a>(metadata: &'a Value, name: &str) -> Vec<&'a Value> {
    let find = |name: &str| metadata["types"].get(name);
    let (mut chain, mut at) = (Vec::new(), find(name));
    while let Some(ty) = at {
        chain.push(ty);
        at = ty["base"].as_str().and_then(find);
    }
    chain
}

fn target(metadata: &Value, kind: &str, link: &str) -> String {
    link.split('/').fold(format!("microsoft.graph.{kind}"), |ty, name| {
        let all = types(metadata, &ty);
        let mut navs = all.iter().flat_map(|ty| ty["navigation"].as_array().into_iter().flatten());
        text(&navs.find(|nav| nav["name"] == name).expect(link)["type"])
    })
}

fn known(metadata: &Value, ty: &str, item: &Value, at: &str) {
    let Some(item) = item.as_object() else { return };
    let ty = item.get("@odata.type").and_then(Value::as_str).map_or(ty, |name| name.trim_start_matches('#'));
    let chain = types(metadata, ty);
    assert!(!chain.is_empty(), "{at}: {ty} is no type");
    // Annotations and actions that can be called are no properties.
    for (name, value) in item.iter().filter(|(name, _)| !name.contains(['@', '#'])) {
        let all = chain.iter().flat_map(|ty| ["properties", "navigation"].map(|part| ty[part].as_array()));
        let found = all.flatten().flatten().find(|member| member["name"] == name.as_str());
        let found = found.unwrap_or_else(|| panic!("{at}: {ty} has no {name}"));
        let inner = text(&found["type"]);
        for value in value.as_array().map(Vec::as_slice).unwrap_or(std::slice::from_ref(value)) {
            if inner.starts_with("microsoft.graph.") && value.is_object() {
                known(metadata, &inner, value, &format!("{at}/{name}"));
            }
        }
    }
}
