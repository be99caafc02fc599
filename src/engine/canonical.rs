//! Defines one spelling for values that can be written in several: lists inside strings, durations, ids, address ranges,
//! moments.
//!
//! Graph returns some of them in varying spellings, and people write them as they like. Two spellings of one value are no
//! difference.

use std::collections::BTreeSet;
use std::net::IpAddr;

use jiff::Timestamp;

/// Tells how a string is interpreted, as the schema says (`format`, `x-entra-words`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Form {
    /// Every character counts.
    #[default]
    Verbatim,
    /// A list whose order means nothing, joined by this separator: a set of flags, the scopes of a grant.
    Words(String),
    /// An ISO 8601 duration, as `Edm.Duration` has it.
    Duration,
    /// A point in time (RFC 3339).
    Time,
    /// A GUID, whose case means nothing.
    Guid,
    /// An address range, as in `2001:db8::/32`.
    AddressRange,
}

impl Form {
    /// Returns the form that a schema's node demands, if it demands one.
    pub fn of(format: Option<&str>, words: Option<&str>) -> Option<Form> {
        match (format, words) {
            (_, Some(separator)) => Some(Form::Words(separator.to_owned())),
            (Some("duration"), _) => Some(Form::Duration),
            (Some("date-time"), _) => Some(Form::Time),
            (Some("uuid"), _) => Some(Form::Guid),
            (Some("ip-range"), _) => Some(Form::AddressRange),
            _ => None,
        }
    }

    /// Returns true if `text` is a duration, as `Edm.Duration` has it.
    pub fn is_duration(text: &str) -> bool {
        duration(text).is_some()
    }

    /// Returns true if `text` is a point in time with its offset, as `Edm.DateTimeOffset` has it.
    pub fn is_time(text: &str) -> bool {
        moment(text).is_some()
    }

    /// Returns true if `text` is an address range whose length fits its family.
    pub fn is_address_range(text: &str) -> bool {
        let Some((address, bits)) = text.split_once('/') else { return false };
        let most = match address.trim().parse() {
            Ok(IpAddr::V4(_)) => 32,
            Ok(IpAddr::V6(_)) => 128,
            Err(_) => return false,
        };
        bits.trim().parse::<u8>().is_ok_and(|bits| bits <= most)
    }

    /// Returns the canonical spelling of `text`; `None` if it is canonical already, or not of this form.
    pub fn canonical(&self, text: &str) -> Option<String> {
        let written = match self {
            Form::Verbatim => None,
            Form::Words(separator) => Some(words(text, separator)),
            Form::Duration => duration(text),
            Form::Time => moment(text),
            Form::Guid => guid(text),
            Form::AddressRange => address_range(text),
        };
        written.filter(|written| written != text)
    }
}

fn words(text: &str, separator: &str) -> String {
    let all: BTreeSet<&str> = match separator.trim() {
        "" => text.split_whitespace().collect(),
        mark => text.split(mark).map(str::trim).filter(|word| !word.is_empty()).collect(),
    };
    all.into_iter().collect::<Vec<_>>().join(separator)
}

/// Returns the canonical spelling of a duration. A day has 24 hours in `xsd:dayTimeDuration`, which `Edm.Duration` is;
/// months and years have no fixed length and stay.
/// <https://www.w3.org/TR/xmlschema11-2/#dayTimeDuration>
fn duration(text: &str) -> Option<String> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text),
    };
    let rest = rest.strip_prefix('P')?;
    let (date, time) = rest.split_once('T').unwrap_or((rest, ""));
    let (mut long, mut seconds) = (String::new(), 0_u64);
    let mut fraction = "";
    for (part, is_time) in [(date, false), (time, true)] {
        let mut left = part;
        while !left.is_empty() {
            let end = left.find(|c: char| c.is_ascii_alphabetic())?;
            let (number, unit) = (&left[..end], left[end..].chars().next()?);
            left = &left[end + 1..];
            let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
            if !decimals.is_empty() && unit != 'S' {
                return None;
            }
            let count: u64 = whole.parse().ok()?;
            let length = match (unit, is_time) {
                ('Y', false) | ('M', false) => {
                    if count > 0 {
                        long.push_str(&format!("{count}{unit}"));
                    }
                    continue;
                }
                ('W', false) => 7 * 86_400,
                ('D', false) => 86_400,
                ('H', true) => 3_600,
                ('M', true) => 60,
                ('S', true) => {
                    fraction = decimals.trim_end_matches('0');
                    1
                }
                _ => return None,
            };
            seconds = seconds.checked_add(count.checked_mul(length)?)?;
        }
    }
    let mut out = format!("{sign}P{long}");
    let (days, hours, minutes, rest) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    if days > 0 {
        out.push_str(&format!("{days}D"));
    }
    let mut clock = String::new();
    for (count, unit) in [(hours, 'H'), (minutes, 'M')] {
        if count > 0 {
            clock.push_str(&format!("{count}{unit}"));
        }
    }
    match (rest, fraction) {
        (0, "") => {}
        (_, "") => clock.push_str(&format!("{rest}S")),
        _ => clock.push_str(&format!("{rest}.{fraction}S")),
    }
    if !clock.is_empty() {
        out.push_str(&format!("T{clock}"));
    }
    Some(if out.ends_with('P') { "PT0S".to_owned() } else { out })
}

fn moment(text: &str) -> Option<String> {
    // Only a text that names its offset is a moment.
    text.parse::<Timestamp>().ok().map(|moment| moment.to_string())
}

fn guid(text: &str) -> Option<String> {
    let is_guid = text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
    is_guid.then(|| text.to_ascii_lowercase())
}

/// Returns the canonical spelling of an address range, by RFC 5952 for IPv6:
/// <https://www.rfc-editor.org/rfc/rfc5952#section-4>
fn address_range(text: &str) -> Option<String> {
    let (address, bits) = text.split_once('/')?;
    let address: IpAddr = address.trim().parse().ok()?;
    let bits: u8 = bits.trim().parse().ok()?;
    Some(format!("{address}/{bits}"))
}

/// Returns the length of an ISO 8601 duration in seconds. A month counts as the longest one and a year as a leap year; a
/// text that is no duration counts as infinite.
pub fn seconds(duration: &str) -> u64 {
    let rest = duration.strip_prefix('P').unwrap_or("?");
    let (date, time) = rest.split_once('T').unwrap_or((rest, ""));
    let mut sum = 0_u64;
    for (part, units) in [
        (date, &[('Y', 366 * 86_400), ('M', 31 * 86_400), ('W', 7 * 86_400), ('D', 86_400)][..]),
        (time, &[('H', 3_600), ('M', 60), ('S', 1)][..]),
    ] {
        for piece in part.split_inclusive(|letter: char| letter.is_ascii_alphabetic()) {
            let unit = units.iter().find(|(letter, _)| piece.ends_with(*letter));
            let count = piece.get(..piece.len().saturating_sub(1)).and_then(|count| count.parse::<u64>().ok());
            let Some(((_, length), count)) = unit.zip(count) else { return u64::MAX };
            sum = sum.saturating_add(count.saturating_mul(*length));
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(form: &Form, texts: &[&str]) -> String {
        let one = |text: &&str| form.canonical(text).unwrap_or_else(|| (*text).to_owned());
        texts.iter().map(one).collect::<Vec<_>>().join(" · ")
    }

    #[test]
    fn two_spellings_of_one_value_become_one() {
        let flags = Form::Words(",".to_owned());
        insta::assert_snapshot!(shown(&flags, &["internalGuest, b2bCollaborationGuest", "b2bCollaborationGuest,internalGuest"]), @"b2bCollaborationGuest,internalGuest · b2bCollaborationGuest,internalGuest");
        let scopes = Form::Words(" ".to_owned());
        insta::assert_snapshot!(shown(&scopes, &[" User.Read  Mail.Read", "Mail.Read User.Read"]), @"Mail.Read User.Read · Mail.Read User.Read");
        insta::assert_snapshot!(shown(&Form::Duration, &["PT24H", "P1D", "PT1440M", "P1W", "PT0S", "P0D", "PT8H30M", "P1Y2M", "P180D", "PT1.500S", "4 hours", "P1H"]), @"P1D · P1D · P1D · P7D · PT0S · PT0S · PT8H30M · P1Y2M · P180D · PT1.5S · 4 hours · P1H");
        insta::assert_snapshot!(shown(&Form::Time, &["2026-01-01T00:00:00.0000000+00:00", "2026-01-01T02:00:00+02:00", "2026-01-01T00:00:00.1200000Z", "9999-12-31T23:59:59.9999999Z", "2026-01-01", "0001-01-01T08:00:00Z"]), @"2026-01-01T00:00:00Z · 2026-01-01T00:00:00Z · 2026-01-01T00:00:00.12Z · 9999-12-31T23:59:59.9999999Z · 2026-01-01 · 0001-01-01T08:00:00Z");
        insta::assert_snapshot!(shown(&Form::Guid, &["16D53B8B-0703-415A-A027-0E2BA97F6333", "All"]), @"16d53b8b-0703-415a-a027-0e2ba97f6333 · All");
        insta::assert_snapshot!(shown(&Form::AddressRange, &["2001:0DB8:0:0::/32", "192.0.2.0/24", "not a range"]), @"2001:db8::/32 · 192.0.2.0/24 · not a range");
    }

    #[test]
    fn durations_are_compared_by_length() {
        assert!(seconds("PT8H") < seconds("P1D"));
        assert!(seconds("P30D") < seconds("P1M") && seconds("P365D") < seconds("P1Y"));
        assert_eq!(seconds("PT1H30M"), 5_400);
        assert_eq!(seconds("for ever"), u64::MAX);
    }
}
