//! A service that repeats what it was sent, and a proxy that listens.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use entragit::emulator::contoso::names;
use serde_json::{Value, json};

use crate::support::command_line::{Ran, World, hermetic};

/// Stands before the embedded tenant and answers some requests by an error that repeats their `Authorization`.
struct Relay {
    tenant: String,
    client: reqwest::Client,
    seen: Mutex<Vec<String>>,
    spoils_batches: AtomicBool,
}

impl Relay {
    async fn start(tenant: String) -> (Arc<Relay>, String) {
        let (client, seen) = (reqwest::Client::new(), Mutex::default());
        let relay = Arc::new(Relay { tenant, client, seen, spoils_batches: AtomicBool::new(false) });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = axum::Router::new().fallback(answer).with_state(Arc::clone(&relay));
        tokio::spawn(async move { axum::serve(listener, router).await });
        (relay, url)
    }
}

fn echo(authorization: &str) -> Value {
    json!({"error": {"code": "Echo", "message": format!("You sent Authorization: {authorization}")}})
}

async fn answer(State(relay): State<Arc<Relay>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let sent = to_bytes(body, 1 << 26).await.unwrap();
    let authorization = parts.headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
    let authorization = authorization.unwrap_or_default();
    relay.seen.lock().unwrap().extend(authorization.strip_prefix("Bearer ").map(str::to_owned));
    let path = parts.uri.path().to_owned();
    if parts.method == "PATCH" || path.ends_with("/namedLocations") {
        return Response::builder().status(400).body(Body::from(echo(&authorization).to_string())).unwrap();
    }
    let url = format!("{}{}", relay.tenant, parts.uri.path_and_query().unwrap());
    let reply = relay.client.request(parts.method, url).headers(parts.headers).body(sent).send().await.unwrap();
    let status = reply.status().as_u16();
    let mut bytes = reply.bytes().await.unwrap().to_vec();
    if path.ends_with("/$batch") && relay.spoils_batches.load(Ordering::SeqCst) {
        let mut replies: Value = serde_json::from_slice(&bytes).unwrap();
        replies["responses"][0]["status"] = json!(403);
        replies["responses"][0]["body"] = echo(&authorization);
        bytes = replies.to_string().into_bytes();
    }
    Response::builder().status(status).body(Body::from(bytes)).unwrap()
}

fn files(folder: &Path, found: &mut Vec<u8>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type().unwrap().is_dir() {
            true => files(&entry.path(), found),
            false => found.extend(std::fs::read(entry.path()).unwrap()),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_the_service_repeats_is_nowhere() {
    let world = World::exported().await;
    let (relay, url) = Relay::start(world.graph.tenant.url()).await;
    let group = world.git(&["ls-files", "groups"]);
    let group = group.lines().find(|path| path.contains(names::REMOTE_WORKERS)).unwrap();
    let text = world.git(&["show", &format!("HEAD:{group}")]);
    let changed = text.lines().map(|line| match line.starts_with("description:") {
        true => "description: Changed\n".to_owned(),
        false => format!("{line}\n"),
    });
    world.write(group, &changed.collect::<String>());
    world.commit("a group's description");

    let run = |arguments: &[&str]| {
        let ran = world.run_at(&url, arguments);
        format!("{arguments:?}: {}\n{}\n{}", ran.code, ran.out, ran.err)
    };
    let apply = run(&["apply", "--to", "HEAD", "--yes"]);
    let mut journal = Vec::new();
    files(&world.path().join(".git/entragit/journal"), &mut journal);
    let journal = String::from_utf8_lossy(&journal).into_owned();
    // It was said, and without the token.
    assert!(apply.contains("You sent Authorization: Bearer ***"), "{apply}");
    assert!(journal.contains("You sent Authorization: Bearer ***"), "{journal}");
    relay.spoils_batches.store(true, Ordering::SeqCst);
    let export = run(&["export"]);
    assert!(export.contains("You sent Authorization: Bearer ***"), "{export}");
    let mut said = vec![apply, export];
    for arguments in [
        &["diff", "HEAD", "live"][..],
        &["plan", "--to", "HEAD"],
        &["plan", "--to", "HEAD", "--json"],
        &["drift"],
        &["watch", "--rounds", "1", "--settle", "0s"],
        &["status"],
    ] {
        said.push(run(arguments));
    }
    let objects = hermetic("git", world.path()).args(["cat-file", "--batch", "--batch-all-objects"]).output().unwrap();
    let mut kept = objects.stdout;
    files(&world.path().join(".git/entragit"), &mut kept);
    files(&world.path().join(".git/logs"), &mut kept);
    said.push(String::from_utf8_lossy(&kept).into_owned());
    let tokens = relay.seen.lock().unwrap().clone();
    assert!(!tokens.is_empty());
    for token in tokens.iter().flat_map(|token| token.split('.').chain([token.as_str()])) {
        assert!(token.len() > 16);
        for said in &said {
            assert!(!said.contains(token), "{said}");
        }
    }
}

/// The proxy is for signing in elsewhere; Graph is this machine.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_for_this_machine_passes_no_proxy() {
    let world = World::new().await;
    let (proxy, url) = Relay::start("http://127.0.0.1:1".to_owned()).await;
    let mut command = world.command(&world.graph.tenant.url(), &["export", "--kind", "namedLocation"]);
    command
        .env("ENTRAGIT_AUTHORITY_URL", "https://login.invalid")
        .env("ENTRAGIT_ACCESS_TOKEN", &world.graph.token)
        .env("HTTP_PROXY", &url)
        .env("http_proxy", &url)
        .env("ALL_PROXY", &url);
    Ran::of(&command.output().unwrap()).ok();
    assert!(proxy.seen.lock().unwrap().is_empty());
}
