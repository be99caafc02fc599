//! Our client against the embedded tenant, which knows nothing of it.

use std::time::{Duration, Instant};

use entragit::emulator::{Options, Running, Seed, start};
use entragit::graph::{Config, Credential, GraphTenant};
use entragit::kinds;
use entragit::model::kind::Readers;
use entragit::model::{Coverage, Events, Kind, Secret, Write};
use entragit::tenant::{Listing, RawObject, TenantError, TenantRead, TenantWrite};
use serde_json::{Value, json};

async fn serve(seed: Seed, roles: Option<Vec<String>>) -> (Running, GraphTenant) {
    let running = start(Options { seed, roles, ..Options::default() }).await.unwrap();
    let config = Config {
        graph_url: running.url(),
        authority_url: running.url(),
        tenant: running.tenant_id().to_owned(),
        credential: Credential::ClientSecret {
            client_id: "8f1b1ac6-2f0e-4f6a-9d5e-0a4b8b7f0001".into(),
            client_secret: Secret::new("anything".into()),
        },
        concurrency: 8,
        deadline: Duration::from_secs(10),
    };
    let tenant = GraphTenant::connect(config, Events::silent()).unwrap();
    (running, tenant)
}

fn kind(name: &str) -> &'static Kind {
    kinds::by_name(name).unwrap()
}

async fn list(tenant: &GraphTenant, kind: &'static Kind) -> (Listing, Vec<RawObject>) {
    let (send, mut pages) = tokio::sync::mpsc::channel(4);
    let reader = tenant.clone();
    let listing = tokio::spawn(async move { reader.list(kind, send).await });
    let mut objects = Vec::new();
    while let Some(mut page) = pages.recv().await {
        objects.append(&mut page);
    }
    (listing.await.unwrap(), objects)
}

async fn make(tenant: &GraphTenant, name: &str, body: Value) -> String {
    let write = Write::Create { kind: kind(name), body: body.as_object().unwrap().clone() };
    let made = tenant.write(&write).await.unwrap().value.unwrap();
    made["id"].as_str().unwrap().to_owned()
}

fn ids(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kind_is_read_completely() {
    let (running, tenant) = serve(Seed::Contoso, None).await;
    assert_eq!(tenant.tenant_id().await.unwrap(), running.tenant_id());
    for &kind in kinds::ALL {
        let (listing, objects) = list(&tenant, kind).await;
        if kind.readers == Readers::PeopleOnly {
            // An application signed in.
            assert_eq!((listing.coverage, objects.len()), (Coverage::Skipped, 0), "{}", kind.name);
            continue;
        }
        assert_eq!((listing.coverage, &listing.note), (Coverage::Complete, &None), "{}", kind.name);
        assert!(listing.links.is_complete(), "{}: {listing:?}", kind.name);
        assert!(!objects.is_empty() || !["user", "group"].contains(&kind.name), "{}", kind.name);
        for object in &objects {
            assert!(object.missing.is_empty(), "{}: {object:?}", kind.name);
            let id = object.value["id"].as_str().unwrap();
            let again = tenant.get(kind, id).await.unwrap().unwrap();
            let (mut one, mut other) = (object.value.clone(), again.value);
            // The list's annotations are not the object's.
            one.retain(|name, _| !name.contains('@'));
            other.retain(|name, _| !name.contains('@'));
            for value in one.values_mut().chain(other.values_mut()) {
                if let Value::Array(items) = value {
                    items.sort_by_key(Value::to_string);
                }
            }
            assert_eq!(one, other, "{} {id}", kind.name);
        }
        tenant.deleted(kind).await.unwrap();
    }
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn objects_and_links_are_written() {
    let (running, tenant) = serve(Seed::Contoso, None).await;
    let (user, group) = (kind("user"), kind("group"));
    let (_, users) = list(&tenant, user).await;
    let upn = users[0].value["userPrincipalName"].as_str().unwrap();
    let domain = upn.rsplit('@').next().unwrap();
    let ada = make(
        &tenant,
        "user",
        json!({"displayName": "Ada", "accountEnabled": true, "mailNickname": "ada.x", "userPrincipalName": format!("ada.x@{domain}")}),
    )
    .await;
    let boss = users[0].value["id"].as_str().unwrap().to_owned();
    let all = make(
        &tenant,
        "group",
        json!({"displayName": "All", "mailEnabled": false, "mailNickname": "allx", "securityEnabled": true, "groupTypes": []}),
    )
    .await;
    let link = |kind, id: &str, link, value: &str| Write::Link { kind, id: id.to_owned(), link, value: json!(value) };
    let unlink =
        |kind, id: &str, link, child: &str| Write::Unlink { kind, id: id.to_owned(), link, child: child.to_owned() };
    for _ in 0..2 {
        // Twice is once.
        tenant.write(&link(group, &all, "members", &ada)).await.unwrap();
        tenant.write(&link(group, &all, "members", &boss)).await.unwrap();
        tenant.write(&link(user, &ada, "manager", &boss)).await.unwrap();
    }
    let update = json!({"displayName": "Everyone"}).as_object().unwrap().clone();
    tenant.write(&Write::Update { kind: group, id: all.clone(), body: update }).await.unwrap();
    let read = tenant.get(group, &all).await.unwrap().unwrap().value;
    assert_eq!((read["displayName"].as_str(), ids(&read["members"]).len()), (Some("Everyone"), 2));
    assert_eq!(tenant.get(user, &ada).await.unwrap().unwrap().value["manager"], json!({ "id": boss }));

    tenant.write(&Write::Delete { kind: user, id: ada.clone() }).await.unwrap();
    assert_eq!(tenant.get(user, &ada).await.unwrap(), None);
    assert!(tenant.deleted(user).await.unwrap().iter().any(|object| object["id"] == json!(ada)));
    assert_eq!(ids(&tenant.get(group, &all).await.unwrap().unwrap().value["members"]), std::slice::from_ref(&boss));
    tenant.write(&Write::Restore { kind: user, id: ada.clone() }).await.unwrap();
    assert_eq!(ids(&tenant.get(group, &all).await.unwrap().unwrap().value["members"]).len(), 2);

    for _ in 0..2 {
        tenant.write(&unlink(group, &all, "members", &ada)).await.unwrap();
        tenant.write(&unlink(user, &ada, "manager", &boss)).await.unwrap();
    }
    assert_eq!(tenant.get(user, &ada).await.unwrap().unwrap().value.get("manager"), None);
    assert_eq!(ids(&tenant.get(group, &all).await.unwrap().unwrap().value["members"]), [boss]);

    let events = tenant.audit(None).await.unwrap();
    assert!(events.iter().any(|event| event.targets.contains(&ada)), "{events:?}");
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn children_are_written() {
    let (running, tenant) = serve(Seed::Contoso, None).await;
    let (application, principal) = (kind("application"), kind("servicePrincipal"));
    let app = make(&tenant, "application", json!({"displayName": "Deploy"})).await;
    let app_id = tenant.get(application, &app).await.unwrap().unwrap().value["appId"].clone();
    let made = make(&tenant, "servicePrincipal", json!({ "appId": app_id })).await;
    let credential = json!({"name": "main", "issuer": "https://token.actions.githubusercontent.com",
        "subject": "repo:contoso/deploy:ref:refs/heads/main", "audiences": ["api://AzureADTokenExchange"]});
    let link = "federatedIdentityCredentials";
    let written =
        tenant.write(&Write::Link { kind: application, id: app.clone(), link, value: credential }).await.unwrap();
    let child = written.value.unwrap()["id"].as_str().unwrap().to_owned();
    let value = json!({"description": "From main only"}).as_object().unwrap().clone();
    tenant
        .write(&Write::Relink { kind: application, id: app.clone(), link, child: child.clone(), value })
        .await
        .unwrap();
    let read = tenant.get(application, &app).await.unwrap().unwrap().value;
    assert_eq!(read[link][0]["description"], "From main only");
    tenant.write(&Write::Unlink { kind: application, id: app.clone(), link, child }).await.unwrap();
    assert_eq!(tenant.get(application, &app).await.unwrap().unwrap().value[link], json!([]));

    let (_, principals) = list(&tenant, principal).await;
    let resource = principals.iter().find(|object| object.value["appDisplayName"] == "Microsoft Graph");
    let resource = resource.or(principals.first()).unwrap().value["id"].clone();
    let grant = json!({"consentType": "AllPrincipals", "resourceId": resource, "scope": "User.Read"});
    let link = "oauth2PermissionGrants";
    let written = tenant.write(&Write::Link { kind: principal, id: made.clone(), link, value: grant }).await.unwrap();
    let child = written.value.unwrap()["id"].as_str().unwrap().to_owned();
    assert_eq!(ids(&tenant.get(principal, &made).await.unwrap().unwrap().value[link]), std::slice::from_ref(&child));
    tenant.write(&Write::Unlink { kind: principal, id: made.clone(), link, child }).await.unwrap();
    assert_eq!(tenant.get(principal, &made).await.unwrap().unwrap().value[link], json!([]));
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn permissions_that_are_missing_are_named() {
    let (running, tenant) = serve(Seed::Contoso, Some(vec!["User.Read.All".into()])).await;
    assert_eq!(list(&tenant, kind("user")).await.0.coverage, Coverage::Complete);
    let (listing, objects) = list(&tenant, kind("group")).await;
    assert_eq!((listing.coverage, objects.len()), (Coverage::DeniedPermission, 0));
    assert!(listing.note.unwrap_or_default().contains("Group.Read.All"));
    let delete = Write::Delete { kind: kind("group"), id: "8f1b1ac6-2f0e-4f6a-9d5e-0a4b8b7f0001".into() };
    assert!(matches!(tenant.write(&delete).await, Err(TenantError::Denied { .. })));
    running.stop().await.unwrap();
}

/// Run with `cargo test --release -- --ignored --nocapture speed`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn speed() {
    let (running, tenant) = serve(Seed::Random(50_000), None).await;
    let group = |n: usize| {
        json!({"displayName": format!("Group {n}"), "mailEnabled": false, "mailNickname": format!("g{n}"),
            "securityEnabled": true, "groupTypes": []})
    };
    let mut making = tokio::task::JoinSet::new();
    for n in 0..5_000 {
        let (tenant, body) = (tenant.clone(), group(n));
        making.spawn(async move { make(&tenant, "group", body).await });
    }
    making.join_all().await;
    for &kind in kinds::ALL {
        let started = Instant::now();
        let (listing, objects) = list(&tenant, kind).await;
        let seconds = started.elapsed().as_secs_f64();
        let rate = objects.len() as f64 / seconds;
        println!("{}: {} in {seconds:.2} s, {rate:.0}/s, {}", kind.name, objects.len(), listing.coverage.as_str());
    }
    running.stop().await.unwrap();
}
