//! Services on this machine that stand in for others, and tokens for them.

use axum::extract::Request;
use axum::response::IntoResponse as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

pub(crate) fn token_of(claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.c2lnbmVk", part(&json!({"alg": "RS256", "typ": "JWT"})), part(claims))
}

/// Serves `answer` on this machine; returns the address.
pub(crate) async fn serve<A>(answer: A) -> String
where
    A: Fn(Request) -> (u16, Value) + Clone + Send + Sync + 'static,
{
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = axum::Router::new().fallback(move |request: Request| {
        let (status, body) = answer(request);
        async move { (axum::http::StatusCode::from_u16(status).unwrap(), axum::Json(body)).into_response() }
    });
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

pub(crate) fn header<'a>(request: &'a Request, name: &str) -> &'a str {
    request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
