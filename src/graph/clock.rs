//! Compares this machine's clock with Graph's.

use std::time::Duration;

use jiff::Timestamp;

use super::http::Http;
use super::transport::why;
use crate::tenant::TenantError;

/// Returns how many seconds this machine's clock is ahead of the `Date` that Graph sends; negative if it is behind.
///
/// # Errors
/// If Graph does not answer, or sends no date.
pub(super) async fn ahead(http: &Http) -> Result<i64, TenantError> {
    let request = "GET /v1.0/organization";
    let token = http.auth.bearer().await?;
    let url = http.base.join("/v1.0/organization?$select=id")?;
    let sent =
        http.client.get(url).header("authorization", token.header.clone()).timeout(Duration::from_secs(30)).send();
    let reply = sent.await;
    let reply =
        reply.map_err(|error| TenantError::Unavailable { request: request.to_owned(), message: why(&error) })?;
    let date = reply.headers().get("date").and_then(|date| date.to_str().ok());
    // RFC 9110, section 5.6.7.
    let date = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
    match date {
        Some(date) => Ok(Timestamp::now().as_second() - date.timestamp().as_second()),
        None => {
            let message = "the answer holds no date".to_owned();
            Err(TenantError::Unexpected { request: request.to_owned(), message })
        }
    }
}
