//! Tests the client against a server that answers as each test tells it to.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use axum::{Router, body};
use futures_util::stream;
use serde_json::{Value, json};

use super::{Config, Credential, GraphTenant};
use crate::kinds;
use crate::model::{Event, Events, Kind, Secret};
use crate::tenant::{Listing, RawObject, TenantRead};

mod delta;
mod reading;
mod transport;
mod writing;

/// Represents a request as the server saw it.
#[derive(Debug, Clone)]
struct Seen {
    method: String,
    path: String,
    query: String,
    token: String,
    prefer: String,
    accept: String,
    body: Value,
    /// Number of earlier requests with this method and path.
    nth: usize,
}

/// Represents an answer of the server.
struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    /// True if the connection breaks before the body is whole.
    cut: bool,
}

fn answer(status: u16, body: Value) -> Answer {
    Answer { status, headers: Vec::new(), body: body.to_string().into_bytes(), cut: false }
}

fn error(status: u16, code: &str, message: &str) -> Answer {
    answer(status, json!({"error": {"code": code, "message": message}}))
}

fn page(items: Value, next: Option<&str>) -> Answer {
    let mut body = json!({ "value": items });
    if let Some(next) = next {
        body["@odata.nextLink"] = json!(next);
    }
    answer(200, body)
}

impl Answer {
    fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }

    fn cut(mut self) -> Self {
        self.body.truncate(self.body.len() / 2);
        Answer { cut: true, ..self }
    }
}

type Script = dyn Fn(&Seen, &str) -> Answer + Send + Sync;

struct Shared {
    url: String,
    script: Box<Script>,
    seen: Mutex<Vec<Seen>>,
}

/// Represents a server that answers by a script; `/t/oauth2/v2.0/token` returns `token-1`, `token-2`, … unless the script
/// answers.
struct Server {
    shared: Arc<Shared>,
    events: Arc<Mutex<Vec<Event>>>,
}

impl Server {
    async fn start(script: impl Fn(&Seen, &str) -> Answer + Send + Sync + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared { url, script: Box::new(script), seen: Mutex::default() });
        let router = Router::new().fallback(handle).with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Server { shared, events: Arc::default() }
    }

    fn config(&self) -> Config {
        Config {
            graph_url: self.shared.url.clone(),
            authority_url: self.shared.url.clone(),
            tenant: "t".into(),
            credential: Credential::ClientSecret {
                client_id: "c".into(),
                client_secret: Secret::new("s3cret&value".into()),
            },
            concurrency: 8,
            deadline: Duration::from_secs(5),
        }
    }

    fn client(&self) -> GraphTenant {
        self.client_with(self.config())
    }

    fn client_with(&self, config: Config) -> GraphTenant {
        let events = Arc::clone(&self.events);
        GraphTenant::connect(config, Events::new(move |event| events.lock().unwrap().push(event))).unwrap()
    }

    /// Returns the requests to `path`, in order.
    fn to(&self, method: &str, path: &str) -> Vec<Seen> {
        let seen = self.shared.seen.lock().unwrap();
        seen.iter().filter(|seen| seen.method == method && seen.path == path).cloned().collect()
    }

    fn waits(&self) -> Vec<f64> {
        let events = self.events.lock().unwrap();
        events
            .iter()
            .filter_map(|event| if let Event::Waiting { seconds, .. } = event { Some(*seconds) } else { None })
            .collect()
    }
}

async fn handle(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, sent) = request.into_parts();
    let sent = body::to_bytes(sent, 1 << 24).await.unwrap();
    let header =
        |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let (method, path) = (parts.method.to_string(), parts.uri.path().to_owned());
    let seen = {
        let mut all = shared.seen.lock().unwrap();
        let nth = all.iter().filter(|seen| seen.method == method && seen.path == path).count();
        let seen = Seen {
            query: parts.uri.query().unwrap_or_default().to_owned(),
            token: header("authorization").trim_start_matches("Bearer ").to_owned(),
            prefer: header("prefer"),
            accept: header("accept"),
            body: serde_json::from_slice(&sent).unwrap_or_else(|_| json!(String::from_utf8_lossy(&sent))),
            method,
            path,
            nth,
        };
        all.push(seen.clone());
        seen
    };
    let mut reply = (shared.script)(&seen, &shared.url);
    if reply.status == 0 && seen.path == "/t/oauth2/v2.0/token" {
        let token = format!("token-{}", seen.nth + 1);
        reply = answer(200, json!({"token_type": "Bearer", "expires_in": 3599, "access_token": token}));
    }
    let mut response = Response::builder().status(reply.status).header("content-type", "application/json");
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    let bytes = Bytes::from(reply.body);
    let body = if reply.cut {
        Body::from_stream(stream::iter([Ok(bytes), Err(std::io::Error::other("cut"))]))
    } else {
        Body::from(bytes)
    };
    response.body(body).unwrap()
}

/// Returns the answer to requests that a script does not handle: the server's own for tokens, 404 for the rest.
fn other(seen: &Seen) -> Answer {
    if seen.path == "/t/oauth2/v2.0/token" {
        return answer(0, Value::Null);
    }
    error(404, "Request_ResourceNotFound", "Resource does not exist.")
}

/// Answers a batch, one inner request after the other.
fn batch(seen: &Seen, each: impl Fn(&str) -> Value) -> Answer {
    let requests = seen.body["requests"].as_array().cloned().unwrap_or_default();
    let mut responses: Vec<Value> = requests
        .iter()
        .map(|request| {
            let mut reply = each(request["url"].as_str().unwrap());
            reply["id"] = request["id"].clone();
            reply
        })
        .filter(|reply| reply["status"] != 0)
        .collect();
    responses.reverse();
    answer(200, json!({ "responses": responses }))
}

fn kind(name: &str) -> &'static Kind {
    kinds::by_name(name).unwrap()
}

async fn list(tenant: &GraphTenant, name: &str) -> (Listing, Vec<RawObject>) {
    let (send, mut pages) = tokio::sync::mpsc::channel(4);
    let tenant = tenant.clone();
    let kind = kind(name);
    let listing = tokio::spawn(async move { tenant.list(kind, send).await });
    let mut objects = Vec::new();
    while let Some(mut page) = pages.recv().await {
        objects.append(&mut page);
    }
    (listing.await.unwrap(), objects)
}

fn names(objects: &[RawObject]) -> Vec<&str> {
    objects.iter().map(|object| object.value["id"].as_str().unwrap()).collect()
}
