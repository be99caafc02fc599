//! Spans of time as people write them: `36h`, `90 minutes`, `1w 2d`.

use jiff::SignedDuration;

/// `2d`, `36h`, `90 minutes`, `1w 2d`; `None` if it is no span of time.
pub fn span(text: &str) -> Option<SignedDuration> {
    let mut total = SignedDuration::ZERO;
    let mut rest = text.trim().trim_start_matches('p').trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let count: i64 = rest[..digits].parse().ok()?;
        let unit = rest[digits..].trim_start();
        let end = unit.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(unit.len());
        let seconds = match &unit[..end] {
            "s" | "sec" | "secs" | "second" | "seconds" => 1,
            "m" | "min" | "mins" | "minute" | "minutes" => 60,
            "h" | "hour" | "hours" => 3_600,
            "d" | "day" | "days" => 86_400,
            "w" | "week" | "weeks" => 604_800,
            _ => return None,
        };
        total = total.checked_add(SignedDuration::from_secs(count.checked_mul(seconds)?))?;
        rest = unit[end..].trim_start_matches([' ', ',']);
    }
    Some(total)
}

/// Seconds as people say them, in the two largest units: `3 days 4 hours`, `12 minutes`.
pub fn said(seconds: i64) -> String {
    let units = [("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)];
    let mut left = seconds.max(0);
    let mut parts: Vec<String> = Vec::new();
    for (unit, size) in units {
        let count = left / size;
        left %= size;
        if count > 0 {
            parts.push(if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") });
        }
        if parts.len() == 2 || (parts.len() == 1 && count == 0) {
            break;
        }
    }
    if parts.is_empty() { "0 seconds".to_owned() } else { parts.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_and_said() {
        let shown: Vec<String> = ["24h", "1w 2d", "90 minutes", "1d 30m", "59s", "0s", "soon", "12"]
            .into_iter()
            .map(|text| {
                format!("{text:?}: {}", span(text).map_or("none".to_owned(), |span| said(span.as_secs())))
            })
            .collect();
        insta::assert_snapshot!(shown.join("\n"), @r#"
        "24h": 1 day
        "1w 2d": 9 days
        "90 minutes": 1 hour 30 minutes
        "1d 30m": 1 day
        "59s": 59 seconds
        "0s": 0 seconds
        "soon": none
        "12": none
        "#);
    }
}
