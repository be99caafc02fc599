//! Parses spans of time as people write them: `36h`, `90 minutes`, `1w 2d`.

use jiff::SignedDuration;

/// Parses a span of time, as `2d`, `36h`, `90 minutes`, `1w 2d`; `None` if the text is none.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read() {
        let shown: Vec<String> = ["24h", "1w 2d", "90 minutes", "1d, 30m", "59s", "soon", "12", ""]
            .into_iter()
            .map(|text| {
                format!("{text:?}: {}", span(text).map_or("none".to_owned(), |span| span.as_secs().to_string()))
            })
            .collect();
        insta::assert_snapshot!(shown.join("\n"), @r#"
        "24h": 86400
        "1w 2d": 777600
        "90 minutes": 5400
        "1d, 30m": 88200
        "59s": 59
        "soon": none
        "12": none
        "": none
        "#);
    }
}
