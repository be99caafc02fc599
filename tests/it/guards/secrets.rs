//! Secrets stay where they are: what the sign-in holds is in no output, journal or git object, and what the tenant holds is in
//! no file.

mod echo;

use std::collections::BTreeSet;

use entragit::emulator::{Options, Seed};
use entragit::engine::losses;
use entragit::engine::normalize::normalize;
use entragit::engine::schema::{self, Rule, Shape};
use entragit::kinds;
use entragit::model::kind::LinkShape;
use entragit::model::{Address, Kind, Object};
use serde_json::{Map, Value, json};

use crate::support::command_line::{Ran, World, hermetic};

fn object(kind: &str, raw: Value) -> (Value, Vec<String>) {
    let normalized = normalize(kinds::by_name(kind).unwrap(), raw.as_object().unwrap().clone());
    (Value::Object(normalized.object.0), normalized.unknown)
}

#[test]
fn unknown_properties_named_like_secrets_are_dropped() {
    let names = [
        "token",
        "sasToken",
        "apiKey",
        "connectionString",
        "credential",
        "pfx",
        "preSharedKey",
        "key",
        "password",
        "clientSecret",
        "passphrase",
    ];
    for name in names {
        let raw = json!({
            "id": "a",
            name: "CNRY",
            "web": {name: "CNRY", "deep": [{name: {"value": "CNRY"}, "kept": "x"}]},
            "passwordCredentials": [{"keyId": "k", name: "CNRY", "value": "CNRY", "deep": {"kept": "CNRY"}}],
        });
        let (found, unknown) = object("application", raw);
        assert!(!found.to_string().contains("CNRY"), "{name}: {found}");
        assert_eq!(found["web"]["deep"][0]["kept"], "x", "{name}");
        assert_eq!(unknown, ["web.deep"], "{name}");
        // Where a schema lets everything in, and where it says nothing of what is inside.
        let raw = json!({"id": "p", "conditions": {"globalSecureAccess": {name: "CNRY", "kept": "x"}}});
        let (found, _) = object("conditionalAccessPolicy", raw);
        assert_eq!(found["conditions"]["globalSecureAccess"], json!({"kept": "x"}), "{name}");
        let raw = json!({"id": "a", "certification": {name: "CNRY", "isPublisherAttested": true}});
        assert!(!object("application", raw).0.to_string().contains("CNRY"), "{name}");
    }
    // A new switch is no secret.
    let (found, unknown) = object("authorizationPolicy", json!({"isTokenTheftBlocked": true, "tokenNote": "CNRY"}));
    assert_eq!((found["isTokenTheftBlocked"].as_bool(), unknown), (Some(true), vec!["isTokenTheftBlocked".to_owned()]));
}

/// A value for everything that a file may hold.
fn sample(rule: &Rule) -> Value {
    match &rule.shape {
        Shape::Scalar => json!("x"),
        Shape::Object(rules, _) => {
            let kept = rules.iter().filter(|(_, rule)| rule.exported());
            Value::Object(kept.map(|(name, rule)| (name.clone(), sample(rule))).collect())
        }
        Shape::List(items) => json!([sample(items)]),
    }
}

/// Paths of values that the rules let into a file.
fn known_paths(rules: &Rule, value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match (&rules.shape, value) {
        (Shape::Object(rules, _), Value::Object(map)) => {
            for (name, value) in map {
                if let Some(rule) = rules.get(name).filter(|rule| rule.exported() && rule.index_of.is_none()) {
                    known_paths(rule, value, &format!("{path}/{name}"), found);
                }
            }
        }
        (Shape::List(items), Value::Array(elements)) => {
            elements.iter().for_each(|element| known_paths(items, element, path, found));
        }
        (_, Value::String(text)) if !text.is_empty() => drop(found.insert(path.to_owned())),
        (_, Value::Bool(_) | Value::Number(_)) => drop(found.insert(path.to_owned())),
        _ => {}
    }
}

/// Asserts that nothing that a schema knows is lost.
fn keeps_what_is_known(kind: &'static Kind, raw: Map<String, Value>) {
    let raw: Map<String, Value> = raw
        .into_iter()
        .filter(|(name, _)| name != "@odata.type")
        .filter(|(name, _)| {
            kind.link(name).is_none_or(|link| matches!(link.shape, LinkShape::Children(_)) && link.absent.is_none())
        })
        .collect();
    let paths = |map: &Map<String, Value>| {
        let mut found = BTreeSet::new();
        known_paths(&schema::of(kind).root, &Value::Object(map.clone()), "", &mut found);
        found
    };
    let normalized = normalize(kind, raw.clone());
    assert_eq!(paths(&raw), paths(&normalized.object.0), "{}", kind.name);
}

#[test]
fn every_property_that_a_schema_knows_is_kept() {
    for kind in kinds::ALL {
        let Value::Object(all) = sample(&schema::of(kind).root) else { panic!("{}: no object", kind.name) };
        keeps_what_is_known(kind, all);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_known_property_of_a_tenant_is_kept() {
    let world = crate::support::in_process::World::empty(Options { seed: Seed::Contoso, ..Options::default() }).await;
    for kind in kinds::ALL {
        for raw in world.list(kind.name).await {
            keeps_what_is_known(kind, raw.value);
        }
    }
}

#[test]
fn a_masked_secret_in_a_url_is_no_difference_and_a_loss() {
    let raw = |url: &str| {
        json!({"id": "x", "displayName": "Hook", "endpointConfiguration": {
            "@odata.type": "#microsoft.graph.httpRequestEndpoint", "targetUrl": url}})
    };
    let (masked, _) = object("customAuthenticationExtension", raw("https://fn.test/api?code=CNRY&x=1"));
    assert_eq!(masked["endpointConfiguration"]["targetUrl"], "https://fn.test/api?code=****&x=1");
    assert_eq!(object("customAuthenticationExtension", masked.clone()).0, masked);
    assert_eq!(object("customAuthenticationExtension", raw("https://fn.test/api?code=other&x=1")).0, masked);
    assert_ne!(object("customAuthenticationExtension", raw("https://evil.test/api?code=CNRY&x=1")).0, masked);
    // Wherever a URL may be.
    let (web, _) = object("application", json!({"id": "a", "web": {"redirectUris": ["https://a.test?sig=CNRY"]}}));
    assert_eq!(web["web"]["redirectUris"][0], "https://a.test?sig=****");
    let (new, _) = object("group", json!({"id": "g", "hook": {"url": "https://a.test?subscription-key=CNRY"}}));
    assert_eq!(new["hook"]["url"], "https://a.test?subscription-key=****");

    let kind = kinds::by_name("customAuthenticationExtension").unwrap();
    let address = Address::new(kind, "11111111-2222-4333-8444-555555555555");
    let loss = losses::of_creation(kind, &address, &Object(masked.as_object().unwrap().clone())).unwrap();
    assert!(
        loss.what().contains("loses the secret within the URL of endpointConfiguration.targetUrl"),
        "{}",
        loss.what()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_secret_of_an_extensions_url_is_not_exported_and_its_mask_not_written() {
    let world = World::new().await;
    let kind = kinds::by_name("customAuthenticationExtension").unwrap();
    let list = format!("{}{}", kind.api.segment(), kind.path);
    let extension = world.graph.pages(&list).await.remove(0);
    let item = format!("{list}/{}", extension["id"].as_str().unwrap());
    let mut endpoint = extension["endpointConfiguration"].clone();
    endpoint["targetUrl"] = json!("https://fn.test/api?code=CNRYsas%2F&name=costs");
    let body = json!({"@odata.type": extension["@odata.type"], "endpointConfiguration": endpoint});
    assert_eq!(world.graph.patch(&item, body).await.0, 204);

    world.run(&["export"]).ok();
    let path = world.git(&["ls-files", kind.folder]);
    let file = world.git(&["show", &format!("HEAD:{path}")]);
    assert!(file.contains("https://fn.test/api?code=****&name=costs") && !file.contains("CNRY"), "{file}");
    let ran = world.run(&["diff", "HEAD", "live"]).ok();
    assert!(ran.out.contains("No differences"), "{}", ran.out);
    let ran = world.run(&["validate"]).ok();
    assert!(!ran.err.contains("secret-in-url"), "{}", ran.err);

    // Changing what stands beside it would write the mask.
    world.write(&path, &file.replace("name=costs", "name=more"));
    world.commit("another name");
    let ran = world.run(&["plan", "--to", "HEAD"]).ends(3);
    assert!((ran.out + &ran.err).contains("redacted"));
    // So would creating it again.
    world.git(&["reset", "-q", "--hard", "HEAD~1"]);
    assert_eq!(world.graph.delete(&item).await.0, 204);
    let ran = world.run(&["plan", "--to", "HEAD"]).ends(3);
    let said = ran.out + &ran.err;
    assert!(said.contains("redacted") && said.contains("loses the secret within the URL"), "{said}");

    // A person who writes the secret itself is told.
    world.write(&path, &file.replace("****", "CNRYagain"));
    world.commit("a secret");
    let ran = world.run(&["validate"]);
    let said = ran.out + &ran.err;
    assert!(said.contains("secret-in-url") && !said.contains("CNRYagain"), "{said}");
}

/// `--help` names the variables and not what they hold: an address may hold a password.
#[test]
fn help_hides_what_the_environment_holds() {
    let dir = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let mut command = hermetic(env!("CARGO_BIN_EXE_entragit"), dir.path());
        for name in [
            "ENTRAGIT_GRAPH_URL",
            "ENTRAGIT_AUTHORITY_URL",
            "ENTRAGIT_NOTIFY_URL",
            "AZURE_CLIENT_ID",
            "AZURE_CLIENT_SECRET",
        ] {
            command.env(name, format!("https://u:CNRY@{}.test", name.len()));
        }
        Ran::of(&command.env("ENTRAGIT_ACCESS_TOKEN", "CNRY").args(arguments).output().unwrap())
    };
    for command in ["export", "watch", "diff", "drift", "status", "plan", "apply", "undo", "drill", "init", "emulate"] {
        let ran = run(&[command, "--help"]).ok();
        assert!(!ran.out.contains("CNRY") && !ran.err.contains("CNRY"), "{command}: {}", ran.out);
    }
    let ran = run(&["export", "--help"]).ok();
    assert!(ran.out.contains("ENTRAGIT_GRAPH_URL") && ran.out.contains("https://graph.microsoft.com"), "{}", ran.out);
}
