//! Reads times as people type them.

use std::time::Duration;

/// Minimum time between rounds: Graph throttles what asks more often.
const SHORTEST: Duration = Duration::from_secs(10);

/// Parses `30s`, `5m` or `1h`.
///
/// # Errors
/// If the text is no time.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is no time; write it as 30s, 5m or 1h");
    let unit = text.char_indices().last().map_or(0, |(at, _)| at);
    let (number, unit) = text.split_at(unit);
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        _ => return Err(wrong()),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    // A year is as good as never.
    number.checked_mul(seconds).filter(|time| *time <= 31_536_000).map(Duration::from_secs).ok_or_else(wrong)
}

/// Parses a time between rounds.
///
/// # Errors
/// If the text is no time, or less than ten seconds.
pub fn every(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        time if time < SHORTEST => Err(format!("{text} is too often; 10s is the shortest")),
        time => Ok(time),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_people_do() {
        let seconds = |text: &str| duration(text).map(|time| time.as_secs()).ok();
        assert_eq!(["30s", "5m", "1h", "0s"].map(seconds), [Some(30), Some(300), Some(3_600), Some(0)]);
        for bad in ["", "5", "m", "-5m", "5 m", "1d", "5µ", "9999999999999999999s", "18446744073709551615h"] {
            assert_eq!(seconds(bad), None, "{bad}");
        }
        insta::assert_snapshot!(every("5").unwrap_err(), @r#""5" is no time; write it as 30s, 5m or 1h"#);
        insta::assert_snapshot!(every("9s").unwrap_err(), @"9s is too often; 10s is the shortest");
    }
}
