//! Describes why a request found no answer.

/// Message on a request that can never be sent: with an address of more than 65,534 characters, for instance.
pub(super) const NO_REQUEST: &str =
    "nothing was sent: this makes no valid request, its address may be too long; shorten the filter or the id in it";

/// Describes a transport error without the URL, whose query may hold names.
pub(super) fn why(error: &reqwest::Error) -> String {
    let what = if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "no connection"
    } else if error.is_body() || error.is_decode() {
        "the answer was cut"
    } else {
        "the connection broke"
    };
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    let cause = cause.to_string();
    if cause.is_empty() || cause.contains("://") { what.to_owned() } else { format!("{what}: {cause}") }
}
