//! Serves HTTP: turns the wire into a [`Request`] and back. Routes are data, so one handler takes every path.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Uri};
use serde_json::{Value, json};

use super::caller::Caller;
use super::dispatch;
use super::enroll;
use super::faults::{Fate, Hang};
use super::replies::{headers, settle};
use super::request::{Request, parse_path, parse_query};
use super::sign_in::Pins;
use super::tenant::Tenant;
use super::token;
use super::visits::Visits;
use crate::model::kind::Api;

/// Holds the state that every connection shares.
#[derive(Debug)]
pub struct Shared {
    /// The tenant.
    pub tenant: RwLock<Tenant>,
    /// Values that the token endpoint insists on.
    pub pins: Pins,
    /// Sign-ins that people have begun.
    pub visits: Visits,
    /// True if something was written since the last save.
    pub dirty: AtomicBool,
}

/// Returns the whole server as a router with a single handler.
pub fn router(shared: Arc<Shared>) -> Router {
    // Microsoft's page says: "The total size of a request can be at most 4 MB": <https://learn.microsoft.com/graph/json-batching>
    let limit = axum::extract::DefaultBodyLimit::max(4 * 1024 * 1024);
    Router::new().fallback(handle).layer(limit).with_state(shared)
}

async fn handle(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let host = headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or("localhost").to_owned();
    let base = format!("http://{host}");
    let path = uri.path();
    for (segment, api) in [("/v1.0", Api::V1), ("/beta", Api::Beta)] {
        if let Some(rest) = path.strip_prefix(segment).filter(|rest| rest.is_empty() || rest.starts_with('/')) {
            let headers = headers
                .iter()
                .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
                .collect();
            let request = Request {
                method: method.to_string(),
                api,
                segments: parse_path(rest),
                query: parse_query(uri.query().unwrap_or_default()),
                headers,
                body: body.to_vec(),
                base,
                caller: Caller::App {
                    app_id: String::new(),
                    principal: String::new(),
                    name: String::new(),
                    roles: Vec::new(),
                    directory_roles: Vec::new(),
                },
                id: uuid::Uuid::new_v4().to_string(),
            };
            return weathered(&shared, request, &peer.ip().to_string()).await;
        }
    }
    authority(&shared, &method, &uri, &body, &base)
}

/// Answers a request, or fails as the faults demand.
async fn weathered(shared: &Shared, request: Request, ip: &str) -> Response<Body> {
    let batch = request.segments.first().is_some_and(|segment| segment == "$batch");
    let writes = request.method != "GET" && !batch;
    let (latency, fate) = {
        let tenant = shared.tenant.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let fate = if writes { tenant.weather.fate(&request.method) } else { Fate::Answered };
        (tenant.weather.latency(), fate)
    };
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    match fate {
        Fate::Dropped => return cut(),
        Fate::Hangs(Hang::Before) => return std::future::pending().await,
        Fate::Answered | Fate::Cut | Fate::Masked(_) | Fate::Hangs(Hang::After) => {}
    }
    let response = graph(shared, request, ip);
    match fate {
        Fate::Hangs(_) => std::future::pending().await,
        // A refusal is returned even if the answer should be lost, since nothing was done.
        _ if !response.status().is_success() => response,
        Fate::Cut => cut(),
        Fate::Masked(status) => {
            let mut response = plain(status, &json!({"error": {"code": "UnknownError", "message": ""}}));
            *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::GATEWAY_TIMEOUT);
            response
        }
        Fate::Answered | Fate::Dropped => response,
    }
}

/// Returns an answer that breaks off before its first byte.
fn cut() -> Response<Body> {
    let broken = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
    Response::new(Body::from_stream(futures_util::stream::iter([Err::<Bytes, _>(broken)])))
}

fn graph(shared: &Shared, mut request: Request, ip: &str) -> Response<Body> {
    let caller = {
        let tenant = shared.tenant.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        token::caller(&tenant, request.header("authorization"), ip)
    };
    let result = caller.and_then(|caller| {
        request.caller = caller;
        dispatch::dispatch(&shared.tenant, &request)
    });
    if request.method != "GET" {
        shared.dirty.store(true, Ordering::Relaxed);
    }
    let unauthorized = matches!(&result, Err(fault) if fault.status == 401);
    let reply = settle(&shared.tenant, &request, result);
    let mut response = Response::new(Body::from(reply.body.clone().unwrap_or_default()));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut all = headers(&reply, &request);
    if unauthorized {
        all.push(("WWW-Authenticate", "Bearer realm=\"\", authorization_uri=\"https://login.microsoftonline.com/common/oauth2/authorize\", client_id=\"00000003-0000-0000-c000-000000000000\"".to_owned()));
    }
    for (name, value) in all {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(&value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// Answers everything below a tenant's name: tokens and discovery; and the pages on which people sign in.
fn authority(shared: &Shared, method: &Method, uri: &Uri, body: &[u8], base: &str) -> Response<Body> {
    let parts: Vec<&str> = uri.path().trim_matches('/').split('/').collect();
    let query = || parse_query(uri.query().unwrap_or_default());
    let field = |form: &[(String, String)], name: &str| {
        form.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone())
    };
    match (method.as_str(), parts.as_slice()) {
        ("POST", [tenant, "oauth2", "v2.0", "token"]) => {
            let form = parse_query(&String::from_utf8_lossy(body));
            let guard = shared.tenant.read().unwrap_or_else(std::sync::PoisonError::into_inner);
            match token::issue(&guard, &shared.pins, &shared.visits, tenant, &form) {
                Ok(token) => {
                    drop(guard);
                    let client = field(&form, "client_id").unwrap_or_default();
                    if field(&form, "grant_type").as_deref() == Some("client_credentials") {
                        let mut tenant = shared.tenant.write().unwrap_or_else(std::sync::PoisonError::into_inner);
                        enroll::enroll(&mut tenant, &client);
                    }
                    plain(200, &token)
                }
                Err(refusal) => {
                    plain(refusal.status, &refusal.body(&uuid::Uuid::new_v4().to_string(), &guard.clock.seconds()))
                }
            }
        }
        ("POST", [_, "oauth2", "v2.0", "devicecode"]) => {
            let form = parse_query(&String::from_utf8_lossy(body));
            plain(200, &shared.visits.device(&field(&form, "client_id").unwrap_or_default(), base))
        }
        ("GET", ["devicelogin"]) => {
            let (query, tenant) = (query(), shared.tenant.read().unwrap_or_else(std::sync::PoisonError::into_inner));
            let code = field(&query, "user_code").unwrap_or_default();
            match shared.visits.enter_user_code(&tenant, &code, field(&query, "username").as_deref()) {
                true => plain(200, &json!({"message": "You are signed in on your device."})),
                false => plain(400, &json!({"message": "Add ?user_code=CODE, and &username=NAME if you like."})),
            }
        }
        ("GET", [_, "oauth2", "v2.0", "authorize"]) => {
            let tenant = shared.tenant.read().unwrap_or_else(std::sync::PoisonError::into_inner);
            let Some(back) = shared.visits.browser(&tenant, &query()) else {
                return plain(400, &json!({"message": "client_id and redirect_uri are needed."}));
            };
            let mut response = plain(302, &json!({}));
            if let Ok(back) = HeaderValue::from_str(&back) {
                response.headers_mut().insert("location", back);
            }
            response
        }
        ("GET", [tenant, "v2.0", ".well-known", "openid-configuration"]) => plain(200, &token::discovery(tenant, base)),
        ("GET", [_, "discovery", "instance"]) => plain(
            200,
            &json!({
                "tenant_discovery_endpoint": format!("{base}/common/v2.0/.well-known/openid-configuration"),
                "api-version": "1.1", "metadata": [],
            }),
        ),
        ("GET", [_, "discovery", "v2.0", "keys"]) => plain(200, &json!({"keys": []})),
        _ => plain(
            404,
            &json!({"error": {"code": "NotFound", "message": "Only /v1.0, /beta and the token endpoint are served here."}}),
        ),
    }
}

fn plain(status: u16, body: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/json; charset=utf-8"));
    response
}
