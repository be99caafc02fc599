//! Decides when to send a request again. Pure, except for the random number.

use std::time::Duration;

use jiff::Timestamp;

/// Maximum pause that this client chooses by itself. A pause that Graph asks for is never shortened.
const LONGEST: Duration = Duration::from_secs(30);

/// Represents the reason why a request is sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// Status 429: "use the exponential backoff retry policy" where no `Retry-After` is sent.
    /// <https://learn.microsoft.com/graph/throttling>
    Throttled,
    /// Any other error that passes by itself.
    Passing,
}

/// Parses `Retry-After`: seconds or an HTTP date (RFC 9110, section 10.2.3). `None` if it is neither.
pub(super) fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds.max(0.0)).ok();
    }
    let at = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
    Some(Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO))
}

/// Returns the pause before attempt `attempt + 1`, where Graph did not name one: doubling, and spread so that workers do not come
/// back all at once. `dice` is in 0..1.
pub(super) fn backoff(cause: Cause, attempt: u32, dice: f64) -> Duration {
    let first = match cause {
        Cause::Throttled => 1.0,
        Cause::Passing => 0.2,
    };
    let full = first * 2f64.powi(attempt.min(16).try_into().unwrap_or(16));
    Duration::from_secs_f64(full.min(LONGEST.as_secs_f64()) * (0.5 + dice / 2.0))
}

/// Returns `pause` and a little more, so that workers that were given the same time do not come back all at once.
pub(super) fn spread(pause: Duration, dice: f64) -> Duration {
    pause + Duration::from_secs_f64((pause.as_secs_f64() * 0.05).min(1.0) * dice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates_are_understood() {
        let now: Timestamp = "2015-10-21T07:27:00Z".parse().unwrap();
        assert_eq!(retry_after("10", now), Some(Duration::from_secs(10)));
        assert_eq!(retry_after(" 0 ", now), Some(Duration::ZERO));
        assert_eq!(retry_after("1.5", now), Some(Duration::from_millis(1500)));
        assert_eq!(retry_after("-3", now), Some(Duration::ZERO));
        assert_eq!(retry_after("Wed, 21 Oct 2015 07:28:00 GMT", now), Some(Duration::from_secs(60)));
        assert_eq!(retry_after("Wed, 21 Oct 2015 07:26:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(retry_after("soon", now), None);
        assert_eq!(retry_after("", now), None);
        assert_eq!(retry_after("NaN", now).unwrap_or_default(), Duration::ZERO);
        assert_eq!(retry_after("inf", now), None);
    }

    #[test]
    fn pauses_double_and_are_capped() {
        assert_eq!(backoff(Cause::Throttled, 0, 1.0), Duration::from_secs(1));
        assert_eq!(backoff(Cause::Throttled, 3, 1.0), Duration::from_secs(8));
        assert_eq!(backoff(Cause::Passing, 0, 0.0), Duration::from_millis(100));
        assert_eq!(backoff(Cause::Passing, 4_000_000_000, 1.0), LONGEST);
        assert!(spread(Duration::from_secs(10), 0.9) >= Duration::from_secs(10));
    }
}
